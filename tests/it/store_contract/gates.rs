//! What waits at a gate, and the small facts that belong to no account.

use dunlin::engine::gate::Because;
use dunlin::engine::id::AccountId;
use dunlin::engine::policy::Cause;
use dunlin::engine::resource::{Asked, Gated};
use dunlin::store::{Read, Selection, Store};

use super::samples::{at, resource};
use super::{Backend, commit, contract};

contract! {
    what_waits_at_a_gate_is_found_by_what_it_waits_for_and_since_when,
    what_waits_at_a_gate_comes_in_pages_each_account_once,
    what_a_wish_waits_for_is_found_beside_what_the_clock_waits_for,
    what_waits_no_longer_is_not_found,
    a_transaction_finds_what_it_wrote_itself,
    a_selection_of_what_waits_leaves_out_the_rest,
    a_register_keeps_the_last_body_of_each_key,
    a_register_outlives_its_store_and_nothing_of_a_dropped_transaction,
}

/// Of whom, which, and what it waits for since how many seconds.
type Row<'r> = (&'r str, &'r str, Option<(Because, i64)>);

fn put(store: &mut dyn Store, rows: &[Row<'_>]) {
    commit(store, |t| {
        for (account, id, gated) in rows {
            let mut row = resource(account, id, None);
            row.gated = gated.map(|(by, due)| Gated { by, due_at: at(due) });
            t.put_resource(&row, 0).unwrap();
        }
    });
}

fn found(
    store: &dyn Read,
    by: Because,
    until: i64,
    after: Option<&str>,
    limit: usize,
) -> Vec<String> {
    let after = after.map(AccountId::from);
    let ids = store.gated_accounts(by, at(until), after.as_ref(), limit).unwrap();
    ids.into_iter().map(|id| id.as_str().to_owned()).collect()
}

fn what_waits_at_a_gate_is_found_by_what_it_waits_for_and_since_when(backend: &dyn Backend) {
    let mut store = backend.open();
    put(
        store.as_mut(),
        &[
            ("a", "1", Some((Because::Freshness, 5))),
            ("b", "1", Some((Because::Clock, 5))),
            ("c", "1", Some((Because::Freshness, 9))),
            ("d", "1", None),
        ],
    );
    let reader = store.reader().unwrap();
    let reader = reader.as_ref();
    assert_eq!(found(reader, Because::Freshness, 4, None, 9), [""; 0]);
    assert_eq!(found(reader, Because::Freshness, 5, None, 9), ["a"]);
    assert_eq!(found(reader, Because::Freshness, 9, None, 9), ["a", "c"]);
    assert_eq!(found(reader, Because::Clock, 9, None, 9), ["b"]);
    assert_eq!(found(reader, Because::Breaker, 9, None, 9), [""; 0]);
    let always = chrono::DateTime::<chrono::Utc>::MAX_UTC;
    assert_eq!(reader.gated_accounts(Because::Freshness, always, None, 9).unwrap().len(), 2);
    let never = chrono::DateTime::<chrono::Utc>::MIN_UTC;
    assert!(reader.gated_accounts(Because::Freshness, never, None, 9).unwrap().is_empty());
}

fn what_waits_at_a_gate_comes_in_pages_each_account_once(backend: &dyn Backend) {
    let mut store = backend.open();
    let waits = |due| Some((Because::Freshness, due));
    put(
        store.as_mut(),
        &[("b", "1", waits(7)), ("b", "2", waits(1)), ("a", "1", waits(3)), ("c", "1", waits(2))],
    );
    let reader = store.reader().unwrap();
    let page = |after, limit| found(reader.as_ref(), Because::Freshness, 9, after, limit);
    assert_eq!(page(None, 2), ["a", "b"]);
    assert_eq!(page(Some("b"), 2), ["c"]);
    assert_eq!(page(Some("c"), 2), [""; 0]);
    // One of its resources is enough.
    assert_eq!(found(reader.as_ref(), Because::Freshness, 2, None, 9), ["b", "c"]);
}

fn what_a_wish_waits_for_is_found_beside_what_the_clock_waits_for(backend: &dyn Backend) {
    let mut store = backend.open();
    let wish = |by, due| Asked {
        to: "released".into(),
        cause: Cause::Request,
        at: at(due),
        number: 1,
        waits: true,
        scheduled: false,
        gated: Some(Gated { by, due_at: at(due) }),
    };
    let mut both = resource("a", "1", None);
    both.gated = Some(Gated { by: Because::Breaker, due_at: at(9) });
    both.asked = Some(wish(Because::Freshness, 5));
    let mut one = resource("a", "2", None);
    one.asked = Some(wish(Because::Clock, 7));
    let mut later = resource("b", "1", None);
    later.gated = Some(Gated { by: Because::Freshness, due_at: at(9) });
    later.asked = Some(wish(Because::Freshness, 6));
    commit(store.as_mut(), |t| {
        for row in [&both, &one, &later] {
            t.put_resource(row, 0).unwrap();
        }
    });
    let reader = store.reader().unwrap();
    assert_eq!(found(reader.as_ref(), Because::Freshness, 5, None, 9), ["a"]);
    assert_eq!(found(reader.as_ref(), Because::Freshness, 9, None, 9), ["a", "b"]);
    assert_eq!(found(reader.as_ref(), Because::Freshness, 9, Some("a"), 9), ["b"]);
    assert_eq!(found(reader.as_ref(), Because::Breaker, 9, None, 9), ["a"]);
    let selection = Selection { gated: true, ..Selection::default() };
    let rows = reader.resources(&"a".into(), &selection).unwrap();
    assert_eq!(rows.iter().map(|row| row.value.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    drop(rows);
    // Granted, it waits for nothing; what else changed is stored with it.
    both.asked = None;
    commit(store.as_mut(), |t| t.put_resource(&both, 1).unwrap());
    let reader = store.reader().unwrap();
    assert_eq!(found(reader.as_ref(), Because::Freshness, 5, None, 9), [""; 0]);
}

fn what_waits_no_longer_is_not_found(backend: &dyn Backend) {
    let mut store = backend.open();
    put(store.as_mut(), &[("a", "1", Some((Because::Freshness, 5)))]);
    commit(store.as_mut(), |t| t.put_resource(&resource("a", "1", None), 1).unwrap());
    let reader = store.reader().unwrap();
    assert_eq!(found(reader.as_ref(), Because::Freshness, 9, None, 9), [""; 0]);
    put(store.as_mut(), &[("b", "1", Some((Because::Clock, 5)))]);
    commit(store.as_mut(), |t| t.remove_resource(&"b".into(), &"1".into(), 1).unwrap());
    assert_eq!(found(reader.as_ref(), Because::Clock, 9, None, 9), [""; 0]);
}

fn a_transaction_finds_what_it_wrote_itself(backend: &dyn Backend) {
    let mut store = backend.open();
    put(store.as_mut(), &[("a", "1", Some((Because::Freshness, 5)))]);
    let mut transaction = store.begin().unwrap();
    let mut row = resource("b", "1", None);
    row.gated = Some(Gated { by: Because::Freshness, due_at: at(1) });
    transaction.put_resource(&row, 0).unwrap();
    let seen = transaction.gated_accounts(Because::Freshness, at(9), None, 9).unwrap();
    assert_eq!(seen.len(), 2);
}

fn a_selection_of_what_waits_leaves_out_the_rest(backend: &dyn Backend) {
    let mut store = backend.open();
    put(
        store.as_mut(),
        &[
            ("a", "1", Some((Because::Freshness, 5))),
            ("a", "2", None),
            ("a", "3", Some((Because::Clock, 5))),
            ("b", "4", Some((Because::Clock, 5))),
        ],
    );
    let selection = Selection { gated: true, ..Selection::default() };
    let rows = store.reader().unwrap().resources(&"a".into(), &selection).unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row.value.id.as_str()).collect();
    assert_eq!(ids, ["1", "3"]);
}

fn registers(store: &dyn Store, name: &str) -> Vec<(String, String)> {
    store.reader().unwrap().registers(name).unwrap()
}

fn owned(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(key, body)| ((*key).to_owned(), (*body).to_owned())).collect()
}

fn a_register_keeps_the_last_body_of_each_key(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        t.put_register("n", "b", "1").unwrap();
        t.put_register("n", "a", "2").unwrap();
        t.put_register("m", "a", "3").unwrap();
        t.put_register("n", "b", "4").unwrap();
        assert_eq!(t.registers("n").unwrap(), owned(&[("a", "2"), ("b", "4")]));
    });
    commit(store.as_mut(), |t| {
        t.remove_register("n", "a").unwrap();
        t.remove_register("n", "nobody").unwrap();
    });
    assert_eq!(registers(store.as_ref(), "n"), owned(&[("b", "4")]));
    assert_eq!(registers(store.as_ref(), "m"), owned(&[("a", "3")]));
    assert_eq!(registers(store.as_ref(), ""), []);
}

fn a_register_outlives_its_store_and_nothing_of_a_dropped_transaction(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| t.put_register("n", "kept", "1").unwrap());
    let mut dropped = store.begin().unwrap();
    dropped.put_register("n", "kept", "2").unwrap();
    dropped.put_register("n", "lost", "2").unwrap();
    drop(dropped);
    drop(store);
    assert_eq!(registers(backend.open().as_ref(), "n"), owned(&[("kept", "1")]));
}
