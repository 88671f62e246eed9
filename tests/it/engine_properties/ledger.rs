//! The balance reports of an account say the same in whatever order they are read (SAFE-3, POST-7).

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::id::EventKey;
use dunlin::engine::ledger::{Balances, Report};
use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn at(hour: i64) -> DateTime<Utc> {
    let begin: DateTime<Utc> = "2026-02-28T16:00:00Z".parse().expect("an instant");
    begin + TimeDelta::hours(hour)
}

fn reports() -> impl Strategy<Value = (Vec<Report>, Vec<Report>)> {
    let amount = prop_oneof![Just(-5_i64), Just(-1), Just(0), Just(5)];
    let one = (amount, 0_i64..6, prop::option::of(0_u64..5));
    vec(one, 1..9).prop_flat_map(|all| {
        let all: Vec<Report> = all
            .into_iter()
            .enumerate()
            .map(|(index, (amount, hour, sequence))| Report {
                amount: Decimal::from(amount),
                time: at(hour),
                sequence,
                key: EventKey { source: "/billing".into(), id: format!("e-{index}") },
            })
            .collect();
        let shuffled = Just(all.clone()).prop_shuffle();
        (Just(all), shuffled)
    })
}

fn read(reports: &[Report]) -> Balances {
    let mut balances = Balances::default();
    for report in reports {
        balances.report(report.clone());
        assert!(!balances.report(report.clone()), "a copy says nothing new");
    }
    balances
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reports_say_the_same_in_any_order((one, other) in reports()) {
        let (one, other) = (read(&one), read(&other));
        prop_assert_eq!(one.current(), other.current());
        prop_assert_eq!(one.negative_since(), other.negative_since());
    }
}
