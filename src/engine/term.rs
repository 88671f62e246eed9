//! Terms: when they end, how they are renewed, what a moved expiry undoes (PRE-4, PRE-6, PRE-9, REN-7, REN-9).
//!
//! Asks nobody for money; `charge` does.

use alloc::boxed::Box;
use alloc::vec::Vec;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

use super::calendar;
use super::decision::Verdict;
use super::downgrade;
use super::effect::{Effect, RenewalDecided};
use super::id::ResourceId;
use super::input::{Downgrade, Event};
use super::policy::{Cause, Outcome, PhaseClass, Policy, RecoverWhen, Recovery, Renewal, TermEnd};
use super::resource::{ChargeState, Resource, Stamp};
use super::work::{Change, Work};

/// The day of the month that calendars in `zone` show.
pub(super) fn day_of(zone: Tz, instant: DateTime<Utc>) -> u32 {
    calendar::local_date(zone, instant).day()
}

/// `billing.expiry.changed`: the pipeline says when the term ends.
pub(super) fn expiry_changed(
    work: &mut Work<'_>,
    event: &Event,
    id: &ResourceId,
    expires_at: DateTime<Utc>,
    sequence: Option<u64>,
) -> Verdict {
    let stamp = Stamp { sequence, time: event.time, key: event.key.clone() };
    let Some((resource, policy)) = work.known(id) else { return Verdict::Stale };
    if resource.term.is_none() {
        return Verdict::Quarantined(alloc::format!(
            "expires_at: {} does not run on expiry",
            policy.key.id
        ));
    }
    let term = work.resources.get_mut(id).and_then(|resource| resource.term.as_mut());
    let Some((stamp, expires_at)) = term.and_then(|term| term.settle(stamp, expires_at)) else {
        return Verdict::Stale;
    };
    move_expiry(work, id, expires_at, stamp, Day::Remembered);
    recover(work, id, policy);
    Verdict::Applied
}

/// Which day of the month later terms return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    /// The one of the first expiry, as long as the new one can be its clamped form.
    Remembered,
    /// The one of this expiry: the series begins with it.
    Anew,
}

/// What dunlin decides has no number: the best numbered fact is remembered beside it.
pub(super) fn keep_number(work: &mut Work<'_>, id: &ResourceId) {
    let term = work.resources.get_mut(id).and_then(|resource| resource.term.as_mut());
    if let Some(term) = term.filter(|term| term.stamp.sequence.is_some()) {
        term.other = Some(Box::new((term.stamp.clone(), term.expires_at)));
    }
}

/// A new end of the term, whoever decided it. Unsent slots and open attempts of the old one are void (PRE-9).
fn move_expiry(
    work: &mut Work<'_>,
    id: &ResourceId,
    expires_at: DateTime<Utc>,
    stamp: Stamp,
    day: Day,
) {
    let now = work.now;
    let Some((_, policy)) = work.known(id) else { return };
    let Some(resource) = work.resources.get_mut(id) else { return };
    let Some(term) = resource.term.as_mut() else { return };
    term.stamp = stamp;
    let old = core::mem::replace(&mut term.expires_at, expires_at);
    if old == expires_at && !term.closed {
        return;
    }
    term.known_at = now;
    term.closed = false;
    let is_kept = day == Day::Remembered
        && clamped(policy.zone, expires_at, term.day) == day_of(policy.zone, expires_at);
    if !is_kept {
        term.day = day_of(policy.zone, expires_at);
    }
    let here = policy.class(&resource.phase);
    let ahead = policy.phases.iter().filter(|phase| phase.class > here).map(|phase| &phase.name);
    let told = ahead.filter_map(|to| resource.promised.get(to).max(resource.named.get(to)));
    let first = told.min().copied();
    if expires_at > first.unwrap_or(old) {
        // Later than what any notice named of what is still to come: that trouble is over, and the next episode starts clean. Of
        // two corrections to earlier the second may be the later one; what was promised before both still binds (SAFE-9).
        resource.end_episode();
    }
    close_charges(work, id, "renewed");
    work.because("PRE-9", Some(id), alloc::format!("expiry moved from {old} to {expires_at}"));
}

/// The remembered day, in a month that may be too short for it.
fn clamped(zone: Tz, instant: DateTime<Utc>, day: u32) -> u32 {
    let date = calendar::local_date(zone, instant);
    (1..=day).rev().find(|day| date.with_day(*day).is_some()).unwrap_or(day)
}

/// Ends the series of attempts: those without an answer are called back.
pub(super) fn close_charges(work: &mut Work<'_>, id: &ResourceId, reason: &str) {
    let Some(resource) = work.resources.get_mut(id) else { return };
    let policy = resource.policy.clone();
    let asked: Vec<_> = core::mem::take(&mut resource.charges)
        .into_iter()
        .filter(|charge| charge.state == ChargeState::Asked)
        .collect();
    for charge in asked {
        work.push(Effect::ChargeCancelled {
            resource: id.clone(),
            policy: policy.clone(),
            charge: charge.name,
            reason: reason.into(),
        });
    }
}

/// What a renewal is asked for by.
pub(super) struct Ask {
    pub(super) months: u32,
    pub(super) downgrade: Vec<Downgrade>,
    /// Paid by a charge of this term: the next one starts at expiry wherever the resource is.
    pub(super) paid_charge: bool,
}

/// Gives a resource its next term and brings it back.
pub(super) fn renew(work: &mut Work<'_>, event: &Event, id: &ResourceId, ask: Ask) {
    let Some((resource, policy)) = work.known(id) else { return };
    let (Some(renewal), Some(term)) = (&policy.renewal, &resource.term) else { return };
    let from_expiry = ask.paid_charge || !starts_at_request(renewal, resource, event, &ask);
    let (starts_at, expires_at) = if from_expiry {
        (term.expires_at, calendar::add_months(policy.zone, term.expires_at, ask.months, term.day))
    } else {
        (event.time, end_of_term(renewal, policy, event.time, ask.months))
    };
    let Some(expires_at) = expires_at else { return };
    let renewal = RenewalDecided {
        resource: id.clone(),
        policy: resource.policy.clone(),
        starts_at,
        expires_at,
        months: ask.months,
        downgrade: ask.downgrade,
    };
    take_term(work, event, id, renewal, if from_expiry { Day::Remembered } else { Day::Anew });
}

/// Makes a decided term the running one, and brings the resource back.
pub(super) fn take_term(
    work: &mut Work<'_>,
    event: &Event,
    id: &ResourceId,
    renewal: RenewalDecided,
    day: Day,
) {
    let Some((_, policy)) = work.known(id) else { return };
    let stamp = Stamp { sequence: None, time: event.time, key: event.key.clone() };
    keep_number(work, id);
    move_expiry(work, id, renewal.expires_at, stamp, day);
    // Who paid since is not released on the word or the proof that was given before, even if the new term is over already.
    if let Some(resource) = work.resources.get_mut(id) {
        resource.hand.approved.clear();
        resource.notified.clear();
    }
    work.push(Effect::Renewal(renewal));
    recover(work, id, policy);
}

/// Whether the new term starts when it is asked for. A wish that is read late was made in the phase of its own time.
fn starts_at_request(renewal: &Renewal, resource: &Resource, event: &Event, ask: &Ask) -> bool {
    let is_downgraded_late =
        !ask.downgrade.is_empty() && downgrade::is_after_expiry(resource, event.time);
    let is_in_phase =
        renewal.from_request_in.contains(&resource.phase) && resource.entered_at < event.time;
    is_downgraded_late || is_in_phase || renewal.from_request_after.contains(&resource.entered_by)
}

fn end_of_term(
    renewal: &Renewal,
    policy: &Policy,
    start: DateTime<Utc>,
    months: u32,
) -> Option<DateTime<Utc>> {
    match renewal.first_term_end {
        TermEnd::SameTime => {
            calendar::add_months(policy.zone, start, months, day_of(policy.zone, start))
        }
        TermEnd::MidnightAfter => calendar::midnight_after_months(policy.zone, start, months),
    }
}

/// Brings a resource back whose term runs again.
fn recover(work: &mut Work<'_>, id: &ResourceId, policy: &Policy) {
    let Some(resource) = work.resources.get(id) else { return };
    if resource.expiry().is_none_or(|expiry| expiry <= work.now) {
        return;
    }
    let back = policy
        .recoveries
        .iter()
        .find(|way| way.when == RecoverWhen::Renewed && way.from == resource.phase);
    let Some(back) = back else { return };
    let outcome = Outcome { actions: back.actions.clone(), ..Outcome::default() };
    work.transition(
        id,
        Change {
            to: &back.to,
            cause: Cause::Recovery,
            reason: "renewed",
            rules: &back.rules,
            outcome: &outcome,
            hints: &back.hints,
            irreversible: false,
        },
    );
    // Cured, however little later the new end is: the next trouble starts clean, with its own notices and its own proof.
    if let Some(resource) = work.resources.get_mut(id) {
        resource.end_episode();
    }
}

/// Whether a new term would do a resource any good: it works, or being renewed brings it back from where it is.
pub(super) fn can_be_renewed(policy: &Policy, resource: &Resource) -> bool {
    let is_back = |way: &Recovery| way.when == RecoverWhen::Renewed && way.from == resource.phase;
    policy.class(&resource.phase) == PhaseClass::Working || policy.recoveries.iter().any(is_back)
}

impl Renewal {
    /// Whether a customer may choose this length, in months.
    pub fn allows(&self, months: u32) -> bool {
        self.months.iter().any(|(from, to)| (*from..=*to).contains(&months))
    }

    /// Whether auto-renewal may be set to this length, in months.
    pub fn allows_auto(&self, months: u32) -> bool {
        if self.auto_months.is_empty() {
            self.allows(months)
        } else {
            self.auto_months.contains(&months)
        }
    }
}
