//! Charge attempts: when the pipeline is asked to collect a renewal, and what its answer means (PRE-6, REN-2, REN-3).
//!
//! dunlin schedules and asks; it never moves money.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::account::Account;
use super::calendar;
use super::effect::{ChargeRequest, Effect, Promise, RejectCode};
use super::id::ResourceId;
use super::input::Event;
use super::money::Money;
use super::notice;
use super::policy::{ChargeWindow, Charges, NoticeTrigger, PhaseClass, Policy};
use super::request::Refusal;
use super::resource::{Charge, ChargeState, Resource};
use super::term::{self, Ask};
use super::work::Work;

const UNKNOWN: Refusal = (
    RejectCode::UnknownCharge,
    "nobody asked for this charge in this term: money may have been collected",
);

const TOO_LATE: Refusal = (
    RejectCode::UnknownCharge,
    "it cannot be renewed any more, and this was collected for it: somebody must pay it back",
);

/// One attempt of a term.
pub(super) struct Attempt {
    /// Position in the series, from 1.
    pub(super) number: u32,
    /// When it is asked for.
    pub(super) at: DateTime<Utc>,
    /// Until when the pipeline may answer.
    pub(super) until: DateTime<Utc>,
}

/// The attempts of the running term, whatever became of them.
pub(super) fn attempts(policy: &Policy, charges: &Charges, resource: &Resource) -> Vec<Attempt> {
    let Some(expiry) = resource.expiry() else { return Vec::new() };
    let attempt = |(index, day_time): (usize, &super::policy::DayTime)| {
        let at = calendar::day_time(policy.zone, expiry, day_time.day, day_time.time)?;
        let latest = charges.before_expiry.and_then(|before| expiry.checked_sub_signed(before));
        let at = latest.map_or(at, |latest| at.min(latest));
        let until = match charges.window {
            ChargeWindow::Expiry => expiry,
            ChargeWindow::SameDay(time) => {
                calendar::day_time(policy.zone, expiry, day_time.day, time)?
            }
        };
        Some(Attempt { number: u32::try_from(index + 1).ok()?, at, until })
    };
    charges.attempts.iter().enumerate().filter_map(attempt).collect()
}

/// Asks for the attempt that is due; those whose instant passed otherwise are skipped.
pub(super) fn settle(work: &mut Work<'_>, id: &ResourceId) {
    let now = work.now;
    let Some((resource, policy)) = work.known(id) else { return };
    let Some(charges) = &policy.charges else { return };
    // What passes while it is off is skipped when it is switched on: nothing wakes for it.
    if !resource.renews_itself() || policy.class(&resource.phase) == PhaseClass::Gone {
        return;
    }
    let wanted = charges.phases.contains(&resource.phase);
    let known_at = resource.term.as_ref().map_or(now, |term| term.known_at);
    let price = price_of(work, resource);
    let covered = !charges.covered_only || is_covered(&work.account, resource);
    let mut passed = open(policy, charges, resource);
    passed.retain(|attempt| attempt.at <= now);
    let latest = passed.pop();
    for attempt in passed {
        record(work, id, attempt.number, ChargeState::Skipped);
    }
    let Some(attempt) = latest else { return };
    if wanted && covered && attempt.at >= known_at && now < attempt.until {
        record(work, id, attempt.number, ChargeState::Asked);
        request(work, id, (charges, &attempt), price);
    } else {
        record(work, id, attempt.number, ChargeState::Skipped);
    }
}

/// The attempts that nothing became of yet.
pub(super) fn open(policy: &Policy, charges: &Charges, resource: &Resource) -> Vec<Attempt> {
    let recorded = |number: u32| resource.charges.iter().any(|charge| charge.attempt == number);
    attempts(policy, charges, resource)
        .into_iter()
        .filter(|attempt| !recorded(attempt.number))
        .collect()
}

/// The next attempt of a resource that renews itself, as seen from an instant and the steps that are to come: the first that
/// will find it in a phase for attempts. After a refused one also the next that is asked for and not answered yet.
pub(super) fn next_at(
    policy: &Policy,
    resource: &Resource,
    (now, ahead): (DateTime<Utc>, &[Promise]),
    refused: Option<u32>,
) -> Option<DateTime<Utc>> {
    let charges = policy.charges.as_ref().filter(|_| resource.renews_itself())?;
    let phase_at = |at: DateTime<Utc>| {
        let entered = ahead.iter().rev().find(|promise| promise.at <= at);
        entered.map_or(&resource.phase, |promise| &promise.to)
    };
    let is_open = |attempt: &Attempt| {
        let known = resource.charges.iter().find(|charge| charge.attempt == attempt.number);
        match known.map(|charge| charge.state) {
            None => attempt.at > now && charges.phases.contains(phase_at(attempt.at)),
            Some(ChargeState::Asked) => refused.is_some_and(|refused| attempt.number > refused),
            Some(ChargeState::Failed | ChargeState::Skipped) => false,
        }
    };
    attempts(policy, charges, resource).into_iter().find(is_open).map(|attempt| attempt.at)
}

/// Attempts that lie in the past when auto-renewal is switched on are skipped, not made up.
pub(super) fn skip_past(work: &mut Work<'_>, id: &ResourceId) {
    let now = work.now;
    let Some((resource, policy)) = work.known(id) else { return };
    let Some(charges) = &policy.charges else { return };
    for attempt in open(policy, charges, resource).into_iter().filter(|attempt| attempt.at < now) {
        record(work, id, attempt.number, ChargeState::Skipped);
    }
}

fn record(work: &mut Work<'_>, id: &ResourceId, number: u32, state: ChargeState) {
    let Some(resource) = work.resources.get_mut(id) else { return };
    let Some(name) = name_of(resource, number) else { return };
    let months = months_of(resource);
    resource.charges.push(Charge { name, attempt: number, months, state });
    if state == ChargeState::Skipped {
        work.because(
            "PRE-6",
            Some(id),
            format!("attempt {number} is not made: not wanted, not covered, or its time is over"),
        );
    }
}

fn request(
    work: &mut Work<'_>,
    id: &ResourceId,
    (charges, attempt): (&Charges, &Attempt),
    price: Option<Money>,
) {
    let Some(resource) = work.resources.get(id) else { return };
    let (Some(charge), Some(key)) = (name_of(resource, attempt.number), term_name(resource)) else {
        return;
    };
    let request = ChargeRequest {
        resource: id.clone(),
        policy: resource.policy.clone(),
        charge,
        idempotency_key: key,
        attempt: attempt.number,
        of: u32::try_from(charges.attempts.len()).unwrap_or(u32::MAX),
        not_before: spread(charges, attempt, id),
        not_after: attempt.until,
        months: months_of(resource),
        price,
        tenders: charges.tenders.clone(),
    };
    let rule = charges.rules.first().cloned().unwrap_or_default();
    work.because(&rule, Some(id), format!("attempt {} is due", attempt.number));
    work.push(Effect::ChargeRequested(request));
}

/// When within the window of its attempt a resource's charge is asked for: always the same, and evenly over all resources.
fn spread(charges: &Charges, attempt: &Attempt, id: &ResourceId) -> DateTime<Utc> {
    let Some(over) = charges.spread else { return attempt.at };
    // FNV-1a: small, the same on every machine, and nobody gains by choosing an id.
    let hash = id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let seconds = u64::try_from(over.num_seconds()).unwrap_or(0).max(1);
    let after = TimeDelta::seconds(i64::try_from(hash % seconds).unwrap_or(0));
    attempt.at + after
}

/// `billing.charge.succeeded`: the next term starts at expiry; the series is over.
pub(super) fn succeeded(
    work: &mut Work<'_>,
    event: &Event,
    id: &ResourceId,
    charge: &str,
) -> Result<(), Refusal> {
    let (resource, policy) = work.known(id).ok_or(UNKNOWN)?;
    let index = asked_for(resource, charge).ok_or(UNKNOWN)?;
    if !term::can_be_renewed(policy, resource) {
        return Err(TOO_LATE);
    }
    let months = resource.charges[index].months;
    // Answered: it is not called back with the others.
    if let Some(resource) = work.resources.get_mut(id) {
        resource.charges.remove(index);
    }
    term::renew(work, event, id, Ask { months, downgrade: Vec::new(), paid_charge: true });
    Ok(())
}

/// `billing.charge.failed`: told once an attempt; the next one goes on as planned.
pub(super) fn failed(work: &mut Work<'_>, id: &ResourceId, charge: &str) -> Result<(), Refusal> {
    let (resource, policy) = work.known(id).ok_or(UNKNOWN)?;
    let index = asked_for(resource, charge).ok_or(UNKNOWN)?;
    if resource.charges[index].state == ChargeState::Failed {
        return Ok(());
    }
    let attempt = resource.charges[index].attempt;
    if let Some(resource) = work.resources.get_mut(id) {
        resource.charges[index].state = ChargeState::Failed;
    }
    for rule in policy.notices.iter().filter(|rule| rule.on == NoticeTrigger::ChargeFailed) {
        notice::add_attempt(work, id, &rule.kind, attempt);
    }
    Ok(())
}

fn asked_for(resource: &Resource, name: &str) -> Option<usize> {
    resource
        .charges
        .iter()
        .position(|charge| charge.name == name && charge.state != ChargeState::Skipped)
}

/// `<resource>:<expiry>`, with the expiry as `20171208T160000Z`.
fn term_name(resource: &Resource) -> Option<String> {
    Some(format!("{}:{}", resource.id, resource.expiry()?.format("%Y%m%dT%H%M%SZ")))
}

fn name_of(resource: &Resource, attempt: u32) -> Option<String> {
    Some(format!("{}:{attempt}", term_name(resource)?))
}

fn months_of(resource: &Resource) -> u32 {
    resource.auto_months.as_ref().map_or(1, |months| months.value)
}

/// What the renewal costs, if its price is known.
pub(super) fn price_of(work: &Work<'_>, resource: &Resource) -> Option<Money> {
    price_for(&work.account, resource)
}

fn price_for(account: &Account, resource: &Resource) -> Option<Money> {
    let currency = account.profile.as_ref()?.value.currency;
    let amount = resource.traits.price?.checked_mul(Decimal::from(months_of(resource)))?;
    Some(Money { amount, currency })
}

/// Whether the balance is known to cover the price, where that is known.
pub(super) fn is_covered(account: &Account, resource: &Resource) -> bool {
    let price = price_for(account, resource);
    price.zip(account.balance()).is_some_and(|(price, balance)| price.amount <= balance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use chrono::NaiveTime;

    #[test]
    fn requests_are_spread_over_their_window_and_each_stays_where_it_is() {
        let charges = |spread| Charges {
            attempts: Vec::new(),
            before_expiry: None,
            window: ChargeWindow::SameDay(NaiveTime::MIN),
            spread,
            covered_only: false,
            phases: Vec::new(),
            tenders: Vec::new(),
            rules: Vec::new(),
        };
        let at: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().expect("an instant");
        let attempt = Attempt { number: 1, at, until: at };
        let nine_hours = charges(Some(TimeDelta::hours(9)));
        let mut hours = [0_u32; 9];
        for number in 0..90_000 {
            let id = ResourceId::from(format!("ins-{number}").as_str());
            let asked_at = spread(&nine_hours, &attempt, &id);
            assert_eq!(asked_at, spread(&nine_hours, &attempt, &id));
            hours[usize::try_from((asked_at - at).num_hours()).expect("not before")] += 1;
        }
        assert!(hours.iter().all(|count| (9_500..10_500).contains(count)), "{hours:?}");
        assert_eq!(spread(&charges(None), &attempt, &"ins-1".into()), at);
    }
}
