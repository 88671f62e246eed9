//! A resource enters dunlin: new, or in the middle of its life.
//!
//! A resource without an expiry or a policy is an error to report, never a date to invent (spec §1).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::account::Register;
use super::calendar;
use super::decision::Verdict;
use super::effect::{RejectCode, Request};
use super::hold::Holds;
use super::id::PhaseName;
use super::input::{Activation, Event, Import, RenewMode};
use super::money::Currency;
use super::policy::{Cause, Clock, Policy, Renewal, TermEnd};
use super::resource::{Resource, Stamp, Term};
use super::term;
use super::work::Work;

/// `billing.resource.activated`
pub(super) fn activate(
    work: &mut Work<'_>,
    event: &Event,
    activation: &Activation,
    currency: Currency,
) -> Verdict {
    let policy = match check(work, activation, currency) {
        Ok(policy) => policy,
        Err(verdict) => return verdict,
    };
    let phase = policy.initial().clone();
    enter(work, event, activation, policy, (phase, work.now, Cause::Start))
}

/// `billing.resource.imported`: what the system before dunlin told is not told again.
pub(super) fn import(
    work: &mut Work<'_>,
    event: &Event,
    import: &Import,
    currency: Currency,
) -> Verdict {
    let policy = match check(work, &import.activation, currency) {
        Ok(policy) => policy,
        Err(verdict) => return verdict,
    };
    if !policy.has(&import.phase) {
        return Verdict::Quarantined(format!(
            "phase: {} has no phase `{}`",
            policy.key.id, import.phase
        ));
    }
    let verdict = enter(
        work,
        event,
        &import.activation,
        policy,
        (import.phase.clone(), import.since, Cause::Import),
    );
    if let Some(resource) = work.resources.get_mut(&import.activation.resource) {
        resource.activated_at =
            import.arrears_since.map_or(import.since, |at| at.min(import.since));
        resource.arrears_since = import.arrears_since;
        resource.arrears_known_at = import.arrears_since.map(|_| work.now);
    }
    verdict
}

fn check<'a>(
    work: &Work<'a>,
    activation: &Activation,
    currency: Currency,
) -> Result<&'a Policy, Verdict> {
    if work.resources.contains_key(&activation.resource) {
        return Err(Verdict::Stale);
    }
    let Some(policy) = work.policies.newest(&activation.policy) else {
        return Err(Verdict::Quarantined(format!(
            "policy: there is no policy `{}`",
            activation.policy
        )));
    };
    if let Some(other) = activation.currency.filter(|other| *other != currency) {
        return Err(Verdict::Quarantined(format!(
            "currency_mismatch: the account is billed in {currency}, this is in {other}"
        )));
    }
    Ok(policy)
}

type Entry = (PhaseName, DateTime<Utc>, Cause);

fn enter(
    work: &mut Work<'_>,
    event: &Event,
    activation: &Activation,
    policy: &Policy,
    (phase, entered_at, entered_by): Entry,
) -> Verdict {
    let term = match first_term(work, event, activation, policy) {
        Ok(term) => term,
        Err(reason) => return Verdict::Quarantined(reason.into()),
    };
    let id = activation.resource.clone();
    let auto_renew = activation.auto_renew.map(|setting| Register {
        value: setting,
        time: event.time,
        key: event.key.clone(),
    });
    let auto_months = auto_months(policy.renewal.as_ref(), activation).map(|value| Register {
        value,
        time: event.time,
        key: event.key.clone(),
    });
    let resource = Resource {
        id: id.clone(),
        account: event.account.clone(),
        policy: policy.key.clone(),
        phase,
        entered_at,
        entered_by,
        activated_at: event.time,
        traits: activation.traits.clone(),
        purchased_at: activation.purchased_at,
        orders: activation.orders.clone(),
        term,
        arrears_since: None,
        arrears_known_at: None,
        slots_until: work.now,
        auto_renew,
        auto_months,
        schedule: None,
        asked: None,
        charges: Vec::new(),
        detached: Vec::new(),
        promised: BTreeMap::new(),
        holds: Holds::default(),
        held: None,
        sequence: 0,
        wake_at: None,
    };
    work.resources.insert(id.clone(), resource);
    if let Some(reason) = bad_term(policy.renewal.as_ref(), activation) {
        work.reject(Some(&id), Request::AutoRenew, RejectCode::BadTerm, reason);
    }
    let parked = core::mem::take(&mut work.account.parked);
    let (mine, others) =
        parked.into_iter().partition(|fact| fact.body.resources().any(|named| *named == id));
    work.account.parked = others;
    super::fact::replay(work, mine);
    Verdict::Applied
}

/// The term that it comes with. Policies that run on expiry need one.
fn first_term(
    work: &Work<'_>,
    event: &Event,
    activation: &Activation,
    policy: &Policy,
) -> Result<Option<Term>, &'static str> {
    if policy.clock != Clock::Expiry {
        return Ok(None);
    }
    let start = activation.purchased_at.unwrap_or(event.time);
    let ends = |months| match policy.renewal.as_ref().map(|renewal| renewal.first_term_end) {
        Some(TermEnd::MidnightAfter) => calendar::midnight_after_months(policy.zone, start, months),
        _ => calendar::add_months(policy.zone, start, months, term::day_of(policy.zone, start)),
    };
    let expires_at = activation.expires_at.or_else(|| activation.term_months.and_then(ends));
    let expires_at = expires_at.ok_or(
        "expires_at: its policy runs on expiry, and there is neither expires_at nor term_months",
    )?;
    Ok(Some(Term {
        expires_at,
        day: term::day_of(policy.zone, expires_at),
        stamp: Stamp { sequence: None, time: event.time, key: event.key.clone() },
        known_at: work.now,
        closed: false,
    }))
}

/// A length that the policy does not have, in what was bought or in how it is to renew itself (REN-8).
fn bad_term(renewal: Option<&Renewal>, activation: &Activation) -> Option<&'static str> {
    let renewal = renewal?;
    if activation.term_months.is_some_and(|months| !renewal.allows(months)) {
        return Some("not a length that can be bought");
    }
    let asked = activation.auto_renew.and_then(|setting| setting.months);
    asked
        .is_some_and(|months| !renewal.allows_auto(months))
        .then_some("not a length that auto-renewal can have")
}

/// How long auto-renewal renews: as was said with the purchase, if the policy has that; otherwise as it derives it.
fn auto_months(renewal: Option<&Renewal>, activation: &Activation) -> Option<u32> {
    let asked = activation.auto_renew.and_then(|setting| setting.months);
    asked
        .filter(|months| renewal.is_none_or(|renewal| renewal.allows_auto(*months)))
        .or_else(|| derived(renewal, activation))
}

/// How long auto-renewal renews where nobody said (REN-8).
fn derived(renewal: Option<&Renewal>, activation: &Activation) -> Option<u32> {
    let is_auto = activation.auto_renew.is_some_and(|setting| setting.mode == RenewMode::Auto);
    let bought = activation.term_months?;
    let months = match &renewal?.auto_months_by_term {
        Some(by_term) => by_term.get(&bought).copied().unwrap_or(1),
        None => bought,
    };
    is_auto.then_some(months)
}
