//! Working days, and the least time in a phase.

use dunlin::engine::input::{Body, HoldScope, Import};

use super::world::{activated, at, expires, refusal, story};

/// Stopped at the end of the term, released three days after, on a working day.
const POLICY: &str = r#"
id = "own"
version = 1
title = "Own"
zone = "Asia/Shanghai"
clock = "expiry"
[calendar]
weekend = ["sat", "sun"]
holidays = ["2026-03-16"]
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
at = { from = "expiry", at_least = "2h" }
[[step]]
from = "stopped"
to = "released"
at = { from = "entry", after = "3d", only_on = "working_days" }
[[notice]]
kind = "warning"
slots = { before = "released", after = ["-24h"] }
channels = ["email"]
[[notice]]
kind = "first"
slots = { from = "expiry", after = ["0d"] }
phases = ["stopped"]
channels = ["email"]
"#;

const START: &str = "2026-03-01T00:00:00Z";
const LATER: &str = "2026-06-01T00:00:00Z";

fn released(text: &str, expiry: &str) -> Vec<String> {
    let story = story(text, &[(START, activated("own", Some(expiry)))], LATER);
    story.when("-> released").into_iter().map(str::to_owned).collect()
}

#[test]
fn a_deadline_on_a_day_without_work_moves_to_the_next_with_at_the_same_time() {
    // Stopped on a Tuesday: the Friday is a working day, to its last second.
    assert_eq!(released(POLICY, "2026-03-10T15:59:59Z"), ["2026-03-13T15:59:59Z"]);
    // A second later it is Saturday in Shanghai, and Monday is a holiday.
    assert_eq!(released(POLICY, "2026-03-10T16:00:00Z"), ["2026-03-16T16:00:00Z"]);
    assert_eq!(released(POLICY, "2026-03-12T15:59:59Z"), ["2026-03-17T15:59:59Z"]);
    assert_eq!(released(POLICY, "2026-03-13T15:59:59Z"), ["2026-03-17T15:59:59Z"]);
    assert_eq!(released(POLICY, "2026-03-13T16:00:00Z"), ["2026-03-16T16:00:00Z"]);
    // Without the rule the day does not matter.
    let any_day = POLICY.replace(", only_on = \"working_days\"", "");
    assert_eq!(released(&any_day, "2026-03-10T16:00:00Z"), ["2026-03-13T16:00:00Z"]);
}

#[test]
fn notices_name_the_day_that_it_moved_to_and_slots_count_from_it() {
    let story = story(
        POLICY,
        &[(START, activated("own", Some("2026-03-11T04:00:00Z")))],
        "2026-04-01T00:00:00Z",
    );
    let first = &story.of("first")[0].items[0];
    assert_eq!(first.promises[0].at, at("2026-03-17T04:00:00Z"));
    assert_eq!(story.when("warning"), ["2026-03-16T04:00:00Z"]);
    assert_eq!(story.when("-> released"), ["2026-03-17T04:00:00Z"]);
}

#[test]
fn what_a_hold_delayed_to_a_day_without_work_waits_for_one_with() {
    let hold = |until: &str| Body::HoldPlaced {
        resource: None,
        hold: None,
        reason: "legal".into(),
        scope: HoldScope::Release,
        until: Some(at(until)),
    };
    let after = |until: &str| {
        let told = [(START, activated("own", Some("2026-03-02T04:00:00Z"))), (START, hold(until))];
        story(POLICY, &told, LATER)
    };
    // Over on Saturday morning: on Tuesday at noon, as the deadline was; and it is said once that it is held.
    let weekend = after("2026-03-14T01:00:00Z");
    assert_eq!(weekend.when("-> released"), ["2026-03-17T04:00:00Z"]);
    assert_eq!(weekend.when("held").len(), 1);
    // Over on a working day: at once.
    assert_eq!(after("2026-03-12T01:00:00Z").when("-> released"), ["2026-03-12T01:00:00Z"]);
}

/// Nothing of the account is released until it is lifted.
fn hold(reason: &str) -> Body {
    Body::HoldPlaced {
        resource: None,
        hold: Some(reason.into()),
        reason: reason.into(),
        scope: HoldScope::Release,
        until: None,
    }
}

#[test]
fn what_is_held_over_a_weekend_is_said_to_be_held_once() {
    let told = [
        (START, activated("own", Some("2026-03-02T04:00:00Z"))),
        (START, hold("legal")),
        // Somebody looks at it on Saturday.
        ("2026-03-07T04:00:00Z", hold("support")),
        ("2026-03-09T04:00:00Z", hold("again")),
    ];
    let story = story(POLICY, &told, "2026-03-30T00:00:00Z");
    assert_eq!(story.when("held"), ["2026-03-05T04:00:00Z"]);
}

#[test]
fn what_comes_over_late_and_held_on_a_weekend_is_said_to_be_held_at_its_time_whoever_looks_before()
{
    let Body::ResourceActivated(activation) = activated("own", Some("2026-03-05T04:00:00Z")) else {
        panic!("it is an activation");
    };
    // Its release was due on Sunday, the 8th, and put off to Monday.
    let import = Body::ResourceImported(Box::new(Import {
        activation: *activation,
        phase: "stopped".into(),
        since: at("2026-03-05T04:00:00Z"),
        arrears_since: None,
        notices_sent: Vec::new(),
    }));
    let mut told = vec![(START, hold("legal")), ("2026-03-14T01:00:00Z", import)];
    assert_eq!(story(POLICY, &told, LATER).when("held"), ["2026-03-17T04:00:00Z"]);
    told.push(("2026-03-16T23:00:00Z", hold("support")));
    assert_eq!(story(POLICY, &told, LATER).when("held"), ["2026-03-17T04:00:00Z"]);
}

#[test]
fn working_days_are_those_of_the_zone_across_a_change_of_clocks() {
    // Clocks in Berlin go forward on Sunday, 29 March: Saturday 12:00 moves to Monday 12:00, an hour earlier by UTC.
    let text = POLICY.replace("Asia/Shanghai", "Europe/Berlin");
    assert_eq!(released(&text, "2026-03-25T11:00:00Z"), ["2026-03-30T10:00:00Z"]);
}

#[test]
fn a_phase_lasts_at_least_as_long_as_the_step_says_however_late_it_began() {
    // Active for an hour before the end of its term; and a correction that was read late.
    let stopped = |expiry: &str| {
        let story =
            story(POLICY, &[(START, activated("own", Some(expiry)))], "2026-03-03T00:00:00Z");
        story.when("-> stopped").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(stopped("2026-03-01T01:00:00Z"), ["2026-03-01T02:00:00Z"]);
    assert_eq!(stopped("2026-03-01T02:00:00Z"), ["2026-03-01T02:00:00Z"]);
    assert_eq!(stopped("2026-03-01T02:00:01Z"), ["2026-03-01T02:00:01Z"]);
    let late = [
        (START, activated("own", Some("2026-03-20T00:00:00Z"))),
        ("2026-03-10T00:00:00Z", expires("2026-03-05T00:00:00Z")),
    ];
    assert_eq!(
        story(POLICY, &late, "2026-03-30T00:00:00Z").when("-> stopped"),
        ["2026-03-10T00:00:00Z"]
    );
}

#[test]
fn a_calendar_is_read_with_the_place_of_every_mistake() {
    for (right, wrong, said) in [
        (
            r#"weekend = ["sat", "sun"]"#,
            r#"weekend = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]"#,
            "test.toml:8:11: no day is a working day: what waits for one never comes; expected at most six days",
        ),
        (
            r#"weekend = ["sat", "sun"]"#,
            r#"weekend = ["sat", "sunday"]"#,
            "test.toml:8:19: `sunday` is no day of the week; expected one of mon, tue, wed, thu, fri, sat, sun (did you mean `sun`?)",
        ),
        (
            r#"["2026-03-16"]"#,
            r#"["2026-02-29"]"#,
            r#"test.toml:9:13: `2026-02-29` is no date; expected a date in quotes, such as "2026-10-01""#,
        ),
        (
            r#"["2026-03-16"]"#,
            "[2026-03-16]",
            r#"test.toml:9:13: wrong type: a date or time without quotes; expected a date in quotes, such as "2026-10-01""#,
        ),
        (
            "[calendar]\nweekend = [\"sat\", \"sun\"]\nholidays = [\"2026-03-16\"]\n",
            "",
            "test.toml:23:48: nothing says which days are working days; expected a [calendar]",
        ),
        (
            "weekend = [\"sat\", \"sun\"]\nholidays = [\"2026-03-16\"]\n",
            "",
            "test.toml:7:1: a calendar in which every day is a working day; expected `weekend`, `holidays` or both",
        ),
        (
            r#""working_days""#,
            r#""weekdays""#,
            "test.toml:26:48: `weekdays` is no kind of day; expected one of working_days (did you mean `working_days`?)",
        ),
        (
            r#"at_least = "2h""#,
            r#"at_least = "0h""#,
            "test.toml:22:36: a length of time must be above zero",
        ),
    ] {
        assert_eq!(refusal(&POLICY.replace(right, wrong)), said);
    }
}

#[test]
fn a_calendar_that_is_never_open_on_the_days_it_has_still_ends() {
    // Mondays only, and every Monday of seven years a holiday.
    let mut day = at("2026-03-02T00:00:00Z").date_naive();
    let mut holidays = Vec::new();
    while holidays.len() < 52 * 7 {
        holidays.push(format!("\"{day}\""));
        day += chrono::TimeDelta::days(7);
    }
    let text = POLICY
        .replace("[\"sat\", \"sun\"]", "[\"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]")
        .replace("\"2026-03-16\"", &holidays.join(", "));
    let told = [(START, activated("own", Some("2026-03-10T00:00:00Z")))];
    let first =
        &story(&text, &told, "2026-03-12T00:00:00Z").of("first")[0].items[0].promises[0].clone();
    assert_eq!(first.at.date_naive(), day);
}
