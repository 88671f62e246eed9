//! Timelines say what the engine does, under every shipped policy.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Answer, Story, Timeline, TimelineError, What, collect, words};
use crate::engine::policy::Policy;
use crate::policy::Policies;

pub(super) fn policy(id: &str) -> Policy {
    Policies::shipped().set.newest(&id.into()).expect("it ships").clone()
}

/// Nobody pays, nothing renews itself.
pub(super) fn story() -> Story {
    Story {
        anchor: at("2026-06-15T04:00:00Z"),
        auto_renew: false,
        answer: Answer::Refused,
        given: Vec::new(),
        until: None,
    }
}

pub(super) fn with(events: &[&str]) -> Story {
    let given = events.iter().map(|text| text.parse().expect("an event")).collect();
    Story { given, ..story() }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// Moves of the phase, as `hours after the anchor: phase`.
fn moves(timeline: &Timeline) -> Vec<String> {
    let moved = timeline.stays.iter().filter_map(|stay| Some((stay.since?, &stay.phase)));
    moved
        .map(|(since, phase)| format!("{}h {phase}", (since - timeline.anchor).num_hours()))
        .collect()
}

fn run(id: &str, story: &Story) -> Timeline {
    collect(&policy(id), story).expect("a timeline")
}

#[test]
fn nobody_pays_and_every_policy_goes_its_way_to_the_end() {
    for (id, expected) in [
        // 00:00 on the eighth day after noon of E.
        ("tencent-cvm-prepaid", vec!["0h recycled", "180h released"]),
        ("tencent-cvm-postpaid-15d", vec!["0h grace", "2h stopped", "362h released"]),
        ("tencent-cvm-postpaid-24h", vec!["0h grace", "2h stopped", "26h released"]),
        ("tencent-network-traffic", vec!["0h grace", "2h out_of_service"]),
        ("alibaba-ecs-subscription", vec!["0h stopped", "360h released"]),
        // At ten on the fifteenth day after the stop.
        ("recommended-prepaid", vec!["0h grace", "24h stopped", "382h released"]),
        ("recommended-postpaid", vec!["0h grace", "24h stopped", "382h released"]),
    ] {
        assert_eq!(moves(&run(id, &story())), expected, "{id}");
    }
}

#[test]
fn a_balance_that_is_used_up_is_warned_of_daily_from_five_days_before() {
    let timeline = run("tencent-cvm-postpaid-15d", &story());
    let warned = timeline.entries.iter().filter(|entry| {
        matches!(&entry.what, What::Notice { kind, .. } if kind.as_str() == "balance-warning")
    });
    let days: Vec<i64> = warned.map(|entry| (timeline.anchor - entry.at).num_hours()).collect();
    // At 10:00, two hours before A on the last of them.
    assert_eq!(days, [98, 74, 50, 26, 2]);
}

#[test]
fn refused_charges_are_told_and_the_last_attempt_is_before_the_stop() {
    let refused = run("alibaba-ecs-subscription", &Story { auto_renew: true, ..story() });
    assert_eq!(moves(&refused), ["0h grace", "360h stopped", "720h released"]);
    let attempts: Vec<_> = refused
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Charge { attempt, of, until, .. } => Some((*attempt, *of, *until - entry.at)),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5].map(|n| (n, 5, TimeDelta::hours(10))));
    let told = refused.entries.iter().filter(|entry| {
        matches!(&entry.what, What::Notice { kind, .. } if kind.as_str() == "charge-failed")
    });
    assert_eq!(told.count(), 5);
}

#[test]
fn a_paid_charge_ends_the_story_with_a_new_term() {
    let story = Story { auto_renew: true, answer: Answer::Paid, ..story() };
    let paid = run("alibaba-ecs-subscription", &story);
    assert_eq!(moves(&paid), Vec::<String>::new());
    assert!(matches!(
        paid.entries.last().map(|entry| &entry.what),
        Some(What::Renewal { months: 1, .. })
    ));
    let silent = Story { answer: Answer::Never, ..story };
    assert_eq!(moves(&run("alibaba-ecs-subscription", &silent)).len(), 3);
}

#[test]
fn given_events_change_what_the_engine_decides() {
    let renewed = run("tencent-cvm-prepaid", &with(&["E+2d renewal.requested months=1"]));
    assert_eq!(moves(&renewed), ["0h recycled", "48h active"]);
    let paid = run("tencent-cvm-postpaid-15d", &with(&["A+1d balance.changed balance=10"]));
    assert_eq!(moves(&paid), ["0h grace", "2h stopped", "24h active"]);
    let held = with(&["E+1d hold.placed reason=dispute until=2026-07-01T00:00:00Z"]);
    let held = run("tencent-cvm-prepaid", &held);
    assert!(held.entries.iter().any(|entry| matches!(entry.what, What::Held { .. })));
    assert_eq!(held.stays.last().and_then(|stay| stay.since), Some(at("2026-07-01T00:00:00Z")));
    let ended = with(&["A-1d termination.requested mode=recycle"]);
    let ended = run("tencent-cvm-postpaid-24h", &ended);
    assert_eq!(moves(&ended), ["-24h recycled", "-22h released"]);
}

#[test]
fn an_event_at_the_very_instant_of_a_deadline_comes_before_it() {
    let in_time = run("tencent-cvm-prepaid", &with(&["E renewal.requested months=1"]));
    assert_eq!(moves(&in_time), Vec::<String>::new());
}

#[test]
fn until_ends_a_story_also_where_more_would_follow() {
    let story = Story { until: Some(at("2026-06-15T05:59:59Z")), ..story() };
    assert_eq!(moves(&run("tencent-cvm-postpaid-15d", &story)), ["0h grace"]);
}

#[test]
fn an_event_that_contradicts_the_story_is_a_mistake_and_no_timeline() {
    for (event, why) in [
        ("E renewal.requested months=x", "/data/months"),
        ("E nonsense", "/type"),
        ("E-9999d renewal.requested months=1", "before the resource began"),
        ("E+1d balance.changed balance=1 currency=USD", "currency"),
        ("E+1d expiry.changed resource=other expires_at=2026-07-01T00:00:00Z", "only `res-1`"),
    ] {
        let error = collect(&policy("tencent-cvm-prepaid"), &with(&[event])).expect_err(event);
        assert!(matches!(error, TimelineError::Event { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// What is said, line by line.
fn said_of(timeline: &Timeline) -> Vec<String> {
    let lines = timeline.entries.iter().map(|entry| words::said(entry, timeline));
    lines
        .map(|said| format!("{} {}: {}", said.topic.name(), said.line(), said.details.join("; ")))
        .collect()
}

#[test]
fn a_return_in_time_is_answered_with_a_refund() {
    let returned = run("tencent-cvm-prepaid", &with(&["E-396d billing.return.requested"]));
    assert_eq!(moves(&returned), ["-9504h recycled", "-9336h released"]);
    let said = said_of(&returned);
    let refund = "refund 1300.00 EUR as it was paid: 1300.00 to cash";
    assert!(said.iter().any(|line| line == refund), "{said:#?}");
}

#[test]
fn an_ordinary_return_is_a_voucher_for_what_is_left_after_use() {
    let mut policy = policy("tencent-cvm-prepaid");
    policy.returns.as_mut().expect("it has returns").unconditional = 0;
    let story = with(&["E-396d billing.return.requested"]);
    let said = said_of(&collect(&policy, &story).expect("a timeline"));
    // Four days of 24 hours at 0.20 an hour.
    let refund = "refund 1280.80 EUR as a voucher: valid until 2027-05-15 12:00";
    assert!(said.iter().any(|line| line == refund), "{said:#?}");
}

#[test]
fn a_return_that_is_too_late_is_answered_too() {
    let kept = run("tencent-cvm-prepaid", &with(&["E-300d billing.return.requested"]));
    assert_eq!(moves(&kept), moves(&run("tencent-cvm-prepaid", &story())));
    let said = said_of(&kept);
    assert!(said.contains(&"rejected return: too_old: ".to_owned()), "{said:#?}");
}

#[test]
fn a_text_that_quiet_hours_hold_back_says_until_when() {
    // Ten in the evening, in Shanghai.
    let night = Story { anchor: at("2026-06-15T14:00:00Z"), ..story() };
    let said = said_of(&run("recommended-prepaid", &night));
    let expired = "notice expired by e-mail and SMS: SMS waits until 2026-06-16 08:00";
    assert!(said.iter().any(|line| line == expired), "{said:#?}");
    let noon = said_of(&run("recommended-prepaid", &story()));
    assert!(!noon.iter().any(|line| line.contains("waits")), "{noon:#?}");
}

#[test]
fn a_release_that_falls_on_days_without_work_comes_after_them() {
    // Stopped on 16 September; the fifteenth day after it is 1 October, the first of a week of holidays.
    let autumn = Story { anchor: at("2026-09-15T04:00:00Z"), ..story() };
    for id in ["recommended-prepaid", "recommended-postpaid"] {
        let timeline = run(id, &autumn);
        let end = timeline.stays.last().and_then(|stay| stay.since);
        assert_eq!(end, Some(at("2026-10-08T02:00:00Z")), "{id}");
        let warned = timeline.entries.iter().filter(|entry| {
            matches!(&entry.what, What::Notice { kind, .. } if kind.as_str() == "release-warning")
        });
        let before: Vec<i64> =
            warned.map(|entry| (at("2026-10-08T02:00:00Z") - entry.at).num_days()).collect();
        assert_eq!(before, [7, 3, 1], "{id}");
    }
}
