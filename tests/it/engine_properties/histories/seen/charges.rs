//! Charges: asked for at their instant, in order, never after a paid one of the same term, and called back when the term
//! ends without an answer (PRE-6, REN-2, REN-3, REN-7).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::calendar;
use dunlin::engine::effect::{ChargeRequest, Effect};
use dunlin::engine::id::ResourceId;
use dunlin::engine::input::Body;
use dunlin::engine::policy::{ChargeWindow, Charges as Rule, Policy};
use dunlin::engine::resource::{ChargeState, Resource};

use super::{Moment, policy_of};

/// Every charge that was asked for.
#[derive(Debug, Default)]
pub(super) struct Charges {
    /// Those without an answer, by name.
    open: BTreeMap<String, ResourceId>,
    /// When a term was paid, by its idempotency key.
    paid: BTreeMap<String, DateTime<Utc>>,
    /// The last attempt of a term, and since when that term was known.
    last: BTreeMap<ResourceId, (DateTime<Utc>, u32)>,
}

impl Charges {
    pub(super) fn check(&mut self, moment: &Moment<'_>) {
        self.check_called_back(moment);
        for effect in &moment.decision.effects {
            if let Effect::ChargeRequested(charge) = effect {
                self.check_request(moment, charge);
            }
        }
        for (_, after, policy) in moment.touched() {
            if let Some(rule) = &policy.charges {
                check_none_missing(moment, after, policy, rule);
            }
        }
        self.note_paid(moment);
    }

    /// Every open charge is still open, was answered, or is called back: one of them, and nothing else is.
    fn check_called_back(&mut self, moment: &Moment<'_>) {
        for effect in &moment.decision.effects {
            if let Effect::ChargeCancelled { charge, .. } = effect {
                let asked_now = names_asked(moment).any(|name| name == charge);
                let was_open = self.open.remove(charge).is_some();
                assert!(was_open || asked_now, "charge: {charge} called back, but it is not open");
            }
        }
        let Moment { decision, .. } = moment;
        self.open.retain(|name, id| {
            if !decision.after.resources.contains_key(id) {
                return true;
            }
            let after = moment.after(id);
            let is_open = after
                .charges
                .iter()
                .any(|charge| charge.name == *name && charge.state == ChargeState::Asked);
            let is_answered = moment.bodies().any(|body| match body {
                Body::ChargeSucceeded { charge, .. } | Body::ChargeFailed { charge, .. } => {
                    charge == name
                }
                Body::ResourceRemoved { resource } => resource == id,
                _ => false,
            });
            assert!(is_open || is_answered, "charge: {name} is forgotten, not called back");
            is_open
        });
        for (id, after, _) in moment.touched() {
            let term = after.expiry().map(|expiry| term_name(id, expiry));
            for charge in &after.charges {
                let is_of_term = term.as_ref().is_some_and(|term| charge.name.starts_with(term));
                assert!(is_of_term, "charge: {} is of another term than {term:?}", charge.name);
            }
        }
    }

    fn check_request(&mut self, moment: &Moment<'_>, charge: &ChargeRequest) {
        let (now, after) = (moment.now, moment.after(&charge.resource));
        let policy = policy_of(after);
        let rule = policy.charges.as_ref().expect("a policy with charges");
        let expiry = after.expiry().expect("a running term");
        assert_eq!(
            charge.idempotency_key,
            term_name(&charge.resource, expiry),
            "REN-2: {charge:?}"
        );
        assert_eq!(
            charge.charge,
            format!("{}:{}", charge.idempotency_key, charge.attempt),
            "REN-2"
        );
        assert_eq!(charge.of as usize, rule.attempts.len(), "REN-2: {charge:?}");
        let (at, until) = instants(policy, rule, expiry)[charge.attempt as usize - 1];
        assert_eq!(at, now, "charge: not at its instant: {charge:?}");
        assert_eq!(charge.not_after, until, "REN-2: {charge:?}");
        assert!(charge.not_before >= at && charge.not_before < until, "REN-2: {charge:?}");
        assert!(charge.not_before <= at + rule.spread.unwrap_or_default(), "REN-2: {charge:?}");
        assert!(after.renews_itself(), "charge: it does not renew itself: {charge:?}");
        assert!(rule.phases.contains(&after.phase), "charge: not in {}: {charge:?}", after.phase);
        if rule.covered_only {
            let balance = moment.decision.after.account.balance();
            let is_covered =
                charge.price.zip(balance).is_some_and(|(price, balance)| price.amount <= balance);
            assert!(is_covered, "PRE-6: not covered: {charge:?}");
        }
        let known_at = after.term.as_ref().map_or(now, |term| term.known_at);
        let paid_at = self.paid.get(&charge.idempotency_key);
        assert!(
            paid_at.is_none_or(|paid| *paid < known_at),
            "REN-2: paid at {paid_at:?}: {charge:?}"
        );
        let last = self.last.insert(charge.resource.clone(), (known_at, charge.attempt));
        if let Some((_, attempt)) = last.filter(|(of, _)| *of == known_at) {
            assert!(attempt < charge.attempt, "REN-2: attempt {attempt} came before {charge:?}");
        }
        let again = self.open.insert(charge.charge.clone(), charge.resource.clone());
        assert_eq!(again, None, "charge: asked for while it is open: {charge:?}");
    }

    fn note_paid(&mut self, moment: &Moment<'_>) {
        for body in moment.bodies() {
            let Body::ChargeSucceeded { resource, charge } = body else { continue };
            let is_taken = moment.decision.effects.iter().any(|effect| {
                matches!(effect, Effect::Renewal(renewal) if renewal.resource == *resource)
            });
            if let (true, Some((key, _))) = (is_taken, charge.rsplit_once(':')) {
                self.paid.insert(key.to_owned(), moment.now);
            }
        }
    }
}

fn names_asked<'m>(moment: &'m Moment<'_>) -> impl Iterator<Item = &'m String> {
    moment.decision.effects.iter().filter_map(|effect| match effect {
        Effect::ChargeRequested(charge) => Some(&charge.charge),
        _ => None,
    })
}

fn term_name(id: &ResourceId, expiry: DateTime<Utc>) -> String {
    format!("{id}:{}", expiry.format("%Y%m%dT%H%M%SZ"))
}

/// When each attempt is due, and until when it may be answered.
fn instants(
    policy: &Policy,
    rule: &Rule,
    expiry: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let on_day = |day, time| calendar::day_time(policy.zone, expiry, day, time).expect("in range");
    let attempt = |attempt: &dunlin::engine::policy::DayTime| {
        let latest = expiry - rule.before_expiry.unwrap_or(TimeDelta::days(-60));
        let until = match rule.window {
            ChargeWindow::SameDay(time) => on_day(attempt.day, time),
            ChargeWindow::Expiry => expiry,
        };
        (on_day(attempt.day, attempt.time).min(latest), until)
    };
    rule.attempts.iter().map(attempt).collect()
}

/// An attempt whose instant this is was asked for if it was wanted; none passed unseen.
fn check_none_missing(moment: &Moment<'_>, after: &Resource, policy: &Policy, rule: &Rule) {
    let (Some(before), now) = (moment.before(&after.id), moment.now) else { return };
    let (Some(term), Some(expiry)) = (&before.term, before.expiry()) else { return };
    let recorded = |number: usize| before.charges.iter().any(|one| one.attempt as usize == number);
    let is_gone = policy.class(&before.phase) == dunlin::engine::policy::PhaseClass::Gone;
    if !before.renews_itself() || is_gone {
        return;
    }
    let is_wanted = before.term == after.term
        && after.renews_itself()
        && rule.phases.contains(&after.phase)
        && !rule.covered_only;
    for (index, (at, until)) in instants(policy, rule, expiry).into_iter().enumerate() {
        if recorded(index + 1) || at <= term.known_at {
            continue;
        }
        assert!(at >= now, "charge: attempt {} of {} passed unseen", index + 1, after.id);
        if at == now && is_wanted && now < until {
            let asked = names_asked(moment)
                .any(|name| *name == format!("{}:{}", term_name(&after.id, expiry), index + 1));
            assert!(asked, "REN-2: attempt {} of {} is not asked for at {at}", index + 1, after.id);
        }
    }
}
