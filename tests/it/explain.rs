//! `dunlin explain`, from outside: what the page shows is what is printed, and that nobody can be read out of it.
//! `explain/foreseen.rs` holds what it foresees against what then happens; `explain/held.rs` is a worker whose releases are held.

mod foreseen;
mod held;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;

use dunlin::engine::id::ResourceId;
use dunlin::explain::{ExplainError, Question, explain, text};
use dunlin::store::sqlite::{SqliteReader, SqliteStore};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::dunlin::bare;

const MONTH: &str = include_str!("../../examples/month.jsonl");
const PAGE: &str = include_str!("../../docs/EXPLAIN.md");
const UNTIL: &str = "2026-03-19T00:00:00Z";

fn dunlin(folder: &Path, line: &str) -> Output {
    let args: Vec<&str> = line.split_whitespace().collect();
    bare(&args).current_dir(folder).output().expect("dunlin starts")
}

/// A folder with the example month in `var/march`, lived through up to an instant.
fn month(until: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("examples")).expect("a folder of our own");
    fs::write(folder.path().join("examples/month.jsonl"), MONTH).expect("a folder of our own");
    let run =
        "run --embedded --events examples/month.jsonl --clock events --data var/march --until";
    let ended = dunlin(folder.path(), &format!("{run} {until}"));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    folder
}

/// What it prints and says, and its exit code.
fn said(output: &Output) -> (String, Option<i32>) {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    (String::from_utf8(both).expect("text"), output.status.code())
}

fn json(folder: &Path, line: &str) -> Value {
    let (text, code) = said(&dunlin(folder, line));
    assert_eq!(code, Some(0), "{text}");
    serde_json::from_str(&text).expect("JSON")
}

fn events() -> impl Iterator<Item = Value> {
    MONTH.lines().map(|line| serde_json::from_str(line).expect("JSON"))
}

#[test]
fn the_page_shows_what_the_program_prints() {
    let folder = month(UNTIL);
    held::live(folder.path());
    let (mut shown, mut failed) = (0, 0);
    for block in PAGE.split("```console\n").skip(1) {
        let block = block.split("```").next().expect("a block ends");
        let (command, expected) = block.split_once('\n').expect("a command and what it prints");
        let command = command.strip_prefix("$ dunlin ").expect("a command of dunlin");
        if command.starts_with("run ") {
            assert!(command.ends_with(&format!("--until {UNTIL}")), "{command}");
            continue;
        }
        let (printed, code) = said(&dunlin(folder.path(), command));
        assert_eq!(printed, expected, "{command}");
        shown += 1;
        failed += usize::from(code != Some(0));
    }
    assert_eq!((shown, failed), (6, 1), "one released, three held, one active; one unknown");
}

#[test]
fn no_address_number_or_name_of_a_person_is_in_any_explanation() {
    let folder = month("2026-04-20T00:00:00Z");
    let mut secrets = BTreeSet::new();
    let mut resources = BTreeSet::new();
    for event in events() {
        for contact in event["data"]["contacts"].as_array().into_iter().flatten() {
            for key in ["name", "email", "phone"] {
                secrets.extend(contact[key].as_str().map(str::to_owned));
            }
        }
        if event["type"] == "billing.account.updated" {
            secrets.extend(event["data"]["name"].as_str().map(str::to_owned));
        }
        if event["type"].as_str().is_some_and(|kind| kind.starts_with("billing.resource.")) {
            resources.extend(event["data"]["resource"].as_str().map(str::to_owned));
        }
    }
    assert!(secrets.len() > 100 && resources.len() > 60);
    let store = folder.path().join("var/march/dunlin.db");
    let reader = SqliteReader::at_one_commit(&store, &Default::default()).expect("a store");
    let mut masked = 0;
    for resource in resources {
        let at = "2026-04-20T00:00:00Z".parse().expect("an instant");
        let resource = ResourceId::new(resource);
        let question = Question { resource, account: None, at, is_past: false };
        let explanation = explain(&reader, &question).expect("it is known");
        let json = serde_json::to_string(&explanation).expect("JSON");
        let all = text(&explanation) + &json;
        masked += all.matches("…@").count() + all.matches("+86…").count();
        for secret in &secrets {
            assert!(!all.contains(secret.as_str()), "{secret} in {}", explanation.resource);
        }
    }
    assert!(masked > 1000, "somebody was told: {masked}");
}

#[test]
fn as_json_it_says_the_same_for_a_program() {
    let folder = month(UNTIL);
    let held = json(folder.path(), "explain ins-1017-archive-1 --data var/march --json");
    assert_eq!(held["place"]["phase"], "recycled");
    assert_eq!(held["place"]["since"], "2026-03-05T08:20:00Z");
    assert_eq!(held["held"]["to"], "released");
    assert_eq!(held["held"]["since"], "2026-03-12T16:00:00Z");
    let hold = &held["holds"][0];
    assert_eq!(
        (&hold["hold"], &hold["event"]["type"]),
        (&"hold-2026-031".into(), &"billing.hold.placed".into())
    );
    assert_eq!(held["policy"]["version"], 1);
    let active = json(folder.path(), "explain ins-1003-web-2 --data var/march --json");
    let last = active["decisions"].as_array().and_then(|all| all.last()).expect("decisions");
    assert_eq!(last["caused_by"][0]["id"], "evt-02257");
    assert_eq!(last["caused_by"][0]["type"], "billing.renewal.requested");
    assert_eq!(active["told"][0]["deliveries"][0]["state"], "sent");
}

#[test]
fn at_an_earlier_instant_it_says_what_was_on_record_and_what_nobody_knows_any_more() {
    let folder = month("2026-04-20T00:00:00Z");
    let line = "explain ins-1017-archive-1 --data var/march --json --at";
    let then = json(folder.path(), &format!("{line} {UNTIL}"));
    assert_eq!(
        (&then["place"]["phase"], &then["held"]["to"]),
        (&"recycled".into(), &"released".into())
    );
    assert_eq!(then["holds"][0]["hold"], "hold-2026-031", "it was lifted the day after");
    assert_eq!((&then["next"], &then["facts"]), (&Value::Null, &Value::Null));
    let reason = then["not_known"][0].as_str().expect("a reason");
    assert!(reason.contains("it entered the phase it is in at 2026-03-20T06:00:14Z"), "{reason}");
    let first = json(folder.path(), &format!("{line} 2026-03-01T00:00:00Z"));
    assert_eq!(
        (&first["place"]["phase"], &first["decisions"]),
        (&"active".into(), &Value::Array(vec![]))
    );
    assert_eq!(first["holds"], Value::Array(vec![]), "it was placed later");
    let (early, code) = said(&dunlin(folder.path(), &format!("{line} 2026-01-01T00:00:00Z")));
    assert!(code == Some(1) && early.contains("there was no resource"), "{early}");
}

#[test]
fn it_reads_beside_a_worker_and_makes_no_store() {
    let folder = month(UNTIL);
    let store = folder.path().join("var/march/dunlin.db");
    let worker = SqliteStore::open(&store, Default::default()).expect("nobody else has it");
    let before = fs::read(&store).expect("the store");
    let (text, code) = said(&dunlin(folder.path(), "explain ins-1004-app-1 --data var/march"));
    assert!(code == Some(0) && text.contains("has been released since"), "{text}");
    assert_eq!(fs::read(&store).expect("the store"), before);
    drop(worker);
    let (text, code) = said(&dunlin(folder.path(), "explain ins-1004-app-1 --data var/april"));
    assert!(code == Some(1) && text.contains("there is no store var/april/dunlin.db"), "{text}");
    assert!(!folder.path().join("var/april").exists());
    let older = folder.path().join("older");
    fs::create_dir(&older).expect("a folder of our own");
    drop(rusqlite::Connection::open(older.join("dunlin.db")).expect("a file of our own"));
    fs::write(older.join("dunlin.db"), b"").expect("a file of our own");
    let (text, code) = said(&dunlin(folder.path(), "explain ins-1004-app-1 --data older"));
    assert!(code == Some(1) && text.contains("schema version 0"), "{text}");
    assert_eq!(fs::read(older.join("dunlin.db")).expect("the file"), b"", "nothing is migrated");
}

#[test]
fn an_id_that_is_mistyped_at_its_beginning_is_found_too() {
    let folder = month("2026-03-02T00:00:00Z");
    let store = folder.path().join("var/march/dunlin.db");
    let reader = SqliteReader::open(&store, &Default::default()).expect("a store");
    for mistyped in ["1017-archive-1", "ims-1017-archive-1", "zns-1017-archive-1"] {
        let at = "2026-03-02T00:00:00Z".parse().expect("an instant");
        let question = Question { resource: mistyped.into(), account: None, at, is_past: false };
        let Err(ExplainError::Unknown { near, .. }) = explain(&reader, &question) else {
            panic!("{mistyped} is nothing")
        };
        let ids: Vec<_> = near.iter().map(|one| one.resource.as_str()).collect();
        assert!(ids.contains(&"ins-1017-archive-1"), "{mistyped}: {ids:?}");
    }
}
