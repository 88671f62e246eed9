//! Events as they come: facts go into registers that converge in any order (SAFE-3), requests are handed to `request`.
//!
//! Draws no conclusion from a fact: that is done once for the instant, by the modules that `step` calls after this one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::account::Register;
use super::decision::Verdict;
use super::effect::{RejectCode, Request};
use super::erasure;
use super::hold::Hold;
use super::id::ResourceId;
use super::input::{AutoRenew, Body, Event, HoldScope, Profile, Usage};
use super::ledger::Report;
use super::money::{Currency, Money};
use super::policy::{Cause, PhaseClass, Policy};
use super::resource::Resource;
use super::work::Work;
use super::{activation, charge, request, runway, takeover, term};

/// How many facts of one account may wait for what they are about.
pub const PARKED_MAX: usize = 256;

/// Takes one event in.
pub(super) fn apply(work: &mut Work<'_>, event: &Event) -> Verdict {
    work.cause = Some(event.key.clone());
    let stripped = erasure::stripped(&work.account, event);
    let verdict = dispatch(work, stripped.as_ref().unwrap_or(event));
    work.cause = None;
    verdict
}

fn dispatch(work: &mut Work<'_>, event: &Event) -> Verdict {
    if let Body::AccountUpdated(profile) = &event.body {
        return account_updated(work, event, profile);
    }
    if let Some(request) = event.body.request() {
        return request::decide(work, event, request);
    }
    // None says anything about the account itself: what is about no account is the worker's to keep.
    if matches!(
        event.body,
        Body::Heartbeat
            | Body::NoticeBounced { .. }
            | Body::MoratoriumPlaced { .. }
            | Body::MoratoriumLifted { .. }
    ) {
        return Verdict::Applied;
    }
    let Some(profile) = work.account.profile.as_ref() else { return park(work, event) };
    let currency = profile.value.currency;
    match &event.body {
        Body::BalanceReported { balance, sequence } => {
            balance_reported(work, event, *balance, *sequence, currency)
        }
        Body::UsageCharged(usage) => usage_charged(work, usage, currency),
        Body::ResourceActivated(activation) => {
            activation::activate(work, event, activation, currency)
        }
        Body::ResourceImported(import) => takeover::import(work, event, import, currency),
        Body::HoldPlaced { resource: None, hold, reason, scope, until } => {
            let id = hold.clone().unwrap_or_else(|| unnamed(event));
            let hold = placed(event, reason, *scope, *until);
            work.because_said("SAFE-7", None, said_placed(&id, &hold));
            work.account.holds.place(id, hold);
            Verdict::Applied
        }
        Body::HoldLifted { resource: None, hold } => {
            work.because("SAFE-7", None, said_lifted(hold.as_deref()));
            work.account.holds.lift(hold.clone(), event.time);
            Verdict::Applied
        }
        body => match body.resources().next() {
            Some(id) if work.resources.contains_key(id) => about_resource(work, event, &id.clone()),
            _ => park(work, event),
        },
    }
}

fn account_updated(work: &mut Work<'_>, event: &Event, profile: &Profile) -> Verdict {
    if let Some(known) = &work.account.profile
        && known.value.currency != profile.currency
    {
        return Verdict::Quarantined(format!(
            "the account's currency is {}, not {}",
            known.value.currency, profile.currency
        ));
    }
    if erasure::is_forgotten(&work.account, event.time) {
        return Verdict::Stale;
    }
    let was_unknown = work.account.profile.is_none();
    let register = Register { value: profile.clone(), time: event.time, key: event.key.clone() };
    if !Register::settle(&mut work.account.profile, register) {
        return Verdict::Stale;
    }
    if was_unknown {
        let waiting = core::mem::take(&mut work.account.parked);
        replay(work, waiting);
    }
    Verdict::Applied
}

/// Applies facts that had waited, in arrival order; those that still have to wait go back.
pub(super) fn replay(work: &mut Work<'_>, waiting: Vec<Event>) {
    for event in waiting {
        let cause = work.cause.replace(event.key.clone());
        if let Verdict::Quarantined(reason) = dispatch(work, &event) {
            work.set_aside.push((event, reason));
        }
        work.cause = cause;
    }
}

fn park(work: &mut Work<'_>, event: &Event) -> Verdict {
    if work.account.parked.len() >= PARKED_MAX {
        return Verdict::Quarantined(format!(
            "{PARKED_MAX} facts of this account wait already for what they are about"
        ));
    }
    work.account.parked.push(event.clone());
    Verdict::Parked
}

fn balance_reported(
    work: &mut Work<'_>,
    event: &Event,
    balance: Money,
    sequence: Option<u64>,
    currency: Currency,
) -> Verdict {
    if balance.currency != currency {
        return Verdict::Quarantined(mismatch(currency, balance.currency));
    }
    let report =
        Report { amount: balance.amount, time: event.time, sequence, key: event.key.clone() };
    if !work.account.balances.report(report) {
        return Verdict::Stale;
    }
    Verdict::Applied
}

fn usage_charged(work: &mut Work<'_>, usage: &Usage, currency: Currency) -> Verdict {
    if usage.amount.currency != currency {
        return Verdict::Quarantined(mismatch(currency, usage.amount.currency));
    }
    let unforeseeable = usage
        .resource
        .as_ref()
        .and_then(|id| work.known(id))
        .is_some_and(|(_, policy)| policy.balance_check.is_none());
    if !usage.traffic && !unforeseeable {
        runway::consume(&mut work.account.usage, usage, work.now);
    }
    Verdict::Applied
}

fn mismatch(account: Currency, other: Currency) -> String {
    format!("currency_mismatch: the account is billed in {account}, this is in {other}")
}

/// Facts about a resource that is known.
fn about_resource(work: &mut Work<'_>, event: &Event, id: &ResourceId) -> Verdict {
    let Some((resource, policy)) = work.known(id) else {
        return Verdict::Quarantined("its policy version is not loaded".into());
    };
    if policy.class(&resource.phase) == PhaseClass::Gone {
        // SAFE-8: what is released stays so. A wish is answered, a fact has nothing left to change.
        if let Body::AutoRenewChanged { .. } = event.body {
            work.reject(
                Some(id),
                Request::AutoRenew,
                RejectCode::Released,
                "the resource is released",
            );
        }
        return Verdict::Stale;
    }
    match &event.body {
        Body::ResourceRemoved { .. } => removed(work, id),
        Body::ExpiryChanged { expires_at, sequence, .. } => {
            term::expiry_changed(work, event, id, *expires_at, *sequence)
        }
        Body::AutoRenewChanged { auto_renew, .. } => {
            auto_renew_changed(work, event, id, *auto_renew)
        }
        Body::TerminationScheduled { at, .. } => {
            request::termination_scheduled(work, event, id, Some(*at))
        }
        Body::TerminationCancelled { .. } => request::termination_scheduled(work, event, id, None),
        Body::HoldPlaced { hold, reason, scope, until, .. } => {
            let hold_id = hold.clone().unwrap_or_else(|| unnamed(event));
            let hold = placed(event, reason, *scope, *until);
            work.because_said("SAFE-7", Some(id), said_placed(&hold_id, &hold));
            with(work, id, |resource| resource.holds.place(hold_id, hold))
        }
        Body::HoldLifted { hold, .. } => {
            work.because("SAFE-7", Some(id), said_lifted(hold.as_deref()));
            with(work, id, |resource| resource.holds.lift(hold.clone(), event.time))
        }
        _ => Verdict::Stale,
    }
}

fn with(work: &mut Work<'_>, id: &ResourceId, change: impl FnOnce(&mut Resource)) -> Verdict {
    work.resources.get_mut(id).map_or(Verdict::Stale, |resource| {
        change(resource);
        Verdict::Applied
    })
}

/// Gone outside dunlin: its timers are forgotten and nobody is told.
fn removed(work: &mut Work<'_>, id: &ResourceId) -> Verdict {
    let Some((_, policy)) = work.known(id) else { return Verdict::Stale };
    let Some(gone) = policy.gone().cloned() else {
        return Verdict::Quarantined("its policy has no final phase".into());
    };
    work.because("SAFE-8", Some(id), "removed outside dunlin");
    // What was asked for may not be collected any more; that is all that anybody hears of it.
    term::close_charges(work, id, "ended");
    let now = work.now;
    with(work, id, |resource| {
        resource.phase = gone;
        resource.entered_at = now;
        resource.entered_by = Cause::Removed;
        resource.forget_held();
        (resource.asked, resource.schedule) = (None, None);
    })
}

fn auto_renew_changed(
    work: &mut Work<'_>,
    event: &Event,
    id: &ResourceId,
    setting: AutoRenew,
) -> Verdict {
    let Some((resource, policy)) = work.known(id) else { return Verdict::Stale };
    let Some(renewal) = &policy.renewal else {
        work.reject(
            Some(id),
            Request::AutoRenew,
            RejectCode::WrongPolicy,
            "its policy has no renewal",
        );
        return Verdict::Applied;
    };
    if is_after_expiry(policy, resource, event) {
        work.reject(Some(id), Request::AutoRenew, RejectCode::Expired, "its term is over");
        return Verdict::Applied;
    }
    if setting.months.is_some_and(|months| !renewal.allows_auto(months)) {
        work.reject(
            Some(id),
            Request::AutoRenew,
            RejectCode::BadTerm,
            "not a length that auto-renewal can have",
        );
        return Verdict::Applied;
    }
    let Some(resource) = work.resources.get_mut(id) else { return Verdict::Stale };
    let (time, key) = (event.time, event.key.clone());
    let length = setting.months.map(|value| Register { value, time, key: key.clone() });
    let is_length = length.is_some_and(|new| Register::settle(&mut resource.auto_months, new));
    let is_mode =
        Register::settle(&mut resource.auto_renew, Register { value: setting, time, key });
    if !is_mode && !is_length {
        return Verdict::Stale;
    }
    charge::skip_past(work, id);
    Verdict::Applied
}

/// Whether a setting is one of after the term, by its own time: one that is read late was made in time (spec §7).
fn is_after_expiry(policy: &Policy, resource: &Resource, event: &Event) -> bool {
    let class = policy.class(&resource.phase);
    let is_past = |instant| instant < event.time;
    class != PhaseClass::Unpaid
        && (resource.expiry().is_some_and(is_past)
            || (class > PhaseClass::Unpaid && is_past(resource.entered_at)))
}

pub(super) fn placed(
    event: &Event,
    reason: &str,
    scope: HoldScope,
    until: Option<DateTime<Utc>>,
) -> Hold {
    Hold { scope, reason: reason.into(), since: event.time, until, key: event.key.clone() }
}

/// That a hold was placed, and what somebody said of it.
fn said_placed(id: &str, hold: &Hold) -> (String, Option<String>) {
    let stops = match hold.scope {
        HoldScope::Release => "releases",
        HoldScope::All => "stops, the bin and releases",
    };
    let until = hold.until.map(|until| format!(" until {until}")).unwrap_or_default();
    let said = (!hold.reason.is_empty()).then(|| format!(": {}", hold.reason));
    (format!("hold {id} is placed and stops {stops}{until}"), said)
}

fn said_lifted(id: Option<&str>) -> String {
    id.map_or_else(|| "every hold is lifted".into(), |id| format!("hold {id} is lifted"))
}

/// The name of a hold that has none: its event's.
pub(super) fn unnamed(event: &Event) -> String {
    format!("{} {}", event.key.source, event.key.id)
}
