//! Inbox, quarantine, decisions, policies: what came in and what was concluded.

use dunlin::engine::id::{AccountId, PolicyKey, ResourceId};
use dunlin::store::{
    DecisionQuery, Limits, NewDecision, Receipt, Received, Selection, Store, StoreError,
};

use super::samples::{arrival, at, key, policy, quarantined, resource};
use super::{Backend, commit, contract};

contract! {
    an_event_is_new_once,
    what_an_event_was_is_known_until_it_is_forgotten,
    the_same_id_with_another_meaning_is_a_conflict,
    old_events_are_forgotten_some_at_a_time,
    quarantined_messages_are_listed_newest_first_and_read_with_their_body,
    a_long_body_is_cut_and_its_length_kept,
    old_quarantine_is_forgotten_some_at_a_time,
    decisions_are_read_back_by_account_and_by_resource,
    a_policy_version_never_changes_its_text,
    a_newer_version_wakes_what_follows_an_older_one_and_nothing_else,
}

fn an_event_is_new_once(backend: &dyn Backend) {
    let mut store = backend.open();
    let (one, mut elsewhere) = (key("e1"), key("e1"));
    elsewhere.source = "//other".to_owned();
    commit(store.as_mut(), |t| {
        assert_eq!(t.receive(&arrival(&one, &[1; 32], 0)).unwrap(), Receipt::New);
        assert_eq!(t.receive(&arrival(&one, &[1; 32], 1)).unwrap(), Receipt::Copy);
        assert_eq!(t.receive(&arrival(&elsewhere, &[1; 32], 1)).unwrap(), Receipt::New);
    });
    commit(store.as_mut(), |t| {
        assert_eq!(t.receive(&arrival(&one, &[1; 32], 2)).unwrap(), Receipt::Copy);
    });
}

fn what_an_event_was_is_known_until_it_is_forgotten(backend: &dyn Backend) {
    let mut store = backend.open();
    let (one, other) = (key("e1"), key("e2"));
    commit(store.as_mut(), |t| t.receive(&arrival(&one, &[1; 32], 5)).unwrap());
    let reader = store.reader().unwrap();
    let known = Received { event_type: "billing.balance.changed".to_owned(), at: at(5) };
    assert_eq!(reader.received(&one).unwrap(), Some(known));
    assert_eq!(reader.received(&other).unwrap(), None);
    commit(store.as_mut(), |t| t.forget_inbox(at(6), 1).unwrap());
    assert_eq!(reader.received(&one).unwrap(), None);
}

fn the_same_id_with_another_meaning_is_a_conflict(backend: &dyn Backend) {
    let mut store = backend.open();
    let id = key("e1");
    commit(store.as_mut(), |t| {
        assert_eq!(t.receive(&arrival(&id, &[1; 32], 0)).unwrap(), Receipt::New);
        assert_eq!(t.receive(&arrival(&id, &[2; 32], 1)).unwrap(), Receipt::Conflict);
        assert_eq!(t.receive(&arrival(&id, &[1; 32], 2)).unwrap(), Receipt::Copy);
    });
}

fn old_events_are_forgotten_some_at_a_time(backend: &dyn Backend) {
    let mut store = backend.open();
    let keys = ["e0", "e1", "e2", "e3"].map(key);
    commit(store.as_mut(), |t| {
        for (seconds, key) in (0..).zip(&keys) {
            t.receive(&arrival(key, &[1; 32], seconds)).unwrap();
        }
    });
    commit(store.as_mut(), |t| {
        assert_eq!(t.forget_inbox(at(3), 2).unwrap(), 2, "the limit");
        assert_eq!(t.forget_inbox(at(3), 2).unwrap(), 1, "what is left");
        assert_eq!(t.forget_inbox(at(3), 2).unwrap(), 0);
        assert_eq!(t.receive(&arrival(&keys[0], &[1; 32], 9)).unwrap(), Receipt::New);
        assert_eq!(t.receive(&arrival(&keys[3], &[1; 32], 9)).unwrap(), Receipt::Copy);
    });
}

fn quarantined_messages_are_listed_newest_first_and_read_with_their_body(backend: &dyn Backend) {
    let mut store = backend.open();
    let ids = commit(store.as_mut(), |t| {
        ["a", "b", "c"].map(|code| t.quarantine(&quarantined(code, 1, b"{\xff")).unwrap())
    });
    let reader = store.reader().unwrap();
    assert_eq!(reader.quarantine_count().unwrap(), 3);
    let codes = |before, limit| -> Vec<String> {
        let page = reader.quarantined(before, limit).unwrap();
        assert!(page.iter().all(|row| row.message.body.is_empty() && row.body_bytes == 2));
        page.into_iter().map(|row| row.message.code).collect()
    };
    assert_eq!(codes(None, 2), ["c", "b"]);
    assert_eq!(codes(Some(ids[1]), 2), ["a"]);
    let row = reader.quarantined_message(ids[1]).unwrap().expect("it is there");
    assert_eq!((row.id, row.body_bytes, row.message), (ids[1], 2, quarantined("b", 1, b"{\xff")));
    assert_eq!(reader.quarantined_message(ids[2] + 1).unwrap(), None);
}

fn a_long_body_is_cut_and_its_length_kept(backend: &dyn Backend) {
    let limits = Limits { quarantine_body_bytes: 4, ..Limits::default() };
    let mut store = backend.try_open(limits).unwrap();
    let id = commit(store.as_mut(), |t| t.quarantine(&quarantined("a", 0, b"0123456")).unwrap());
    let row = store.reader().unwrap().quarantined_message(id).unwrap().expect("it is there");
    assert_eq!((row.message.body.as_slice(), row.body_bytes), (b"0123".as_slice(), 7));
}

fn old_quarantine_is_forgotten_some_at_a_time(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        for seconds in 0..4 {
            t.quarantine(&quarantined("a", seconds, b"")).unwrap();
        }
        assert_eq!(t.forget_quarantined(at(3), 2).unwrap(), 2);
        assert_eq!(t.forget_quarantined(at(3), 2).unwrap(), 1);
        assert_eq!(t.forget_quarantined(at(3), 2).unwrap(), 0);
        assert_eq!(t.quarantine_count().unwrap(), 1);
    });
}

fn decide(store: &mut dyn Store, account: &str, resources: &[&str], body: &str) -> i64 {
    let account = AccountId::from(account);
    let resources: Vec<_> = resources.iter().map(|id| ResourceId::from(*id)).collect();
    let causes = [key("e1"), key("e2")];
    commit(store, |t| {
        let decision = NewDecision {
            account: &account,
            at: at(1),
            causes: &causes,
            resources: &resources,
            body,
            text: None,
        };
        t.append_decision(&decision).unwrap()
    })
}

fn decisions_are_read_back_by_account_and_by_resource(backend: &dyn Backend) {
    let mut store = backend.open();
    decide(store.as_mut(), "a", &["r1", "r2"], r#"{"n":1}"#);
    decide(store.as_mut(), "b", &["r1"], r#"{"n":2}"#);
    let third = decide(store.as_mut(), "a", &["r2", "r2"], r#"{"n":3}"#);
    decide(store.as_mut(), "a", &[], r#"{"n":4}"#);
    let reader = store.reader().unwrap();
    let (account, r1, r2) = (AccountId::from("a"), ResourceId::from("r1"), ResourceId::from("r2"));
    let bodies = |resource, before, limit| -> Vec<String> {
        let query = DecisionQuery { account: &account, resource, before, limit };
        reader.decisions(&query).unwrap().into_iter().map(|row| row.body).collect()
    };
    assert_eq!(bodies(None, None, 2), [r#"{"n":4}"#, r#"{"n":3}"#]);
    assert_eq!(bodies(None, Some(third), 2), [r#"{"n":1}"#]);
    assert_eq!(bodies(Some(&r1), None, 9), [r#"{"n":1}"#]);
    assert_eq!(bodies(Some(&r2), None, 9), [r#"{"n":3}"#, r#"{"n":1}"#]);
    assert_eq!(bodies(Some(&r2), Some(third), 9), [r#"{"n":1}"#]);
    let query = DecisionQuery { account: &account, resource: None, before: None, limit: 1 };
    let row = &reader.decisions(&query).unwrap()[0];
    assert_eq!((row.at, row.causes.as_slice()), (at(1), [key("e1"), key("e2")].as_slice()));
}

fn a_policy_version_never_changes_its_text(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        assert!(t.remember_policy(&policy(2, 2, "two")).unwrap(), "it is news");
        assert!(t.remember_policy(&policy(1, 1, "one")).unwrap());
        assert!(!t.remember_policy(&policy(1, 1, "one")).unwrap(), "it is known");
        let refused = t.remember_policy(&policy(1, 3, "one, changed")).unwrap_err();
        assert!(matches!(refused, StoreError::PolicyChanged { version: 1, .. }), "{refused}");
        assert!(refused.to_string().contains("give the changed text a new version"), "{refused}");
    });
    let kept = store.reader().unwrap().policies().unwrap();
    assert_eq!(kept, [policy(1, 1, "one"), policy(2, 2, "two")]);
}

fn a_newer_version_wakes_what_follows_an_older_one_and_nothing_else(backend: &dyn Backend) {
    let mut store = backend.open();
    let of = |id: &str, policy: &str, version: u32, wake| {
        let mut row = resource("a", id, wake);
        row.policy = PolicyKey { id: policy.into(), version };
        row
    };
    let rows = [
        of("asleep", "prepaid", 1, None),
        of("later", "prepaid", 1, Some(900)),
        of("newest", "prepaid", 3, None),
        of("other", "postpaid", 1, None),
    ];
    commit(store.as_mut(), |t| {
        for row in &rows {
            t.put_resource(row, 0).unwrap();
        }
    });
    let newer = PolicyKey { id: "prepaid".into(), version: 3 };
    commit(store.as_mut(), |t| assert_eq!(t.wake_older_versions(&newer, at(5)).unwrap(), 2));
    let reader = store.reader().unwrap();
    let due = Selection { due: Some(at(5)), ..Selection::default() };
    let woken = reader.resources(&"a".into(), &due).unwrap();
    let woken: Vec<_> =
        woken.iter().map(|row| (row.value.id.as_str(), row.value.wake_at)).collect();
    assert_eq!(woken, [("asleep", Some(at(5))), ("later", Some(at(5)))]);
    // And once it was looked at it sleeps again.
    let asleep = of("asleep", "prepaid", 3, None);
    commit(store.as_mut(), |t| t.put_resource(&asleep, 2).unwrap());
}
