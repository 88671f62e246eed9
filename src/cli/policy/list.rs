//! `dunlin policy list`: a table of the policies that a worker would have.

use std::process::ExitCode;

use crate::policy::{Policies, words};

/// Digits of the hash that are shown: enough to tell two texts apart by eye.
const HASH_DIGITS: usize = 12;

pub(super) fn run(policies: &Policies) -> miette::Result<ExitCode> {
    anstream::print!("{}", table(policies));
    Ok(ExitCode::SUCCESS)
}

fn table(policies: &Policies) -> String {
    let head = ["POLICY", "VERSION", "CLOCK", "ZONE", "HASH", "FROM", "TITLE"].map(str::to_owned);
    let shipped = Policies::shipped();
    let mut rows = vec![head];
    for text in &policies.texts {
        let Some(policy) = policies.set.get(&text.key) else { continue };
        let compiled_in = shipped.texts.iter().any(|one| one.file == text.file);
        rows.push([
            text.key.id.to_string(),
            text.key.version.to_string(),
            words::clock(policy.clock).to_owned(),
            policy.zone.name().to_owned(),
            text.hash.chars().take(HASH_DIGITS).collect(),
            if compiled_in { "compiled in".to_owned() } else { text.file.clone() },
            words::plain(&policy.title),
        ]);
    }
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 7]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_has_a_line_with_where_it_comes_from() {
        let folder = tempfile::tempdir().expect("a folder");
        let shipped = Policies::shipped();
        let second = shipped.texts[0].text.replace("version = 1", "version = 2");
        let file = folder.path().join("second.toml");
        std::fs::write(&file, second).expect("written");
        let table = table(&Policies::with_folder(folder.path()).expect("read"));
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows.len(), shipped.texts.len() + 2, "{table}");
        let cells = |row: &str| row.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let id = shipped.texts[0].key.id.as_str();
        assert_eq!(cells(rows[1])[..4], [id, "1", "expiry", "Asia/Shanghai"], "{table}");
        assert_eq!(cells(rows[1])[4], shipped.texts[0].hash[..12], "{table}");
        assert!(rows[1].contains("compiled in"), "{table}");
        assert!(rows[2].contains(&file.display().to_string()), "{table}");
    }
}
