//! Every type of event out: published by the real program in a story, checked against the printed schema, and read by the
//! `cloudevents` package.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{finished, schemas, types, validator};
use crate::support::dunlin::bare;
use crate::support::python::python;

/// Traces that together publish every type of event out. A type that is missing needs a trace here that publishes it.
const STORIES: [&str; 8] = [
    "prepaid-never-renewed",
    "prepaid-hold-delays-release",
    "prepaid-auto-renewal-paid",
    "subscription-all-five-attempts-fail",
    "subscription-manual-renewals",
    "return-case-1",
    "termination",
    "postpaid-15d-never-paid",
];
/// In a file nothing is one of too many: `pipeline/breaker.rs` reads it.
const ELSEWHERE: &str = "lifecycle.breaker.tripped";
const UNTIL: &str = "2030-01-01T00:00:00Z";

/// The events of the stories, each with accounts of its own, and of one account that nobody can reach.
fn events() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut events: Vec<Value> = Vec::new();
    for (number, story) in STORIES.iter().enumerate() {
        let text = std::fs::read_to_string(root.join(format!("{story}.json"))).expect("a trace");
        let trace: Value = serde_json::from_str(&text).expect("JSON");
        for event in trace["events"].as_array().expect("a list") {
            let mut event = event.clone();
            let account = |name: &Value| json!(format!("{number}-{}", name.as_str().unwrap_or("")));
            event["id"] = account(&event["id"]);
            event["subject"] = account(&event["subject"]);
            event["data"]["account"] = account(&event["data"]["account"]);
            events.push(event);
        }
    }
    let silent = |id: &str, kind: &str, data: Value| {
        json!({"specversion": "1.0", "id": id, "source": "/billing", "type": kind, "subject": "silent",
               "time": "2026-03-01T02:00:00Z", "data": data})
    };
    events.push(silent(
        "silent-is",
        "billing.account.updated",
        json!({"account": "silent", "currency": "CNY", "contacts": [{"name": "Ann", "role": "creator"}]}),
    ));
    events.push(silent(
        "silent-has",
        "billing.resource.activated",
        json!({"account": "silent", "resource": "ins-1", "policy": "tencent-cvm-prepaid",
               "expires_at": "2026-04-01T02:00:00Z"}),
    ));
    events.sort_by_key(|event| event["time"].as_str().map(str::to_owned));
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// Everything that a dunlin publishes that reads the stories, as lines.
fn published(folder: &Path) -> Vec<Value> {
    std::fs::write(folder.join("events.jsonl"), events()).expect("a folder of our own");
    let mut run = bare(&["run", "--embedded", "--clock", "events", "--until", UNTIL]);
    run.current_dir(folder).args(["--events", "events.jsonl", "--data", "data"]);
    finished(&run.output().expect("dunlin starts"));
    let lines = std::fs::read_to_string(folder.join("data/state-changes.jsonl")).expect("a file");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_message_of_every_type_follows_its_schema_and_is_read_by_a_foreign_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let published = published(folder.path());
    let schemas = schemas();
    for message in &published {
        let name = message["type"].as_str().expect("a type");
        let schema = schemas.get(name).unwrap_or_else(|| panic!("{name} has no schema"));
        if let Err(error) = validator(schema).validate(&message["data"]) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
    }
    let seen: BTreeSet<&str> = published.iter().filter_map(|one| one["type"].as_str()).collect();
    let known = types(&schemas, "lifecycle.");
    let known = known.iter().filter(|name| **name != ELSEWHERE);
    assert!(known.map(String::as_str).eq(seen.iter().copied()), "published: {seen:?}");

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/read_events.py");
    let lines = folder.path().join("data/state-changes.jsonl");
    let read = Command::new(python()).arg(script).arg(lines).output().expect("python starts");
    let read = finished(&read);
    let read: Vec<Value> =
        read.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(read.len(), published.len());
    for (theirs, ours) in read.iter().zip(&published) {
        for attribute in ["id", "source", "type", "subject", "partitionkey", "sequence", "data"] {
            assert_eq!(theirs[attribute], ours[attribute], "{attribute} of {ours}");
        }
    }
}
