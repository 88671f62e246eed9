//! The chain of decisions: every backend chains alike, and what is kept apart is kept apart.

use dunlin::engine::id::{AccountId, ResourceId};
use dunlin::ledger::verify::{Wrong, verify};
use dunlin::store::{NewDecision, Store};

use super::samples::{account, at, key};
use super::{Backend, commit, contract};

contract! {
    records_are_numbered_and_chained_for_each_account,
    every_account_is_named_once_in_order,
    an_account_that_decided_and_has_no_record_is_found_out,
}

fn record(store: &mut dyn Store, account: &str, body: &str, text: Option<&str>) {
    let account = AccountId::from(account);
    let resources: Vec<ResourceId> = vec!["r2".into(), "r1".into(), "r2".into()];
    commit(store, |t| {
        let causes = [key("e1")];
        let decision = NewDecision {
            account: &account,
            at: at(1),
            causes: &causes,
            resources: &resources,
            body,
            text,
        };
        t.append_decision(&decision).unwrap();
    });
}

fn records_are_numbered_and_chained_for_each_account(backend: &dyn Backend) {
    let mut store = backend.open();
    for (account, body, text) in [("a", "1", Some("Li Lei")), ("b", "2", None), ("a", "3", None)] {
        record(store.as_mut(), account, body, text);
    }
    let reader = store.reader().unwrap();
    let rows = reader.ledger(&"a".into(), None, 9).unwrap();
    let [one, two] = &rows[..] else { panic!("{rows:?}") };
    let (first, second) = (one.link.as_ref().unwrap(), two.link.as_ref().unwrap());
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!(second.previous, first.hash);
    assert_eq!(one.resources, ["r1".into(), "r2".into()]);
    assert_eq!(one.text.as_ref().map(|text| text.text.as_str()), Some("Li Lei"));
    assert!(first.text_hash.is_some() && second.text_hash.is_none() && two.text.is_none());
    assert_eq!(reader.ledger(&"a".into(), Some(one.decision.id), 9).unwrap(), rows[1..]);
    let head = reader.ledger_head(&"a".into()).unwrap().unwrap();
    assert_eq!((head.number, head.hash, head.before), (2, Some(second.hash), 0));
    assert_eq!(reader.ledger_head(&"c".into()).unwrap(), None);
    for account in ["a", "b", "c"] {
        let verified = verify(&*reader, &account.into()).unwrap();
        assert_eq!(verified.wrong, None, "{account}");
    }
    assert!(!format!("{rows:?}").contains("Li Lei"), "not in a log either");
}

fn every_account_is_named_once_in_order(backend: &dyn Backend) {
    let mut store = backend.open();
    record(store.as_mut(), "b", "1", None);
    record(store.as_mut(), "a", "1", None);
    commit(store.as_mut(), |t| {
        t.put_account(&account("b", None), 0).unwrap();
        t.put_account(&account("b1", None), 0).unwrap();
    });
    let reader = store.reader().unwrap();
    let all: [AccountId; 3] = ["a", "b", "b1"].map(AccountId::from);
    assert_eq!(reader.account_ids(None, 9).unwrap(), all);
    assert_eq!(reader.account_ids(None, 2).unwrap(), all[..2]);
    assert_eq!(reader.account_ids(Some(&all[1]), 9).unwrap(), all[2..]);
    assert_eq!(reader.account_ids(Some(&all[2]), 9).unwrap(), []);
}

fn an_account_that_decided_and_has_no_record_is_found_out(backend: &dyn Backend) {
    let mut store = backend.open();
    let mut decided = account("a", None);
    decided.decisions = 3;
    commit(store.as_mut(), |t| t.put_account(&decided, 0).unwrap());
    let reader = store.reader().unwrap();
    assert_eq!(verify(&*reader, &"a".into()).unwrap().wrong, Some(Wrong::Gone));
}
