//! What waits to be admitted is not lost to what happens meanwhile: it comes first, if it is not too much.

use crate::engine::gate::Because;

use super::*;

#[test]
fn a_fall_that_is_paid_before_it_was_judged_is_told_all_the_same_and_counts() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 6);
        for number in 0..5 {
            bench.balance(number, "-1", (10, 10));
            bench.balance(number, "3", (11, 11));
        }
        assert_eq!((bench.told(), bench.phases(6)), (5, count([("active", 6)])));
        assert_eq!(bench.published("lifecycle.resource.changed"), 2 * 5, "to grace and back");
        // With those of this hour the sixth is one too many, paid or not.
        bench.balance(5, "-1", (12, 12));
        bench.balance(5, "3", (13, 13));
        bench.settle(at(20));
        assert_eq!(bench.told(), 5);
    });
}

#[test]
fn late_facts_of_one_group_come_in_their_order_as_they_do_in_a_simulation() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 1);
        let told = |number, balance: &str, time| {
            let data = json!({ "account": "a00", "balance": balance, "currency": "CNY" });
            taken(number, ("balance.changed", "a00"), &data, at(time))
        };
        // Three hours ago, and nothing is enough but more than nothing.
        let facts = [told(901, "-5.50", 0), told(902, "0", 175), told(903, "20", 178)];
        bench.group(facts.into(), at(180));
        bench.settle(at(181));
        let moves = ["active -> grace", "grace -> stopped", "stopped -> active"];
        let record = bench.record(0).join("\n");
        for one in moves {
            assert!(record.contains(one), "{one} is missing: {record}");
        }
        assert_eq!((bench.told(), bench.phases(1)), (1, count([("active", 1)])));
    });
}

#[test]
fn a_request_finds_the_resource_where_it_would_be() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.add("own", 0, at(-60));
        let renew = json!({ "account": "a00", "resource": "r00", "months": 1 });
        let expiry =
            json!({ "account": "a00", "resource": "r00", "expires_at": at(-10).to_rfc3339() });
        let events = [
            taken(901, ("expiry.changed", "a00"), &expiry, at(1)),
            taken(902, ("renewal.requested", "a00"), &renew, at(2)),
        ];
        bench.group(events.into(), at(3));
        bench.settle(at(3));
        assert!(bench.record(0).join("\n").contains("stopped -> active"));
        assert_eq!(bench.phases(1), count([("active", 1)]));
    });
}

#[test]
fn a_hold_that_comes_while_a_step_waits_holds_it() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 1);
        let balance = json!({ "account": "a00", "balance": "-1", "currency": "CNY" });
        let hold =
            json!({ "account": "a00", "resource": "r00", "reason": "court", "scope": "all" });
        let events = [
            taken(901, ("balance.changed", "a00"), &balance, at(0)),
            taken(902, ("hold.placed", "a00"), &hold, at(170)),
        ];
        bench.group(events.into(), at(180));
        bench.settle(at(200));
        assert_eq!(bench.phases(1), count([("grace", 1)]));
        assert_eq!(bench.resource(0).held.map(|held| held.because), Some(Because::Hold));
    });
}

#[test]
fn a_release_that_waits_for_its_judgement_is_never_taken_before_what_saves_the_resource() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 1);
        let recycle = json!({ "account": "a00", "resources": ["r00"], "mode": "recycle" });
        bench.tell(&[("termination.requested", "a00", recycle)], at(0));
        assert_eq!(bench.resource(0).phase.as_str(), "recycled");
        // It asks in a group that judges nothing yet, as where more is due than one group holds.
        bench.settings.breaker.releases.0.number = 0;
        bench.restart(at(119));
        let tx = bench.store.begin().unwrap();
        let mut group =
            Group::new(tx, &bench.policies, &bench.settings, Proofs::Recorded, &mut bench.world)
                .guarded_by(Some(&mut bench.breaker));
        group.wake(at(120), 9).unwrap();
        group.commit().unwrap();
        bench.settings.breaker = five();
        bench.restart(at(121));
        let restore = json!({ "account": "a00", "resource": "r00" });
        bench.tell(&[("restore.requested", "a00", restore)], at(121));
        bench.settle(at(300));
        assert_eq!(bench.phases(1), count([("active", 1)]));
    });
}
