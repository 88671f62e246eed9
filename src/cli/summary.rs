//! What happened to whom, when, and which files to open: read back from what an embedded run wrote, so that it cannot say more
//! than is there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use crate::dispatch::publish_file::FilePublisher;

/// Resources that are listed before it says how many more there are.
const LIVES_MAX: usize = 100;

/// Prints the summary of a data folder.
///
/// # Errors
///
/// If a file of the folder cannot be read, or standard output cannot be written.
pub(super) fn print(data: &Path) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let text = fs::read_to_string(data.join(FilePublisher::FILE))?;
    let mut events: Vec<Value> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    events.sort_by(|a, b| text_of(a, "time").cmp(text_of(b, "time")));
    write!(out, "{}", summary(&events, data, &files(data)?))
}

/// How many messages there are, and one of them to open.
struct Files {
    mails: usize,
    last_mail: Option<String>,
    texts: usize,
}

fn files(data: &Path) -> io::Result<Files> {
    let folder = data.join("mail");
    let mut mails = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".eml") {
                mails.push(name);
            }
        }
    }
    mails.sort_unstable();
    let texts = fs::read_to_string(data.join("sms.jsonl"))?.lines().count();
    Ok(Files { mails: mails.len(), last_mail: mails.pop(), texts })
}

fn summary(events: &[Value], data: &Path, files: &Files) -> String {
    let mut lines = Vec::new();
    let lives = lives(events);
    let width = lives
        .keys()
        .map(|(account, resource)| account.len() + resource.len() + 1)
        .max()
        .unwrap_or(0);
    lines.extend(lives.iter().take(LIVES_MAX).map(|((account, resource), life)| {
        let who = format!("{account} {resource}");
        format!("  {who:<width$}  {life}")
    }));
    if lives.len() > LIVES_MAX {
        lines.push(format!("  … and {} more", lives.len() - LIVES_MAX));
    }
    lines.push(String::new());
    lines.push("What was told, by notice and channel:".to_owned());
    lines.extend(told(events));
    lines.push(String::new());
    lines.push("What was decided, by kind:".to_owned());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        *kinds.entry(text_of(event, "type")).or_default() += 1;
    }
    lines.extend(kinds.iter().map(|(kind, count)| format!("  {count:>6}  {kind}")));
    lines.push(String::new());
    lines.push("Where to look:".to_owned());
    let data = data.display();
    let example =
        files.last_mail.as_deref().map(|name| format!(", for example {name}")).unwrap_or_default();
    lines.push(format!("  {data}/mail/ holds {} e-mails{example}", files.mails));
    lines.push(format!("  {data}/sms.jsonl holds {} texts", files.texts));
    lines.push(format!(
        "  {data}/{} holds {} state changes and other events",
        FilePublisher::FILE,
        events.len()
    ));
    lines.push(String::new());
    lines.join("\n")
}

/// The way of each resource through its phases, in one line.
fn lives(events: &[Value]) -> BTreeMap<(&str, &str), String> {
    let mut lives: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for event in
        events.iter().filter(|event| text_of(event, "type") == "lifecycle.resource.changed")
    {
        let data = &event["data"];
        let life = lives
            .entry((text_of(data, "account"), text_of(data, "resource")))
            .or_insert_with(|| text_of(data, "from").to_owned());
        let (to, at) = (text_of(data, "to"), minute(text_of(event, "time")));
        life.push_str(&format!(" → {to} {at}"));
    }
    lives
}

/// `03-10 15:30` of an RFC 3339 instant.
fn minute(instant: &str) -> String {
    instant.get(5..16).unwrap_or(instant).replace('T', " ")
}

fn told(events: &[Value]) -> Vec<String> {
    let mut told: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for event in events {
        let data = &event["data"];
        let key = (text_of(data, "notice"), text_of(data, "channel"));
        match text_of(event, "type") {
            "lifecycle.notice.sent" => told.entry(key).or_default().0 += 1,
            "lifecycle.notice.failed" => told.entry(key).or_default().1 += 1,
            _ => {}
        }
    }
    let line = |((notice, channel), (sent, failed)): (&(&str, &str), &(usize, usize))| {
        let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        format!("  {sent:>6}  {notice} by {channel}{failed}")
    };
    told.iter().map(line).collect()
}

fn text_of<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or("")
}
