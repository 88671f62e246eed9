//! The chained record, from outside: it holds, every way to tamper with it shows, and another program finds the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dunlin::store::chain::{GENESIS, RECORD, TEXT};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::dunlin::bare;
use crate::support::python::python;

const MONTH: &str = include_str!("../../examples/month.jsonl");
const PAGE: &str = include_str!("../../docs/LEDGER.md");
const ACCOUNT: &str = "acc-1003";

/// A folder in which the example month was lived through.
struct Month(TempDir);

impl Month {
    fn lived() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("month.jsonl"), MONTH).expect("a folder of our own");
        let month = Self(folder);
        let ran = month.dunlin(
            "run --embedded --events month.jsonl --clock events --until 2026-03-19T00:00:00Z --data data",
        );
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        month
    }

    /// A folder with the same store.
    fn again(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("data")).expect("a folder of our own");
        // A clean end leaves one file.
        let store = "data/dunlin.db";
        fs::copy(self.path(store), folder.path().join(store)).expect("a copy");
        Self(folder)
    }

    fn dunlin(&self, line: &str) -> Output {
        let args: Vec<&str> = line.split_whitespace().collect();
        bare(&args).current_dir(self.0.path()).output().expect("dunlin starts")
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// What somebody with the file and without scruples can do.
    fn tamper(&self, sql: &str) {
        let store = Connection::open(self.path("data/dunlin.db")).expect("the store");
        let guards = "DROP TRIGGER IF EXISTS decisions_never_change;
             DROP TRIGGER IF EXISTS decisions_never_go; PRAGMA foreign_keys = OFF;";
        store.execute_batch(guards).expect("no guards");
        store.execute_batch(sql).expect("SQL");
    }

    /// What `verify` says of the account, and its exit code.
    fn verified(&self) -> (String, Option<i32>) {
        let output = self.dunlin(&format!("ledger verify --data data --account {ACCOUNT}"));
        let text = String::from_utf8(output.stdout).expect("text");
        (text.lines().next().unwrap_or_default().to_owned(), output.status.code())
    }

    fn export(&self, options: &str) -> String {
        let line = format!("ledger export --data data --account {ACCOUNT} {options}");
        let output = self.dunlin(&line);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

/// The id of the account's record with this number.
fn record(number: u64) -> String {
    format!("(SELECT id FROM decisions WHERE account = '{ACCOUNT}' AND number = {number})")
}

#[test]
fn what_was_recorded_verifies_for_every_account() {
    let month = Month::lived();
    let output = month.dunlin("ledger verify --data data --json");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.len() > 20, "{text}");
    assert!(lines.iter().all(|line| line["wrong"].is_null() && line["before"] == 0), "{text}");
    assert!(lines.iter().any(|line| line["records"].as_u64() > Some(5)), "{text}");
}

#[test]
fn every_way_to_tamper_with_a_record_shows() {
    let lived = Month::lived();
    let third = record(3);
    let last = format!("(SELECT max(id) FROM decisions WHERE account = '{ACCOUNT}')");
    let column = |column: &str, value: &str| {
        format!("UPDATE decisions SET {column} = {value} WHERE id = {third}")
    };
    for (sql, said) in [
        (column("body", "replace(body, 'PRE', 'pre')"), "record 3 was changed"),
        (column("at", "at + 1"), "record 3 was changed"),
        (column("causes", "'[{\"source\":\"x\",\"id\":\"y\"}]'"), "record 3 was changed"),
        (column("previous", "zeroblob(32)"), "record 3 was changed"),
        (column("hash", "zeroblob(32)"), "record 3 was changed"),
        (column("number", "NULL"), "a record was inserted behind record 2"),
        (format!("DELETE FROM decision_resources WHERE decision = {third}"), "record 3 was changed"),
        (format!("DELETE FROM decisions WHERE id = {third}"), "record 3 is missing"),
        (format!("DELETE FROM decisions WHERE id = {}", record(1)), "record 1 is missing"),
        (format!("DELETE FROM decisions WHERE id = {last}"), "records at its end are missing"),
        (
            format!(
                "INSERT INTO decisions (account, at, causes, body, number, previous, hash, text_hash)
                 SELECT account, at, causes, body, number, previous, hash, text_hash FROM decisions
                 WHERE id = {third}"
            ),
            "a record was inserted behind",
        ),
        (
            format!("UPDATE ledger_heads SET number = 3, hash = (SELECT hash FROM decisions WHERE id = {third}) WHERE account = '{ACCOUNT}'"),
            "where the chain ends was changed",
        ),
        (format!("DELETE FROM ledger_heads WHERE account = '{ACCOUNT}'"), "where the chain ends"),
        (
            format!("DELETE FROM ledger_heads WHERE account = '{ACCOUNT}';
                DELETE FROM decisions WHERE account = '{ACCOUNT}'"),
            "all of its records are missing",
        ),
        (format!("UPDATE ledger_heads SET before = 2 WHERE account = '{ACCOUNT}'"), "record 1 does not follow"),
        ("UPDATE decision_texts SET text = '{}'".to_owned(), "names and amounts of record 1 were changed"),
        ("DELETE FROM decision_texts".to_owned(), "are gone, and no erasure is on record"),
    ] {
        let month = lived.again();
        assert_eq!(month.verified().1, Some(0));
        month.tamper(&sql);
        let (line, code) = month.verified();
        assert!(line.contains("broken: ") && line.contains(said), "{sql}: {line}");
        assert_eq!(code, Some(1), "{sql}");
    }
}

#[test]
fn the_store_itself_refuses_to_change_or_remove_a_record() {
    let month = Month::lived();
    let store = Connection::open(month.path("data/dunlin.db")).expect("the store");
    for sql in ["UPDATE decisions SET body = '{}'", "DELETE FROM decisions"] {
        let refused = store.execute(sql, []).expect_err("a trigger");
        assert!(refused.to_string().contains("on record"), "{refused}");
    }
}

/// The program of the page.
fn program(folder: &Path) -> PathBuf {
    let block = PAGE.split("```python\n").nth(1).expect("a program");
    let path = folder.join("verify.py");
    fs::write(&path, block.split("```").next().expect("its end")).expect("a folder of our own");
    path
}

#[test]
fn an_export_verifies_with_the_program_of_the_page_and_a_changed_one_does_not() {
    for name in [RECORD, GENESIS, TEXT] {
        assert!(PAGE.contains(name), "{name}");
    }
    let month = Month::lived();
    let program = program(month.0.path());
    let check = |text: &str| {
        let path = month.path("export.jsonl");
        fs::write(&path, text).expect("a folder of our own");
        let output = Command::new(python()).arg(&program).arg(&path).output().expect("Python");
        let both = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(both).expect("text"))
    };
    let plain = month.export("");
    let lines: Vec<&str> = plain.lines().collect();
    let count = lines.len() - 1;
    assert_eq!(check(&plain), (true, format!("{count} records hold\n")));
    assert!(!plain.contains("salt"), "names are left out");
    let full = month.export("--format jsonl --with-texts");
    assert!(full.contains("salt"));
    assert_eq!(check(&full), (true, format!("{count} records hold\n")));

    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(index, _)| *index != gone);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    for (changed, said) in [
        (plain.replacen("PRE-1", "PRE-7", 1), "record 1 does not hold"),
        (without(2), "record 2 does not hold"),
        (without(count), "records at the end are missing"),
        (full.replacen("salt\":\"", "salt\":\"00", 1), "the text of record 1 does not hold"),
    ] {
        let (holds, found) = check(&changed);
        assert!(!holds && found.contains(said), "{said}: {found}");
    }
}
