//! Commands of operators: given once, in order, answered once, in the commit of what they did.

use dunlin::store::sqlite::{SqliteCommands, SqliteStore};
use dunlin::store::{CommandState, Limits, NewCommand, StoreError};

use super::samples::{account, at};
use super::{Backend, InFile, commit, contract};

contract! {
    commands_wait_in_the_order_in_which_they_were_given,
    a_command_is_answered_once_and_kept,
    an_answer_that_was_not_committed_was_never_given,
}

fn command(kind: &str) -> NewCommand<'_> {
    NewCommand { at: at(5), by: "ann", kind, body: r#"{"id":"h"}"# }
}

fn commands_wait_in_the_order_in_which_they_were_given(backend: &dyn Backend) {
    let mut store = backend.open();
    assert_eq!(store.reader().unwrap().waiting_commands(9).unwrap(), []);
    let ids = commit(store.as_mut(), |t| {
        ["hold.place", "hold.lift", "hold.place"]
            .map(|kind| t.give_command(&command(kind)).unwrap())
    });
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let reader = store.reader().unwrap();
    let waiting = reader.waiting_commands(2).unwrap();
    let seen: Vec<_> = waiting.iter().map(|one| (one.id, one.kind.as_str())).collect();
    assert_eq!(seen, [(ids[0], "hold.place"), (ids[1], "hold.lift")], "at most so many");
    let first = &waiting[0];
    assert_eq!((first.at, first.by.as_str(), first.body.as_str()), (at(5), "ann", r#"{"id":"h"}"#));
    assert_eq!((first.state, &first.answer, first.done_at), (CommandState::Waiting, &None, None));
}

fn a_command_is_answered_once_and_kept(backend: &dyn Backend) {
    let mut store = backend.open();
    let (one, two) = commit(store.as_mut(), |t| {
        (t.give_command(&command("a")).unwrap(), t.give_command(&command("b")).unwrap())
    });
    commit(store.as_mut(), |t| {
        assert!(t.answer_command(one, (CommandState::Done, "so be it"), at(6)).unwrap());
        assert!(!t.answer_command(one, (CommandState::Refused, "no"), at(7)).unwrap(), "twice");
        assert!(!t.answer_command(99, (CommandState::Done, "what"), at(7)).unwrap(), "never given");
    });
    let reader = store.reader().unwrap();
    let known = reader.command(one).unwrap().unwrap();
    assert_eq!((known.state, known.answer.as_deref()), (CommandState::Done, Some("so be it")));
    assert_eq!(known.done_at, Some(at(6)));
    let waiting = reader.waiting_commands(9).unwrap();
    assert_eq!(waiting.iter().map(|one| one.id).collect::<Vec<_>>(), [two]);
    assert_eq!(reader.command(99).unwrap(), None);
}

fn an_answer_that_was_not_committed_was_never_given(backend: &dyn Backend) {
    let mut store = backend.open();
    let id = commit(store.as_mut(), |t| t.give_command(&command("a")).unwrap());
    let mut crashed = store.begin().unwrap();
    crashed.answer_command(id, (CommandState::Done, "lost"), at(6)).unwrap();
    drop(crashed);
    drop(store);
    let mut store = backend.open();
    assert_eq!(store.reader().unwrap().waiting_commands(9).unwrap().len(), 1);
    commit(store.as_mut(), |t| {
        assert!(t.answer_command(id, (CommandState::Refused, "no"), at(7)).unwrap());
    });
}

#[test]
fn a_tool_gives_commands_beside_a_worker_and_without_one() {
    let file = InFile::default();
    let limits = Limits::default();
    let give = || {
        let mut commands = SqliteCommands::open(&file.path(), &limits).unwrap();
        commands.give(&command("a")).unwrap()
    };
    let mut store = file.open();
    commit(store.as_mut(), |t| t.put_account(&account("a", None), 0).unwrap());
    let beside = give();
    commit(store.as_mut(), |t| {
        assert_eq!(t.waiting_commands(9).unwrap().len(), 1, "the worker sees it at once");
        t.answer_command(beside, (CommandState::Done, "yes"), at(6)).unwrap()
    });
    drop(store);
    let alone = give();
    let store = file.open();
    let waiting = store.reader().unwrap().waiting_commands(9).unwrap();
    assert_eq!(waiting.iter().map(|one| one.id).collect::<Vec<_>>(), [alone], "it waited");
    assert!(beside < alone);
}

#[test]
fn a_tool_that_meets_a_commit_waits_for_it_and_says_so_if_that_takes_too_long() {
    let file = InFile::default();
    let limits = Limits { busy_timeout: core::time::Duration::ZERO, ..Limits::default() };
    let mut store = file.open();
    let mut open = store.begin().unwrap();
    open.put_account(&account("a", None), 0).unwrap();
    let mut commands = SqliteCommands::open(&file.path(), &limits).unwrap();
    let refused = commands.give(&command("a")).unwrap_err();
    assert!(matches!(refused, StoreError::Backend { .. }) && !refused.is_fatal(), "{refused}");
    open.commit().unwrap();
    commands.give(&command("a")).unwrap();
}

#[test]
fn a_tool_creates_and_migrates_nothing() {
    let file = InFile::default();
    assert!(SqliteCommands::open(&file.path(), &Limits::default()).is_err());
    assert!(!file.path().exists());
    drop(rusqlite::Connection::open(file.path()).unwrap());
    let refused = SqliteCommands::open(&file.path(), &Limits::default()).unwrap_err();
    assert!(matches!(refused, StoreError::TooOld { found: 0, .. }), "{refused}");
    drop(SqliteStore::open(&file.path(), Limits::default()).unwrap());
}
