//! Requests: decided once, in arrival order, and answered one resource at a time (TERM-1 to TERM-6, REN-7, RET-5, SYNC-2).
//!
//! What a customer asked for becomes a step that `clockwork` takes as soon as nothing holds it.

use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::account::Register;
use super::charge;
use super::decision::Verdict;
use super::downgrade;
use super::effect::{RejectCode, Request};
use super::expiry_sync;
use super::id::{PhaseName, ResourceId};
use super::input::{Body, Event, TerminationMode};
use super::notice;
use super::policy::{Cause, NoticeTrigger, PhaseClass, Policy};
use super::resource::Asked;
use super::returns;
use super::term::{self, Ask};
use super::work::Work;

/// A refusal: its code and a sentence.
pub(super) type Refusal = (RejectCode, &'static str);

pub(super) const UNKNOWN: Refusal =
    (RejectCode::UnknownResource, "dunlin does not know this resource");
pub(super) const RELEASED: Refusal = (RejectCode::Released, "the resource is released");
pub(super) const WRONG_POLICY: Refusal = (RejectCode::WrongPolicy, "its policy does not have this");
const IN_ARREARS: Refusal = (RejectCode::InArrears, "the account is in arrears");

/// Decides a request for each resource that it names.
pub(super) fn decide(work: &mut Work<'_>, event: &Event, request: Request) -> Verdict {
    let ids: Vec<ResourceId> = event.body.resources().cloned().collect();
    if let Body::ExpirySyncRequested { day_of_month, .. } = event.body {
        expiry_sync::decide(work, event, &ids, day_of_month);
        return Verdict::Applied;
    }
    if let Body::ReturnRequested { resource } = &event.body
        && let Some(reason) = returns::unanswerable(work, resource, event.time)
    {
        return Verdict::Quarantined(reason);
    }
    for id in &ids {
        if let Err((code, reason)) = decide_one(work, event, id) {
            work.reject(Some(id), request, code, reason);
        }
    }
    Verdict::Applied
}

fn decide_one(work: &mut Work<'_>, event: &Event, id: &ResourceId) -> Result<(), Refusal> {
    let (resource, policy) = work.known(id).ok_or(UNKNOWN)?;
    let class = policy.class(&resource.phase);
    if class == PhaseClass::Gone {
        return Err(RELEASED);
    }
    match &event.body {
        Body::RenewalRequested { months, downgrade, .. } => {
            let renewal = policy.renewal.as_ref().ok_or(WRONG_POLICY)?;
            if !renewal.allows(*months) {
                return Err((RejectCode::BadTerm, "not a length that can be chosen"));
            }
            if !term::can_be_renewed(policy, resource) {
                return Err((RejectCode::Expired, "it cannot be renewed any more"));
            }
            downgrade::check(policy, renewal, resource, downgrade, event.time)?;
            let ask = Ask { months: *months, downgrade: downgrade.clone(), paid_charge: false };
            term::renew(work, event, id, ask);
            Ok(())
        }
        Body::ChargeSucceeded { charge, .. } => charge::succeeded(work, event, id, charge),
        Body::ChargeFailed { charge, .. } => charge::failed(work, id, charge),
        Body::TerminationRequested { mode, .. } => terminate(work, event, id, policy, *mode),
        Body::RestoreRequested { .. } => restore(work, event, id, policy),
        Body::ReleaseRequested { .. } => {
            if class != PhaseClass::Retained {
                return Err((RejectCode::NotInBin, "only what is in the bin can be released"));
            }
            ask(work, event, id, policy.gone().ok_or(WRONG_POLICY)?, Cause::Request);
            Ok(())
        }
        Body::ReturnRequested { .. } => {
            let bin = &returns::may_ask(policy, class)?.bin;
            ask(work, event, id, bin, Cause::Return);
            Ok(())
        }
        _ => Err(WRONG_POLICY),
    }
}

fn terminate(
    work: &mut Work<'_>,
    event: &Event,
    id: &ResourceId,
    policy: &Policy,
    mode: TerminationMode,
) -> Result<(), Refusal> {
    let termination = policy.termination.as_ref().ok_or(WRONG_POLICY)?;
    if in_arrears(work) {
        return Err(IN_ARREARS);
    }
    if class_of(work, id) == Some(PhaseClass::Retained) {
        // What is in the bin is released by `billing.release.requested`, or by the clock (spec §7).
        return Ok(());
    }
    match mode {
        TerminationMode::Recycle => ask(work, event, id, &termination.bin, Cause::Termination),
        TerminationMode::Immediate => {
            ask(work, event, id, policy.gone().ok_or(WRONG_POLICY)?, Cause::Termination);
        }
    }
    Ok(())
}

fn restore(
    work: &mut Work<'_>,
    event: &Event,
    id: &ResourceId,
    policy: &Policy,
) -> Result<(), Refusal> {
    let termination = policy.termination.as_ref().ok_or(WRONG_POLICY)?;
    if class_of(work, id) != Some(PhaseClass::Retained) {
        return Err((RejectCode::NotInBin, "only what is in the bin can be restored"));
    }
    // TERM-4: it takes more than zero; an unknown balance is no reason to refuse.
    let is_too_little = work.account.balance().is_some_and(|balance| balance <= Decimal::ZERO);
    if is_too_little || in_arrears(work) {
        return Err((RejectCode::InArrears, "restoring takes a balance above zero"));
    }
    ask(work, event, id, &termination.restore_to, Cause::Request);
    Ok(())
}

/// `billing.termination.scheduled` and `.cancelled`: a register, the later of the two wins (TERM-3).
pub(super) fn termination_scheduled(
    work: &mut Work<'_>,
    event: &Event,
    id: &ResourceId,
    at: Option<DateTime<Utc>>,
) -> Verdict {
    let Some((resource, policy)) = work.known(id) else { return Verdict::Stale };
    if policy.termination.is_none() {
        work.reject(Some(id), Request::Termination, WRONG_POLICY.0, WRONG_POLICY.1);
        return Verdict::Applied;
    }
    // Nor may it lie before the resource: what waited for it to be known is no wish to end it at once.
    let earliest = event.time.max(resource.activated_at);
    if at.is_some_and(|at| at <= earliest) {
        work.reject(
            Some(id),
            Request::Termination,
            RejectCode::PastInstant,
            "the instant is not in the future",
        );
        return Verdict::Applied;
    }
    let Some(resource) = work.resources.get_mut(id) else { return Verdict::Stale };
    let before = resource.schedule.as_ref().and_then(|schedule| schedule.value);
    let register = Register { value: at, time: event.time, key: event.key.clone() };
    if !Register::settle(&mut resource.schedule, register) {
        return Verdict::Stale;
    }
    // It came due and something holds it: nothing irreversible has happened, and the later word counts (TERM-3).
    if resource.asked.as_ref().is_some_and(|asked| asked.scheduled) {
        resource.asked = None;
    }
    if at.is_some() && at != before {
        notice::announce(work, id, &NoticeTrigger::TerminationScheduled);
    }
    Verdict::Applied
}

/// Whether the account owes money, by what is known at this point of the instant.
pub(super) fn in_arrears(work: &Work<'_>) -> bool {
    work.account.is_in_arrears()
}

fn class_of(work: &Work<'_>, id: &ResourceId) -> Option<PhaseClass> {
    work.known(id).map(|(resource, policy)| policy.class(&resource.phase))
}

fn ask(work: &mut Work<'_>, event: &Event, id: &ResourceId, to: &PhaseName, cause: Cause) {
    work.account.wishes += 1;
    let number = work.account.wishes;
    if let Some(resource) = work.resources.get_mut(id) {
        let (to, at) = (to.clone(), event.time);
        resource.asked = Some(Asked::new(to, cause, at, number));
    }
    super::clockwork::take_asked(work, id);
}
