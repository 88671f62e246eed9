//! What comes back proves nothing any more (SAFE-4, SAFE-9).

use super::super::life::Life;
use super::{DUE, LATER, POLICY};

#[test]
fn a_release_whose_only_warning_came_back_is_held_and_the_next_one_that_arrives_lets_it_go() {
    let mut life = Life::of(POLICY);
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    life.come_back("2026-03-15T00:00:00Z", ("warning", 1), None);
    life.accept("2026-03-18T00:00:00Z", "warning", 2);
    assert_eq!(
        life.lines(DUE, LATER),
        [
            "2026-03-17T00:00:00Z held released: proof",
            "2026-03-18T00:00:00Z warning",
            "2026-03-18T20:00:00Z stopped -> released",
        ]
    );
}

#[test]
fn another_warning_of_the_trouble_that_arrived_proves_what_one_that_came_back_does_not() {
    let mut life = Life::of(POLICY);
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    life.accept("2026-03-16T00:00:05Z", "warning", 2);
    life.come_back("2026-03-16T12:00:00Z", ("warning", 1), None);
    assert_eq!(life.lines(DUE, LATER), ["2026-03-17T00:00:00Z stopped -> released"]);
}

#[test]
fn where_somebody_else_was_told_later_the_lead_time_counts_from_then() {
    let mut life = Life::of(POLICY);
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    life.come_back("2026-03-16T12:00:00Z", ("warning", 1), Some("2026-03-16T10:00:00Z"));
    assert_eq!(
        life.lines("2026-03-17T00:00:01Z", LATER),
        ["2026-03-17T06:00:00Z stopped -> released"]
    );
}

#[test]
fn what_came_back_after_the_release_undoes_nothing_and_before_any_acceptance_takes_nothing() {
    let mut life = Life::of(POLICY);
    life.come_back("2026-03-14T00:00:01Z", ("warning", 1), None);
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    let released = ["2026-03-17T00:00:00Z stopped -> released"];
    assert_eq!(life.lines(DUE, "2026-03-18T00:00:00Z"), released);
    life.come_back("2026-03-18T00:00:00Z", ("warning", 1), None);
    assert_eq!(life.lines(DUE, LATER), released);
}

#[test]
fn what_comes_back_while_the_step_is_held_for_another_reason_holds_it_on() {
    let two = r#"{ notices = ["stopped", "warning"], lead = "20h" }"#;
    let mut life = Life::of(&POLICY.replace(r#"{ notices = ["warning"], lead = "20h" }"#, two));
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    life.come_back("2026-03-20T00:00:00Z", ("warning", 1), None);
    life.accept("2026-03-21T00:00:00Z", "stopped", 1);
    assert_eq!(life.lines(DUE, LATER), ["2026-03-17T00:00:00Z held released: proof"]);
}
