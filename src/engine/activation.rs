//! A resource enters dunlin. `takeover` adds what one brings along that comes in the middle of its life.
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
use super::input::{Activation, Event, RenewMode};
use super::money::Currency;
use super::policy::{Cause, Clock, Policy, Renewal, TermEnd};
use super::resource::{Resource, Stamp, Term};
use super::takeover::{self, Past};
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
    let start = activation.purchased_at.unwrap_or(event.time);
    let entry = Entry {
        phase: policy.initial().clone(),
        at: work.now,
        by: Cause::Start,
        term_starts_at: Some(start),
        past: Past::default(),
    };
    enter(work, event, activation, policy, entry)
}

/// Whether this resource can enter, and under which policy.
pub(super) fn check<'a>(
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

/// Where a resource enters, and what it brings along.
pub(super) struct Entry<'e> {
    pub(super) phase: PhaseName,
    pub(super) at: DateTime<Utc>,
    pub(super) by: Cause,
    /// What its first term counts from where no expiry is given.
    pub(super) term_starts_at: Option<DateTime<Utc>>,
    pub(super) past: Past<'e>,
}

/// Lets a resource in; what had waited for it is read.
pub(super) fn enter(
    work: &mut Work<'_>,
    event: &Event,
    activation: &Activation,
    policy: &Policy,
    entry: Entry<'_>,
) -> Verdict {
    let term = match first_term(work, event, activation, (policy, entry.term_starts_at)) {
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
    let mut resource = Resource {
        id: id.clone(),
        account: event.account.clone(),
        policy: policy.key.clone(),
        phase: entry.phase,
        entered_at: entry.at,
        entered_by: entry.by,
        activated_at: event.time,
        traits: activation.traits.clone(),
        purchased_at: activation.purchased_at,
        orders: activation.orders.clone(),
        term,
        arrears_since: entry.past.arrears_since,
        arrears_known_at: entry.past.arrears_since.map(|_| work.now),
        slots_until: work.now,
        told: BTreeMap::new(),
        auto_renew,
        auto_months,
        schedule: None,
        asked: None,
        charges: Vec::new(),
        detached: Vec::new(),
        promised: BTreeMap::new(),
        named: BTreeMap::new(),
        notified: BTreeMap::new(),
        hand: Default::default(),
        holds: Holds::default(),
        held: None,
        held_before: Vec::new(),
        gated: None,
        sequence: 0,
        wake_at: None,
    };
    resource.told = takeover::told(policy, &resource, entry.past.notices_sent);
    resource.notified = takeover::notified(policy, &resource, entry.past.notices_sent);
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
    (policy, start): (&Policy, Option<DateTime<Utc>>),
) -> Result<Option<Term>, &'static str> {
    if policy.clock != Clock::Expiry {
        return Ok(None);
    }
    let ends = |start, months| match policy.renewal.as_ref().map(|renewal| renewal.first_term_end) {
        Some(TermEnd::MidnightAfter) => calendar::midnight_after_months(policy.zone, start, months),
        _ => calendar::add_months(policy.zone, start, months, term::day_of(policy.zone, start)),
    };
    let bought =
        || start.zip(activation.term_months).and_then(|(start, months)| ends(start, months));
    let expires_at = activation.expires_at.or_else(bought).ok_or(
        "expires_at: its policy runs on expiry, and there is neither expires_at nor a purchase that it follows from",
    )?;
    Ok(Some(Term {
        expires_at,
        day: term::day_of(policy.zone, expires_at),
        stamp: Stamp { sequence: None, time: event.time, key: event.key.clone() },
        known_at: work.now,
        other: None,
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
