//! Holds the lines of `table.txt`, one a boundary, with the rule that puts it there.
//!
//! Reads the text; plays nothing itself.

use std::collections::BTreeMap;

use super::play::{around, due, whole};

const TABLE: &str = include_str!("table.txt");

/// A part of the table, and what its lines say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Stories,
    Due,
    Around,
    Whole,
}

/// Every line of the table that does not hold, with what was there instead.
pub(crate) fn failures() -> Vec<String> {
    let (mut part, mut stories) = (Part::Stories, BTreeMap::new());
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut failures = Vec::new();
    for line in lines {
        if let Some(begins) = part_of(line) {
            part = begins;
            continue;
        }
        // Nothing at all is written as a dash.
        let cells: Vec<&str> =
            line.split(" | ").map(|cell| if cell == "-" { "" } else { cell }).collect();
        let held = match (part, &cells[..]) {
            (Part::Stories, [name, story]) => {
                stories.insert(*name, *story);
                Ok(())
            }
            (Part::Due, [_, story, at, what]) => due(told(&stories, story), at, what),
            (Part::Around, [_, story, event, at, before, then, after]) => {
                around(told(&stories, story), event, at, [before, then, after])
            }
            (Part::Whole, [_, story, from, until, what]) => {
                whole(told(&stories, story), from, until, what)
            }
            (Part::Stories | Part::Due | Part::Around | Part::Whole, _) => {
                Err("not as many cells as its part has".to_owned())
            }
        };
        failures.extend(held.err().map(|said| format!("{line}\n    {said}")));
    }
    failures
}

fn part_of(line: &str) -> Option<Part> {
    match line {
        "[stories]" => Some(Part::Stories),
        "[due]" => Some(Part::Due),
        "[around]" => Some(Part::Around),
        "[whole]" => Some(Part::Whole),
        _ => None,
    }
}

/// A story by its name, or as it stands.
fn told<'t>(stories: &BTreeMap<&str, &'t str>, story: &'t str) -> &'t str {
    stories.get(story).copied().unwrap_or(story)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_policy_and_every_part_of_the_table_has_its_boundaries() {
        let rules = |part: &str| TABLE.lines().filter(|line| line.starts_with(part)).count();
        for rule in [
            "PRE-1", "PRE-2", "PRE-3", "PRE-5", "PRE-6", "PRE-8", "POST-1", "POST-2", "POST-3",
            "POST-4", "POST-5", "NET-1", "TERM-1", "TERM-3", "TERM-4", "RET-1", "RET-6", "REN-1",
            "REN-2", "REN-3", "REN-4", "REN-5", "REN-6", "REN-7", "REN-9", "DOWN-1", "SYNC-1",
            "SYNC-2", "SAFE-7", "SAFE-9",
        ] {
            assert!(rules(&format!("{rule} | ")) > 0, "{rule}");
        }
        for part in ["[stories]", "[due]", "[around]", "[whole]"] {
            assert_eq!(rules(part), 1, "{part}");
        }
    }
}
