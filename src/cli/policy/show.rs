//! `dunlin policy show`: a policy in words, or its text.

use std::process::ExitCode;

use crate::engine::policy::Policy;
use crate::policy::words::{self, Section};
use crate::policy::{PolicyText, words::describe};

pub(super) fn run(policy: &Policy, text: &PolicyText, toml: bool) -> miette::Result<ExitCode> {
    if toml {
        anstream::print!("{}", text.text);
    } else {
        let PolicyText { key, file, hash, text: _ } = text;
        let title = words::plain(&policy.title);
        anstream::println!("{} version {}: {title}\n{file}, SHA-256 {hash}", key.id, key.version);
        anstream::print!("{}", sections(&describe(policy)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Headings, aligned lines, and what else there is to know below each.
fn sections(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        text += &format!("\n{}\n", section.title);
        let width = section.lines.iter().map(|line| line.head.chars().count()).max().unwrap_or(0);
        for line in &section.lines {
            text += format!("  {:<width$}  {}", line.head, line.text).trim_end();
            text.push('\n');
            for note in &line.notes {
                text += &format!("  {:<width$}    {note}\n", "");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::words::Line;

    #[test]
    fn lines_of_a_section_stand_below_each_other() {
        let line = |head: &str, note: &str| Line {
            head: head.to_owned(),
            text: "x".to_owned(),
            notes: vec![note.to_owned()],
        };
        let given = [Section { title: "T", lines: vec![line("long", "a"), line("s", "b")] }];
        assert_eq!(sections(&given), "\nT\n  long  x\n          a\n  s     x\n          b\n");
    }
}
