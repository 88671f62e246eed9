//! The look at a store, on both kinds.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Eye, Why};
use crate::engine::policy::Channel;
use crate::store::AttemptOutcome;
use crate::worker::tests::{Bench, POLICY, at, on_each_store};

fn look(bench: &Bench, within: TimeDelta, now: DateTime<Utc>) -> Option<super::Unreachable> {
    let reader = bench.store.reader().unwrap();
    let channels = vec![Channel::Email, Channel::Sms];
    let eye = Eye::open(&*reader, channels, (now, now + within)).unwrap();
    eye.look(&*reader, &"acc".into()).unwrap()
}

fn known(bench: &mut Bench) {
    let mut tx = bench.store.begin().unwrap();
    let text = POLICY.to_owned();
    let key = crate::engine::id::PolicyKey { id: "own".into(), version: 1 };
    tx.remember_policy(&crate::store::PolicyRow { key, hash: [0; 32], text, at: at(0) }).unwrap();
    tx.commit().unwrap();
}

#[test]
fn an_account_to_which_nothing_arrives_is_named_with_what_it_loses_in_that_time() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        known(&mut bench);
        let month = TimeDelta::days(30);
        assert_eq!(look(&bench, month, at(1)), None, "nothing was tried so far");
        let waiting = bench.waiting();
        for delivery in &waiting {
            bench.report(delivery, AttemptOutcome::Failed, (at(1), true));
        }
        let found = look(&bench, month, at(2)).expect("nobody can be told");
        // Two contacts, each with an address of their own and both with one number.
        assert_eq!(found.why, Why::NothingArrives { addresses: 4, last_at: at(0) });
        let [release] = &found.ahead[..] else { panic!("{found:?}") };
        assert_eq!((release.to.as_str(), release.irreversible), ("released", true));
        assert_eq!(release.at, at(48));
        let hour = TimeDelta::hours(1);
        assert_eq!(look(&bench, hour, at(2)), None, "nothing is taken within the hour");
        // Once it is due, it is held: nobody was told.
        bench.wake(at(48));
        let held = look(&bench, hour, at(49)).expect("it waits").ahead.remove(0);
        assert!(held.held);
    });
}

#[test]
fn one_message_that_arrived_is_enough() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        known(&mut bench);
        let waiting = bench.waiting();
        for delivery in &waiting[1..] {
            bench.report(delivery, AttemptOutcome::Failed, (at(1), true));
        }
        bench.report(&waiting[0], AttemptOutcome::Sent, (at(1), true));
        assert_eq!(look(&bench, TimeDelta::days(30), at(2)), None);
    });
}
