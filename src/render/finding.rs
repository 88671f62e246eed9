//! What is wrong with a template, and where.

use std::fmt;

/// One thing that is wrong. Holds no customer's data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, as a person finds it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// A place in a file: line and column from 1.
pub(super) type Position = (usize, usize);

/// Where `name` stands in `text`, as a name of its own, at or after `from`; `from` if it is not found.
///
/// The parser knows where a tag begins, not where in it a parameter stands.
pub(super) fn position_of(text: &str, name: &str, from: Position) -> Position {
    let start = offset_of(text, from);
    let rest = &text[start..];
    let found = rest.match_indices(name).find(|(index, _)| {
        let before =
            rest[..*index].chars().next_back().or_else(|| text[..start].chars().next_back());
        let after = rest[index + name.len()..].chars().next();
        !before.is_some_and(is_part_of_name) && !after.is_some_and(is_part_of_name)
    });
    found.map_or(from, |(index, _)| position_at(text, start + index))
}

fn is_part_of_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '@' | '$')
}

/// Line and column of a byte of `text`.
pub(super) fn position_at(text: &str, offset: usize) -> Position {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn offset_of(text: &str, (line, column): Position) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(index, _)| index + 1),
    };
    let in_line = text[line_start..].char_indices().nth(column.saturating_sub(1));
    in_line.map_or(text.len(), |(index, _)| line_start + index)
}

/// The one of `known` that is closest to `name`, if one is close.
pub(super) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_whole_and_after_its_tag() {
        let text = "名 {{count}}\n  {{#if (eq counter 1)}}{{count}}{{/if}}";
        assert_eq!(position_of(text, "count", (1, 3)), (1, 5));
        assert_eq!(position_of(text, "count", (2, 3)), (2, 27));
        assert_eq!(position_of(text, "absent", (2, 3)), (2, 3));
    }

    #[test]
    fn the_closest_name_is_close() {
        let known = ["expires_at", "count", "groups"];
        assert_eq!(closest("expire_at", known.into_iter()), Some("expires_at"));
        assert_eq!(closest("zzz", known.into_iter()), None);
    }
}
