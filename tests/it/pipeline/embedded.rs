//! The same worker without a broker: events from a file, everything else in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::dunlin::{Home, bare, free_port};
use crate::support::events::{account, ahead, quick};
use crate::support::patience::until;
use crate::support::python::python;

/// Traces that together make every kind of decision. Each gets accounts of its own.
const TRACES: [&str; 8] = [
    "network-out-of-service-and-back",
    "postpaid-15d-never-paid",
    "postpaid-balance-warning-is-strict",
    "prepaid-auto-renewal-not-covered",
    "prepaid-auto-renewal-paid",
    "prepaid-hold-delays-release",
    "prepaid-never-renewed",
    "termination",
];
const UNTIL: &str = "2026-04-01T00:00:00Z";

/// A folder with `events.jsonl`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut events: Vec<Value> =
        TRACES.iter().enumerate().flat_map(|(n, name)| trace(n, name)).collect();
    events.sort_by(|a, b| a["time"].as_str().cmp(&b["time"].as_str()));
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    fs::write(folder.path().join("events.jsonl"), lines).expect("a folder of our own");
    folder
}

fn trace(number: usize, name: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let text = fs::read_to_string(root.join(format!("{name}.json"))).expect("a trace");
    let text = text
        .replace("acc-", &format!("t{number}-acc-"))
        .replace("\"ins-", &format!("\"t{number}-ins-"));
    let mut trace: Value = serde_json::from_str(&text).expect("JSON");
    let Value::Array(events) = trace["events"].take() else { panic!("{name} has events") };
    events
}

fn replay(folder: &Path, data: &str) -> Command {
    let mut command = bare(&["run", "--embedded", "--clock", "events", "--until", UNTIL]);
    // Many commits: a kill comes between two of them, or inside of one.
    command.env("DUNLIN__STORE__GROUP_MAX_EVENTS", "3");
    command.current_dir(folder).args(["--events", "events.jsonl", "--data", data]);
    command
}

fn finished(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Everything that a run leaves behind for others: mails by name, texts and state changes as sorted lines.
struct Left {
    mails: BTreeMap<String, String>,
    texts: Vec<String>,
    changes: Vec<String>,
}

fn left(data: &Path) -> Left {
    let mut mails = BTreeMap::new();
    for file in fs::read_dir(data.join("mail")).expect("a folder of mails") {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("text");
        mails.insert(name, fs::read_to_string(file.path()).expect("a mail"));
    }
    Left {
        mails,
        texts: lines(&data.join("sms.jsonl")),
        changes: lines(&data.join("state-changes.jsonl")),
    }
}

impl Left {
    /// One by one: what differs is shown, not everything.
    fn assert_same(&self, other: &Self) {
        assert!(self.mails.keys().eq(other.mails.keys()), "the same mails");
        for (name, mail) in &self.mails {
            assert_eq!(mail, &other.mails[name], "{name}");
        }
        assert_eq!(self.texts.len(), other.texts.len());
        for (one, two) in self.texts.iter().zip(&other.texts) {
            assert_eq!(one, two);
        }
        assert_eq!(self.changes.len(), other.changes.len());
        for (one, two) in self.changes.iter().zip(&other.changes) {
            assert_eq!(one, two);
        }
    }
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_replay_writes_what_simulate_says_as_files_that_others_can_read() {
    let folder = folder();
    let summary = finished(&replay(folder.path(), "data").output().expect("dunlin starts"));
    let left = left(&folder.path().join("data"));
    for piece in
        ["t6-ins-1", "expiry-warning", "data/mail/", "data/sms.jsonl", "data/state-changes.jsonl"]
    {
        assert!(summary.contains(piece), "{piece}: {summary}");
    }
    assert!(summary.contains(&format!("{} e-mails", left.mails.len())), "{summary}");

    let mut simulate = bare(&["simulate", "--until", UNTIL, "events.jsonl"]);
    let trace = finished(&simulate.current_dir(folder.path()).output().expect("dunlin starts"));
    let trace: Vec<Value> =
        trace.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let decided = |line: &&Value| line["kind"] != "notice";
    let mut expected: Vec<String> = trace.iter().filter(decided).map(Value::to_string).collect();
    expected.sort_unstable();
    let published: Vec<Value> =
        left.changes.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut actual: Vec<String> =
        published.iter().filter_map(as_trace).map(|line| line.to_string()).collect();
    actual.sort_unstable();
    assert_eq!(actual, expected);
    let kinds: BTreeSet<&str> = trace.iter().filter_map(|line| line["kind"].as_str()).collect();
    let all = ["charge", "held", "notice", "rejected", "renewal", "transition"];
    assert!(kinds.iter().copied().eq(all), "worth comparing: {kinds:?}");

    // Each notice once for each of its two contacts and two channels.
    let mut announced: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in trace.iter().filter(|line| line["kind"] == "notice") {
        *announced.entry((text(line, "account"), text(line, "notice"))).or_default() += 4;
    }
    let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in published.iter().filter(|event| event["type"] == "lifecycle.notice.sent") {
        *told
            .entry((text(&event["data"], "account"), text(&event["data"], "notice")))
            .or_default() += 1;
    }
    assert_eq!(told, announced);
    let notices: usize = announced.values().sum();
    assert_eq!((left.mails.len(), left.texts.len()), (notices / 2, notices / 2));
    check_mails(&folder.path().join("data/mail"), notices / 2);
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// The line of a trace that an event out stands for.
fn as_trace(event: &Value) -> Option<Value> {
    let (kind, keys): (_, &[&str]) = match text(event, "type") {
        "lifecycle.resource.changed" => ("transition", &["from", "to"]),
        "lifecycle.charge.requested" => ("charge", &["attempt"]),
        "lifecycle.renewal.decided" => ("renewal", &["expires_at"]),
        "lifecycle.request.rejected" => ("rejected", &["request", "code"]),
        "lifecycle.transition.held" => ("held", &["to", "because"]),
        _ => return None,
    };
    let mut line = json!({"at": event["time"], "kind": kind});
    for key in ["account", "resource"].iter().chain(keys) {
        if !event["data"][key].is_null() {
            line[key] = event["data"][key].clone();
        }
    }
    Some(line)
}

fn check_mails(folder: &Path, count: usize) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/eml.py");
    let read = Command::new(python()).arg(script).arg(folder).output().expect("python starts");
    let read = finished(&read);
    let mails: Vec<Value> =
        read.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(mails.len(), count);
    for mail in &mails {
        assert_eq!(
            (&mail["defects"], &mail["type"]),
            (&json!([]), &json!("multipart/alternative"))
        );
        let types: Vec<&str> = mail["parts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|part| part[0].as_str().expect("text"))
            .collect();
        assert_eq!(types, ["text/plain", "text/html"]);
        for header in
            ["Subject", "Date", "From", "To", "Message-ID", "References", "Content-Language"]
        {
            assert!(!text(&mail["headers"], header).is_empty(), "{mail:#}");
        }
        assert!(text(mail, "file").ends_with(".eml"));
    }
}

#[test]
fn a_replay_that_is_killed_again_and_again_ends_with_the_same_files_and_lines() {
    let folder = folder();
    finished(&replay(folder.path(), "whole").output().expect("dunlin starts"));
    let whole = left(&folder.path().join("whole"));
    let data = folder.path().join("killed");
    let lines = || lines(&data.join("state-changes.jsonl")).len();
    let mut hits = 0;
    for eighth in 0..8 {
        let enough = whole.changes.len() * eighth / 8;
        let mut dunlin = replay(folder.path(), "killed")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dunlin starts");
        let ended = until("work to interrupt", || {
            let ended = dunlin.try_wait().expect("a child of ours");
            (ended.is_some() || (data.join("dunlin.db").exists() && lines() >= enough))
                .then_some(ended)
        });
        hits += usize::from(ended.is_none());
        // A process that ended by itself needs no kill.
        let _gone = dunlin.kill();
        dunlin.wait().expect("a child of ours");
    }
    assert!(hits >= 6, "only {hits} of 8 kills hit a run at work");
    for _ in 0..2 {
        // The second time there is nothing left to do.
        finished(&replay(folder.path(), "killed").output().expect("dunlin starts"));
        left(&data).assert_same(&whole);
    }
}

#[test]
fn events_from_standard_input_do_the_same_as_from_a_file() {
    let folder = folder();
    finished(&replay(folder.path(), "file").output().expect("dunlin starts"));
    let mut command = bare(&["run", "--embedded", "--clock", "events", "--until", UNTIL]);
    command.current_dir(folder.path()).args(["--events", "-", "--data", "stdin"]);
    let mut dunlin = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dunlin starts");
    let events = fs::read(folder.path().join("events.jsonl")).expect("the events");
    dunlin.stdin.take().expect("piped").write_all(&events).expect("dunlin reads");
    finished(&dunlin.wait_with_output().expect("dunlin ends"));
    left(&folder.path().join("stdin")).assert_same(&left(&folder.path().join("file")));
}

#[test]
fn by_the_wall_clock_it_goes_on_after_the_file_and_does_what_becomes_due() {
    let home = Home::new(free_port(), free_port(), "wall");
    let events = [account("acc-1"), quick("acc-1", "ins-1", ahead(3000))];
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let file = home.write("events.jsonl", &lines);
    let data: PathBuf = home.write("data", "");
    fs::remove_file(&data).expect("a file of our own");
    let (file, data_text) = (file.to_str().expect("text"), data.to_str().expect("text"));
    let dunlin =
        home.start_into(&["run", "--embedded", "--events", file, "--data", data_text], "out");
    let changes = || lines_with(&data.join("state-changes.jsonl"), "lifecycle.resource.changed");
    until("the whole lifecycle", || (changes() == 2).then_some(()));
    until("all of its mails", || {
        let mails = fs::read_dir(data.join("mail")).ok()?.count();
        (mails == 4 && lines_with(&data.join("sms.jsonl"), "\"id\"") == 4).then_some(())
    });
    assert_eq!(dunlin.page("/readyz").expect("it answers").0, 200);
    assert!(dunlin.stop().success(), "{}", home.log());
}

fn lines_with(path: &Path, piece: &str) -> usize {
    lines(path).iter().filter(|line| line.contains(piece)).count()
}
