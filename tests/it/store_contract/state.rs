//! Accounts, resources and wakes.

use chrono::TimeDelta;
use dunlin::engine::gate::Because;
use dunlin::engine::hold::Hold;
use dunlin::engine::id::{AccountId, ResourceId};
use dunlin::engine::input::HoldScope;
use dunlin::engine::resource::{Gated, HeldStep, Resource};
use dunlin::store::Waiting;
use dunlin::store::{Read, Selection, Store, StoreError};

use super::samples::{account, at, key, resource};
use super::{Backend, commit, contract};

contract! {
    a_write_for_an_old_version_is_refused,
    a_resource_belongs_to_its_account,
    a_removed_resource_wakes_nobody,
    a_selection_adds_up_and_names_each_once,
    due_accounts_come_earliest_first_each_once,
    a_wake_moves_with_its_row,
    nothing_is_due_a_nanosecond_early,
    what_waits_and_what_is_on_hold_is_listed_by_pages,
    the_neighbours_of_an_id_are_those_next_to_it_and_never_itself,
}

fn put(store: &mut dyn Store, rows: &[(&str, &str, Option<i64>)]) {
    commit(store, |t| {
        for (account, id, wake) in rows {
            t.put_resource(&resource(account, id, *wake), 0).unwrap();
        }
    });
}

fn conflict<T>(answer: dunlin::store::Result<T>) -> bool {
    matches!(answer, Err(StoreError::Conflict { .. }))
}

fn the_neighbours_of_an_id_are_those_next_to_it_and_never_itself(backend: &dyn Backend) {
    let mut store = backend.open();
    put(
        store.as_mut(),
        &[("b", "i1", None), ("a", "i2", None), ("a", "i4", None), ("c", "i5", None)],
    );
    let reader = store.reader().unwrap();
    let near = |id: &str, each_side| -> Vec<(String, String)> {
        let found = reader.neighbours(&ResourceId::from(id), each_side).unwrap();
        found.into_iter().map(|(id, account)| (id.to_string(), account.to_string())).collect()
    };
    let named = |id: &str, account: &str| (id.to_owned(), account.to_owned());
    assert_eq!(near("i3", 1), [named("i2", "a"), named("i4", "a")]);
    assert_eq!(near("i4", 1), [named("i2", "a"), named("i5", "c")]);
    assert_eq!(near("a", 9).len(), 4);
    assert_eq!(near("z", 2), [named("i4", "a"), named("i5", "c")]);
}

fn a_write_for_an_old_version_is_refused(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        let (a, r) = (account("a", None), resource("a", "r", None));
        assert!(conflict(t.put_account(&a, 1)), "there is none yet");
        assert!(conflict(t.put_resource(&r, 1)), "there is none yet");
        assert_eq!((t.put_account(&a, 0).unwrap(), t.put_resource(&r, 0).unwrap()), (1, 1));
        assert!(conflict(t.put_account(&a, 0)), "there is one");
        assert!(conflict(t.put_resource(&r, 0)), "there is one");
        let (a2, r2) = (account("a", Some(1)), resource("a", "r", Some(1)));
        assert_eq!((t.put_account(&a2, 1).unwrap(), t.put_resource(&r2, 1).unwrap()), (2, 2));
        assert!(conflict(t.put_account(&a, 1)) && conflict(t.put_account(&a2, 1)));
        assert!(conflict(t.put_resource(&r, 1)) && conflict(t.put_resource(&r2, 1)));
        assert!(conflict(t.remove_resource(&r.account, &r.id, 1)));
    });
    let kept = store.reader().unwrap().account(&AccountId::from("a")).unwrap().unwrap();
    assert_eq!((kept.version, kept.value), (2, account("a", Some(1))));
}

fn a_resource_belongs_to_its_account(backend: &dyn Backend) {
    let mut store = backend.open();
    put(store.as_mut(), &[("b", "r", None), ("a", "r", None), ("a", "s", None)]);
    let reader = store.reader().unwrap();
    let found = reader.find_resource(&"r".into()).unwrap();
    assert_eq!(found, [resource("a", "r", None), resource("b", "r", None)]);
    let all = Selection { all: true, ..Selection::default() };
    assert_eq!(reader.resources(&"b".into(), &all).unwrap().len(), 1);
}

fn a_removed_resource_wakes_nobody(backend: &dyn Backend) {
    let mut store = backend.open();
    put(store.as_mut(), &[("a", "r", Some(1))]);
    commit(store.as_mut(), |t| t.remove_resource(&"a".into(), &"r".into(), 1).unwrap());
    let reader = store.reader().unwrap();
    assert_eq!(reader.next_wake().unwrap(), None);
    assert!(reader.due_accounts(at(9), 9).unwrap().is_empty());
    assert!(reader.find_resource(&"r".into()).unwrap().is_empty());
    commit(store.as_mut(), |t| {
        assert!(conflict(t.remove_resource(&"a".into(), &"r".into(), 1)));
        assert_eq!(t.put_resource(&resource("a", "r", None), 0).unwrap(), 1);
    });
}

fn a_selection_adds_up_and_names_each_once(backend: &dyn Backend) {
    let mut store = backend.open();
    let rows = [("a", "1", Some(5)), ("a", "2", None), ("a", "3", Some(9)), ("a", "4", Some(1))];
    put(store.as_mut(), &rows);
    put(store.as_mut(), &[("ab", "1", Some(1))]);
    let reader = store.reader().unwrap();
    let ids = |all, named: &[&str], due: Option<i64>| -> Vec<String> {
        let named: Vec<_> = named.iter().map(|id| ResourceId::from(*id)).collect();
        let selection = Selection { all, named: &named, due: due.map(at), gated: false };
        let rows = reader.resources(&"a".into(), &selection).unwrap();
        assert!(rows.iter().all(|row| row.version == 1 && row.value.account.as_str() == "a"));
        rows.into_iter().map(|row| row.value.id.as_str().to_owned()).collect()
    };
    assert!(ids(false, &[], None).is_empty());
    assert_eq!(ids(true, &["2"], Some(5)), ["1", "2", "3", "4"]);
    assert_eq!(ids(false, &["3", "2", "2", "none"], None), ["2", "3"]);
    assert_eq!(ids(false, &[], Some(5)), ["1", "4"]);
    assert_eq!(ids(false, &["2", "1"], Some(5)), ["1", "2", "4"]);
}

fn due(reader: &dyn Read, now: i64, limit: usize) -> Vec<(String, i64)> {
    let rows = reader.due_accounts(at(now), limit).unwrap();
    rows.into_iter()
        .map(|(id, wake)| (id.as_str().to_owned(), (wake - at(0)).num_seconds()))
        .collect()
}

fn owned(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|(id, wake)| ((*id).to_owned(), *wake)).collect()
}

fn due_accounts_come_earliest_first_each_once(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        for (id, wake) in [("a", Some(7)), ("b", Some(2)), ("c", None), ("d", Some(90))] {
            t.put_account(&account(id, wake), 0).unwrap();
        }
    });
    let rows = [("a", "1", Some(3)), ("a", "2", Some(1)), ("b", "1", Some(4)), ("c", "1", Some(3))];
    put(store.as_mut(), &rows);
    let reader = store.reader().unwrap();
    assert_eq!(reader.next_wake().unwrap(), Some(at(1)));
    assert_eq!(due(reader.as_ref(), 0, 9), []);
    assert_eq!(due(reader.as_ref(), 2, 9), owned(&[("a", 1), ("b", 2)]));
    assert_eq!(due(reader.as_ref(), 9, 9), owned(&[("a", 1), ("b", 2), ("c", 3)]));
    assert_eq!(due(reader.as_ref(), 9, 2), owned(&[("a", 1), ("b", 2)]));
}

fn a_wake_moves_with_its_row(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        t.put_account(&account("a", Some(1)), 0).unwrap();
        t.put_resource(&resource("a", "r", Some(2)), 0).unwrap();
    });
    for (version, wakes, next) in [
        (1, (Some(1), Some(2)), Some(at(1))),
        (2, (Some(8), Some(2)), Some(at(2))),
        (3, (Some(8), None), Some(at(8))),
        (4, (None, None), None),
        (5, (None, Some(6)), Some(at(6))),
    ] {
        commit(store.as_mut(), |t| {
            t.put_account(&account("a", wakes.0), version).unwrap();
            t.put_resource(&resource("a", "r", wakes.1), version).unwrap();
        });
        assert_eq!(store.reader().unwrap().next_wake().unwrap(), next, "{wakes:?}");
    }
}

fn what_waits_and_what_is_on_hold_is_listed_by_pages(backend: &dyn Backend) {
    let mut store = backend.open();
    let hold = || Hold {
        scope: HoldScope::All,
        reason: "a dispute".into(),
        since: at(1),
        until: Some(at(2)),
        key: key("e1"),
    };
    let mut rows = [("a", "r"), ("a", "s"), ("b", "q"), ("b", "z")]
        .map(|(account, id)| resource(account, id, None));
    let step = HeldStep { to: "released".into(), since: at(1), because: Because::Proof };
    rows[0].held = Some(step);
    rows[1].holds.place("h".into(), hold());
    rows[2].gated = Some(Gated { by: Because::Moratorium, due_at: at(1) });
    let mut owner = account("b", None);
    owner.holds.place("h".into(), hold());
    commit(store.as_mut(), |t| {
        for row in &rows {
            t.put_resource(row, 0).unwrap();
        }
        t.put_account(&owner, 0).unwrap();
        t.put_account(&account("c", None), 0).unwrap();
    });
    let reader = store.reader().unwrap();
    let ids = |wait, after: Option<&Resource>, limit| -> Vec<String> {
        let after = after.map(|row| (&row.account, &row.id));
        let page = reader.resources_that(wait, after, limit).unwrap();
        page.iter().map(|row| row.id.to_string()).collect()
    };
    assert_eq!(ids(Waiting::Held, None, 1), ["r"]);
    assert_eq!(ids(Waiting::Held, Some(&rows[0]), 9), ["q"], "of another account");
    assert_eq!(ids(Waiting::Held, Some(&rows[2]), 9), [""; 0]);
    assert_eq!(ids(Waiting::OnHold, None, 9), ["s"]);
    let accounts = |after: Option<&AccountId>| reader.accounts_on_hold(after, 9).unwrap();
    assert_eq!(accounts(None), [owner.clone()]);
    assert_eq!(accounts(Some(&owner.id)), []);
    rows[0].held = None;
    rows[1].holds.lift(None, at(3));
    owner.holds.lift(None, at(3));
    commit(store.as_mut(), |t| {
        t.put_resource(&rows[0], 1).unwrap();
        t.put_resource(&rows[1], 1).unwrap();
        t.put_account(&owner, 1).unwrap();
    });
    assert_eq!(
        (ids(Waiting::Held, None, 9), ids(Waiting::OnHold, None, 9)),
        (vec!["q".to_owned()], vec![])
    );
    assert_eq!(accounts(None), []);
}

fn nothing_is_due_a_nanosecond_early(backend: &dyn Backend) {
    let mut store = backend.open();
    let mut row = resource("a", "r", None);
    let wake = at(1) + TimeDelta::nanoseconds(1);
    row.wake_at = Some(wake);
    commit(store.as_mut(), |t| t.put_resource(&row, 0).unwrap());
    let reader = store.reader().unwrap();
    assert_eq!(due(reader.as_ref(), 1, 9), [], "a nanosecond before");
    let selection = Selection { due: Some(at(1)), ..Selection::default() };
    assert!(reader.resources(&"a".into(), &selection).unwrap().is_empty());
    let later = at(1) + TimeDelta::microseconds(1);
    assert_eq!(reader.next_wake().unwrap(), Some(later));
    assert_eq!(reader.due_accounts(later, 9).unwrap().len(), 1);
    let kept = reader.find_resource(&"r".into()).unwrap();
    assert_eq!(kept[0].wake_at, Some(wake), "the state keeps the very instant");
}
