//! What an explanation says of what the example month does not have: deliveries that wait or fail, two accounts with one id, a
//! record that cannot be read.

use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::engine::account::Account;
use crate::engine::effect::Notice;
use crate::engine::policy::Channel;
use crate::engine::resource::Resource;
use crate::event::out;
use crate::policy::Policies;
use crate::store::memory::{MemoryDisk, MemoryStore};
use crate::store::{
    Attempt, AttemptOutcome, Limits, NewDecision, NewDelivery, NewPublication, PolicyRow, Store,
    Transaction,
};

const POLICY: &str = "tencent-cvm-prepaid";

/// So many days after the beginning of the term that ends on day 30.
fn day(days: i64) -> DateTime<Utc> {
    "2026-03-01T04:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(days)
}

fn resource(account: &str) -> Resource {
    let key = json!({"source": "/billing", "id": "e1"});
    serde_json::from_value(json!({
        "id": "ins-1", "account": account, "policy": {"id": POLICY, "version": 1},
        "phase": "active", "entered_at": day(0), "entered_by": "start", "activated_at": day(0),
        "slots_until": day(27),
        "term": {"expires_at": day(30), "day": 31, "known_at": day(0),
            "stamp": {"time": day(0), "key": key}},
    }))
    .unwrap()
}

fn notice() -> Notice {
    serde_json::from_value(json!({
        "kind": "expiry-warning", "account": "acc-1", "at": day(25), "episode": "x",
        "zone": "Asia/Shanghai", "channels": ["email", "sms"], "rules": ["PRE-1"],
        "contacts": [{"name": "Li Lei", "role": "creator", "email": "li.lei@acc-1.example",
            "phone": "+8613800000001"}],
        "items": [{"resource": "ins-1", "policy": {"id": POLICY, "version": 1}, "phase": "active",
            "class": "working", "detached": [], "promises":
                [{"to": "recycled", "class": "retained", "at": day(30), "irreversible": false}]}],
    }))
    .unwrap()
}

/// A store with one resource of `acc-1` that was warned, by e-mail and by text.
fn warned() -> MemoryStore {
    let mut store = MemoryStore::open(&MemoryDisk::default(), Limits::default()).unwrap();
    let policies = Policies::shipped();
    let text = policies.texts.iter().find(|text| text.key.id.as_str() == POLICY).unwrap();
    let notice = notice();
    let id = out::notice_id(&notice.kind, &notice.account, 1, 0);
    let recorded = Notice { contacts: Vec::new(), ..notice.clone() };
    let body = json!({"number": 1, "effects": [{"Notice": recorded}], "reasons": [
        {"rule": "PRE-1", "because": "expiry-warning about 1 resources", "at": day(25)}]});
    let mut t = store.begin().unwrap();
    t.remember_policy(&PolicyRow {
        key: text.key.clone(),
        hash: [0; 32],
        text: text.text.clone(),
        at: day(0),
    })
    .unwrap();
    t.put_account(&Account::unknown("acc-1".into()), 0).unwrap();
    t.put_resource(&resource("acc-1"), 0).unwrap();
    t.append_decision(&NewDecision {
        account: &"acc-1".into(),
        at: day(25),
        causes: &[],
        resources: &["ins-1".into()],
        body: &body.to_string(),
        text: None,
    })
    .unwrap();
    let delivery = |id: &str, channel| NewDelivery {
        id: id.to_owned(),
        contact: 0,
        channel,
        next_at: day(25),
    };
    let two = [delivery("mail", Channel::Email), delivery("text", Channel::Sms)];
    t.push_notice(&id, &notice, &two).unwrap();
    t.commit().unwrap();
    store
}

fn change(store: &mut MemoryStore, change: impl FnOnce(&mut dyn Transaction)) {
    let mut t = store.begin().unwrap();
    change(t.as_mut());
    t.commit().unwrap();
}

fn asked(
    store: &MemoryStore,
    at: DateTime<Utc>,
    is_past: bool,
) -> Result<Explanation, ExplainError> {
    let question = Question { resource: "ins-1".into(), account: None, at, is_past };
    explain(store.reader().unwrap().as_ref(), &question)
}

/// Records an attempt on `day(at)`; without `next` its outcome is final.
fn tried(
    store: &mut MemoryStore,
    (delivery, outcome, receipt): (&str, AttemptOutcome, &str),
    at: i64,
    next: Option<i64>,
) {
    let (at, next_at) = (day(at), next.map(day));
    change(store, |t| {
        t.record_attempt(&Attempt { delivery, outcome, receipt, at, next_at }).unwrap();
    });
}

#[test]
fn what_waits_what_failed_and_what_the_server_said_are_told_without_an_address() {
    let mut store = warned();
    let refusal = "550 5.1.1 <li.lei@acc-1.example> +8613800000001 unknown";
    tried(&mut store, ("text", AttemptOutcome::Failed, refusal), 25, Some(29));
    tried(&mut store, ("mail", AttemptOutcome::Failed, refusal), 25, None);
    let explanation = asked(&store, day(26), false).unwrap();
    let [mail, text] = explanation.told[0].deliveries.as_slice() else { panic!("two deliveries") };
    assert_eq!((mail.to.as_str(), mail.state), ("l…@acc-1.example", "failed"));
    assert_eq!((text.to.as_str(), text.state), ("+86…0001", "waiting"));
    assert_eq!(text.next_at, Some(day(29)));
    assert_eq!(text.answers[0].said, "550 5.1.1 <l…@acc-1.example> +86…0001 unknown");
    let said = super::text(&explanation) + &serde_json::to_string(&explanation).unwrap();
    for secret in ["li.lei", "13800000001", "Li Lei"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    assert!(said.contains("SMS to +86…0001 (creator): waiting, tried not before 2026-03-30 12:00"));
}

#[test]
fn in_the_past_a_receipt_that_came_later_is_not_there_yet() {
    let mut store = warned();
    tried(&mut store, ("mail", AttemptOutcome::Sent, "250 ok"), 27, None);
    let then = |days| asked(&store, day(days), true).unwrap().told;
    let [before, after] = [26, 27].map(|days| then(days)[0].deliveries[0].clone());
    assert_eq!((before.state, before.answers.len()), ("waiting", 0));
    assert_eq!((after.state, after.answers.len()), ("sent", 1));
    assert!(then(24).is_empty(), "it was not decided yet");
}

#[test]
fn what_changed_since_is_never_taken_for_what_was() {
    let mut store = warned();
    let mut moved = resource("acc-1");
    moved.term.as_mut().unwrap().known_at = day(27);
    change(&mut store, |t| assert!(t.put_resource(&moved, 1).is_ok()));
    let now = asked(&store, day(28), true).unwrap();
    assert!(now.next.is_some() && now.facts.is_some());
    let before = asked(&store, day(26), true).unwrap();
    assert_eq!((&before.next, &before.facts), (&None, &None));
    assert!(before.not_known[0].contains("its expiry was set at 2026-03-28T04:00:00Z"));
    assert_eq!(before.place.unwrap().phase.as_str(), "active", "that is on record");
}

#[test]
fn before_it_came_there_is_nothing_to_explain() {
    let store = warned();
    let refused = asked(&store, day(-1), true).unwrap_err();
    assert!(matches!(refused, ExplainError::NotYet { .. }), "{refused}");
}

#[test]
fn one_id_of_two_accounts_takes_the_account_to_tell_them_apart() {
    let mut store = warned();
    change(&mut store, |t| assert!(t.put_resource(&resource("acc-2"), 0).is_ok()));
    let refused = asked(&store, day(26), false).unwrap_err();
    assert!(matches!(&refused, ExplainError::Several { accounts, .. } if accounts.len() == 2));
    let question = |account: &str| Question {
        resource: "ins-1".into(),
        account: Some(account.into()),
        at: day(26),
        is_past: false,
    };
    let reader = store.reader().unwrap();
    let of = |account| explain(reader.as_ref(), &question(account)).map(|one| one.told.len());
    assert_eq!((of("acc-1").unwrap(), of("acc-2").unwrap()), (1, 0));
    let Err(ExplainError::Unknown { near, .. }) = of("acc-3") else { panic!("nobody's") };
    assert_eq!(near.len(), 2, "the same id of others is the nearest");
}

#[test]
fn what_the_broker_has_not_confirmed_is_named_with_its_reason() {
    let mut store = warned();
    let publication = crate::dispatch::message::Publication {
        id: "p1".to_owned(),
        event_type: "lifecycle.resource.changed".to_owned(),
        routing_key: "x".to_owned(),
        body: Vec::new(),
        mandatory: true,
    };
    let lane = out::lane(&"acc-1".into(), Some(&"ins-1".into()));
    change(&mut store, |t| {
        let new = NewPublication { publication, lane, created_at: day(25) };
        t.push_publication(&new).unwrap();
        t.retry_publication("p1", day(26), "nobody has bound x").unwrap();
    });
    let explanation = asked(&store, day(26), false).unwrap();
    let row = &explanation.unconfirmed[0];
    assert_eq!((row.id.as_str(), row.attempts, row.since), ("p1", 1, day(25)));
    assert!(text(&explanation).contains("p1, 1 attempt: nobody has bound x"));
}

#[test]
fn a_record_or_a_policy_that_cannot_be_read_is_an_error_and_not_left_out() {
    let mut store = warned();
    change(&mut store, |t| {
        let decision = NewDecision {
            account: &"acc-1".into(),
            at: day(26),
            causes: &[],
            resources: &["ins-1".into()],
            body: "{}",
            text: None,
        };
        t.append_decision(&decision).unwrap();
    });
    let refused = asked(&store, day(26), false).unwrap_err();
    assert!(matches!(refused, ExplainError::Record { decision: 2, .. }), "{refused}");
    let mut other = resource("acc-1");
    other.policy.version = 9;
    change(&mut store, |t| assert!(t.put_resource(&other, 1).is_ok()));
    let refused = asked(&store, day(26), false).unwrap_err();
    assert!(
        refused.to_string().contains("version 9") && matches!(refused, ExplainError::Policy { .. })
    );
}
