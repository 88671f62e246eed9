//! A case in flight keeps its policy version; a newer one reaches it only where it is later (SAFE-9).

use dunlin::engine::policy::PolicySet;

use super::life::{E, Life};
use super::world::{activated, policy, renewed, resource};

const FIRST: &str = r#"
id = "own"
version = 1
title = "Own"
zone = "Asia/Shanghai"
clock = "expiry"
[[phase]]
name = "active"
class = "working"
[[phase]]
name = "stopped"
class = "suspended"
[[phase]]
name = "released"
class = "gone"
[[step]]
from = "active"
to = "stopped"
at = { from = "expiry" }
[[step]]
from = "stopped"
to = "released"
at = { from = "expiry", after = "7d" }
[[recovery]]
from = "stopped"
to = "active"
when = "renewed"
[[notice]]
kind = "warning"
slots = { from = "expiry", after = ["-5d"] }
phases = ["active"]
channels = ["email"]
[renewal]
months = [1]
first_term_end = "same_time"
"#;

/// A second version, with a release after so long and a warning so long before the expiry.
fn second(release: &str, warning: &str) -> String {
    FIRST
        .replace("version = 1", "version = 2")
        .replace("after = \"7d\"", &format!("after = \"{release}\""))
        .replace("-5d", warning)
}

/// Activated under the first version; the second is there from `since` on.
fn life(since: &str, second: &str) -> Life {
    let mut first = PolicySet::default();
    first.insert(policy(FIRST));
    let mut life = Life::under(first);
    life.tell("2026-03-01T00:00:00Z", activated("own", Some(E)));
    life.live(since);
    life.policies.insert(policy(second));
    // As a start with a new version does.
    life.wake(since);
    life
}

fn version(life: &Life) -> u32 {
    life.whole.resources[&resource()].policy.version
}

const NEW: &str = "2026-03-04T00:00:00Z";
const IN_FLIGHT: &str = "2026-03-06T00:00:00Z";
const LATER: &str = "2026-06-01T00:00:00Z";

#[test]
fn what_is_in_no_case_follows_the_newest_version_whichever_way_it_differs() {
    for (release, warning, expected) in [
        ("3d", "-4d", ["2026-03-06T00:00:00Z warning", "2026-03-13T00:00:00Z stopped -> released"]),
        ("9d", "-2d", ["2026-03-08T00:00:00Z warning", "2026-03-19T00:00:00Z stopped -> released"]),
    ] {
        let mut life = life(NEW, &second(release, warning));
        assert_eq!(version(&life), 2);
        let lines = life.lines(NEW, LATER);
        assert_eq!([lines[0], lines[2]], expected);
    }
}

#[test]
fn a_warning_that_the_new_version_wants_earlier_is_sent_when_it_is_learned_of() {
    let mut life = life(NEW, &second("7d", "-8d"));
    assert_eq!(life.lines(NEW, LATER)[0], "2026-03-04T00:00:00Z warning");
}

#[test]
fn a_case_in_flight_is_not_released_earlier_by_a_harsher_version() {
    let mut life = life(IN_FLIGHT, &second("3d", "-4d"));
    assert_eq!(version(&life), 1);
    let stop =
        ["2026-03-10T00:00:00Z active -> stopped", "2026-03-17T00:00:00Z stopped -> released"];
    assert_eq!(life.lines(IN_FLIGHT, LATER), stop);
}

#[test]
fn a_case_in_flight_is_released_later_by_a_milder_version() {
    let mut life = life(IN_FLIGHT, &second("9d", "-4d"));
    assert_eq!(version(&life), 1);
    let stop =
        ["2026-03-10T00:00:00Z active -> stopped", "2026-03-19T00:00:00Z stopped -> released"];
    assert_eq!(life.lines(IN_FLIGHT, LATER), stop);
}

#[test]
fn a_case_that_is_over_leaves_its_version_behind() {
    let mut life = life(IN_FLIGHT, &second("3d", "-4d"));
    life.tell("2026-03-07T00:00:00Z", renewed(1));
    life.live("2026-03-20T00:00:00Z");
    life.wake("2026-03-20T00:00:00Z");
    assert_eq!(version(&life), 2);
    let end = "2026-04-13T00:00:00Z stopped -> released";
    assert_eq!(life.lines(IN_FLIGHT, LATER).last(), Some(&end));
}

#[test]
fn a_version_that_does_not_know_the_phase_or_runs_on_another_clock_is_not_followed() {
    let renamed = second("3d", "-4d").replace("\"active\"", "\"running\"");
    assert_eq!(version(&life(NEW, &renamed)), 1);
}
