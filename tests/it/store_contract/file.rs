//! What only a file can get wrong: its mode, its schema, its readers.

use dunlin::store::sqlite::{SqliteReader, SqliteStore};
use dunlin::store::{Limits, Read as _, StoreError};
use rusqlite::Connection;

use super::samples::account;
use super::{Backend as _, InFile, commit};

/// As a newer dunlin would have left it.
fn add_migration(file: &InFile) {
    let other = Connection::open(file.path()).unwrap();
    other
        .execute(
            "INSERT INTO refinery_schema_history VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')",
            [],
        )
        .unwrap();
}

#[test]
fn a_store_from_a_newer_dunlin_is_refused_and_left_alone() {
    let file = InFile::default();
    drop(file.open());
    add_migration(&file);
    let refused = SqliteStore::open(&file.path(), Limits::default()).unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 99, .. }), "{refused}");
    assert!(refused.to_string().contains("run a newer dunlin"), "{refused}");
    let refused = SqliteReader::open(&file.path(), &Limits::default()).unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 99, .. }), "{refused}");
}

#[test]
fn a_reader_migrates_nothing() {
    let file = InFile::default();
    drop(Connection::open(file.path()).unwrap());
    let refused = SqliteReader::open(&file.path(), &Limits::default()).unwrap_err();
    assert!(matches!(refused, StoreError::TooOld { found: 0, .. }), "{refused}");
}

#[test]
fn a_missing_folder_is_named() {
    let file = InFile::default();
    let path = file.0.path().join("no such folder").join("dunlin.db");
    for refused in [
        SqliteStore::open(&path, Limits::default()).map(drop).unwrap_err(),
        SqliteReader::open(&path, &Limits::default()).map(drop).unwrap_err(),
    ] {
        assert!(refused.to_string().contains("no such folder"), "{refused}");
    }
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = InFile::default();
    let mut store = file.open();
    commit(store.as_mut(), |t| t.put_account(&account("a", None), 0).unwrap());
    for name in ["dunlin.db", "dunlin.db-wal", "dunlin.db-shm", "dunlin.db.lock"] {
        let mode = std::fs::metadata(file.0.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_tool_reads_with_or_without_a_worker() {
    let file = InFile::default();
    let read = || {
        let reader = SqliteReader::open(&file.path(), &Limits::default()).unwrap();
        reader.account(&"a".into()).unwrap().is_some()
    };
    let mut store = file.open();
    commit(store.as_mut(), |t| t.put_account(&account("a", None), 0).unwrap());
    assert!(read(), "beside the worker");
    drop(store);
    assert!(read(), "without it");
}

#[test]
fn a_tool_that_reads_at_one_commit_sees_nothing_of_the_next() {
    let file = InFile::default();
    let mut store = file.open();
    commit(store.as_mut(), |t| t.put_account(&account("a", None), 0).unwrap());
    let reader = SqliteReader::at_one_commit(&file.path(), &Limits::default()).unwrap();
    assert!(reader.account(&"a".into()).unwrap().is_some());
    commit(store.as_mut(), |t| t.put_account(&account("b", None), 0).unwrap());
    assert!(reader.account(&"b".into()).unwrap().is_none());
    let later = SqliteReader::at_one_commit(&file.path(), &Limits::default()).unwrap();
    assert!(later.account(&"b".into()).unwrap().is_some());
}

#[test]
fn a_clean_end_leaves_no_log_behind_beside_readers_too() {
    let file = InFile::default();
    let log = || std::fs::metadata(file.0.path().join("dunlin.db-wal")).unwrap().len();
    let mut store = file.open();
    let reader = store.reader().unwrap();
    commit(store.as_mut(), |t| t.put_account(&account("a", None), 0).unwrap());
    assert!(reader.account(&"a".into()).unwrap().is_some() && log() > 0);
    store.wind_up().unwrap();
    drop(store);
    assert_eq!(log(), 0);
    assert!(reader.account(&"a".into()).unwrap().is_some());
}

#[test]
fn a_crash_between_commits_loses_only_what_was_not_committed() {
    let file = InFile::default();
    let crashed = InFile::default();
    let mut store = file.open();
    commit(store.as_mut(), |t| t.put_account(&account("a", None), 0).unwrap());
    let mut open = store.begin().unwrap();
    open.put_account(&account("b", None), 0).unwrap();
    // What a process that dies here leaves behind, also its write-ahead log.
    for name in ["dunlin.db", "dunlin.db-wal"] {
        std::fs::copy(file.0.path().join(name), crashed.0.path().join(name)).unwrap();
    }
    drop(open);
    let reader = crashed.open().reader().unwrap();
    assert!(reader.account(&"a".into()).unwrap().is_some());
    assert!(reader.account(&"b".into()).unwrap().is_none());
}
