//! Proof that can never come would hold a resource for ever: what a step asks for can be told, and early enough.
//!
//! Where it cannot be known when something is told, it counts as early enough.

use super::moves::one_each;
use super::notices::phases;
use super::window::{NO_END, Windows, bounds};
use crate::engine::id::NoticeKind;
use crate::engine::policy::{
    Anchor, Cause, NoticeRule, NoticeTrigger, OfThem, Offset, PhaseClass, Policy, Proof, Step,
};
use crate::policy::error::{Mistakes, Span};
use crate::policy::read::Draft;

pub(super) fn check(draft: &Draft, mistakes: &mut Mistakes) {
    let policy = &draft.policy;
    let windows = [(true, Windows::of(policy, true)), (false, Windows::of(policy, false))];
    for (step, places) in one_each(draft) {
        let Some(place) = &places.proof else { continue };
        let mut copies = policy
            .steps
            .iter()
            .zip(&draft.steps)
            .filter(|(_, others)| others.number == places.number)
            .map(|(step, _)| step);
        let waits_for_ever = step.proofs.iter().any(|proof| proof.at_most.is_none());
        let ends = step.proofs.iter().any(|proof| proof.at_most.is_some());
        let mut refuse = |what: &str, expected: &str| {
            let what = format!("`{}` to `{}` {what}", step.from, step.to);
            mistakes.add(place.clone(), what).expected(expected);
        };
        if policy.class(&step.to) <= PhaseClass::Unpaid {
            refuse("takes nothing away", "a proof only before a stop, a bin or a release");
        } else if !step.irreversible && waits_for_ever {
            refuse("can be taken back", "`at_most`: how long it waits for who cannot be told");
        } else if step.irreversible && ends {
            refuse("cannot be taken back", "no `at_most`: it waits until somebody was told");
        } else if copies.all(is_wished) {
            mistakes
                .add(place.clone(), "a customer asked for this step, and need not be told of it")
                .help("a proof is for what the clock does by itself");
        } else {
            for proof in &step.proofs {
                judge(policy, &windows, (step, place), proof, mistakes);
            }
        }
    }
}

/// Whether only a customer's wish leads to a step.
fn is_wished(step: &Step) -> bool {
    matches!(step.when.entered_by, Some(Cause::Termination | Cause::Return))
}

fn judge(
    policy: &Policy,
    windows: &[(bool, Windows<'_>); 2],
    (step, place): (&Step, &Span),
    proof: &Proof,
    mistakes: &mut Mistakes,
) {
    let lead = proof.lead.num_seconds();
    let told: Vec<(&NoticeKind, Option<i64>)> = proof
        .notices
        .iter()
        .map(|kind| (kind, longest_before(policy, windows, step, kind)))
        .collect();
    let comes_in_time = |before: Option<i64>| before.is_some_and(|before| before >= lead);
    let is_enough = match proof.of_them {
        OfThem::All => told.iter().all(|(_, before)| comes_in_time(*before)),
        OfThem::Any => told.iter().any(|(_, before)| comes_in_time(*before)),
    };
    if is_enough {
        return;
    }
    for (kind, before) in told.into_iter().filter(|(_, before)| !comes_in_time(*before)) {
        let (from, to) = (&step.from, &step.to);
        match before {
            None => mistakes
                .add(place.clone(), format!("`{kind}` does not come before `{from}` to `{to}`"))
                .expected("a kind that tells of what may happen, before it does"),
            Some(_) => mistakes
                .add(
                    place.clone(),
                    format!("`{kind}` never comes so long before `{from}` to `{to}`"),
                )
                .expected("a `lead` that its earliest slot leaves"),
        };
    }
}

/// The longest time, in seconds, for which a kind can have been told before a step; `None` if it comes only later.
fn longest_before(
    policy: &Policy,
    windows: &[(bool, Windows<'_>); 2],
    step: &Step,
    kind: &NoticeKind,
) -> Option<i64> {
    let rules = policy.notices.iter().filter(|rule| rule.kind == *kind);
    rules
        .flat_map(|rule| {
            windows
                .iter()
                .filter(|(auto_renew, _)| {
                    rule.auto_renew.is_none_or(|wanted| wanted == *auto_renew)
                })
                .filter_map(|(_, windows)| before(policy, windows, step, rule))
        })
        .max()
        .filter(|before| *before > 0)
}

fn before(policy: &Policy, windows: &Windows<'_>, step: &Step, rule: &NoticeRule) -> Option<i64> {
    let phases = phases(policy, rule);
    let earliest = |offset: &Offset| bounds(*offset).earliest;
    match &rule.on {
        NoticeTrigger::Slots { anchor: Anchor::Expiry | Anchor::Arrears, offsets } => {
            let due = windows.due(step)?;
            let can_be = |slot: &i64| phases.iter().any(|phase| windows.holds(phase, *slot));
            offsets.iter().map(earliest).filter(can_be).map(|slot| due.latest - slot).max()
        }
        NoticeTrigger::Slots { anchor: Anchor::Entry, offsets } => {
            if phases.iter().any(|phase| **phase != step.from) {
                return Some(NO_END);
            }
            offsets.iter().map(|offset| windows.before(step) - earliest(offset)).max()
        }
        NoticeTrigger::Ahead { to, .. } if *to != step.to => Some(NO_END),
        NoticeTrigger::Ahead { offsets, .. } => {
            phases.contains(&&step.from).then_some(())?;
            offsets.iter().map(|offset| -earliest(offset)).max()
        }
        NoticeTrigger::ArrearsStarted => windows.due(step).map(|due| due.latest),
        NoticeTrigger::Step => {
            let others = policy.steps.iter().filter(|other| {
                other.notice.as_ref() == Some(&rule.kind)
                    && policy.class(&other.to) != PhaseClass::Gone
            });
            others
                .map(|other| if other.to == step.from { windows.before(step) } else { NO_END })
                .max()
        }
        NoticeTrigger::ChargeFailed | NoticeTrigger::BalanceCheck => Some(NO_END),
        NoticeTrigger::Renewed
        | NoticeTrigger::Restored
        | NoticeTrigger::Terminated
        | NoticeTrigger::TerminationScheduled
        | NoticeTrigger::Returned => None,
    }
}
