//! Deadlines: takes the steps that are due, one stage after the other, each through the gate (SAFE-4, SAFE-7, SAFE-9,
//! SAFE-10).
//!
//! Knows no phase by name and no anchor by meaning: the policy says both.

use alloc::format;
use alloc::string::String;

use chrono::{DateTime, Utc};

use super::account::Register;
use super::deadline::{self, Place};
use super::effect::{RejectCode, Request};
use super::erasure;
use super::gate::{self, Because, Proven, Wanted};
use super::id::{EventKey, ResourceId};
use super::notice;
use super::policy::{Cause, NoticeTrigger, Outcome, PhaseClass, Policy, Step};
use super::proof;
use super::refund::Refund;
use super::request::{self, Refusal};
use super::resource::{Asked, Gated, Resource};
use super::returns;
use super::term;
use super::work::{Change, Work, is_over};

/// Takes every step of a resource that is due.
pub(super) fn settle(work: &mut Work<'_>, id: &ResourceId) {
    if let Some(resource) = work.resources.get_mut(id) {
        let wish = resource.asked.as_mut().and_then(|asked| asked.gated.take());
        for (gated, wished) in [(wish, true), (resource.gated.take(), false)] {
            if let Some(gated) = gated.filter(|gated| gated.by == Because::Breaker) {
                work.asked_since.insert((id.clone(), wished), gated.due_at);
            }
        }
    }
    take_scheduled(work, id);
    take_asked(work, id);
    // Every step enters another phase, and no policy has a way round by the clock alone.
    let Some((_, policy)) = work.known(id) else { return };
    for _ in 0..policy.phases.len() {
        if !take_due(work, id, policy) {
            break;
        }
    }
}

/// Takes the next step if it is due and nothing holds it.
fn take_due(work: &mut Work<'_>, id: &ResourceId, policy: &Policy) -> bool {
    let Some(resource) = work.resources.get(id) else { return false };
    let due = deadline::next(policy, resource, Place::of(resource), work.proofs)
        .filter(|due| due.wanted_at <= work.now);
    let Some(due) = due else {
        // What was held is not due any more.
        if resource.asked.is_none()
            && let Some(resource) = work.resources.get_mut(id)
        {
            resource.forget_held();
        }
        return false;
    };
    let (step, wanted) = (due.step, due.wanted(policy, resource, work.now));
    let verdict = work.verdict(resource, wanted);
    if let Some(until) = due.not_today(policy, resource, work.now) {
        put_off(work, id, (wanted, verdict), until);
        return false;
    }
    match verdict {
        gate::Verdict::Hold { because, .. } => {
            // Beside a wish that waits for the same hold it is told no second time: one step is remembered as held.
            let is_news = resource.asked.is_none() || resource.held.is_none();
            let wanting = match because {
                Because::Proof
                    if erasure::holds(&work.account, resource, (&step.to, step.irreversible)) =>
                {
                    Some((format!("{} is not before contacts are known again", step.to), None))
                }
                Because::Proof => Some((proof::wanting(step, resource), None)),
                Because::Moratorium => moratorium(work, resource, step.irreversible),
                Because::Hold | Because::Clock | Because::Freshness | Because::Breaker => None,
            };
            if !waits(work, id, because, wanted)
                && is_news
                && work.hold(id, &step.to, because)
                && let Some(wanting) = wanting
            {
                work.because_said(because.rule(), Some(id), wanting);
            }
            false
        }
        // Proven, and a later date was named meanwhile, or its day is none for it.
        gate::Verdict::Go if due.at > work.now => false,
        gate::Verdict::Go => {
            take(work, id, (step, due.at));
            ended(work, id, wanted.into);
            true
        }
    }
}

/// It is late, and today nobody works: what holds it, if something does, goes on holding it. It comes, or what holds it is said,
/// at its time on the next working day, whoever looks before.
fn put_off(
    work: &mut Work<'_>,
    id: &ResourceId,
    (wanted, verdict): (Wanted<'_>, gate::Verdict),
    until: DateTime<Utc>,
) {
    if let gate::Verdict::Hold { because, .. } = verdict {
        let held = work.resources.get(id).and_then(|resource| resource.held.as_ref());
        let is_said = held.is_some_and(|held| held.is_for(wanted.to, because));
        waits(work, id, because, wanted);
        if is_said {
            return;
        }
    }
    if let Some(resource) = work.resources.get_mut(id) {
        resource.put_off = Some(until);
    }
}

/// The moratorium that a step waits for, for the decision record.
fn moratorium(
    work: &Work<'_>,
    resource: &Resource,
    irreversible: bool,
) -> Option<(String, Option<String>)> {
    let moratoria = work.gates.moratoria?;
    let (target, id, hold) = moratoria.named_stopping(resource, irreversible, work.now)?;
    Some((format!("moratorium {id} on {target}"), Some(format!(": {}", hold.reason))))
}

/// Remembers what a step waits for that is no event of the account; whether it is too early to say so.
fn waits(work: &mut Work<'_>, id: &ResourceId, because: Because, wanted: Wanted<'_>) -> bool {
    if !because.is_of_the_world() {
        return false;
    }
    if because == Because::Breaker {
        work.ask(id, wanted);
    }
    let due_at = match because {
        Because::Freshness => wanted.due_at,
        // However late it is: it waits since it asked.
        Because::Breaker => {
            *work.asked_since.entry((id.clone(), wanted.wished)).or_insert(work.now)
        }
        Because::Hold | Because::Proof | Because::Moratorium | Because::Clock => wanted.wanted_at,
    };
    let gated = Gated { by: because, due_at };
    match work.resources.get_mut(id) {
        Some(Resource { asked: Some(asked), .. }) if wanted.wished => asked.gated = Some(gated),
        Some(resource) => resource.gated = Some(gated),
        None => {}
    }
    gated.said_at(work.gates.patience).is_some_and(|at| work.now < at)
}

fn take(work: &mut Work<'_>, id: &ResourceId, (step, at): (&Step, DateTime<Utc>)) {
    let reason = match step.at.from.first() {
        Some(super::policy::Anchor::Expiry) => "expired",
        Some(super::policy::Anchor::Arrears) => "arrears",
        _ => "deadline",
    };
    work.transition(
        id,
        Change {
            to: &step.to,
            cause: Cause::Clock,
            reason,
            rules: &step.rules,
            outcome: &step.outcome,
            hints: &[],
            irreversible: step.irreversible,
        },
    );
    if let Some(kind) = &step.notice
        && !work.resources.get(id).is_some_and(|resource| resource.was_told(kind, at))
    {
        notice::add(work, id, kind, NoticeTrigger::Step);
    }
}

/// A termination that was scheduled for now becomes one that is asked for now (TERM-3).
fn take_scheduled(work: &mut Work<'_>, id: &ResourceId) {
    let now = work.now;
    let Some((resource, policy)) = work.known(id) else { return };
    let due =
        resource.schedule.as_ref().and_then(|schedule| schedule.value).is_some_and(|at| at <= now);
    let is_over = is_over(policy.class(&resource.phase));
    let Some(gone) = policy.gone().cloned() else { return };
    let Some(resource) = work.resources.get_mut(id) else { return };
    if due {
        if let Some(schedule) = resource.schedule.as_mut() {
            schedule.value = None;
        }
        // What somebody asked for and a hold keeps waiting comes first: a schedule does not make it another wish.
        if !is_over && resource.asked.is_none() {
            let (cause, number) = (Cause::Termination, work.account.wishes);
            let asked = Asked::new(gone, cause, now, number);
            resource.asked = Some(Asked { scheduled: true, ..asked });
        }
    }
}

/// Takes the step that a customer asked for, unless something holds it.
pub(super) fn take_asked(work: &mut Work<'_>, id: &ResourceId) {
    let Some((resource, policy)) = work.known(id) else { return };
    let Some(asked) = resource.asked.clone() else { return };
    let class = policy.class(&asked.to);
    // Whoever asked for it need not be warned of it.
    let wanted = Wanted {
        to: &asked.to,
        into: class,
        irreversible: class == PhaseClass::Gone,
        proven: Proven::default(),
        wanted_at: asked.at,
        due_at: asked.at,
        wished: true,
    };
    let verdict = work.verdict(resource, wanted);
    if let gate::Verdict::Hold { because, .. } = verdict
        && asked.cause == Cause::Return
        && asked.waits
    {
        // Only other returns can change the answer: it is given when the hold ends, whoever is looked at until then.
        waits(work, id, because, wanted);
        return;
    }
    let refund = match conditions(work, resource, policy, &asked) {
        Ok(refund) => refund,
        Err((request, (code, reason))) => {
            if let Some(resource) = work.resources.get_mut(id) {
                resource.asked = None;
            }
            work.reject(Some(id), request, code, reason);
            return;
        }
    };
    match verdict {
        gate::Verdict::Hold { because, .. } => {
            if let Some(asked) = work.resources.get_mut(id).and_then(|one| one.asked.as_mut()) {
                asked.waits = true;
            }
            let is_final = class == PhaseClass::Gone;
            let named = work.resources.get(id).filter(|_| because == Because::Moratorium);
            let named = named.and_then(|resource| moratorium(work, resource, is_final));
            if !waits(work, id, because, wanted)
                && work.hold(id, &asked.to, because)
                && let Some(named) = named
            {
                work.because_said(because.rule(), Some(id), named);
            }
        }
        gate::Verdict::Go => {
            let (outcome, rule, reason) = asked_outcome(policy, &asked, class);
            let rules = [rule.into()];
            let change = Change {
                to: &asked.to,
                cause: asked.cause,
                reason,
                rules: &rules,
                outcome: &outcome,
                hints: &[],
                irreversible: class == PhaseClass::Gone,
            };
            work.transition(id, change);
            if let Some(refund) = refund {
                returns::settle(work, id, refund, asked.at);
            }
            if asked.cause == Cause::Request {
                cancel_schedule(work, id);
                // Out of a bin that the clock led to as well: what is owed from here on is another trouble.
                if let Some(resource) = work.resources.get_mut(id) {
                    resource.end_arrears();
                }
            }
            ended(work, id, class);
        }
    }
}

/// What must be true when a wish comes true, also where a hold made it wait; the refund of a return.
fn conditions(
    work: &Work<'_>,
    resource: &Resource,
    policy: &Policy,
    asked: &Asked,
) -> Result<Option<Refund>, (Request, Refusal)> {
    match asked.cause {
        Cause::Termination if request::in_arrears(work) => {
            let reason = "the account is in arrears: the arrears rules go on";
            Err((Request::Termination, (RejectCode::InArrears, reason)))
        }
        Cause::Return => returns::answer(work, resource, policy, asked.at)
            .map(Some)
            .map_err(|refusal| (Request::Return, refusal)),
        Cause::Termination
        | Cause::Start
        | Cause::Clock
        | Cause::Recovery
        | Cause::Request
        | Cause::Removed
        | Cause::Import => Ok(None),
    }
}

fn asked_outcome(
    policy: &Policy,
    asked: &Asked,
    class: PhaseClass,
) -> (Outcome, &'static str, &'static str) {
    let termination = policy.termination.as_ref();
    match class {
        PhaseClass::Gone => {
            let by_clock =
                policy.steps.iter().find(|step| step.to == asked.to).map(|step| &step.outcome);
            let outcome =
                termination.map(|one| &one.to_gone).or(by_clock).cloned().unwrap_or_default();
            let rule = if asked.cause == Cause::Termination { "TERM-2" } else { "TERM-1" };
            (
                outcome,
                rule,
                if asked.cause == Cause::Termination {
                    "terminated"
                } else {
                    "released_on_request"
                },
            )
        }
        PhaseClass::Retained if asked.cause == Cause::Return => {
            let to_bin = policy.returns.as_ref().map(|returns| returns.to_bin.clone());
            (to_bin.unwrap_or_default(), "RET-6", "returned")
        }
        PhaseClass::Retained => {
            (termination.map(|one| one.to_bin.clone()).unwrap_or_default(), "TERM-1", "terminated")
        }
        PhaseClass::Working | PhaseClass::Unpaid | PhaseClass::Suspended => {
            let actions = alloc::vec!["start".into(), "resume_billing".into()];
            (Outcome { actions, ..Outcome::default() }, "TERM-1", "restored")
        }
    }
}

/// Whatever was scheduled up to now is void, also what is read only later.
fn cancel_schedule(work: &mut Work<'_>, id: &ResourceId) {
    let now = work.now;
    let Some((_, policy)) = work.known(id) else { return };
    let can_be_scheduled = policy.termination.is_some();
    let Some(resource) = work.resources.get_mut(id) else { return };
    if can_be_scheduled && resource.schedule.as_ref().is_none_or(|schedule| schedule.time <= now) {
        let nobody = EventKey { source: String::new(), id: String::new() };
        resource.schedule = Some(Register { value: None, time: now, key: nobody });
    }
}

/// In the bin nothing is scheduled any more; at the end nothing is left to be paid or waited for.
///
/// A wish is granted only to whom owes nothing: the trouble before it is over. Where the clock leads to the bin it goes on to
/// the end: what it counts from stays, and what was told of it binds (SAFE-9) and proves (SAFE-4) what is still to come.
fn ended(work: &mut Work<'_>, id: &ResourceId, class: PhaseClass) {
    if class < PhaseClass::Retained {
        return;
    }
    cancel_schedule(work, id);
    if class == PhaseClass::Gone {
        term::close_charges(work, id, "ended");
    }
    let Some(resource) = work.resources.get_mut(id) else { return };
    if class == PhaseClass::Gone {
        resource.end_episode();
    }
    if class == PhaseClass::Gone || resource.entered_by != Cause::Clock {
        resource.end_arrears();
    }
}
