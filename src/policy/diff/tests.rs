//! Each change of a policy is said once, in the group that a reader looks for it in.

use super::{Bearing, diff};
use crate::engine::policy::Policy;
use crate::policy::{Policies, parse};

fn text(id: &str) -> String {
    let policies = Policies::shipped();
    let found = policies.texts.iter().find(|text| text.key.id.as_str() == id);
    found.expect("it ships").text.clone()
}

fn parsed(text: &str) -> Policy {
    match parse("x.toml", text) {
        Ok((policy, _)) => policy,
        Err(errors) => panic!("{errors}"),
    }
}

/// What changes when `right` becomes `wrong` in a shipped policy, as `+` (generous), `-` (harsh) or `~` and the words.
pub(super) fn changes(id: &str, edits: &[(&str, &str)]) -> Vec<String> {
    let old = text(id);
    let mut new = old.clone();
    for (before, after) in edits {
        assert!(new.contains(before), "{id} does not hold {before}");
        new = new.replacen(before, after, 1);
    }
    between(&parsed(&old), &parsed(&new))
}

pub(super) fn between(old: &Policy, new: &Policy) -> Vec<String> {
    let said = |bearing| match bearing {
        Bearing::Generous => '+',
        Bearing::Harsh => '-',
        Bearing::Other => '~',
    };
    let changes = diff(old, new);
    changes.iter().map(|one| format!("{} {}", said(one.bearing), one.text)).collect()
}

pub(super) fn policy(id: &str) -> Policy {
    parsed(&text(id))
}

#[test]
fn a_policy_does_not_differ_from_itself_or_from_its_new_title() {
    for policy in Policies::shipped().set.iter() {
        let mut other = policy.clone();
        other.title = "Another".to_owned();
        other.key.version = 7;
        assert_eq!(diff(policy, &other), []);
    }
}

#[test]
fn a_later_stop_takes_the_release_along() {
    let later = changes("tencent-cvm-postpaid-15d", &[("after = \"2h\"", "after = \"4h\"")]);
    assert_eq!(
        later,
        [
            "+ `stopped` comes 2 hours later: 2 hours after arrears -> 4 hours after arrears",
            "+ `released` comes 2 hours later: still 15 days after the latest of entry into the \
             phase and arrears, and what comes before it moved",
        ]
    );
    let edits = [("after = \"15d\"", "after = \"7d\""), ("lead = \"15d\"", "lead = \"7d\"")];
    let earlier = changes("tencent-cvm-postpaid-15d", &edits);
    assert_eq!(earlier.len(), 2, "{earlier:?}");
    assert!(earlier[0].starts_with("- `released` comes 8 days earlier: 15 days after"));
}

#[test]
fn proof_that_is_asked_for_longer_before_is_later_and_none_at_all_is_harsh() {
    let of = |edit| changes("tencent-cvm-postpaid-15d", &[edit]);
    let proof = "proof = { notices = [\"arrears\"], lead = \"15d\" }";
    assert_eq!(
        of((proof, "proof = { notices = [\"arrears\"], lead = \"3d\" }")),
        [
            "- `stopped` to `released` comes not before 3 days after `arrears` was accepted for somebody; it was 15 days"
        ]
    );
    assert_eq!(
        of((proof, "")),
        [
            "- `stopped` to `released` does not wait for this any more: not before 15 days after `arrears` was accepted \
          for somebody"
        ]
    );
    let new = between(
        &parsed(&text("tencent-cvm-postpaid-15d").replacen(proof, "", 1)),
        &parsed(&text("tencent-cvm-postpaid-15d")),
    );
    assert_eq!(
        new,
        [
            "+ `stopped` to `released` comes not before 15 days after `arrears` was accepted for somebody now"
        ]
    );
}

#[test]
fn a_wall_clock_time_is_compared_with_its_like_only() {
    let day = "day = 8, time = \"00:00\"";
    // A release after five days leaves no room for the last notice.
    let last = ("\"4d\", \"6d\"]", "\"4d\"]");
    let lost = "- the notice `expired` 6 days after expiry is not sent any more";
    for (new, beginning) in [
        ("day = 10, time = \"06:00\"", "+ `released` comes 2 days 6 hours later: at 00:00"),
        ("after = \"7d12h\"", "~ `released` comes at another time: at 00:00"),
        ("after = \"5d\"", "- `released` comes earlier: at 00:00"),
    ] {
        let mut changes = changes("tencent-cvm-prepaid", &[(day, new), last]);
        changes.retain(|change| change != lost);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert!(changes[0].starts_with(beginning), "{changes:?}");
    }
}

#[test]
fn notices_come_and_go_by_occasion_and_channel() {
    let fewer = changes("tencent-cvm-prepaid", &[("\"-3d\", \"-1d\"]", "\"-2d\"]")]);
    assert_eq!(
        fewer,
        [
            "+ the notice `expiry-warning` 2 days before expiry is new, by e-mail and SMS",
            "- the notice `expiry-warning` 1 day before expiry is not sent any more",
            "- the notice `expiry-warning` 3 days before expiry is not sent any more",
        ]
    );
    let silent = changes(
        "tencent-network-traffic",
        &[("channels = [\"email\", \"sms\"]", "channels = [\"email\"]")],
    );
    assert_eq!(
        silent,
        ["- the notice `arrears` when arrears begin, or a resource arrives in them does not go \
          out by SMS any more"]
    );
    let phases = "phases = [\"active\", \"recycled\"]";
    let narrower = changes("tencent-cvm-prepaid", &[(phases, "phases = [\"recycled\"]")]);
    assert_eq!(narrower.len(), 4, "{narrower:?}");
    assert!(narrower[0].ends_with("does not come in active any more"), "{narrower:?}");
}

#[test]
fn what_is_done_on_the_way_is_compared_kind_by_kind() {
    let detached = changes(
        "tencent-cvm-prepaid",
        &[("detach = [\"load_balancer\", ", "detach = [\"nat_gateway\", ")],
    );
    assert_eq!(
        detached,
        [
            "+ `active` to `recycled` no longer detaches load_balancer",
            "- `active` to `recycled` now also detaches nat_gateway",
        ]
    );
    let actions = "actions = [\"start\", \"resume_billing\"]";
    let back = changes("tencent-network-traffic", &[(actions, "actions = [\"start\"]")]);
    assert_eq!(back, ["~ `out_of_service` to `active` does: start and resume_billing -> start"]);
}

#[test]
fn a_way_back_that_takes_more_is_harsher() {
    let more = changes(
        "tencent-network-traffic",
        &[("when = \"balance >= 0\"", "when = \"balance > 0\"")],
    );
    assert_eq!(
        more,
        ["- `grace` to `active` takes something else: when the balance is zero or more -> when \
          the balance is above zero"]
    );
}

#[test]
fn charges_renewal_and_termination_are_compared_key_by_key() {
    let charges_of = |edits: &[(&str, &str)]| changes("alibaba-ecs-subscription", edits);
    assert_eq!(
        charges_of(&[("    { day = 6, time = \"08:00\" },\n", "")]),
        ["- there is no charge attempt at 08:00 on day 6 after expiry any more"]
    );
    assert_eq!(
        charges_of(&[("until = \"18:00\"", "until = \"20:00\"")]),
        ["+ a charge may be answered until: 18:00 on its day -> 20:00 on its day"]
    );
    assert_eq!(
        charges_of(&[("months = [\"1-9\", 12]", "months = [\"2-9\", 12, 24]")]),
        ["+ a renewal may now be for 24 months", "- a renewal may not be for 1 months any more"]
    );
    assert_eq!(
        changes("tencent-cvm-prepaid", &[("months = [\"1-60\"]", "months = [\"1-12\", 24]")]),
        ["- a renewal may not be for 13 to 23 or 25 to 60 months any more"]
    );
    let bin = changes(
        "tencent-cvm-postpaid-15d",
        &[
            ("after = \"2h\" }\nwhen = { entered_by", "after = \"1d\" }\nwhen = { entered_by"),
            ("bin_for = \"2h\"", "bin_for = \"24h\""),
            ("under = \"5d\"", "under = \"3d\""),
        ],
    );
    assert_eq!(bin.len(), 4, "{bin:?}");
    for part in [
        "+ what is terminated can be restored for: 2 hours -> 1 day",
        "+ `recycled` to `released` (only where a termination brought it there) comes at another \
         time: 2 hours after entry into the phase -> 1 day after entry into the phase",
        "- a balance is warned of when it lasts less than: 5 days -> 3 days",
    ] {
        assert!(bin.iter().any(|one| one == part), "{part} is missing in {bin:?}");
    }
}

#[test]
fn a_new_phase_of_grace_is_generous_and_so_is_the_stop_after_it() {
    let grace = "[[phase]]\nname = \"late\"\nclass = \"unpaid\"\n\n[[step]]\nfrom = \"active\"\nto = \"late\"\n\
                 at = { from = \"expiry\" }\n\n[[step]]\nfrom = \"late\"\nto = \"recycled\"\n\
                 at = { from = \"expiry\", after = \"2d\" }\n";
    let edits =
        [("[[step]]\nfrom = \"active\"\nto = \"recycled\"\nat = { from = \"expiry\" }\n", grace)];
    let changes = changes("tencent-cvm-prepaid", &edits);
    for part in [
        "+ the clock now leads to `late`: at expiry",
        "+ `recycled` comes 2 days later: at expiry -> 2 days after expiry",
        "~ there is a new phase `late`: not paid for, still working",
    ] {
        assert!(changes.iter().any(|one| one == part), "{part} is missing in {changes:#?}");
    }
}

#[test]
fn two_vendors_rules_are_compared_in_words() {
    let changes = diff(&policy("tencent-cvm-postpaid-15d"), &policy("tencent-cvm-postpaid-24h"));
    assert_eq!(changes.len(), 2, "{changes:#?}");
    assert!(changes.iter().all(|change| change.bearing == Bearing::Harsh), "{changes:#?}");
    assert!(changes[0].text.starts_with("`released` comes 14 days earlier"), "{changes:#?}");
}

#[test]
fn a_longer_least_time_in_a_phase_is_later_where_it_was_entered_late() {
    let of = |edit| changes("recommended-prepaid", &[edit]);
    let said = "`stopped` comes later where `grace` was entered late: 1 day after expiry, not before \
                2 hours after entry into the phase -> 1 day after expiry, not before 4 hours after \
                entry into the phase";
    assert_eq!(of(("at_least = \"2h\"", "at_least = \"4h\"")), [format!("+ {said}")]);
    let none = of(("after = \"1d\", at_least = \"2h\"", "after = \"1d\""));
    assert_eq!(none.len(), 1, "{none:?}");
    assert!(none[0].starts_with("- `stopped` comes earlier where `grace` was entered late: "));
}

#[test]
fn of_what_a_customer_asked_for_a_longer_least_time_is_later_too() {
    let bin = "after = \"7d\", only_on = \"working_days\" }\nwhen = { entered_by = [\"return";
    let of = |at: &str| {
        let after =
            format!("{at}, only_on = \"working_days\" }}\nwhen = {{ entered_by = [\"return");
        changes("recommended-prepaid", &[(bin, &after)])
    };
    for (at, sign) in [
        ("after = \"7d\", at_least = \"8d\"", '+'),
        ("after = \"8d\"", '+'),
        ("after = \"6d\"", '-'),
        ("after = \"6d\", at_least = \"8d\"", '~'),
    ] {
        let changes = of(at);
        let begins =
            format!("{sign} `recycled` to `released` (only where a return brought it there)");
        assert!(changes.iter().any(|one| one.starts_with(&begins)), "{at}: {changes:#?}");
    }
}

#[test]
fn requests_that_are_spread_are_no_concern_of_the_customer() {
    assert_eq!(
        changes("alibaba-ecs-subscription", &[("spread = \"9h\"", "spread = \"1h\"")]),
        [""; 0]
    );
    assert_eq!(changes("alibaba-ecs-subscription", &[("spread = \"9h\"", "")]), [""; 0]);
}

#[test]
fn slots_ahead_of_a_step_and_news_are_notices_like_others() {
    let of = |edits: &[(&str, &str)]| changes("recommended-prepaid", edits);
    assert_eq!(
        of(&[("[\"-7d\", \"-3d\", \"-24h\"]", "[\"-5d\", \"-3d\", \"-24h\"]")]),
        [
            "+ the notice `release-warning` 5 days before the step to released is new, by e-mail and \
             SMS",
            "- the notice `release-warning` 7 days before the step to released is not sent any more",
        ]
    );
    // A rule for every phase and one for all that lead there are the same.
    assert_eq!(of(&[("phases = [\"stopped\", \"recycled\"]\n", "")]), [""; 0]);
    for (trigger, occasion) in [
        ("renewed", "with every new term that dunlin decided"),
        ("restored", "with every move back into a working phase"),
        ("returned", "with the move that a customer's return makes"),
    ] {
        let rule = |channels: &str| format!("on = \"{trigger}\"\nchannels = [{channels}]");
        let email = trigger == "renewed";
        let before = rule(if email { "\"email\"" } else { "\"email\", \"sms\"" });
        let after = rule(if email { "\"email\", \"sms\"" } else { "\"email\"" });
        let said = format!("the notice `{trigger}` {occasion}");
        let expected = if email {
            format!("+ {said} goes out by SMS too")
        } else {
            format!("- {said} does not go out by SMS any more")
        };
        assert_eq!(of(&[(&before, &after)]), [expected]);
    }
}

#[test]
fn news_comes_in_the_phases_that_it_can_come_in() {
    for (trigger, dropped, others) in [
        ("restored", "active", "\"grace\", \"stopped\""),
        ("terminated", "recycled and released", "\"active\""),
        ("termination_scheduled", "active, grace and stopped", "\"recycled\""),
    ] {
        let rule = |phases: &str| format!("on = \"{trigger}\"\nphases = [{phases}]\nchannels");
        let before = format!("on = \"{trigger}\"\nchannels");
        let of = |phases: &str| {
            let (old, new) = (text("recommended-postpaid"), rule(phases));
            assert!(old.contains(&before), "{before}");
            let new = old.replace(&before, &new);
            between(&parsed(&old), &parsed(&new))
        };
        let changes = of(others);
        assert_eq!(changes.len(), 1, "{changes:#?}");
        let end = format!("does not come in {dropped} any more");
        assert!(changes[0].starts_with("- ") && changes[0].ends_with(&end), "{changes:#?}");
    }
}
