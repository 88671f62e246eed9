//! What is done on the way from phase to phase, and what brings a resource back.

use std::cmp::Ordering;

use chrono::TimeDelta;

use super::moves::{other_way, steps};
use super::{Bearing, Changes};
use crate::engine::policy::{Outcome, Policy, Proof, RecoverWhen, Recovery};
use crate::policy::words;

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    what_is_done(old, new, changes);
    ways_back(&old.recoveries, &new.recoveries, changes);
}

/// What provisioning does with the steps that are still there.
fn what_is_done(old: &Policy, new: &Policy, changes: &mut Changes) {
    let (before, after) = (steps(old), steps(new));
    let mut said = Vec::new();
    for (name, was) in &before {
        let Some(is) = after.get(name) else { continue };
        let mut found = Changes::default();
        outcome(&format!("`{}` to `{}`", name.0, name.1), &was.outcome, &is.outcome, &mut found);
        if was.irreversible != is.irreversible {
            let (bearing, what) = if is.irreversible {
                (Bearing::Harsh, "cannot be undone any more")
            } else {
                (Bearing::Generous, "can be undone now")
            };
            found.add(bearing, format!("`{}` to `{}` {what}", name.0, name.1));
        }
        if was.at.working_days_only != is.at.working_days_only {
            let (bearing, what) = if is.at.working_days_only {
                (Bearing::Generous, "waits for a working day now")
            } else {
                (Bearing::Harsh, "does not wait for a working day any more")
            };
            found.add(bearing, format!("`{}` to `{}` {what}", name.0, name.1));
        }
        proofs(&format!("`{}` to `{}`", name.0, name.1), &was.proofs, &is.proofs, &mut found);
        // One step for several causes is several steps: what changes with it is said once.
        said.extend(found.0.into_iter().filter(|one| !said.contains(one)).collect::<Vec<_>>());
    }
    changes.0.extend(said);
}

/// Who must be known to have been told before a step, and how long before it: more of that, and it can only come later.
fn proofs(what: &str, old: &[Proof], new: &[Proof], changes: &mut Changes) {
    let alike =
        |one: &Proof, other: &Proof| (&one.notices, one.of_them) == (&other.notices, other.of_them);
    for is in new {
        let told = words::proof(is);
        match old.iter().find(|was| alike(was, is)) {
            Some(was) if was == is => {}
            Some(was) => {
                let before = if was.at_most == is.at_most {
                    words::length(was.lead)
                } else {
                    words::proof(was)
                };
                changes.add(bearing(was, is), format!("{what} comes {told}; it was {before}"));
            }
            None => {
                let bearing = if old.is_empty() { Bearing::Generous } else { Bearing::Other };
                changes.add(bearing, format!("{what} comes {told} now"));
            }
        }
    }
    for was in old.iter().filter(|was| !new.iter().any(|is| alike(was, is))) {
        let bearing = if new.is_empty() { Bearing::Harsh } else { Bearing::Other };
        let told = words::proof(was);
        changes.add(bearing, format!("{what} does not wait for this any more: {told}"));
    }
}

/// Whether the same proof makes a step come later than it did.
fn bearing(was: &Proof, is: &Proof) -> Bearing {
    // What waits for ever waits longest.
    let longest = |proof: &Proof| proof.at_most.unwrap_or(TimeDelta::MAX);
    match (is.lead.cmp(&was.lead), longest(is).cmp(&longest(was))) {
        (Ordering::Less, Ordering::Greater) | (Ordering::Greater, Ordering::Less) => Bearing::Other,
        (Ordering::Less, _) | (_, Ordering::Less) => Bearing::Harsh,
        _ => Bearing::Generous,
    }
}

/// What provisioning is told with something.
pub(super) fn outcome(what: &str, old: &Outcome, new: &Outcome, changes: &mut Changes) {
    let Outcome { actions, detach, destroy, retain, retain_billable } = old;
    let mut kinds = |verb: &str, old: &[String], new: &[String], more: Bearing| {
        let missing = |from: &[String], these: &[String]| -> Vec<String> {
            these.iter().filter(|one| !from.contains(one)).cloned().collect()
        };
        let (added, dropped) = (missing(old, new), missing(new, old));
        if !added.is_empty() {
            changes.add(more, format!("{what} now also {verb} {}", words::list(added)));
        }
        if !dropped.is_empty() {
            let text = format!("{what} no longer {verb} {}", words::list(dropped));
            changes.add(other_way(more), text);
        }
    };
    kinds("does", actions, &new.actions, Bearing::Other);
    kinds("detaches", detach, &new.detach, Bearing::Harsh);
    kinds("destroys", destroy, &new.destroy, Bearing::Harsh);
    kinds("keeps", retain, &new.retain, Bearing::Generous);
    kinds("keeps at the customer's cost", retain_billable, &new.retain_billable, Bearing::Other);
}

fn ways_back(old: &[Recovery], new: &[Recovery], changes: &mut Changes) {
    // Two ways out of one phase differ in what it takes: a balance and a renewal.
    let same = |one: &Recovery, other: &Recovery| {
        (&one.from, &one.to) == (&other.from, &other.to)
            && (one.when == RecoverWhen::Renewed) == (other.when == RecoverWhen::Renewed)
    };
    let said = |way: &Recovery| {
        format!("back from `{}` to `{}` {}", way.from, way.to, words::recover_when(way.when))
    };
    for was in old {
        let Some(is) = new.iter().find(|way| same(was, way)) else {
            changes.lost(format!("no way {} any more", said(was)));
            continue;
        };
        let ends = format!("`{}` to `{}`", was.from, was.to);
        if was.when != is.when {
            let bearing = match (was.when, is.when) {
                (RecoverWhen::BalancePositive, RecoverWhen::BalanceNotNegative) => {
                    Bearing::Generous
                }
                (RecoverWhen::BalanceNotNegative, RecoverWhen::BalancePositive) => Bearing::Harsh,
                (
                    RecoverWhen::Renewed
                    | RecoverWhen::BalancePositive
                    | RecoverWhen::BalanceNotNegative,
                    _,
                ) => Bearing::Other,
            };
            let (then, now) = (words::recover_when(was.when), words::recover_when(is.when));
            changes.add(bearing, format!("{ends} takes something else: {then} -> {now}"));
        }
        let names = |names: &Vec<String>| {
            if names.is_empty() { "nothing".to_owned() } else { words::list(names) }
        };
        changes.differs(&format!("{ends} does"), (&was.actions, &is.actions), names);
        let look = format!("what must be looked at after {ends}");
        changes.differs(&look, (&was.hints, &is.hints), names);
    }
    for is in new.iter().filter(|way| !old.iter().any(|was| same(was, way))) {
        changes.gained(format!("a new way {}", said(is)));
    }
}
