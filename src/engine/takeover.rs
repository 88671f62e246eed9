//! `billing.resource.imported`: a resource in the middle of its life, and what it brings along from the system before dunlin.
//!
//! Nobody is told again, and no date is invented. What was not told is told from here on, as if it had always been dunlin's.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, TimeDelta, Utc};

use rust_decimal::Decimal;

use super::activation::{self, Entry};
use super::arrears;
use super::calendar;
use super::deadline::{self, Place};
use super::decision::{Proofs, Verdict};
use super::id::NoticeKind;
use super::input::{Event, Import, SentNotice};
use super::money::Currency;
use super::policy::{Anchor, Cause, Clock, NoticeTrigger, PhaseClass, Policy};
use super::resource::{Notified, Resource};
use super::slot;
use super::work::Work;

/// A notice that was sent less than this before an instant may be the one of that instant: batches run early.
const EARLY_MAX: TimeDelta = TimeDelta::days(1);

/// What a resource brings along.
#[derive(Default)]
pub(super) struct Past<'e> {
    /// When the arrears that it is in began.
    pub(super) arrears_since: Option<DateTime<Utc>>,
    /// What its contacts were told.
    pub(super) notices_sent: &'e [SentNotice],
}

/// Takes a resource over.
pub(super) fn import(
    work: &mut Work<'_>,
    event: &Event,
    import: &Import,
    currency: Currency,
) -> Verdict {
    let policy = match activation::check(work, &import.activation, currency) {
        Ok(policy) => policy,
        Err(verdict) => return verdict,
    };
    if let Some(reason) = contradiction(event, import, policy) {
        return Verdict::Quarantined(reason);
    }
    let arrears_since = import.arrears_since.filter(|_| policy.clock == Clock::Arrears);
    let entry = Entry {
        phase: import.phase.clone(),
        at: import.since,
        by: Cause::Import,
        // A term that is running began with the purchase, not now.
        term_starts_at: import.activation.purchased_at,
        past: Past { arrears_since, notices_sent: &import.notices_sent },
    };
    let verdict = activation::enter(work, event, &import.activation, policy, entry);
    if verdict != Verdict::Applied {
        return verdict;
    }
    let id = &import.activation.resource;
    if let Some(resource) = work.resources.get_mut(id) {
        resource.activated_at = arrears_since.map_or(import.since, |at| at.min(import.since));
    }
    if let Some(since) = arrears_since {
        claim(work, since);
        // Nobody moved it: dunlin does, and tells whom the system before did not tell (POST-2).
        let is_working = policy.class(&import.phase) == PhaseClass::Working;
        let balances = &work.account.balances;
        let owes = balances.current().is_some_and(|balance| balance < Decimal::ZERO);
        if is_working && (owes || !balances.is_settled_from(since)) {
            arrears::announce(work, id, policy, since);
        }
    }
    verdict
}

/// The account is in arrears by what a resource came with, until a report from then on says otherwise.
fn claim(work: &mut Work<'_>, since: DateTime<Utc>) {
    work.account.arrears_claimed = work.account.arrears_claimed.max(Some(since));
}

/// What cannot be: of such a resource nobody knows where it stands.
fn contradiction(event: &Event, import: &Import, policy: &Policy) -> Option<String> {
    let (id, phase) = (&policy.key.id, &import.phase);
    if !policy.has(phase) {
        return Some(format!("phase: {id} has no phase `{phase}`"));
    }
    let is_future = |instant: DateTime<Utc>| instant > event.time;
    if is_future(import.since) {
        return Some("since: it lies after the event itself".into());
    }
    if import.arrears_since.is_some_and(is_future) {
        return Some("arrears_since: it lies after the event itself".into());
    }
    if import.notices_sent.iter().any(|sent| is_future(sent.at)) {
        return Some("notices_sent: one lies after the event itself".into());
    }
    let owes = policy.clock == Clock::Arrears && policy.class(phase) == PhaseClass::Unpaid;
    if owes && import.arrears_since.is_none() {
        return Some(format!(
            "arrears_since: it is missing, and `{phase}` of {id} is a phase of arrears"
        ));
    }
    None
}

/// Up to when each kind of notice was told.
///
/// A notice that was sent stands for the nearest instant at which the policy wants it, and for all before that; for one
/// that is still to come only if that is less than [`EARLY_MAX`] away.
pub(super) fn told(
    policy: &Policy,
    resource: &Resource,
    sent: &[SentNotice],
) -> BTreeMap<NoticeKind, DateTime<Utc>> {
    let mut told = BTreeMap::new();
    if sent.is_empty() {
        return told;
    }
    // What lies before the import is not open any more, and still has its place among the instants.
    let mut always_known = resource.clone();
    always_known.slots_until = DateTime::<Utc>::MIN_UTC;
    always_known.arrears_known_at = resource.arrears_since.map(|_| DateTime::<Utc>::MIN_UTC);
    if let Some(term) = always_known.term.as_mut() {
        term.known_at = DateTime::<Utc>::MIN_UTC;
    }
    for SentNotice { notice, at } in sent {
        let wanted = wanted(policy, &always_known, notice, *at);
        let before = wanted.iter().copied().filter(|one| one <= at).max();
        let next = wanted.iter().copied().filter(|one| one > at).min();
        let was_early = |next: &DateTime<Utc>| {
            *next - *at < EARLY_MAX && before.is_none_or(|before| *next - *at < *at - before)
        };
        let until = next.filter(was_early).unwrap_or(*at);
        let known = told.entry(notice.clone()).or_insert(until);
        *known = until.max(*known);
    }
    told
}

/// What was told of the episode that a resource came in: the system before vouches that it was accepted (SAFE-4).
pub(super) fn notified(
    policy: &Policy,
    resource: &Resource,
    sent: &[SentNotice],
) -> BTreeMap<NoticeKind, Notified> {
    let mut notified = BTreeMap::new();
    let Some(begin) = episode_begin(policy, resource) else { return notified };
    for SentNotice { notice, at } in sent {
        if *at < begin || !policy.asks_for_proof_of(notice) {
            continue;
        }
        let known = notified.entry(notice.clone()).or_insert_with(|| Notified::from(*at));
        known.first_at = known.first_at.min(*at);
        known.accepted.insert(*at, *at);
    }
    notified
}

/// Since when notices can be about the trouble that a resource came in; `None` without any.
///
/// What was sent about an earlier term names other dates and proves nothing for this one.
fn episode_begin(policy: &Policy, resource: &Resource) -> Option<DateTime<Utc>> {
    if policy.clock == Clock::Arrears {
        return resource.arrears_since;
    }
    let expiry = resource.expiry()?;
    let first = policy
        .notices
        .iter()
        .filter_map(|rule| {
            let NoticeTrigger::Slots { anchor: Anchor::Expiry, offsets } = &rule.on else {
                return None;
            };
            Some(offsets)
        })
        .flatten()
        .filter_map(|offset| offset.from(expiry, policy.zone))
        .min();
    first.map_or(expiry, |first| first.min(expiry)).checked_sub_signed(EARLY_MAX)
}

/// The instants around `at` at which the policy wants a kind of notice about a resource, also those that are past.
fn wanted(
    policy: &Policy,
    resource: &Resource,
    kind: &NoticeKind,
    at: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    let rules = policy.notices.iter().filter(|rule| rule.kind == *kind);
    let mut wanted: Vec<_> =
        rules.flat_map(|rule| slot::open_slots(policy, rule, resource, Proofs::Assumed)).collect();
    let step = deadline::next(policy, resource, Place::of(resource), Proofs::Assumed);
    wanted.extend(step.filter(|due| due.step.notice.as_ref() == Some(kind)).map(|due| due.at));
    if let Some(check) = policy.balance_check.as_ref().filter(|check| check.notice == *kind) {
        let next = calendar::next_time_of_day(policy.zone, at, check.at);
        wanted.extend(next);
        wanted.extend(next.and_then(|next| calendar::add_days(policy.zone, next, -1)));
    }
    wanted
}
