//! Lengths of time on the command line: `90s`, `15m`, `1h`, `2d`.

use chrono::TimeDelta;

const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

pub(super) fn span(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("`{text}` is no length of time: write 90s, 15m, 1h or 2d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let number: u32 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    TimeDelta::try_seconds(i64::from(number) * seconds).ok_or_else(wrong)
}

/// In the largest two units that it has.
pub(super) fn span_text(span: TimeDelta) -> String {
    let mut rest = span.num_seconds();
    let mut parts = Vec::new();
    for (name, seconds) in UNITS {
        let many = rest / seconds;
        rest %= seconds;
        if many > 0 {
            parts.push(format!("{many}{name}"));
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_and_written_and_nonsense_refused() {
        assert_eq!(span("90s").unwrap(), TimeDelta::seconds(90));
        assert_eq!(span("30d").unwrap(), TimeDelta::days(30));
        for wrong in ["", "h", "1", "-1h", "1y", "1.5h", "1時"] {
            assert!(span(wrong).unwrap_err().contains("90s"), "{wrong}");
        }
        assert_eq!(span_text(TimeDelta::seconds(93_784)), "1d 2h");
        assert_eq!(span_text(TimeDelta::zero()), "0s");
    }
}
