//! Untrusted words: what customers call things, made safe to stand in one line of a message.
//!
//! Does not escape; that is the catalogue's, by the kind of template.

/// `text` on one line, without what controls the layout or direction of what stands around it, cut to `max` characters.
///
/// A cut text ends in three full stops: an ellipsis would double the price of a text message.
pub(super) fn flat(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !is_steering(*character)) {
        let blank = character.is_whitespace() || character.is_control();
        if !blank {
            line.push(character);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    let line = line.trim_end();
    if line.chars().count() <= max {
        return line.to_owned();
    }
    let kept: String = line.chars().take(max.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// Marks that reorder or hide neighbouring text. The joiners of emoji and of Persian stay.
fn is_steering(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A rendered subject or text message: one line, single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A rendered text part: no trailing spaces, at most one empty line in a row, one line end at the end.
pub(super) fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut empty_lines = 0;
    for line in text.trim().lines().map(str::trim_end) {
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        if !tidied.is_empty() && empty_lines > 0 {
            tidied.push('\n');
        }
        empty_lines = 0;
        tidied.push_str(line);
        tidied.push('\n');
    }
    tidied
}

/// A rendered HTML part: no empty lines and no space around the others.
pub(super) fn dense(html: &str) -> String {
    let mut dense = String::with_capacity(html.len());
    for line in html.lines().map(str::trim).filter(|line| !line.is_empty()) {
        dense.push_str(line);
        dense.push('\n');
    }
    dense
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_line_or_turn_its_neighbours_around() {
        assert_eq!(flat("web\r\nBcc: x@example.com\u{2028}y", 64), "web Bcc: x@example.com y");
        assert_eq!(flat("\u{202e}gnp.exe\u{2066}\u{200b}", 64), "gnp.exe");
        assert_eq!(flat("  a \t b\0 ", 64), "a b");
        assert_eq!(flat("خادم", 64), "خادم");
    }

    #[test]
    fn a_long_name_is_cut_to_its_limit() {
        assert_eq!(flat("abcdefghij", 10), "abcdefghij");
        assert_eq!(flat("abcdefghijk", 10), "abcdefg...");
        assert_eq!(flat("名字名字名字", 5), "名字...");
    }

    #[test]
    fn a_text_part_has_no_gaps() {
        assert_eq!(tidy("\n\na  \n\n\n\nb\n \n"), "a\n\nb\n");
        assert_eq!(dense("<p>\n\n  a\n</p>"), "<p>\na\n</p>\n");
        assert_eq!(one_line(" a\n  b "), "a b");
    }
}
