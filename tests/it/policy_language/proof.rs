//! No release in silence (SAFE-4): it waits for the notices that its policy names, and for their lead time.

use dunlin::engine::act::What;
use dunlin::engine::gate::Because;
use dunlin::engine::input::{Body, HoldScope, Import, SentNotice, TerminationMode};
use dunlin::engine::policy::PolicySet;
use dunlin::engine::resource::Gated;
use dunlin::policy::Policies;

use super::life::{E, Life, START};
use super::world::{activated, at, balance, expires, policy, renewed, resource};

mod bounce;
mod stop;

pub(super) const POLICY: &str = r#"
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
notice = "stopped"
[[step]]
from = "stopped"
to = "released"
at = { from = "entry", after = "7d" }
proof = { notices = ["warning"], lead = "20h" }
[[recovery]]
from = "stopped"
to = "active"
when = "renewed"
[[notice]]
kind = "stopped"
on = "step"
channels = ["email"]
[[notice]]
kind = "warning"
slots = { before = "released", after = ["-3d", "-24h"] }
phases = ["stopped"]
channels = ["email"]
[renewal]
months = [1]
first_term_end = "same_time"
"#;

pub(super) const DUE: &str = "2026-03-17T00:00:00Z";
pub(super) const LATER: &str = "2026-06-01T00:00:00Z";

#[test]
fn a_release_that_nobody_was_told_of_is_held_said_once_and_never_comes() {
    let mut life = Life::of(POLICY);
    life.accept("2026-03-10T00:00:05Z", "stopped", 1);
    assert_eq!(life.lines(DUE, LATER), ["2026-03-17T00:00:00Z held released: proof"]);
}

#[test]
fn what_was_accepted_in_time_holds_nothing() {
    // At the last second that leaves twenty hours, and at the next.
    let mut life = Life::of(POLICY);
    life.accept("2026-03-16T04:00:00Z", "warning", 2);
    assert_eq!(life.lines(DUE, LATER), ["2026-03-17T00:00:00Z stopped -> released"]);
    let mut life = Life::of(POLICY);
    life.accept("2026-03-16T04:00:01Z", "warning", 2);
    let late =
        ["2026-03-17T00:00:00Z held released: proof", "2026-03-17T00:00:01Z stopped -> released"];
    assert_eq!(life.lines(DUE, LATER), late);
}

#[test]
fn proof_that_comes_after_the_deadline_starts_the_lead_time_and_the_new_date_is_told() {
    let mut life = Life::of(POLICY);
    life.accept("2026-03-19T06:00:00Z", "warning", 1);
    assert_eq!(
        life.lines(DUE, LATER),
        [
            "2026-03-17T00:00:00Z held released: proof",
            "2026-03-19T06:00:00Z warning",
            "2026-03-20T02:00:00Z stopped -> released",
        ]
    );
    assert_eq!(life.named("warning"), at("2026-03-20T02:00:00Z"));
}

#[test]
fn of_several_acceptances_the_first_counts() {
    let mut life = Life::of(POLICY);
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    life.accept("2026-03-16T23:00:00Z", "warning", 1);
    life.accept("2026-03-16T23:30:00Z", "warning", 2);
    assert_eq!(life.lines(DUE, LATER), ["2026-03-17T00:00:00Z stopped -> released"]);
}

#[test]
fn of_several_kinds_each_is_needed_or_one_as_the_policy_says() {
    let two = r#"{ notices = ["stopped", "warning"], lead = "20h" }"#;
    let all = POLICY.replace(r#"{ notices = ["warning"], lead = "20h" }"#, two);
    let mut life = Life::of(&all);
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    assert_eq!(life.lines(DUE, LATER), ["2026-03-17T00:00:00Z held released: proof"]);
    let mut life = Life::of(&all);
    life.accept("2026-03-10T00:00:05Z", "stopped", 1);
    life.accept("2026-03-16T06:00:00Z", "warning", 1);
    // Twenty hours after the later of the two.
    assert_eq!(
        life.lines("2026-03-17T00:00:01Z", LATER),
        ["2026-03-17T02:00:00Z stopped -> released"]
    );

    // Of those that are enough the earlier one counts.
    let mut life = Life::of(&all.replace("notices = [\"stopped\"", "any = [\"stopped\""));
    life.accept("2026-03-10T00:00:05Z", "stopped", 1);
    life.accept("2026-03-16T23:00:00Z", "warning", 1);
    assert_eq!(life.lines(DUE, LATER), ["2026-03-17T00:00:00Z stopped -> released"]);
}

#[test]
fn of_several_proofs_each_has_a_lead_time_of_its_own() {
    let two = r#"[{ any = ["stopped"], lead = "7d" }, { notices = ["warning"], lead = "20h" }]"#;
    let mut life = Life::of(&POLICY.replace(r#"{ notices = ["warning"], lead = "20h" }"#, two));
    life.accept("2026-03-10T08:00:00Z", "stopped", 1);
    life.accept("2026-03-14T08:00:05Z", "warning", 1);
    assert_eq!(
        life.lines("2026-03-17T00:00:01Z", LATER),
        ["2026-03-17T08:00:00Z stopped -> released"]
    );
}

#[test]
fn what_was_accepted_of_trouble_that_is_over_proves_nothing_for_the_next() {
    let mut life = Life::of(POLICY);
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    life.tell("2026-03-15T00:00:00Z", renewed(1));
    // A month later; the old notice is accepted once more by somebody else's server.
    life.accept("2026-04-16T12:00:00Z", "warning", 1);
    let lines = life.lines("2026-04-17T00:00:00Z", LATER);
    assert_eq!(lines, ["2026-04-17T00:00:00Z held released: proof"]);
}

#[test]
fn what_was_accepted_before_a_term_was_paid_proves_nothing_even_if_that_is_over_too() {
    let mut life = Life::of(POLICY);
    life.accept("2026-03-14T00:00:05Z", "warning", 1);
    let until = at("2026-05-01T00:00:00Z");
    life.act("2026-03-15T00:00:00Z", What::Extend(resource(), until)).expect("it may");
    // The month that is paid now ended on 10 April.
    life.tell("2026-04-20T00:00:00Z", renewed(1));
    let lines = life.lines("2026-05-01T00:00:00Z", LATER);
    assert_eq!(lines, ["2026-05-01T00:00:00Z held released: proof"]);
}

#[test]
fn an_expiry_that_is_corrected_to_before_a_named_date_ends_no_trouble() {
    let early = "[[notice]]\nkind = \"early\"\nslots = { from = \"expiry\", after = [\"-3d\"] }\n\
        phases = [\"active\"]\nchannels = [\"email\"]\n";
    let text = POLICY.replace("lead = \"20h\"", "lead = \"30h\"");
    // It named 06:00 on the 17th, and the policy alone midnight; the stop, which was named as well, is behind it.
    for text in [&text, &(text.clone() + early)] {
        let mut life = Life::of(text);
        life.tell("2026-03-18T00:00:00Z", expires("2026-03-17T03:00:00Z"));
        life.accept("2026-03-19T00:00:00Z", "warning", 2);
        let lines = life.lines("2026-03-20T00:00:00Z", LATER);
        assert_eq!(lines, ["2026-03-20T06:00:00Z stopped -> released"]);
    }
}

#[test]
fn what_is_late_and_named_for_monday_comes_no_earlier_on_monday_and_on_facts_up_to_then() {
    // Accepted on Saturday, the proof would let it come at 05:01 on Monday in Shanghai.
    let lines = |complete_until: &str| {
        let mut life = Life::of(&on_working_days());
        life.gates.complete_until = at(complete_until);
        life.live("2026-03-21T01:00:00Z");
        let warning = life.story.of("warning")[1].clone();
        life.act("2026-03-21T01:00:00Z", What::TellAgain(warning)).expect("it is true");
        assert_eq!(life.named("warning"), at("2026-03-23T00:00:00Z"));
        life.accept("2026-03-21T01:01:00Z", "warning", 3);
        life.lines("2026-03-22T00:00:00Z", LATER).join("; ")
    };
    assert_eq!(lines("2026-03-23T00:00:00Z"), "2026-03-23T00:00:00Z stopped -> released");
    assert_eq!(lines("2026-03-22T23:59:59Z"), "2026-03-23T00:00:00Z held released: freshness");
}

#[test]
fn a_step_that_was_named_for_later_asks_for_no_facts_before() {
    let gated = |life: &Life| life.whole.resources[&resource()].gates().next();
    // The last warning named six hours more than the policy wants, and then somebody answers for it that nobody got it.
    let mut life = Life::of(&POLICY.replace("lead = \"20h\"", "lead = \"30h\""));
    life.gates.complete_until = at("2026-03-16T00:00:00Z");
    life.act("2026-03-17T00:30:00Z", What::ApproveRelease(resource())).expect("it may");
    life.wake("2026-03-17T01:00:00Z");
    assert_eq!(gated(&life), None);
    assert!(life.lines(DUE, LATER).contains(&"2026-03-17T06:00:00Z held released: freshness"));
    let due_at = at("2026-03-17T06:00:00Z");
    assert_eq!(gated(&life), Some(Gated { by: Because::Freshness, due_at }));
}

#[test]
fn a_person_is_named_first_and_the_missing_proof_when_the_person_lets_go() {
    let hold = |until: Option<&str>| Body::HoldPlaced {
        resource: Some(resource()),
        hold: None,
        reason: "court".into(),
        scope: HoldScope::Release,
        until: until.map(at),
    };
    let mut life = Life::of(POLICY);
    life.tell("2026-03-16T00:00:01Z", hold(Some("2026-03-20T00:00:00Z")));
    life.accept("2026-03-21T00:00:00Z", "warning", 1);
    let lines = life.lines(DUE, LATER);
    assert_eq!(
        lines,
        [
            "2026-03-17T00:00:00Z held released: hold",
            "2026-03-20T00:00:00Z held released: proof",
            "2026-03-21T00:00:00Z warning",
            "2026-03-21T20:00:00Z stopped -> released",
        ]
    );
}

#[test]
fn no_notice_names_a_date_that_the_lead_time_makes_impossible() {
    // The lead time is longer than what the last warning leaves.
    let mut life = Life::of(&POLICY.replace("lead = \"20h\"", "lead = \"30h\""));
    life.live("2026-03-14T00:00:01Z");
    assert_eq!(life.named("warning"), at(DUE));
    life.live("2026-03-16T00:00:01Z");
    assert_eq!(life.named("warning"), at("2026-03-17T06:00:00Z"));
    // Even if it were known by now that the first one had been accepted in time: what was named binds (SAFE-9).
    let kind = "warning".into();
    let whole = life.whole.resources.get_mut(&resource()).expect("it is there");
    let notified = whole.notified.get_mut(&kind).expect("it was told");
    notified.accepted.insert(at("2026-03-14T00:00:00Z"), at("2026-03-14T00:00:05Z"));
    let end = ["2026-03-17T00:00:00Z warning", "2026-03-17T06:00:00Z stopped -> released"];
    assert_eq!(life.lines(DUE, LATER), end);
    // Up to the end of the trouble that it was about.
    let mut life = Life::of(&POLICY.replace("lead = \"20h\"", "lead = \"30h\""));
    life.live("2026-03-16T00:00:01Z");
    assert_eq!(life.whole.resources[&resource()].named.len(), 1);
    life.tell("2026-03-16T00:00:01Z", renewed(1));
    assert!(life.whole.resources[&resource()].named.is_empty());
}

#[test]
fn the_date_that_the_policy_wants_is_when_it_is_said_whatever_undelivered_notices_named() {
    // Every notice names a day that is further away, and nobody gets any of them.
    let daily = r#"["-3d", "-60h", "-2d", "-36h", "-24h", "-12h"]"#;
    let mut life = Life::of(&POLICY.replace(r#"["-3d", "-24h"]"#, daily));
    assert_eq!(life.lines(DUE, LATER), ["2026-03-17T00:00:00Z held released: proof"]);
}

/// Released on working days only; the 17th is a Tuesday.
fn on_working_days() -> String {
    POLICY.replace("after = \"7d\" }", "after = \"7d\", only_on = \"working_days\" }").replace(
        "[[phase]]\nname = \"active\"",
        "[calendar]\nweekend = [\"sat\", \"sun\"]\n[[phase]]\nname = \"active\"",
    )
}

#[test]
fn a_hold_lifted_on_a_saturday_leaves_the_missing_proof_to_be_named_on_monday_at_its_time() {
    let hold = |id: &str| Body::HoldPlaced {
        resource: Some(resource()),
        hold: Some(id.into()),
        reason: "court".into(),
        scope: HoldScope::Release,
        until: None,
    };
    let lift = |id: &str| Body::HoldLifted { resource: Some(resource()), hold: Some(id.into()) };
    let lines = |is_looked_at: bool| {
        let mut life = Life::of(&on_working_days());
        life.tell("2026-03-16T00:00:01Z", hold("a"));
        life.tell("2026-03-21T01:00:00Z", lift("a"));
        if is_looked_at {
            life.tell("2026-03-22T18:00:00Z", lift("b"));
        }
        life.lines(DUE, LATER).join("\n")
    };
    let said =
        "2026-03-17T00:00:00Z held released: hold\n2026-03-23T00:00:00Z held released: proof";
    assert_eq!(lines(false), said);
    assert_eq!(lines(true), said);
}

#[test]
fn proof_on_a_saturday_does_not_release_on_a_sunday() {
    let mut life = Life::of(&on_working_days());
    life.accept("2026-03-21T03:00:00Z", "warning", 1);
    let lines = life.lines("2026-03-22T00:00:00Z", LATER);
    assert_eq!(lines.last(), Some(&"2026-03-22T23:00:00Z stopped -> released"));
}

fn imported(policy: &str, phase: &str, sent: &[(&str, &str)]) -> Body {
    let Body::ResourceActivated(activation) = activated(policy, Some(E)) else {
        panic!("it is an activation");
    };
    Body::ResourceImported(Box::new(Import {
        activation: *activation,
        phase: phase.into(),
        since: at(E),
        arrears_since: None,
        notices_sent: sent
            .iter()
            .map(|(notice, time)| SentNotice { notice: (*notice).into(), at: at(time) })
            .collect(),
    }))
}

#[test]
fn what_the_system_before_told_of_this_trouble_proves_it_and_of_an_earlier_one_does_not() {
    let literal = || Life::under(Policies::shipped().set);
    let released = ["2026-03-17T16:00:00Z recycled -> released"];
    let mut life = literal();
    let told = [("expired", "2026-03-10T00:00:00Z")];
    life.tell("2026-03-16T12:00:00Z", imported("tencent-cvm-prepaid", "recycled", &told));
    assert_eq!(life.lines("2026-03-17T00:00:00Z", LATER), released);
    // A month ago, about the term before; and nothing at all: nobody is known to have been told, and no slot is left.
    for told in [&[("expired", "2026-02-10T00:00:00Z")][..], &[]] {
        let mut life = literal();
        life.tell("2026-03-16T12:00:00Z", imported("tencent-cvm-prepaid", "recycled", told));
        let held = ["2026-03-17T16:00:00Z held released: proof"];
        assert_eq!(life.lines("2026-03-17T00:00:00Z", LATER), held, "{told:?}");
    }
}

#[test]
fn what_the_system_before_told_ends_with_the_term_that_it_was_told_of() {
    let mut life = Life::under(Policies::shipped().set);
    let told = [("expiry-warning", "2026-03-03T00:00:00Z")];
    let mut import = imported("tencent-cvm-prepaid", "active", &told);
    if let Body::ResourceImported(import) = &mut import {
        import.since = at(START);
    }
    life.tell("2026-03-08T12:00:00Z", import);
    assert_eq!(life.whole.resources[&resource()].notified.len(), 1);
    // Before dunlin itself told anything.
    life.tell("2026-03-08T13:00:00Z", renewed(1));
    let held = ["2026-04-17T16:00:00Z held released: proof"];
    assert_eq!(life.lines("2026-04-17T00:00:00Z", LATER), held);
}

#[test]
fn arrears_that_begin_anew_need_proof_anew() {
    let mut policies = PolicySet::default();
    for policy in Policies::shipped().set.iter() {
        policies.insert(policy.clone());
    }
    let mut life = Life::under(policies);
    life.tell(START, balance(5));
    life.tell(START, activated("tencent-cvm-postpaid-24h", None));
    life.tell("2026-03-02T00:00:00Z", balance(-5));
    life.accept("2026-03-02T00:00:05Z", "arrears", 1);
    // Stopped; then nothing is owed, and then something again.
    life.tell("2026-03-02T12:00:00Z", balance(0));
    life.tell("2026-03-02T18:00:00Z", balance(-5));
    let lines = life.lines("2026-03-02T18:00:00Z", LATER);
    assert_eq!(lines[0], "2026-03-02T18:00:00Z arrears");
    assert_eq!(lines[1..], ["2026-03-03T18:00:00Z held released: proof"]);
    life.accept("2026-06-01T00:00:00Z", "arrears", 2);
    let lines = life.lines("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z");
    assert!(lines.contains(&"2026-06-02T00:00:00Z stopped -> released"), "{lines:?}");
}

const DATABASE: &str = include_str!("../../lifecycles/database.toml");

#[test]
fn what_the_clock_led_to_the_bin_goes_its_way_to_the_end_whatever_is_paid_or_owed_meanwhile() {
    let counted_from = |deadline: &str| {
        let proof =
            format!("{deadline} }}\nproof = {{ notices = [\"database-owing\"], lead = \"1d\" }}");
        DATABASE.replace("from = \"entry\", after = \"36h\" }", &proof)
    };
    for deadline in ["from = \"entry\", after = \"36h\"", "from = \"arrears\", after = \"227h\""] {
        let mut policies = PolicySet::default();
        policies.insert(policy(&counted_from(deadline)));
        let mut life = Life::under(policies);
        life.tell(START, balance(5));
        // A day in New York has 23 hours meanwhile.
        life.tell(START, activated("database", None));
        life.tell("2026-03-02T00:00:00Z", balance(-5));
        life.accept("2026-03-02T00:00:05Z", "database-owing", 1);
        life.live("2026-03-09T23:00:01Z");
        let binned = life.whole.resources[&resource()].clone();
        assert_eq!(binned.phase.as_str(), "snapshotted");
        life.tell("2026-03-10T06:00:00Z", balance(-6));
        life.tell("2026-03-10T07:00:00Z", balance(0));
        life.tell("2026-03-10T08:00:00Z", balance(-1));
        assert_eq!(life.whole.resources[&resource()], binned, "{deadline}");
        let end = [
            "2026-03-09T23:00:00Z halted -> snapshotted",
            "2026-03-11T11:00:00Z snapshotted -> dropped",
            "2026-03-11T11:00:00Z database-dropped",
        ];
        assert_eq!(life.lines("2026-03-09T23:00:00Z", LATER), end, "{deadline}");
    }
}

#[test]
fn what_a_customer_asked_for_needs_no_proof() {
    let mut life = Life::under(Policies::shipped().set);
    life.tell(START, balance(5));
    life.tell(START, activated("tencent-cvm-postpaid-24h", None));
    let recycle = TerminationMode::Recycle;
    let resources = vec![resource()];
    life.tell("2026-03-02T00:00:00Z", Body::TerminationRequested { resources, mode: recycle });
    let end =
        ["2026-03-02T00:00:00Z active -> recycled", "2026-03-02T02:00:00Z recycled -> released"];
    assert_eq!(life.lines("2026-03-02T00:00:00Z", LATER), end);

    // Also where the step itself asks for proof, since it is for others too: out of the bin of a return.
    let own = POLICY
        .replace("class = \"suspended\"", "class = \"retained\"")
        .replace("[renewal]", "[returns]\nbin = \"stopped\"\nwithin_days = 5\nunconditional = 1\nordinary = 0\nvoucher_valid_for_years = 2\n[returns.to_bin]\n[renewal]");
    let mut life = Life::of(&own);
    life.tell("2026-03-02T00:00:00Z", Body::ReturnRequested { resource: resource() });
    let lines = life.lines("2026-03-02T00:00:00Z", LATER);
    assert_eq!(lines.last(), Some(&"2026-03-09T00:00:00Z stopped -> released"), "{lines:?}");
}
