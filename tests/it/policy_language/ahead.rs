//! Slots before the deadline of a step: once for each deadline, never before anybody could know of it.

use dunlin::engine::decision::{Circumstances, Input, Proofs};
use dunlin::engine::effect::Effect;
use dunlin::engine::gate::Gates;
use dunlin::engine::input::{AutoRenew, Body, HoldScope, RenewMode};
use dunlin::engine::policy::PolicySet;
use dunlin::engine::step;

use super::world::{
    account_after, activated, at, balance, expires, policy, refusal, renewed, renewing, resource,
    story,
};

const POLICY: &str = r#"
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
at = { from = ["expiry", "entry"], after = "3d" }
[[recovery]]
from = "stopped"
to = "active"
when = "renewed"
[[notice]]
kind = "warning"
slots = { before = "released", after = ["-48h", "-24h"] }
phases = ["stopped"]
channels = ["email"]
[renewal]
months = [1]
first_term_end = "same_time"
"#;

const START: &str = "2026-03-01T00:00:00Z";
const E: &str = "2026-03-10T00:00:00Z";

#[test]
fn each_slot_fires_once_before_the_deadline_and_says_when_it_is() {
    let story = story(POLICY, &[(START, activated("own", Some(E)))], "2026-04-01T00:00:00Z");
    assert_eq!(
        story.lines,
        [
            "2026-03-10T00:00:00Z active -> stopped",
            "2026-03-11T00:00:00Z warning",
            "2026-03-12T00:00:00Z warning",
            "2026-03-13T00:00:00Z stopped -> released",
        ]
    );
    let promise = &story.notices[0].items[0].promises[0];
    assert_eq!((promise.to.as_str(), promise.at), ("released", at("2026-03-13T00:00:00Z")));
}

#[test]
fn whoever_pays_in_time_is_not_warned_and_the_next_trouble_is_warned_of_anew() {
    let told = [(START, activated("own", Some(E))), ("2026-03-11T12:00:00Z", renewed(1))];
    let story = story(POLICY, &told, "2026-05-01T00:00:00Z");
    // The term runs on from the old expiry, to 10 April.
    let all = ["2026-03-11T00:00:00Z", "2026-04-11T00:00:00Z", "2026-04-12T00:00:00Z"];
    assert_eq!(story.when("warning"), all);
}

#[test]
fn a_slot_at_the_very_entry_of_the_phase_or_before_is_not_due() {
    let for_lead = |lead: &str| {
        let text = POLICY.replace("[\"-48h\", \"-24h\"]", &format!("[\"{lead}\"]"));
        // What nobody was told of in time is refused, so another notice stands before the release.
        let text = text.replace("[renewal]", "[[notice]]\nkind = \"first\"\nslots = { from = \"expiry\", after = [\"-1d\"] }\nchannels = [\"email\"]\n[renewal]");
        story(&text, &[(START, activated("own", Some(E)))], "2026-04-01T00:00:00Z")
            .when("warning")
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(for_lead("-71h59m59s"), ["2026-03-10T00:00:01Z"]);
    // Exactly as long as the phase, or longer: it can never fit, and the policy says so.
    let told = |lead: &str| {
        refusal(&POLICY.replace("[\"-48h\", \"-24h\"]", &format!("[\"{lead}\", \"-24h\"]")))
    };
    for lead in ["-72h", "-80h"] {
        assert!(told(lead).contains("this slot of `warning` cannot fit"), "{lead}: {}", told(lead));
    }
}

#[test]
fn a_slot_that_was_past_when_the_deadline_became_known_is_not_made_up() {
    // It is known on the 12th that it expired on the 9th and a half: it is stopped then, for three days.
    let told = [
        (START, activated("own", Some("2026-03-20T00:00:00Z"))),
        ("2026-03-12T06:00:00Z", expires("2026-03-09T12:00:00Z")),
    ];
    let story = story(POLICY, &told, "2026-04-01T00:00:00Z");
    assert_eq!(story.when("active -> stopped"), ["2026-03-12T06:00:00Z"]);
    assert_eq!(story.when("warning"), ["2026-03-13T06:00:00Z", "2026-03-14T06:00:00Z"]);
}

#[test]
fn a_slot_not_later_than_the_entry_of_its_phase_is_not_due() {
    // Counted from the expiry alone: a stop that came late leaves less time. The other notice makes that lawful.
    let text = POLICY.replace("[\"expiry\", \"entry\"]", "\"expiry\"").replace(
        "[renewal]",
        "[[notice]]\nkind = \"first\"\nslots = { from = \"expiry\", after = [\"-1d\"] }\nchannels = [\"email\"]\n[renewal]",
    );
    let known = "2026-03-12T06:00:00Z";
    let warned = |expiry: &str| {
        let told =
            [(START, activated("own", Some("2026-03-20T00:00:00Z"))), (known, expires(expiry))];
        let story = story(&text, &told, "2026-04-01T00:00:00Z");
        story.when("warning").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    // The release is due on the 13th, 30 hours after it was stopped; then exactly 24 hours, and a second more.
    assert_eq!(warned("2026-03-10T12:00:00Z"), ["2026-03-12T12:00:00Z"]);
    assert!(warned("2026-03-10T06:00:00Z").is_empty());
    assert_eq!(warned("2026-03-10T06:00:01Z"), ["2026-03-12T06:00:01Z"]);
}

#[test]
fn of_several_that_an_outage_swallowed_the_latest_is_sent() {
    let mut set = PolicySet::default();
    set.insert(policy(POLICY));
    let told = [(START, activated("own", Some(E)))];
    let before = account_after(&set, &told, E);
    let kinds = |instant: &str| {
        let circumstances =
            Circumstances { now: at(instant), proofs: Proofs::Assumed, gates: Gates::OPEN };
        let decision = step(before.clone(), Input::default(), &set, circumstances);
        let kinds = decision.effects.iter().filter_map(|effect| match effect {
            Effect::Notice(notice) => Some(notice.kind.as_str().to_owned()),
            _ => None,
        });
        (kinds.collect::<Vec<_>>(), decision.after.resources[&resource()].wake_at)
    };
    let (second, end) = (at("2026-03-12T00:00:00Z"), at("2026-03-13T00:00:00Z"));
    assert_eq!(kinds("2026-03-10T23:59:59Z"), (vec![], Some(at("2026-03-11T00:00:00Z"))));
    assert_eq!(kinds("2026-03-11T23:59:59Z"), (vec!["warning".to_owned()], Some(second)));
    assert_eq!(kinds("2026-03-12T18:00:00Z"), (vec!["warning".to_owned()], Some(end)));
}

#[test]
fn a_deadline_that_moves_to_later_is_warned_of_again() {
    // A deadline that counts from the arrears: a top-up to zero and a new deduction start the clock anew.
    let text = POLICY
        .replace("clock = \"expiry\"", "clock = \"arrears\"")
        .replace("at = { from = \"expiry\" }", "at = { from = \"arrears\" }")
        .replace("[\"expiry\", \"entry\"]", "[\"arrears\", \"entry\"]")
        .replace("when = \"renewed\"", "when = \"balance > 0\"")
        .replace("[renewal]\nmonths = [1]\nfirst_term_end = \"same_time\"\n", "");
    let told = [
        (START, balance(5)),
        (START, activated("own", None)),
        (E, balance(-1)),
        ("2026-03-12T12:00:00Z", balance(0)),
        ("2026-03-14T00:00:00Z", balance(-1)),
    ];
    let story = story(&text, &told, "2026-04-01T00:00:00Z");
    assert_eq!(
        story.when("warning"),
        [
            "2026-03-11T00:00:00Z",
            "2026-03-12T00:00:00Z",
            "2026-03-15T00:00:00Z",
            "2026-03-16T00:00:00Z"
        ]
    );
    assert_eq!(story.when("released"), ["2026-03-17T00:00:00Z"]);
}

#[test]
fn a_step_that_is_late_is_not_warned_of_again_while_it_is_held() {
    let hold = Body::HoldPlaced {
        resource: None,
        hold: None,
        reason: "legal".into(),
        scope: HoldScope::Release,
        until: Some(at("2026-03-20T00:00:00Z")),
    };
    let told = [(START, activated("own", Some(E))), ("2026-03-02T00:00:00Z", hold)];
    let story = story(POLICY, &told, "2026-04-01T00:00:00Z");
    assert_eq!(story.when("warning").len(), 2, "{:?}", story.lines);
    assert_eq!(story.when("stopped -> released"), ["2026-03-20T00:00:00Z"]);
}

/// Two ways from `active` to `stopped`, by auto-renewal: at the end of the term without it, a day later with it.
fn by_mode() -> String {
    POLICY
        .replace(
            "to = \"stopped\"\nat = { from = \"expiry\" }",
            "to = \"stopped\"\nat = { from = \"expiry\" }\nwhen = { auto_renew = false }\n[[step]]\nfrom = \"active\"\n\
             to = \"stopped\"\nat = { from = \"expiry\", after = \"1d\" }\nwhen = { auto_renew = true }",
        )
        .replace(
            "[renewal]",
            "[[notice]]\nkind = \"stop-warning\"\nslots = { before = \"stopped\", after = [\"-24h\"] }\n\
             channels = [\"sms\"]\n[renewal]",
        )
}

#[test]
fn only_the_step_that_the_clock_takes_next_is_warned_of() {
    let warned = |mode, switched: &[(&'static str, RenewMode)]| {
        let mut told = vec![(START, renewing("own", Some(E), mode))];
        told.extend(switched.iter().map(|(when, mode)| {
            let auto_renew = AutoRenew { mode: *mode, months: None };
            (*when, Body::AutoRenewChanged { resource: resource(), auto_renew })
        }));
        let story = story(&by_mode(), &told, "2026-04-01T00:00:00Z");
        story.when("stop-warning").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(warned(RenewMode::Manual, &[]), ["2026-03-09T00:00:00Z"]);
    assert_eq!(warned(RenewMode::Auto, &[]), [E]);
    // Switched off before the slot, and after it: then it was never due.
    let off = |when| [(when, RenewMode::Manual)];
    assert_eq!(warned(RenewMode::Auto, &off("2026-03-08T23:59:59Z")), ["2026-03-09T00:00:00Z"]);
    assert!(warned(RenewMode::Auto, &off("2026-03-09T00:00:00Z")).is_empty());
    assert!(warned(RenewMode::Auto, &off("2026-03-09T12:00:00Z")).is_empty());
    // Off and on again after the slot: it was sent, and the later deadline is warned of again.
    let both = [("2026-03-09T06:00:00Z", RenewMode::Auto)];
    assert_eq!(warned(RenewMode::Manual, &both), ["2026-03-09T00:00:00Z", E]);

    let refused = refusal(&POLICY.replace("phases = [\"stopped\"]", "phases = [\"active\"]"));
    assert!(refused.contains("nothing leads to `released` for `warning`"), "{refused}");
}

#[test]
fn slots_before_a_step_come_before_it_and_count_from_one_thing() {
    let slots = "{ before = \"released\", after = [\"-48h\", \"-24h\"] }";
    for (wrong, said) in [
        (
            "{ before = \"released\", after = [\"0h\"] }",
            "30:9: a slot that does not come before the step",
        ),
        (
            "{ before = \"released\", after = [\"-24h\", \"1h\"] }",
            "30:9: a slot that does not come before the step",
        ),
        ("{ before = \"gone\", after = [\"-24h\"] }", "30:20: `gone` is no phase of this policy"),
        (
            "{ before = \"released\", from = \"entry\", after = [\"-24h\"] }",
            "30:9: slots are counted from one thing",
        ),
        ("{ after = [\"-24h\"] }", "30:9: slots are counted from one thing"),
    ] {
        let said_of = refusal(&POLICY.replace(slots, wrong));
        assert!(said_of.contains(&format!("test.toml:{said}")), "{wrong}: {said_of}");
    }
    let twice = POLICY.replace("[renewal]", "[[notice]]\nkind = \"warning\"\nslots = { before = \"released\", after = [\"-24h\"] }\nchannels = [\"sms\"]\n[renewal]");
    assert!(refusal(&twice).contains("`warning` would be sent twice"));
}

#[test]
fn a_slot_before_the_release_is_a_prior_notice_only_where_it_always_fits() {
    let lost = "`stopped` to `released` loses data, and nobody is told before";
    // Counted from the expiry alone, a stop that came late leaves no time for the warning.
    let from_expiry = POLICY.replace("[\"expiry\", \"entry\"]", "\"expiry\"");
    assert!(refusal(&from_expiry).contains(lost));
    let stays = from_expiry.replace("after = \"3d\"", "after = \"3d\", at_least = \"25h\"");
    story(&stays, &[(START, activated("own", Some(E)))], E);
    let exactly = from_expiry.replace("after = \"3d\"", "after = \"3d\", at_least = \"24h\"");
    assert!(refusal(&exactly).contains(lost));
}

#[test]
fn a_wall_clock_slot_before_the_release_is_by_the_local_day() {
    let text =
        POLICY.replace("after = [\"-48h\", \"-24h\"]", "at = [{ day = -1, time = \"10:00\" }]");
    let story = story(&text, &[(START, activated("own", Some(E)))], "2026-04-01T00:00:00Z");
    assert_eq!(story.when("warning"), ["2026-03-12T02:00:00Z"]);
}
