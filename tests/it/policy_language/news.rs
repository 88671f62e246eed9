//! Notices of what was decided: renewed, restored, terminated, scheduled.

use dunlin::engine::input::{Body, HoldScope, TerminationMode};
use dunlin::engine::policy::Channel;

use super::world::{activated, at, balance, refusal, renewed, resource, shipped_story, story};

const PREPAID: &str = r#"
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
detach = ["load_balancer"]
notice = "stopped"
[[step]]
from = "stopped"
to = "released"
at = { from = "entry", after = "7d" }
destroy = ["disk"]
retain = ["elastic_disk"]
retain_billable = ["elastic_ip"]
notice = "reclaimed"
[[recovery]]
from = "stopped"
to = "active"
when = "renewed"
[[notice]]
kind = "stopped"
on = "step"
channels = ["email"]
[[notice]]
kind = "reclaimed"
on = "step"
channels = ["email"]
[[notice]]
kind = "renewed"
on = "renewed"
phases = ["active"]
channels = ["email"]
[[notice]]
kind = "restored"
on = "restored"
phases = ["active"]
channels = ["email"]
[renewal]
months = [1]
first_term_end = "same_time"
"#;

const POSTPAID: &str = r#"
id = "own"
version = 1
title = "Own"
zone = "Asia/Shanghai"
clock = "arrears"
[[phase]]
name = "active"
class = "working"
[[phase]]
name = "grace"
class = "unpaid"
[[phase]]
name = "bin"
class = "retained"
[[phase]]
name = "released"
class = "gone"
[[step]]
from = "active"
to = "grace"
at = { from = "arrears" }
[[step]]
from = "grace"
to = "released"
at = { from = "entry", after = "9d" }
[[step]]
from = "bin"
to = "released"
at = { from = "entry", after = "2h" }
when = { entered_by = "termination" }
[[recovery]]
from = "grace"
to = "active"
when = "balance >= 0"
[[notice]]
kind = "arrears"
on = "arrears"
channels = ["email"]
[[notice]]
kind = "restored"
on = "restored"
channels = ["email"]
[[notice]]
kind = "terminated"
on = "terminated"
channels = ["email"]
[[notice]]
kind = "termination-scheduled"
on = "termination_scheduled"
channels = ["email"]
[termination]
bin = "bin"
bin_for = "2h"
restore_to = "active"
to_bin = { detach = ["load_balancer"], retain = ["disk"] }
to_gone = { destroy = ["disk"], retain = ["elastic_disk"], retain_billable = ["elastic_ip"] }
"#;

const START: &str = "2026-03-01T00:00:00Z";

fn terminate(mode: TerminationMode) -> Body {
    Body::TerminationRequested { resources: vec![resource()], mode }
}

fn schedule(instant: &str) -> Body {
    Body::TerminationScheduled { resource: resource(), at: at(instant) }
}

fn restore() -> Body {
    Body::RestoreRequested { resource: resource() }
}

fn ids(list: &[dunlin::engine::input::Attachment]) -> Vec<&str> {
    list.iter().filter_map(|one| one.id.as_deref()).collect()
}

#[test]
fn a_renewal_of_what_works_is_told_and_nothing_is_restored() {
    let told = [
        (START, activated("own", Some("2026-03-10T00:00:00Z"))),
        ("2026-03-05T00:00:00Z", renewed(1)),
    ];
    let story = story(PREPAID, &told, "2026-03-11T00:00:00Z");
    assert_eq!(story.lines, ["2026-03-05T00:00:00Z renewal", "2026-03-05T00:00:00Z renewed"]);
    let item = &story.notices[0].items[0];
    assert_eq!(item.expires_at, Some(at("2026-04-10T00:00:00Z")));
    assert!(item.detached.is_empty(), "nothing has to be configured again");
}

#[test]
fn a_renewal_out_of_a_stop_is_told_as_both_and_names_what_to_configure_again() {
    let told = [
        (START, activated("own", Some("2026-03-10T00:00:00Z"))),
        ("2026-03-11T00:00:00Z", renewed(1)),
    ];
    let after = |text: &str| {
        let story = story(text, &told, "2026-03-12T00:00:00Z");
        let lines: Vec<_> =
            story.lines.iter().filter(|line| line.starts_with("2026-03-11")).cloned().collect();
        (lines, story)
    };
    let (lines, story) = after(PREPAID);
    assert_eq!(
        lines,
        [
            "2026-03-11T00:00:00Z stopped -> active",
            "2026-03-11T00:00:00Z renewal",
            "2026-03-11T00:00:00Z renewed",
            "2026-03-11T00:00:00Z restored",
        ]
    );
    assert_eq!(ids(&story.of("restored")[0].items[0].detached), ["lb-1"]);
    // Declared for another phase than the one after the change, it is not sent.
    let elsewhere = PREPAID.replace(
        "on = \"renewed\"\nphases = [\"active\"]",
        "on = \"renewed\"\nphases = [\"stopped\"]",
    );
    assert_eq!(after(&elsewhere).0.len(), 3);
}

#[test]
fn a_step_says_what_it_destroys_and_keeps() {
    let told = [(START, activated("own", Some("2026-03-10T00:00:00Z")))];
    let story = story(PREPAID, &told, "2026-04-01T00:00:00Z");
    let stopped = &story.of("stopped")[0].items[0];
    assert!(stopped.destroyed.is_empty() && stopped.retained.is_empty());
    let released = &story.of("reclaimed")[0].items[0];
    assert_eq!(ids(&released.destroyed), ["d-1"]);
    assert_eq!(ids(&released.retained), ["d-2"]);
    assert_eq!(ids(&released.retained_billable), ["eip-1"]);
}

#[test]
fn a_payment_in_arrears_is_told_as_restored() {
    let told = [
        (START, balance(5)),
        (START, activated("own", None)),
        ("2026-03-02T00:00:00Z", balance(-1)),
        ("2026-03-03T00:00:00Z", balance(0)),
    ];
    let story = story(POSTPAID, &told, "2026-03-04T00:00:00Z");
    assert_eq!(story.when("restored"), ["2026-03-03T00:00:00Z"]);
}

#[test]
fn what_does_not_work_at_the_end_of_the_instant_is_not_told_as_restored() {
    let told = [
        (START, balance(5)),
        (START, activated("own", None)),
        ("2026-03-02T00:00:00Z", balance(-1)),
        // Read late: it was paid for a minute, and the debt came back.
        ("2026-03-03T00:00:00Z", balance(-2)),
        ("2026-03-02T12:00:00Z", balance(1)),
    ];
    let story = story(POSTPAID, &told, "2026-03-04T00:00:00Z");
    assert_eq!(story.when("grace -> active"), ["2026-03-03T00:00:00Z"]);
    assert_eq!(story.when("active -> grace").len(), 2);
    assert!(story.when("restored").is_empty(), "{:?}", story.lines);
}

#[test]
fn a_termination_is_told_with_what_becomes_of_everything() {
    let first = [(START, balance(5)), (START, activated("own", None))];
    let bin = ("2026-03-02T00:00:00Z", terminate(TerminationMode::Recycle));
    let binned =
        story(POSTPAID, &[first.to_vec(), vec![bin.clone()]].concat(), "2026-03-03T00:00:00Z");
    assert_eq!(
        binned.lines,
        [
            "2026-03-02T00:00:00Z active -> bin",
            "2026-03-02T00:00:00Z terminated",
            "2026-03-02T02:00:00Z bin -> released",
        ]
    );
    assert_eq!(ids(&binned.notices[0].items[0].retained), ["d-1"]);

    let at_once = ("2026-03-02T00:00:00Z", terminate(TerminationMode::Immediate));
    let ended = story(POSTPAID, &[first.to_vec(), vec![at_once]].concat(), "2026-03-03T00:00:00Z");
    let item = &ended.of("terminated")[0].items[0];
    assert_eq!(ids(&item.destroyed), ["d-1"]);
    assert_eq!(ids(&item.retained_billable), ["eip-1"]);

    let back = ("2026-03-02T01:00:00Z", restore());
    let restored =
        story(POSTPAID, &[first.to_vec(), vec![bin, back]].concat(), "2026-03-03T00:00:00Z");
    assert_eq!(ids(&restored.of("restored")[0].items[0].detached), ["lb-1"]);
}

#[test]
fn a_termination_that_is_held_is_told_when_it_happens() {
    let hold = Body::HoldPlaced {
        resource: None,
        hold: None,
        reason: "legal".into(),
        scope: HoldScope::All,
        until: Some(at("2026-03-05T00:00:00Z")),
    };
    let told = [
        (START, balance(5)),
        (START, activated("own", None)),
        ("2026-03-02T00:00:00Z", hold),
        ("2026-03-02T00:00:00Z", terminate(TerminationMode::Recycle)),
    ];
    let story = story(POSTPAID, &told, "2026-03-05T01:00:00Z");
    assert_eq!(story.when("terminated"), ["2026-03-05T00:00:00Z"]);
}

#[test]
fn a_schedule_is_told_with_its_instant_while_it_stands() {
    let first = [(START, balance(5)), (START, activated("own", None))];
    let after = |more: &[(&'static str, Body)]| {
        story(POSTPAID, &[first.to_vec(), more.to_vec()].concat(), "2026-03-20T00:00:00Z")
    };
    let (day, day_after) = ("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z");
    let cancel = Body::TerminationCancelled { resource: resource() };
    let told = after(&[(day, schedule("2026-03-10T00:00:00Z"))]);
    assert_eq!(
        told.lines,
        [
            "2026-03-02T00:00:00Z termination-scheduled",
            "2026-03-10T00:00:00Z active -> released",
            "2026-03-10T00:00:00Z terminated",
        ]
    );
    assert_eq!(told.notices[0].items[0].ends_at, Some(at("2026-03-10T00:00:00Z")));
    assert_eq!(told.notices[1].items[0].ends_at, None);
    // Another instant is told again, the same one is not.
    let twice = after(&[
        (day, schedule("2026-03-10T00:00:00Z")),
        (day_after, schedule("2026-03-10T00:00:00Z")),
        ("2026-03-04T00:00:00Z", schedule("2026-03-12T00:00:00Z")),
    ]);
    assert_eq!(twice.when("termination-scheduled"), [day, "2026-03-04T00:00:00Z"]);
    // One that is older than what is known changes nothing, and one that is taken back at once is not told.
    let older = after(&[
        (day_after, schedule("2026-03-10T00:00:00Z")),
        (day, schedule("2026-03-09T00:00:00Z")),
    ]);
    assert_eq!(older.when("termination-scheduled"), [day_after]);
    let undone = after(&[(day, schedule("2026-03-10T00:00:00Z")), (day, cancel)]);
    assert!(undone.lines.is_empty(), "{:?}", undone.lines);
    // In the bin nothing is scheduled.
    let in_bin = after(&[
        (day, terminate(TerminationMode::Recycle)),
        ("2026-03-02T01:00:00Z", schedule("2026-03-10T00:00:00Z")),
    ]);
    assert!(in_bin.when("termination-scheduled").is_empty());
}

/// A bin of returns, beside what `PREPAID` has.
const RETURNS: &str = r#"
[[phase]]
name = "bin"
class = "retained"
[[step]]
from = "bin"
to = "released"
at = { from = "entry", after = "7d" }
when = { entered_by = "return" }
[[notice]]
kind = "returned"
on = "returned"
channels = ["email"]
[returns]
bin = "bin"
within_days = 5
unconditional = 1
ordinary = 0
voucher_valid_for_years = 2
to_bin = { retain = ["disk"], retain_billable = ["elastic_ip"] }
[expiry_sync]
first_day = 1
last_day = 28
[[recovery]]
from = "bin"
to = "active"
when = "renewed"
[[phase]]
"#;

fn with_returns() -> String {
    // Before the last phase, so that the first final one stays where it is.
    PREPAID.replacen(
        "[[phase]]\nname = \"released\"",
        &format!("{}name = \"released\"", &RETURNS[1..]),
        1,
    )
}

#[test]
fn a_return_is_told_with_what_is_kept_and_renewing_it_restores_it() {
    let told = [
        (START, activated("own", Some("2026-03-10T00:00:00Z"))),
        ("2026-03-02T00:00:00Z", Body::ReturnRequested { resource: resource() }),
        ("2026-03-03T00:00:00Z", renewed(1)),
    ];
    let story = story(&with_returns(), &told, "2026-03-04T00:00:00Z");
    assert_eq!(
        story.lines,
        [
            "2026-03-02T00:00:00Z active -> bin",
            "2026-03-02T00:00:00Z refund 0.00",
            "2026-03-02T00:00:00Z returned",
            "2026-03-03T00:00:00Z bin -> active",
            "2026-03-03T00:00:00Z renewal",
            "2026-03-03T00:00:00Z renewed",
            "2026-03-03T00:00:00Z restored",
        ]
    );
    let item = &story.of("returned")[0].items[0];
    assert_eq!((ids(&item.retained), ids(&item.retained_billable)), (vec!["d-1"], vec!["eip-1"]));
    assert_eq!(item.promises[0].at, at("2026-03-09T00:00:00Z"));
}

#[test]
fn a_synchronised_expiry_is_told_as_renewed() {
    let sync = Body::ExpirySyncRequested { resources: vec![resource()], day_of_month: 1 };
    let told =
        [(START, activated("own", Some("2026-03-10T00:00:00Z"))), ("2026-03-02T00:00:00Z", sync)];
    let story = story(&with_returns(), &told, "2026-03-04T00:00:00Z");
    assert_eq!(story.lines, ["2026-03-02T00:00:00Z renewal", "2026-03-02T00:00:00Z renewed"]);
}

#[test]
fn the_literal_policies_tell_nothing_of_it() {
    let told = [
        (START, balance(5)),
        (START, activated("tencent-cvm-postpaid-15d", None)),
        ("2026-03-02T00:00:00Z", schedule("2026-03-10T00:00:00Z")),
        ("2026-03-03T00:00:00Z", terminate(TerminationMode::Recycle)),
        ("2026-03-03T01:00:00Z", restore()),
    ];
    let story = shipped_story(&told, "2026-03-04T00:00:00Z");
    assert_eq!(story.lines.len(), 2, "{:?}", story.lines);
}

#[test]
fn a_notice_for_auto_renewal_is_not_sent_without_it() {
    let told = [
        (START, activated("own", Some("2026-03-10T00:00:00Z"))),
        ("2026-03-05T00:00:00Z", renewed(1)),
    ];
    let text = PREPAID.replace(
        "on = \"renewed\"\nphases = [\"active\"]",
        "on = \"renewed\"\nwhen = { auto_renew = true }",
    );
    assert_eq!(story(&text, &told, "2026-03-06T00:00:00Z").lines, ["2026-03-05T00:00:00Z renewal"]);
}

#[test]
fn of_two_notices_of_one_kind_each_goes_out_by_its_own_channels() {
    let told = [(START, activated("own", Some("2026-03-20T00:00:00Z")))];
    let text = PREPAID.replace(
        "[[recovery]]",
        "[[notice]]\nkind = \"due\"\nslots = { from = \"expiry\", after = [\"-15d\"] }\nchannels = [\"email\"]\n\
         [[notice]]\nkind = \"due\"\nslots = { from = \"expiry\", after = [\"-1d\"] }\nchannels = [\"sms\"]\n[[recovery]]",
    );
    let story = story(&text, &told, "2026-03-20T00:00:00Z");
    let channels: Vec<_> = story.of("due").iter().map(|notice| notice.channels.clone()).collect();
    assert_eq!(channels, [[Channel::Email], [Channel::Sms]]);
}

#[test]
fn a_trigger_sends_the_notice_that_is_declared_for_it_and_no_other_of_the_kind() {
    let told = [
        (START, activated("own", Some("2026-03-10T00:00:00Z"))),
        ("2026-03-11T00:00:00Z", renewed(1)),
    ];
    // One kind: with the stop by e-mail, with the renewal by text.
    let text = PREPAID.replace("kind = \"renewed\"", "kind = \"stopped\"").replace(
        "on = \"renewed\"\nphases = [\"active\"]\nchannels = [\"email\"]",
        "on = \"renewed\"\nchannels = [\"sms\"]",
    );
    let story = story(&text, &told, "2026-03-12T00:00:00Z");
    let channels: Vec<_> =
        story.of("stopped").iter().map(|notice| notice.channels.clone()).collect();
    assert_eq!(channels, [[Channel::Email], [Channel::Sms]]);
}

#[test]
fn a_trigger_that_nothing_pulls_is_refused_with_its_place() {
    let returned = PREPAID.replace("on = \"renewed\"", "on = \"returned\"");
    assert_eq!(
        refusal(&returned),
        "test.toml:43:8: `renewed` is never sent: there is no [returns]"
    );
    let ended = PREPAID.replace("on = \"renewed\"", "on = \"terminated\"");
    assert_eq!(
        refusal(&ended),
        "test.toml:43:8: `renewed` is never sent: there is no [termination]"
    );
    let scheduled = PREPAID.replace("on = \"renewed\"", "on = \"termination_scheduled\"");
    assert_eq!(
        refusal(&scheduled),
        "test.toml:43:8: `renewed` is never sent: there is no [termination]"
    );
    let other_clock = POSTPAID.replace("on = \"restored\"", "on = \"renewed\"");
    assert_eq!(
        refusal(&other_clock),
        "test.toml:41:8: `restored` is never sent: there is no [renewal]\ntest.toml:42:6: on = \"renewed\" needs clock = \"expiry\""
    );
    let (start, end) = (
        POSTPAID.find("[[recovery]]").expect("there"),
        POSTPAID.find("[[notice]]").expect("there"),
    );
    let lost = format!(
        "{}{}",
        &POSTPAID[..start],
        &POSTPAID[end..POSTPAID.find("[termination]").expect("there")]
    );
    assert!(
        refusal(&lost)
            .contains("`restored` is never sent: nothing leads back into a working phase")
    );
}
