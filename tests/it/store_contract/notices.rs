//! Notices: every contact and channel on its own, every attempt on record.

use std::collections::HashSet;
use std::sync::Arc;

use dunlin::engine::effect::Notice;
use dunlin::engine::policy::Channel::{Email, Sms};
use dunlin::store::AttemptOutcome::{Failed, Sent, Unknown};
use dunlin::store::{DeliveryRow, DeliveryState, Read, Store, StoreError};

use super::samples::{at, attempt, delivery, notice, sent};
use super::{Backend, commit, contract};

contract! {
    every_contact_and_channel_is_a_delivery_of_its_own,
    the_same_notice_twice_is_one_row,
    a_failed_attempt_comes_again_and_delays_nobody,
    what_is_final_stays_final,
    what_was_sent_is_never_tried_again,
    an_attempt_at_nothing_is_refused,
    an_attempt_that_has_begun_stays_so_over_a_crash,
    an_outcome_ends_the_attempt_and_the_next_begins_anew,
    an_attempt_that_was_not_made_leaves_no_trace,
    what_is_final_is_never_begun,
    every_attempt_leaves_a_receipt,
    sent_messages_are_kept_and_forgotten_but_receipts_stay,
    a_delivery_waits_for_its_hour,
    what_waits_for_the_end_of_the_quiet_hours_is_not_old,
}

fn push(store: &mut dyn Store) {
    commit(store, |t| {
        let three =
            [delivery("d1", 0, Email, 1), delivery("d2", 0, Sms, 1), delivery("d3", 1, Email, 1)];
        assert!(t.push_notice("n1", &notice("a", 0), &three).unwrap());
    });
}

/// What is ready by e-mail, then by text.
fn ready(reader: &dyn Read, now: i64, limit: usize, in_flight: &[&str]) -> Vec<String> {
    let in_flight: HashSet<_> = in_flight.iter().map(|id| (*id).to_owned()).collect();
    let of = |channel| reader.ready_deliveries(at(now), channel, limit, &in_flight).unwrap();
    [Email, Sms].into_iter().flat_map(of).map(|row| row.id).collect()
}

fn every_contact_and_channel_is_a_delivery_of_its_own(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    let reader = store.reader().unwrap();
    let rows = reader.ready_deliveries(at(1), Email, 9, &HashSet::new()).unwrap();
    let what: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.contact, row.channel)).collect();
    assert_eq!(what, [("d1", 0, Email), ("d3", 1, Email)]);
    for row in &rows {
        assert_eq!((row.notice_id.as_str(), row.attempts, row.created_at), ("n1", 0, at(0)));
        assert_eq!(*row.notice, notice("a", 0));
        assert!(Arc::ptr_eq(&row.notice, &rows[0].notice), "read once");
    }
    assert_eq!(ready(reader.as_ref(), 1, 2, &["d1"]), ["d3", "d2"]);
    assert_eq!(
        ready(reader.as_ref(), 1, 1, &[]),
        ["d1", "d2"],
        "a channel takes no room from another"
    );
    let backlog = reader.backlog().unwrap();
    assert_eq!((backlog.deliveries, backlog.oldest_delivery), (3, Some(at(0))));
}

fn the_same_notice_twice_is_one_row(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    commit(store.as_mut(), |t| {
        let again = [delivery("d9", 0, Email, 1)];
        assert!(!t.push_notice("n1", &notice("a", 7), &again).unwrap());
        assert_eq!(t.deliveries("n1").unwrap().len(), 3);
        assert_eq!(t.notice("n1").unwrap(), Some(notice("a", 0)));
        assert!(t.push_notice("n2", &notice("a", 7), &[delivery("d1", 0, Email, 1)]).is_err());
    });
}

fn a_failed_attempt_comes_again_and_delays_nobody(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    commit(store.as_mut(), |t| {
        let state = t.record_attempt(&attempt("d1", Failed, 2, Some(60))).unwrap();
        assert_eq!(state, DeliveryState::Pending);
        let state = t.record_attempt(&attempt("d2", Unknown, 2, Some(30))).unwrap();
        assert_eq!(state, DeliveryState::Pending, "an e-mail of unknown outcome may be repeated");
    });
    let reader = store.reader().unwrap();
    assert_eq!(ready(reader.as_ref(), 29, 9, &[]), ["d3"]);
    assert_eq!(ready(reader.as_ref(), 60, 9, &[]), ["d3", "d1", "d2"]);
    let row = &reader.deliveries("n1").unwrap()[0];
    assert_eq!((row.id.as_str(), row.attempts, row.next_at), ("d1", 1, at(60)));
    assert_eq!(row.last_error.as_deref(), Some("250 2.0.0 queued"));
}

fn what_is_final_stays_final(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    for (id, outcome) in [("d1", Sent), ("d2", Unknown), ("d3", Failed)] {
        commit(store.as_mut(), |t| {
            let state = t.record_attempt(&attempt(id, outcome, 2, None)).unwrap();
            assert_eq!(state, DeliveryState::Final(outcome));
            let late = if outcome == Sent { Failed } else { Sent };
            for next in [None, Some(3)] {
                let state = t.record_attempt(&attempt(id, late, 3, next)).unwrap();
                assert_eq!(state, DeliveryState::Final(outcome), "a late answer changes nothing");
            }
        });
    }
    let reader = store.reader().unwrap();
    assert!(ready(reader.as_ref(), 99, 9, &[]).is_empty());
    assert_eq!(reader.backlog().unwrap(), Default::default());
    assert_eq!(reader.next_delivery(Email, &HashSet::new()).unwrap(), None);
}

fn what_was_sent_is_never_tried_again(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    commit(store.as_mut(), |t| {
        let state = t.record_attempt(&attempt("d1", Sent, 2, Some(3))).unwrap();
        assert_eq!(state, DeliveryState::Final(Sent));
    });
    assert_eq!(ready(store.reader().unwrap().as_ref(), 9, 9, &[]), ["d3", "d2"]);
}

fn an_attempt_at_nothing_is_refused(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        let refused = t.record_attempt(&attempt("none", Sent, 2, None)).unwrap_err();
        assert!(matches!(refused, StoreError::Missing { .. }), "{refused}");
        let refused = t.keep_sent(&sent("none", "Hello", 2)).unwrap_err();
        assert!(matches!(refused, StoreError::Missing { .. }), "{refused}");
    });
}

/// When the attempt of a delivery began that has no outcome yet, as both readers of it see it.
fn begun(reader: &dyn Read, id: &str) -> Option<i64> {
    let named = |row: &DeliveryRow| row.id == id;
    let known = reader.deliveries("n1").unwrap().into_iter().find(named).unwrap();
    let of = |channel| reader.ready_deliveries(at(99), channel, 9, &HashSet::new()).unwrap();
    let ready = [Email, Sms].into_iter().flat_map(of).find(|row| row.id == id);
    if let Some(ready) = ready {
        assert_eq!(ready.begun_at, known.begun_at);
    }
    known.begun_at.map(|begun| (begun - at(0)).num_seconds())
}

fn an_attempt_that_has_begun_stays_so_over_a_crash(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    let mut lost = store.begin().unwrap();
    assert!(lost.begin_attempt("d2", at(2)).unwrap());
    drop(lost);
    commit(store.as_mut(), |t| {
        assert_eq!(begun(t, "d2"), None, "it was not committed");
        assert!(t.begin_attempt("d2", at(3)).unwrap());
        assert!(!t.begin_attempt("d2", at(4)).unwrap(), "one at a time");
    });
    drop(store);
    let mut store = backend.open();
    let reader = store.reader().unwrap();
    assert_eq!((begun(reader.as_ref(), "d2"), begun(reader.as_ref(), "d1")), (Some(3), None));
    assert_eq!(ready(reader.as_ref(), 9, 9, &[]), ["d1", "d3", "d2"], "to be dealt with");
    assert_eq!(reader.backlog().unwrap().deliveries, 3);
    commit(store.as_mut(), |t| assert!(!t.begin_attempt("d2", at(9)).unwrap()));
}

fn an_outcome_ends_the_attempt_and_the_next_begins_anew(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    commit(store.as_mut(), |t| {
        assert!(t.begin_attempt("d2", at(2)).unwrap());
        t.record_attempt(&attempt("d2", Failed, 3, Some(30))).unwrap();
    });
    let reader = store.reader().unwrap();
    assert_eq!(begun(reader.as_ref(), "d2"), None);
    commit(store.as_mut(), |t| {
        assert!(t.begin_attempt("d2", at(30)).unwrap());
        assert_eq!(begun(t, "d2"), Some(30));
        t.record_attempt(&attempt("d2", Unknown, 31, None)).unwrap();
    });
    assert_eq!(begun(reader.as_ref(), "d2"), None);
    assert_eq!(reader.receipts("d2").unwrap().len(), 2, "a mark is no attempt of its own");
}

fn an_attempt_that_was_not_made_leaves_no_trace(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    let before = store.reader().unwrap().deliveries("n1").unwrap();
    commit(store.as_mut(), |t| {
        assert!(!t.withdraw_attempt("d2").unwrap(), "none has begun");
        assert!(t.begin_attempt("d2", at(2)).unwrap());
        assert!(t.withdraw_attempt("d2").unwrap());
    });
    let reader = store.reader().unwrap();
    assert_eq!(reader.deliveries("n1").unwrap(), before);
    assert!(reader.receipts("d2").unwrap().is_empty());
    commit(store.as_mut(), |t| assert!(t.begin_attempt("d2", at(5)).unwrap()));
}

fn what_is_final_is_never_begun(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    commit(store.as_mut(), |t| {
        t.record_attempt(&attempt("d2", Unknown, 2, None)).unwrap();
        assert!(!t.begin_attempt("d2", at(3)).unwrap());
        assert_eq!(begun(t, "d2"), None);
        let refused = t.begin_attempt("none", at(3)).unwrap_err();
        assert!(matches!(refused, StoreError::Missing { .. }), "{refused}");
    });
}

fn every_attempt_leaves_a_receipt(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    commit(store.as_mut(), |t| {
        t.record_attempt(&attempt("d1", Unknown, 2, Some(5))).unwrap();
        t.record_attempt(&attempt("d1", Sent, 6, None)).unwrap();
        t.record_attempt(&attempt("d1", Failed, 7, None)).unwrap();
    });
    let receipts = store.reader().unwrap().receipts("d1").unwrap();
    let what: Vec<_> = receipts.iter().map(|row| (row.attempt, row.outcome, row.at)).collect();
    assert_eq!(what, [(1, Unknown, at(2)), (2, Sent, at(6)), (3, Failed, at(7))]);
    assert!(receipts.iter().all(|row| row.receipt == "250 2.0.0 queued"));
}

fn sent_messages_are_kept_and_forgotten_but_receipts_stay(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut());
    commit(store.as_mut(), |t| {
        for (seconds, id) in (2..).zip(["d1", "d2", "d3"]) {
            t.record_attempt(&attempt(id, Sent, seconds, None)).unwrap();
            t.keep_sent(&sent(id, "first", seconds)).unwrap();
        }
        t.keep_sent(&sent("d1", "second", 2)).unwrap();
    });
    let reader = store.reader().unwrap();
    assert!(reader.sent_message("d1").unwrap() == Some(sent("d1", "second", 2)), "the last one");
    commit(store.as_mut(), |t| {
        assert_eq!(t.forget_sent(at(4), 1).unwrap(), 1);
        assert_eq!(t.forget_sent(at(4), 9).unwrap(), 1);
        assert_eq!(t.forget_sent(at(4), 9).unwrap(), 0);
    });
    assert!(
        reader.sent_message("d1").unwrap().is_none()
            && reader.sent_message("d3").unwrap().is_some()
    );
    assert_eq!(reader.receipts("d1").unwrap().len(), 1);
}

fn a_delivery_waits_for_its_hour(backend: &dyn Backend) {
    let mut store = backend.open();
    commit(store.as_mut(), |t| {
        let two = [delivery("d1", 0, Email, 70), delivery("d2", 1, Email, 40)];
        t.push_notice("n1", &notice("a", 0), &two).unwrap();
    });
    let reader = store.reader().unwrap();
    assert!(ready(reader.as_ref(), 39, 9, &[]).is_empty());
    assert_eq!(ready(reader.as_ref(), 40, 9, &[]), ["d2"]);
    assert_eq!(reader.next_delivery(Email, &HashSet::new()).unwrap(), Some(at(40)));
    let in_flight = HashSet::from(["d2".to_owned()]);
    assert_eq!(reader.next_delivery(Email, &in_flight).unwrap(), Some(at(70)));
}

fn what_waits_for_the_end_of_the_quiet_hours_is_not_old(backend: &dyn Backend) {
    let mut store = backend.open();
    let night = Notice { not_before: [(Sms, at(600))].into(), ..notice("a", 0) };
    commit(store.as_mut(), |t| {
        let text = delivery("d1", 0, Sms, 600);
        assert!(t.push_notice("n1", &night, &[text]).unwrap());
    });
    let reader = store.reader().unwrap();
    assert!(ready(reader.as_ref(), 599, 9, &[]).is_empty());
    assert_eq!(ready(reader.as_ref(), 600, 9, &[]), ["d1"]);
    assert_eq!(reader.backlog().unwrap().oldest_delivery, Some(at(600)));
}
