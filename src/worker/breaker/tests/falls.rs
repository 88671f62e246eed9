//! Accounts that fall below zero.

use super::*;

#[test]
fn accounts_that_fall_below_zero_are_told_once_it_is_judged_and_clocks_run_from_the_fall() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 5);
        for number in 0..5 {
            bench.balance(number, "-1", (0, 10));
        }
        assert_eq!((bench.told(), bench.phases(5)), (0, count([("active", 5)])));
        let later = at(10) + bench.settings.breaker.settle;
        assert_eq!(bench.breaker.judges_at(), Some(later));
        bench.settle(later);
        assert_eq!((bench.told(), bench.phases(5)), (5, count([("grace", 5)])));
        assert_eq!(bench.resource(0).wake_at, Some(at(120)), "two hours after the fall");
        bench.settle(at(120));
        assert_eq!(bench.phases(5), count([("stopped", 5)]));
    });
}

#[test]
fn too_many_accounts_below_zero_are_held_before_anybody_is_told_and_count_from_the_approval() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 8);
        for number in 0..8 {
            bench.balance(number, "-1", (i64::try_from(number).unwrap() * 8, 60));
        }
        bench.settle(at(61));
        assert_eq!((bench.told(), bench.phases(8)), (0, count([("active", 8)])));
        let batch = bench.batches().remove(0);
        assert_eq!((batch.count, batch.limit, batch.tracked), (8, 5, 8));
        assert_eq!(bench.published("lifecycle.breaker.tripped"), 1);
        assert!(bench.account(0).arrears.is_none() && bench.account(0).doubted.is_some());

        // It was a mistake about one of them.
        bench.balance(2, "10", (62, 62));
        bench.restart(at(63));
        bench.settle(at(300));
        assert_eq!((bench.told(), bench.phases(8)), (0, count([("active", 8)])));
        bench.approve(&batch.hash, at(600));
        assert_eq!((bench.told(), bench.phases(8)), (7, count([("grace", 7), ("active", 1)])));
        assert_eq!(bench.resource(0).wake_at, Some(at(720)), "the waiting was not counted");
        assert_eq!(bench.account(0).arrears.unwrap().since, at(0));
        assert!(bench.record(0).join("\n").contains("olga"));
        bench.balance(0, "1", (601, 601));
        assert_eq!(bench.resource(0).phase.as_str(), "active");
    });
}

#[test]
fn accounts_that_fall_later_wait_behind_a_batch_and_a_second_fall_is_not_part_of_it() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 9);
        for number in 0..8 {
            bench.balance(number, "-1", (0, 0));
        }
        bench.settle(at(1));
        let hash = bench.batches().remove(0).hash;
        bench.balance(8, "-1", (200, 200));
        bench.balance(7, "1", (201, 201));
        bench.balance(7, "-1", (202, 202));
        bench.settle(at(210));
        assert_eq!((bench.told(), bench.members(&hash)), (0, 7));
        bench.approve(&hash, at(211));
        bench.settle(at(212));
        assert_eq!(bench.told(), 9, "two are not too many");
        assert!(!bench.record(7).join("\n").contains("olga"));
        assert_eq!(bench.account(7).arrears.unwrap().counts_from(), at(202));
    });
}

#[test]
fn falls_of_one_hour_add_up_however_slowly_they_are_read() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 7);
        for number in 0..5 {
            bench.balance(number, "-1", (0, 60));
        }
        bench.settle(at(61));
        assert_eq!(bench.told(), 5);
        bench.restart(at(200));
        // Three hours later, about the same hour; and about another one.
        bench.balance(5, "-1", (59, 200));
        bench.settle(at(201));
        assert_eq!((bench.told(), bench.batches().len()), (5, 1));
        bench.reject(&bench.batches()[0].hash.clone(), at(202));
        bench.balance(6, "-1", (190, 203));
        bench.settle(at(204));
        assert_eq!(bench.told(), 6);
    });
}

#[test]
fn an_account_with_nothing_to_stop_asks_for_nothing() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 1);
        bench.balance(0, "-1", (-60, -60));
        assert!(bench.account(0).arrears.is_some() && bench.account(0).doubted.is_none());
        assert_eq!(bench.breaker.judges_at(), None);
    });
}
