//! All or nothing, one writer, readers that see commits only (SAFE-1).

use dunlin::engine::id::AccountId;
use dunlin::store::{Limits, Receipt, Store, StoreError, Transaction};

use super::samples::{account, arrival, at, key, notice, publication, quarantined, resource};
use super::{Backend, commit, contract};

contract! {
    what_was_committed_is_there_after_a_restart,
    what_was_not_committed_never_was,
    a_dropped_transaction_leaves_the_next_one_clean,
    a_transaction_sees_what_it_wrote,
    readers_see_commits_and_never_wait,
    a_second_writer_is_refused,
}

fn write_everything(transaction: &mut dyn Transaction) {
    let id = key("e1");
    assert_eq!(transaction.receive(&arrival(&id, &[1; 32], 0)).unwrap(), Receipt::New);
    transaction.quarantine(&quarantined("not_json", 0, b"{")).unwrap();
    transaction.put_account(&account("a", Some(5)), 0).unwrap();
    transaction.put_resource(&resource("a", "r", Some(3)), 0).unwrap();
    transaction.push_publication(&publication("p", "r", 0)).unwrap();
    transaction.push_notice("n", &notice("a", 0), &[]).unwrap();
}

fn is_empty(store: &dyn Store) -> bool {
    let reader = store.reader().unwrap();
    reader.account(&AccountId::from("a")).unwrap().is_none()
        && reader.next_wake().unwrap().is_none()
        && reader.quarantine_count().unwrap() == 0
        && reader.backlog().unwrap() == Default::default()
        && reader.notice("n").unwrap().is_none()
}

fn what_was_committed_is_there_after_a_restart(backend: &dyn Backend) {
    commit(backend.open().as_mut(), write_everything);
    let mut store = backend.open();
    let reader = store.reader().unwrap();
    let stored = reader.account(&AccountId::from("a")).unwrap().expect("it was committed");
    assert_eq!((stored.version, stored.value), (1, account("a", Some(5))));
    assert_eq!(reader.find_resource(&"r".into()).unwrap(), [resource("a", "r", Some(3))]);
    assert_eq!(reader.next_wake().unwrap(), Some(at(3)));
    assert_eq!(reader.backlog().unwrap().publications, 1);
    assert_eq!(reader.notice("n").unwrap(), Some(notice("a", 0)));
    let id = key("e1");
    commit(store.as_mut(), |t| {
        assert_eq!(t.receive(&arrival(&id, &[1; 32], 9)).unwrap(), Receipt::Copy);
    });
}

fn what_was_not_committed_never_was(backend: &dyn Backend) {
    {
        let mut store = backend.open();
        let mut transaction = store.begin().unwrap();
        write_everything(transaction.as_mut());
        drop(transaction);
        assert!(is_empty(store.as_ref()));
    }
    assert!(is_empty(backend.open().as_ref()));
}

fn a_dropped_transaction_leaves_the_next_one_clean(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| t.put_account(&account("a", Some(1)), 0).unwrap());
    {
        let mut dropped = store.begin().unwrap();
        dropped.put_account(&account("a", Some(2)), 1).unwrap();
        write_everything_else(dropped.as_mut());
    }
    commit(store.as_mut(), |t| {
        assert_eq!(t.put_account(&account("a", Some(3)), 1).unwrap(), 2);
        write_everything_else(t);
    });
    assert_eq!(store.reader().unwrap().next_wake().unwrap(), Some(at(3)));
}

fn write_everything_else(transaction: &mut dyn Transaction) {
    let id = key("e2");
    assert_eq!(transaction.receive(&arrival(&id, &[2; 32], 0)).unwrap(), Receipt::New);
    assert_eq!(transaction.put_resource(&resource("a", "r", None), 0).unwrap(), 1);
    assert!(transaction.push_publication(&publication("p", "r", 0)).unwrap());
    assert!(transaction.push_notice("n", &notice("a", 0), &[]).unwrap());
}

fn a_transaction_sees_what_it_wrote(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        write_everything(t);
        assert_eq!(t.account(&AccountId::from("a")).unwrap().map(|a| a.version), Some(1));
        assert_eq!(t.next_wake().unwrap(), Some(at(3)));
        assert_eq!(t.backlog().unwrap().publications, 1);
    });
}

fn readers_see_commits_and_never_wait(backend: &dyn Backend) {
    let mut store = backend.open();
    let (one, other) = (store.reader().unwrap(), store.reader().unwrap());
    let mut transaction = store.begin().unwrap();
    write_everything(transaction.as_mut());
    let before = std::thread::scope(|threads| {
        let ask = |reader: Box<dyn dunlin::store::Reader>| {
            let known = reader.account(&AccountId::from("a")).unwrap();
            (reader, known)
        };
        let two = [one, other].map(|reader| threads.spawn(move || ask(reader)));
        two.map(|thread| thread.join().expect("a reader does not panic"))
    });
    transaction.commit().unwrap();
    for (reader, known) in before {
        assert_eq!(known, None, "read before the commit");
        assert!(reader.account(&AccountId::from("a")).unwrap().is_some(), "read after it");
    }
}

fn a_second_writer_is_refused(backend: &dyn Backend) {
    let first = backend.open();
    let Err(refused) = backend.try_open(Limits::default()) else { panic!("two writers") };
    assert!(matches!(refused, StoreError::Owned { .. }), "{refused}");
    assert!(refused.to_string().contains("in use by another dunlin"), "{refused}");
    drop(first);
    backend.open();
}
