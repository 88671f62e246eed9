//! What comes next, as the engine foresees it, and what would change it, as the policy says, in words.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use super::find::Found;
use super::{Facts, InForce, Place, Waiting};
use crate::engine::forecast::{Ahead, Coming, forecast};
use crate::engine::gate::Because;
use crate::engine::policy::{Clock, PhaseClass, Policy};
use crate::policy::words;

/// One thing that comes next if nothing happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// When.
    pub at: DateTime<Utc>,
    /// Which kind of thing.
    pub kind: &'static str,
    /// What, in words.
    pub what: String,
    /// The rules that ask for it, where it names them.
    pub rules: Vec<String>,
}

pub(super) fn next(found: &Found, now: DateTime<Utc>) -> Vec<Next> {
    let Found { policy, account, resource, moratoria } = found;
    forecast(policy, (account, moratoria), resource, now).into_iter().map(said).collect()
}

fn said(ahead: Ahead) -> Next {
    let (kind, what, rules) = match ahead.what {
        Coming::Step { from, to, irreversible, rules } => {
            let lost = if irreversible { ", which cannot be undone" } else { "" };
            ("transition", format!("{from} → {to}{lost}"), rules)
        }
        Coming::Held { to } => {
            let what = format!("{to} is due and does not happen while it is held");
            ("held", what, Vec::new())
        }
        Coming::Wish { to: Some(to) } => {
            ("transition", format!("→ {to}, as the customer asked"), Vec::new())
        }
        Coming::Wish { to: None } => {
            let what = "the termination that was set is refused: the account owes money".to_owned();
            ("rejected", what, Vec::new())
        }
        Coming::Notice { kind, channels, not_before } => {
            let mut what = format!("told {kind} by {}", words::channels(&channels));
            for (channel, until) in not_before {
                let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                what += &format!(" ({} not before {until})", words::channel(channel));
            }
            ("notice", what, Vec::new())
        }
        Coming::Charge { attempt, of } => {
            ("charge_requested", format!("charge attempt {attempt} of {of}"), Vec::new())
        }
        Coming::Look { notice } => {
            let what = format!("the balance is looked at; told {notice} if it does not last");
            ("balance_check", what, Vec::new())
        }
    };
    Next { at: ahead.at, kind, what, rules }
}

/// What would change what comes next, of that which can happen to it where it is.
pub(super) fn would_change(
    found: &Found,
    place: &Place,
    facts: Option<&Facts>,
    holds: &[InForce],
    held: Option<&Waiting>,
) -> Vec<String> {
    let policy = &found.policy;
    if place.class == PhaseClass::Gone {
        return vec![format!("nothing: {} is final (SAFE-8)", place.phase)];
    }
    let mut lines = recoveries(policy, place);
    lines.extend(payments(policy, place, facts));
    lines.extend(wishes(found, place, facts, !holds.is_empty()));
    lines.extend(holds.iter().map(|hold| lifted(hold, held)));
    lines.extend(held.and_then(let_go));
    lines.extend(held.into_iter().flat_map(|held| proven(policy, place, held, holds.is_empty())));
    let doubted = found.account.doubted.filter(|_| policy.clock == Clock::Arrears);
    lines.extend(facts.and(doubted).map(|_| {
        "its account is below zero and may be one of too many: when that is judged or approved \
         (dunlin breaker list), its arrears begin (SAFE-6)"
            .to_owned()
    }));
    if holds.is_empty() {
        lines.push("a hold that is placed on it: what the hold covers waits (SAFE-7)".to_owned());
    }
    lines
}

fn recoveries(policy: &Policy, place: &Place) -> Vec<String> {
    let ways = policy.recoveries.iter().filter(|way| way.from == place.phase);
    ways.map(|way| {
        let rules = if way.rules.is_empty() {
            String::new()
        } else {
            format!(" ({})", way.rules.join(", "))
        };
        format!("{}, it goes back to {}{rules}", words::recover_when(way.when), way.to)
    })
    .collect()
}

/// What money does to one that is not stopped yet.
fn payments(policy: &Policy, place: &Place, facts: Option<&Facts>) -> Vec<String> {
    if place.class > PhaseClass::Unpaid {
        return Vec::new();
    }
    match policy.clock {
        Clock::Expiry => renewals(policy, place, facts),
        Clock::Arrears => balances(policy, place, facts).into_iter().collect(),
    }
}

fn renewals(policy: &Policy, place: &Place, facts: Option<&Facts>) -> Vec<String> {
    let moved = "when it is renewed or its expiry is moved, every date moves with it (PRE-9)";
    let mut lines = vec![moved.to_owned()];
    let charges = policy.charges.as_ref().filter(|charges| charges.phases.contains(&place.phase));
    let is_auto = facts.and_then(|facts| facts.auto_renew);
    lines.extend(charges.and(is_auto).map(|on| {
        let (to, then) = if on { ("off", "no charge is") } else { ("on", "charges are") };
        format!("when auto-renewal is switched {to}, {then} asked for")
    }));
    lines
}

fn balances(policy: &Policy, place: &Place, facts: Option<&Facts>) -> Option<String> {
    let facts = facts?;
    if facts.arrears_since.is_none() {
        let step = policy.steps.iter().find(|step| step.from == place.phase)?;
        let when = words::deadline(&step.at);
        return Some(format!("when the balance falls below zero, it goes to {} {when}", step.to));
    }
    let is_back = policy.recoveries.iter().any(|way| way.from == place.phase);
    let over = "when the balance is zero or more, its arrears are over";
    (!is_back).then(|| over.to_owned())
}

/// What its owner may ask for.
fn wishes(found: &Found, place: &Place, facts: Option<&Facts>, is_held: bool) -> Vec<String> {
    let policy = &found.policy;
    let mut lines = Vec::new();
    if place.class == PhaseClass::Retained {
        lines.extend(policy.termination.as_ref().map(|termination| {
            let to = &termination.restore_to;
            format!("when it is restored, with a balance above zero, it goes back to {to} (TERM-4)")
        }));
        let unless = if is_held { ", once nothing holds it" } else { "" };
        lines.push(format!("when its release is asked for, it is released{unless}"));
        return lines;
    }
    // What an account in arrears asks for is refused; how it stood in the past is not known.
    let is_paid = found.account.balance().is_none_or(|balance| balance >= Decimal::ZERO);
    if facts.is_some() && is_paid {
        lines.extend(policy.termination.as_ref().map(|termination| {
            format!("when it is terminated, it goes to {} or is released at once", termination.bin)
        }));
    }
    if place.class == PhaseClass::Working {
        lines.extend(policy.returns.as_ref().map(|returns| {
            let to = &returns.bin;
            format!("when it is returned, while that is allowed, it goes to {to} (RET-6)")
        }));
    }
    if facts.is_some_and(|facts| facts.terminates_at.is_some()) {
        lines.push("when the termination that was set is cancelled, it goes on".to_owned());
    }
    lines
}

fn lifted(hold: &InForce, held: Option<&Waiting>) -> String {
    let what = if hold.moratorium_on.is_some() { "moratorium" } else { "hold" };
    let InForce { hold, .. } = hold;
    match held {
        Some(held) => {
            format!(
                "when {what} {hold} is lifted and nothing else holds it, it goes to {}",
                held.to
            )
        }
        None => format!("when {what} {hold} is lifted, it stops nothing any more"),
    }
}

/// What a word for what holds a step means, where it is nothing that is listed of the resource.
pub(super) fn why_held(because: &str) -> Option<&'static str> {
    if because == Because::Proof.word() {
        return Some("nobody is known to have been told of it in time (SAFE-4)");
    }
    if because == Because::Freshness.word() {
        return Some("facts from before its deadline may still be on their way (SAFE-5)");
    }
    let is_clock = because == Because::Clock.word();
    is_clock.then_some("the wall clock jumped, or shows less than it did before (SAFE-11)")
}

/// What ends such a wait.
fn let_go(held: &Waiting) -> Option<String> {
    let when = if held.because == Because::Freshness.word() {
        "when every source has sent a heartbeat past its deadline and the queues were read since"
    } else if held.because == Because::Clock.word() {
        "when the wall clock is back, or every source that sends heartbeats says what it says"
    } else if held.because == Because::Breaker.word() {
        let to = &held.to;
        return Some(format!(
            "when its batch is approved (dunlin breaker list), it goes to {to} (SAFE-6)"
        ));
    } else {
        return None;
    };
    Some(format!("{when}, it goes to {}", held.to))
}

/// What ends the wait for proof.
fn proven(policy: &Policy, place: &Place, held: &Waiting, is_all: bool) -> Vec<String> {
    if held.because != Because::Proof.word() {
        return Vec::new();
    }
    let to = &held.to;
    let mut steps = policy.steps.iter();
    let step = steps.find(|step| step.from == place.phase && step.to == *to);
    let proofs = step.into_iter().flat_map(|step| &step.proofs);
    let mut lines: Vec<String> =
        proofs.map(|proof| format!("it goes to {to} {} (SAFE-4)", words::proof(proof))).collect();
    if is_all && step.is_some_and(|step| step.irreversible) {
        lines.push(format!(
            "when an operator approves it (dunlin approve-release), it goes to {to}"
        ));
    }
    lines
}
