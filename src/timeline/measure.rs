//! How wide text is, at most: a picture is laid out without a font, and must hold with whichever the reader has.
//!
//! The widths are those of a wide sans-serif (DejaVu Sans, Verdana); narrower fonts leave air.

/// Hundredths of the font size.
fn advance(character: char) -> i32 {
    match character {
        'i' | 'j' | 'l' | '\'' | '|' => 30,
        ' ' | '.' | ',' | ':' | ';' | '!' => 34,
        'f' | 't' | 'r' | '-' | '(' | ')' | '[' | ']' | '/' | 'I' => 43,
        '_' | 's' | 'c' | 'z' | 'J' => 56,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 102,
        '→' | '=' | '+' | '<' | '>' | '#' | 'N' | 'O' | 'Q' | 'G' | 'D' | 'H' | 'U' => 86,
        'A'..='Z' => 72,
        '\u{20}'..='\u{7e}' => 65,
        // What is not Latin may be as wide as it is high.
        '\u{a0}'..='\u{2e7f}' => 85,
        _ => 110,
    }
}

/// The width of one line in pixels, rounded up.
pub(super) fn width(text: &str, size: i32, bold: bool) -> i32 {
    let hundredths: i32 = text.chars().map(advance).sum();
    let weight = if bold { 112 } else { 100 };
    (hundredths * size * weight + 9_999) / 10_000
}

/// Breaks a text into lines of at most `max` pixels, at spaces where there are some.
pub(super) fn wrap(text: &str, size: i32, bold: bool, max: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().flat_map(|word| pieces(word, size, bold, max)) {
        let longer = if line.is_empty() { word.clone() } else { format!("{line} {word}") };
        if width(&longer, size, bold) <= max {
            line = longer;
        } else {
            lines.push(std::mem::replace(&mut line, word));
        }
    }
    lines.push(line);
    lines.retain(|line| !line.is_empty());
    lines
}

/// A word that is wider than a line, cut into pieces that are not.
fn pieces(word: &str, size: i32, bold: bool, max: i32) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for character in word.chars() {
        piece.push(character);
        if width(&piece, size, bold) > max && piece.chars().count() > 1 {
            piece.pop();
            pieces.push(std::mem::replace(&mut piece, character.to_string()));
        }
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_asked_and_nothing_is_lost() {
        for text in
            ["detached: load_balancer, elastic_ip, elastic_disk", "永久删除", &"x".repeat(90)]
        {
            let lines = wrap(text, 11, false, 120);
            assert!(lines.iter().all(|line| width(line, 11, false) <= 120), "{lines:?}");
            let kept: String = lines.concat().split_whitespace().collect();
            assert_eq!(kept, text.split_whitespace().collect::<String>());
        }
        assert_eq!(wrap("one two", 11, false, 400), ["one two"]);
        assert_eq!(wrap("  ", 11, false, 400), [""; 0]);
    }

    #[test]
    fn bold_text_is_wider() {
        assert!(width("stopped", 11, true) > width("stopped", 11, false));
    }
}
