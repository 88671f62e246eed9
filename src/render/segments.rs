//! How many parts a text message takes: GSM 03.38 with its extension table, else UCS-2.
//!
//! Counts by the standard, with the six-octet header of concatenated messages. Gateways that count otherwise are the
//! channel's business.

/// How a message is encoded on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GSM 7-bit default alphabet.
    Gsm7,
    /// UTF-16 code units.
    Ucs2,
}

impl Encoding {
    /// As it is called in previews.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }

    /// Units that fit in a message of one part, and in each part of a longer one.
    pub fn capacity(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    /// Units that one character takes.
    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm7 if EXTENSION.contains(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }
}

/// What a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Its encoding.
    pub encoding: Encoding,
    /// Septets or UTF-16 code units, without the padding where a character would be split.
    pub units: usize,
    /// Parts; an empty message takes one.
    pub segments: usize,
}

/// The default alphabet without the letters and digits of ASCII.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Characters of two septets: the escape and one more.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Whether `character` can be sent without turning the message into UCS-2.
pub fn is_gsm7(character: char) -> bool {
    character.is_ascii_alphanumeric() || BASIC.contains(character) || EXTENSION.contains(character)
}

/// Measures `text`. A character of two units is never split across parts.
pub fn size(text: &str) -> Size {
    let encoding = if text.chars().all(is_gsm7) { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let units = text.chars().map(|character| encoding.units(character)).sum();
    let (alone, part) = encoding.capacity();
    let segments = if units <= alone { 1 } else { parts(text, encoding, part) };
    Size { encoding, units, segments }
}

fn parts(text: &str, encoding: Encoding, capacity: usize) -> usize {
    let (mut parts, mut used) = (1, 0);
    for units in text.chars().map(|character| encoding.units(character)) {
        if used + units > capacity {
            parts += 1;
            used = 0;
        }
        used += units;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_size(text: &str, encoding: Encoding, units: usize, segments: usize) {
        assert_eq!(size(text), Size { encoding, units, segments }, "{text}");
    }

    #[test]
    fn gsm7_is_160_alone_and_153_a_part() {
        for (length, segments) in
            [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)]
        {
            assert_size(&"a".repeat(length), Encoding::Gsm7, length, segments);
        }
    }

    #[test]
    fn ucs2_is_70_alone_and_67_a_part() {
        for (length, segments) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)]
        {
            assert_size(&"云".repeat(length), Encoding::Ucs2, length, segments);
        }
    }

    #[test]
    fn the_extension_table_takes_two_septets() {
        for character in EXTENSION.chars() {
            assert_size(&character.to_string(), Encoding::Gsm7, 2, 1);
        }
        assert_size(&"€".repeat(80), Encoding::Gsm7, 160, 1);
        assert_size(&format!("{}a", "€".repeat(80)), Encoding::Gsm7, 161, 2);
    }

    #[test]
    fn a_euro_sign_is_not_split_at_septet_153() {
        let fits = format!("{}€{}", "a".repeat(151), "a".repeat(153));
        assert_size(&fits, Encoding::Gsm7, 306, 2);
        let moves = format!("{}€{}", "a".repeat(152), "a".repeat(152));
        assert_size(&moves, Encoding::Gsm7, 306, 3);
    }

    #[test]
    fn a_surrogate_pair_is_two_units_and_is_not_split() {
        assert_size(&"😀".repeat(35), Encoding::Ucs2, 70, 1);
        assert_size(&"😀".repeat(36), Encoding::Ucs2, 72, 2);
        let moves = format!("{}😀{}", "云".repeat(66), "云".repeat(66));
        assert_size(&moves, Encoding::Ucs2, 134, 3);
        let fits = format!("{}😀{}", "云".repeat(65), "云".repeat(67));
        assert_size(&fits, Encoding::Ucs2, 134, 2);
    }

    #[test]
    fn one_character_outside_the_alphabet_turns_the_whole_message() {
        for character in ['’', '“', '–', '…', '\u{a0}', 'ç', '`', '云'] {
            assert_size(&format!("{}{character}", "a".repeat(70)), Encoding::Ucs2, 71, 2);
        }
    }

    #[test]
    fn a_signature_counts() {
        assert_size(&format!("【云】{}", "云".repeat(68)), Encoding::Ucs2, 71, 2);
    }
}
