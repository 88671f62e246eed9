//! A timeline as a table for a terminal.

use super::words::{Said, assumptions, clocks, local, relative, said, zone_offset};
use super::{Entry, Timeline};
use crate::policy::words::plain;

/// Columns that do not grow: what stands left of the details.
const GAP: &str = "  ";

/// The table, each line ended.
pub fn table(timeline: &Timeline) -> String {
    let key = &timeline.policy;
    let mut text = format!("{} version {}: {}\n", key.id, key.version, plain(&timeline.title));
    text += &format!("{}; {}\n\n", assumptions(timeline), clocks(timeline));
    let rows: Vec<Row> = timeline.entries.iter().map(|entry| row(entry, timeline)).collect();
    let width = |cell: fn(&Row) -> &str| {
        rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0)
    };
    let (when, from) = (width(|row| &row.when), width(|row| &row.relative));
    let topic = width(|row| row.said.topic.name());
    let mut last: Option<&Row> = None;
    for row in &rows {
        let again = last.is_some_and(|last| last.when == row.when);
        let (time, relative) = if again { ("", "") } else { (&*row.when, &*row.relative) };
        let name = row.said.topic.name();
        let left = format!("{time:<when$}{GAP}{relative:<from$}{GAP}{name:<topic$}{GAP}");
        text += &format!("{left}{}\n", plain(&row.said.line()));
        let indent = left.chars().count() + GAP.len();
        for detail in &row.said.details {
            text += &format!("{:indent$}{}\n", "", plain(detail));
        }
        last = Some(row);
    }
    if rows.is_empty() {
        text += "nothing happens\n";
    }
    text
}

struct Row {
    when: String,
    relative: String,
    said: Said,
}

fn row(entry: &Entry, timeline: &Timeline) -> Row {
    let zone = timeline.zone;
    Row {
        when: format!("{} {}", local(entry.at, zone), zone_offset(entry.at, zone)),
        relative: relative(timeline, entry.at),
        said: said(entry, timeline),
    }
}

#[cfg(test)]
mod tests {
    use super::super::collect;
    use super::super::tests::{policy, story};
    use super::*;

    #[test]
    fn a_prepaid_resource_that_nobody_renews() {
        let timeline = collect(&policy("tencent-cvm-prepaid"), &story()).expect("a timeline");
        insta::assert_snapshot!(table(&timeline));
    }

    #[test]
    fn a_postpaid_resource_that_nobody_pays_for() {
        let timeline = collect(&policy("tencent-cvm-postpaid-15d"), &story()).expect("a timeline");
        insta::assert_snapshot!(table(&timeline));
    }

    #[test]
    fn text_of_a_file_cannot_steer_the_terminal() {
        let mut policy = policy("tencent-cvm-prepaid");
        policy.title = "a\u{1b}[2Jb\nE+99d".to_owned();
        let text = table(&collect(&policy, &story()).expect("a timeline"));
        assert!(text.starts_with("tencent-cvm-prepaid version 1: a [2Jb E+99d\n"), "{text}");
    }
}
