//! Stops and releases.

use serde_json::json;

use crate::engine::gate::Because;

use super::*;

#[test]
fn as_many_as_are_not_too_many_come_and_one_more_within_the_window_is_held_also_after_a_restart() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 5);
        bench.add("own", 5, at(30));
        bench.settle(at(0));
        assert_eq!(bench.phases(6), count([("stopped", 5), ("active", 1)]));
        assert_eq!(bench.batches().len(), 0);
        bench.restart(at(29));
        bench.settle(at(30));
        assert_eq!(bench.resource(5).phase.as_str(), "active");
        let batch = bench.batches().remove(0);
        assert_eq!((batch.count, batch.admitted, batch.limit, batch.tracked), (1, 5, 5, 6));
    });
}

#[test]
fn what_was_admitted_counts_no_more_once_the_window_is_over() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 5);
        bench.add("own", 5, at(62));
        bench.settle(at(0));
        bench.restart(at(1));
        bench.settle(at(62));
        assert_eq!(bench.phases(6), count([("stopped", 6)]));
    });
}

#[test]
fn nothing_of_a_set_comes_before_all_of_it_was_judged_however_many_groups_that_takes() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        // Three a group: after two groups it has not seen more than are allowed.
        assert!(bench.group(Vec::new(), at(0)));
        assert!(bench.group(Vec::new(), at(0)));
        assert_eq!(bench.phases(10), count([("active", 10)]));
        bench.restart(at(0));
        bench.settle(at(0));
        assert_eq!(bench.phases(10), count([("active", 10)]));
        let batch = bench.batches().remove(0);
        assert_eq!((batch.count, bench.members(&batch.hash)), (10, 10));
        assert_eq!(bench.published("lifecycle.breaker.tripped"), 1);
        assert_eq!(bench.published("lifecycle.resource.changed"), 0);
        assert_eq!(bench.breaker.open_batches(), 1);
    });
}

#[test]
fn a_set_larger_than_a_group_comes_whole_where_it_is_not_too_large() {
    on_each_store(|store| {
        let ten = Limit { number: 10, share_percent: 100, floor: 0 };
        let mut bench = Bench::new(store, BreakerSettings { stops: (ten, ten), ..five() });
        bench.fleet("own", 10);
        bench.settle(at(0));
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
        assert_eq!(bench.published("lifecycle.transition.held"), 0);
        assert!(!bench.breaker.has_admitted() && !bench.breaker.has_asked());
        // They count once.
        let since = at(0) - bench.settings.breaker.window;
        assert_eq!(bench.breaker.book.admitted(Kind::Stop, None, since), 10);
    });
}

#[test]
fn while_a_set_is_held_notices_go_on_and_it_is_said_once_that_each_waits() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        bench.settle(at(0));
        assert_eq!((bench.told(), bench.published("lifecycle.transition.held")), (10, 0));
        bench.settle(at(5));
        assert_eq!(bench.published("lifecycle.transition.held"), 10);
        bench.settle(at(24 * 60));
        assert_eq!((bench.told(), bench.published("lifecycle.transition.held")), (20, 10));
        assert_eq!(bench.resource(0).held.unwrap().because, Because::Breaker);
        assert_eq!(bench.phases(10), count([("active", 10)]));
    });
}

#[test]
fn an_approval_lets_exactly_its_batch_go_on_and_is_on_record() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        for number in 10..16 {
            bench.add("own", number, at(30));
        }
        bench.settle(at(0));
        bench.settle(at(30));
        let first = bench.batches().remove(0);
        assert_eq!(bench.batches().len(), 1, "what comes later waits behind it");
        // One of them pays.
        let paid = json!({ "account": "a03", "resource": "r03",
            "expires_at": at(9999).to_rfc3339() });
        bench.tell(&[("expiry.changed", "a03", paid)], at(31));
        assert_eq!(bench.members(&first.hash), 9);

        let (state, said) = bench.approve(&first.hash, at(40));
        assert_eq!(state, CommandState::Done, "{said}");
        assert!(said.contains("9 go on, 1 had left"), "{said}");
        assert_eq!(bench.phases(10), count([("stopped", 9), ("active", 1)]));
        // The six that came later are judged as a set of their own, and are too many.
        assert_eq!(bench.phases(16), count([("stopped", 9), ("active", 7)]));
        let batches = bench.batches();
        assert_eq!((batches.len(), batches[1].count), (2, 6));
        assert_eq!(batches[0].state, BatchState::Approved);
        let record = bench.record(0).join("\n");
        assert!(
            record.contains("SAFE-6") && record.contains("olga: a real sale ended"),
            "{record}"
        );
        assert!(!bench.record(3).join("\n").contains("olga"), "it was not in it any more");

        let (state, _) = bench.approve(&first.hash, at(41));
        assert_eq!(state, CommandState::Refused);
        assert_eq!(bench.approve("ff", at(41)).0, CommandState::Refused);
    });
}

#[test]
fn what_a_person_approved_does_not_count_against_what_comes_next() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        for number in 10..15 {
            bench.add("own", number, at(30));
        }
        bench.settle(at(0));
        let hash = bench.batches().remove(0).hash;
        bench.settle(at(30));
        bench.approve(&hash, at(40));
        assert_eq!(bench.phases(15), count([("stopped", 15)]));
    });
}

#[test]
fn a_rejected_batch_stays_and_can_be_approved_after_all() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        bench.settle(at(0));
        let hash = bench.batches().remove(0).hash;
        assert_eq!(bench.reject(&hash, at(10)).0, CommandState::Done);
        let record = bench.record(0).join("\n");
        assert!(
            record.contains("rejected") && record.contains("by olga: the feed lied"),
            "{record}"
        );
        assert_eq!(bench.breaker.open_batches(), 0);
        bench.restart(at(11));
        bench.settle(at(24 * 60));
        assert_eq!(bench.phases(10), count([("active", 10)]));
        assert_eq!((bench.batches().len(), bench.members(&hash)), (1, 10));
        // Others are not kept by it.
        bench.add("own", 10, at(24 * 60 + 1));
        bench.settle(at(24 * 60 + 1));
        assert_eq!(bench.resource(10).phase.as_str(), "stopped");
        assert_eq!(bench.approve(&hash, at(24 * 60 + 2)).0, CommandState::Done);
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
    });
}

#[test]
fn a_batch_of_which_all_have_paid_keeps_nobody_waiting() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 6);
        bench.add("own", 6, at(30));
        bench.settle(at(0));
        bench.settle(at(30));
        for number in 0..6 {
            let (account, resource) = (format!("a{number:02}"), format!("r{number:02}"));
            let data = json!({ "account": account, "resource": resource,
                "expires_at": at(9999).to_rfc3339() });
            bench.tell(&[("expiry.changed", &account, data)], at(40));
        }
        assert_eq!(bench.batches().remove(0).state, BatchState::Withdrawn);
        assert_eq!(bench.resource(6).phase.as_str(), "stopped");
    });
}

#[test]
fn a_resource_that_was_paid_and_is_due_again_is_not_part_of_the_batch_any_more() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        bench.settle(at(0));
        let hash = bench.batches().remove(0).hash;
        let paid =
            json!({ "account": "a03", "resource": "r03", "expires_at": at(60).to_rfc3339() });
        bench.tell(&[("expiry.changed", "a03", paid)], at(10));
        bench.settle(at(60));
        assert_eq!(bench.members(&hash), 9);
        bench.approve(&hash, at(61));
        // Alone it is not too much: it was judged for itself.
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
        assert!(!bench.record(3).join("\n").contains("olga"));
    });
}

#[test]
fn releases_have_a_limit_of_their_own() {
    on_each_store(|store| {
        let many = Limit { number: 99, share_percent: 100, floor: 0 };
        let mut bench = Bench::new(store, BreakerSettings { stops: (many, many), ..five() });
        bench.fleet("own", 10);
        bench.settle(at(0));
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
        bench.settle(at(2 * 24 * 60));
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
        assert_eq!(bench.batches().remove(0).kind, Kind::Release);
    });
}

#[test]
fn steps_that_come_alone_count_as_well_and_are_decided_once() {
    on_each_store(|store| {
        let all = Limit { number: 99, share_percent: 100, floor: 0 };
        let stops = (five().stops.0, all);
        let mut bench = Bench::new(store, BreakerSettings { stops, ..five() });
        for number in 0..6_usize {
            bench.add("own", number, at(i64::try_from(number).unwrap()));
        }
        for minute in 0..6 {
            bench.group(Vec::new(), at(minute));
        }
        assert_eq!(bench.phases(6), count([("stopped", 5), ("active", 1)]));
        assert_eq!((bench.batches()[0].count, bench.batches()[0].admitted), (1, 5));
        // It never had to ask.
        let intents = |number: usize| {
            let account = format!("a{number:02}").as_str().into();
            bench.store.reader().unwrap().intents(IntentsOf::Account(&account), None, 9).unwrap()
        };
        assert_eq!((intents(0).len(), intents(5).len()), (0, 1));
        assert_eq!(bench.resource(0).sequence, 1);
    });
}

#[test]
fn what_cannot_be_taken_back_is_counted_also_where_a_customer_asks_for_it_and_the_bin_is_not() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 14);
        for number in 0..14_usize {
            let account = format!("a{number:02}");
            let mode = if number < 8 { "recycle" } else { "immediate" };
            let data = json!({ "account": account, "resources": [format!("r{number:02}")],
                "mode": mode });
            bench.tell(&[("termination.requested", &account, data)], at(-50));
        }
        // Those six came one after the other: the sixth is one too many.
        let expected = count([("recycled", 8), ("removed", 5), ("active", 1)]);
        assert_eq!(bench.phases(14), expected);
        let batch = bench.batches().remove(0);
        assert_eq!((batch.kind, batch.count, batch.admitted), (Kind::Release, 1, 5));
        bench.approve(&batch.hash, at(-40));
        assert_eq!(bench.resource(13).phase.as_str(), "removed");
    });
}

#[test]
fn policies_that_are_few_each_can_be_too_many_together() {
    on_each_store(|store| {
        let limit = |number| Limit { number, share_percent: 100, floor: 0 };
        let stops = (limit(5), limit(7));
        let mut bench = Bench::new(store, BreakerSettings { stops, ..five() });
        for number in 0..4 {
            bench.add("own", number, at(120));
            bench.add("owes", number + 4, at(0));
            bench.balance(number + 4, "-1", (0, 1));
        }
        bench.settle(at(2));
        bench.settle(at(120));
        assert_eq!(bench.phases(8), count([("active", 4), ("grace", 4)]));
        let batch = bench.batches().remove(0);
        assert_eq!((batch.count, batch.limit, batch.scope.word()), (8, 7, "all"));
    });
}
