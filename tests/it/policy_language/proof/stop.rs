//! No stop before its minimum time, counted from the accepted notice (SAFE-10); and none that waits for ever.

use dunlin::policy::Policies;

use super::super::life::{Life, START};
use super::super::world::{activated, balance};
use super::LATER;

/// In arrears from the second of March, ten in the morning; the stop is wanted a day later.
fn in_arrears() -> Life {
    let mut life = Life::under(Policies::shipped().set);
    life.tell(START, balance(5));
    life.tell(START, activated("recommended-postpaid", None));
    life.tell("2026-03-02T02:00:00Z", balance(-5));
    life
}

const DUE: &str = "2026-03-03T02:00:00Z";

/// Up to the last warning before the release.
fn lines(life: &mut Life) -> Vec<&str> {
    life.lines(DUE, "2026-03-10T00:00:00Z")
}

#[test]
fn a_stop_of_which_somebody_was_told_in_time_comes_when_the_policy_wants_it() {
    let mut life = in_arrears();
    life.accept("2026-03-03T00:00:00Z", "arrears", 1);
    let stop = ["2026-03-03T02:00:00Z grace -> stopped", "2026-03-03T02:00:00Z stopped"];
    assert_eq!(lines(&mut life), stop);
}

#[test]
fn while_nobody_could_be_told_the_customer_loses_no_time() {
    // The mail server was down for a day and a half.
    let mut life = in_arrears();
    life.accept("2026-03-03T14:30:00Z", "arrears", 1);
    let expected = [
        "2026-03-03T02:00:00Z held stopped: proof",
        "2026-03-03T16:30:00Z grace -> stopped",
        "2026-03-03T16:30:00Z stopped",
    ];
    assert_eq!(lines(&mut life), expected);
}

#[test]
fn who_cannot_be_told_at_all_is_stopped_three_days_later_and_not_released() {
    let mut life = in_arrears();
    let stopped = ["2026-03-06T02:00:00Z grace -> stopped", "2026-03-06T02:00:00Z stopped"];
    assert_eq!(lines(&mut life)[0], "2026-03-03T02:00:00Z held stopped: proof");
    assert_eq!(lines(&mut life)[1..], stopped);
    let after = life.lines("2026-03-20T00:00:00Z", LATER);
    assert!(after.iter().any(|line| line.ends_with("held released: proof")), "{after:?}");
    assert!(!after.iter().any(|line| line.ends_with("-> released")), "{after:?}");
}

#[test]
fn word_that_comes_just_before_the_wait_is_over_makes_it_no_longer() {
    let mut life = in_arrears();
    life.accept("2026-03-06T01:59:59Z", "arrears", 1);
    assert_eq!(lines(&mut life)[1], "2026-03-06T02:00:00Z grace -> stopped");
}
