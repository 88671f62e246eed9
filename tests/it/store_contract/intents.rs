//! What waits to be admitted (SAFE-6): asked anew it keeps its state, judged by kind and policy, decided by batch.

use dunlin::engine::breaker::{Intent, Kind};
use dunlin::engine::id::{AccountId, ResourceId};
use dunlin::store::{IntentRow, IntentState, IntentsOf, Store, Transaction};

use super::samples::at;
use super::{Backend, commit, contract};

contract! {
    what_is_asked_again_keeps_its_state_and_what_is_not_is_gone,
    what_is_due_later_than_was_known_waits_anew,
    a_set_is_judged_by_kind_and_policy_and_decided_as_a_batch,
    a_list_is_read_page_by_page,
    an_account_stands_beside_its_resources,
}

fn row(
    account: &str,
    resource: &str,
    (kind, policy, to): (Kind, &str, &str),
    due: i64,
) -> IntentRow {
    let intent = Intent {
        resource: resource.into(),
        policy: policy.into(),
        to: to.into(),
        kind,
        due_at: at(due),
    };
    IntentRow::new(&account.into(), &intent, at(50))
}

fn stop(account: &str, resource: &str, due: i64) -> IntentRow {
    row(account, resource, (Kind::Stop, "p", "stopped"), due)
}

fn ask(t: &mut dyn Transaction, rows: &[IntentRow]) -> (bool, bool) {
    let (account, resource) = (rows[0].account.clone(), rows[0].resource.clone());
    let outcome = t.ask_admission(&account, resource.as_ref(), rows).unwrap();
    (outcome.is_new, outcome.left_a_batch)
}

fn of_account(store: &dyn Store, account: &str) -> Vec<IntentRow> {
    let id = AccountId::from(account);
    store.reader().unwrap().intents(IntentsOf::Account(&id), None, 99).unwrap()
}

fn what_is_asked_again_keeps_its_state_and_what_is_not_is_gone(backend: &dyn Backend) {
    let mut store = backend.open();
    let release = row("a", "r", (Kind::Release, "p", "released"), 9);
    commit(store.as_mut(), |t| {
        assert_eq!(ask(t, &[stop("a", "r", 9), release.clone()]), (true, false));
        let held = t.judge_intents((Kind::Stop, &"p".into()), IntentState::Held, Some("b"));
        assert_eq!(held.unwrap(), 1);
    });
    commit(store.as_mut(), |t| {
        assert_eq!(ask(t, &[stop("a", "r", 9)]), (false, false), "known already");
    });
    let known = of_account(store.as_ref(), "a");
    assert_eq!(known.len(), 1, "the release was not asked for again");
    assert_eq!((known[0].state, known[0].batch.as_deref()), (IntentState::Held, Some("b")));
    assert_eq!((known[0].due_at, known[0].asked_at), (at(9), at(50)));
    commit(store.as_mut(), |t| {
        let (account, resource) = (AccountId::from("a"), ResourceId::from("r"));
        let outcome = t.ask_admission(&account, Some(&resource), &[]).unwrap();
        assert!(outcome.left_a_batch && !outcome.is_new);
    });
    assert_eq!(of_account(store.as_ref(), "a"), []);
}

fn what_is_due_later_than_was_known_waits_anew(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        ask(t, &[stop("a", "r", 9)]);
        t.judge_intents((Kind::Stop, &"p".into()), IntentState::Held, Some("b")).unwrap();
        assert_eq!(ask(t, &[stop("a", "r", 8)]), (false, false), "the same, known better");
        assert_eq!(ask(t, &[stop("a", "r", 10)]), (true, true));
    });
    assert_eq!(of_account(store.as_ref(), "a")[0].state, IntentState::Waiting);
    assert_eq!(store.reader().unwrap().intents(IntentsOf::Batch("b"), None, 9).unwrap(), []);
}

fn a_set_is_judged_by_kind_and_policy_and_decided_as_a_batch(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        for account in ["a", "b", "c"] {
            ask(t, &[stop(account, "r", 9)]);
        }
        ask(t, &[row("a", "s", (Kind::Stop, "q", "stopped"), 9)]);
        ask(t, &[row("a", "t", (Kind::Release, "p", "released"), 9)]);
    });
    let reader = store.reader().unwrap();
    let waiting = reader.waiting_intents().unwrap();
    let p = |kind, count| (kind, "p".into(), count);
    for one in [p(Kind::Stop, 3), (Kind::Stop, "q".into(), 1), p(Kind::Release, 1)] {
        assert!(waiting.contains(&one), "{waiting:?}");
    }
    assert_eq!(waiting.len(), 3);
    commit(store.as_mut(), |t| {
        let held = t.judge_intents((Kind::Stop, &"p".into()), IntentState::Held, Some("b"));
        assert_eq!(held.unwrap(), 3);
    });
    assert_eq!(reader.waiting_intents().unwrap().len(), 2);
    assert_eq!(reader.admitted_accounts(9).unwrap(), []);
    commit(store.as_mut(), |t| {
        assert_eq!(t.decide_batch("b", IntentState::Admitted).unwrap(), 3);
    });
    let mut admitted = reader.admitted_accounts(9).unwrap();
    admitted.sort();
    assert_eq!(admitted, ["a".into(), "b".into(), "c".into()]);
    assert_eq!(reader.admitted_accounts(2).unwrap().len(), 2);
    commit(store.as_mut(), |t| assert_eq!(t.forget_admitted(&"a".into()).unwrap(), 1));
    assert_eq!(of_account(store.as_ref(), "a").len(), 2);
}

fn a_list_is_read_page_by_page(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        for account in ["b", "a"] {
            ask(t, &[stop(account, "s", 9)]);
            ask(t, &[stop(account, "r", 9)]);
        }
    });
    let reader = store.reader().unwrap();
    let (policy, mut seen, mut after) = ("p".into(), Vec::new(), None);
    loop {
        let page =
            reader.intents(IntentsOf::Waiting(Kind::Stop, &policy), after.as_ref(), 3).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key());
        seen.extend(page.into_iter().map(|one| (one.account, one.resource)));
    }
    let names: Vec<_> = seen
        .iter()
        .map(|(account, resource)| {
            (account.as_str(), resource.as_ref().map_or("", |id| id.as_str()))
        })
        .collect();
    assert_eq!(names, [("a", "r"), ("a", "s"), ("b", "r"), ("b", "s")]);
}

fn an_account_stands_beside_its_resources(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        ask(t, &[stop("a", "r", 9)]);
        ask(t, &[IntentRow::below_zero(&"a".into(), at(3), at(50))]);
        ask(t, &[IntentRow::below_zero(&"b".into(), at(3), at(50))]);
        ask(t, &[IntentRow::below_zero(&"c".into(), at(4), at(50))]);
    });
    let known = of_account(store.as_ref(), "a");
    assert_eq!(known.iter().map(|one| one.kind).collect::<Vec<_>>(), [Kind::Arrears, Kind::Stop]);
    assert_eq!((&known[0].resource, known[0].due_at), (&None, at(3)));
    let mut falls = store.reader().unwrap().waiting_falls().unwrap();
    falls.sort();
    assert_eq!(falls, [(at(3), 2), (at(4), 1)]);
}
