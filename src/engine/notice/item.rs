//! One resource of a notice: what is, what was done to it, and what is to come, frozen.
//!
//! Promises nothing that the policy and the decision at hand do not say.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::charge;
use super::super::deadline::{self, Place};
use super::super::decision::Proofs;
use super::super::effect::{NoticeItem, PaidBack, Transition};
use super::super::input::Attachment;
use super::super::policy::{Clock, NoticeTrigger, Outcome, PhaseClass, Policy};
use super::super::resource::Resource;
use super::super::work::{Work, belongings, is_over};
use super::{Subject, ends_at};

/// What provisioning does with a resource's billing where it stops.
const STOP_BILLING: &str = "stop_billing";

/// What a notice says of one resource, by its subject.
pub(super) fn item(
    work: &Work<'_>,
    policy: &Policy,
    resource: &Resource,
    subject: &Subject,
) -> NoticeItem {
    let attempt = match subject {
        Subject::Attempt(attempt) => Some(*attempt),
        Subject::Slot(_) | Subject::Event(_) => None,
    };
    let change = tells_of_change(subject).then(|| work.last_change(&resource.id)).flatten();
    let class = policy.class(&resource.phase);
    let is_back = class == PhaseClass::Working && is_news(subject);
    let promises = deadline::outlook(policy, resource, work.proofs, work.now);
    let fate = Fate::of(policy, resource, subject, change, work.proofs);
    NoticeItem {
        resource: resource.id.clone(),
        policy: resource.policy.clone(),
        name: resource.traits.name.clone(),
        region: resource.traits.region.clone(),
        phase: resource.phase.clone(),
        class,
        expires_at: resource.expiry(),
        auto_renew: resource.auto_renew.as_ref().map(|_| resource.renews_itself()),
        detached: if is_back {
            change.map(|change| change.detached.clone()).unwrap_or_default()
        } else {
            detached(policy, resource)
        },
        hints: change.filter(|_| is_back).map(|change| change.hints.clone()).unwrap_or_default(),
        destroyed: fate.destroyed,
        retained: fate.retained,
        retained_billable: fate.retained_billable,
        stops_billing: change.is_some_and(|change| has(&change.actions, STOP_BILLING)),
        refund: change.and_then(|_| work.refund_of(&resource.id)).map(|refund| {
            let (method, amount, payout) = (refund.method, refund.amount, refund.payout.clone());
            PaidBack { method, amount, payout }
        }),
        ends_at: ends_at(resource),
        attempt,
        attempts: policy
            .charges
            .as_ref()
            .filter(|_| attempt.is_some())
            .and_then(|charges| u32::try_from(charges.attempts.len()).ok()),
        next_attempt_at: charge::next_at(policy, resource, (work.now, &promises), attempt),
        // What runs on a balance is not renewed, whatever it costs.
        price: charge::price_of(work, resource).filter(|_| policy.clock == Clock::Expiry),
        promises,
    }
}

/// What is told again of a change: as it is now, with what that change did then.
pub(super) fn told_again(now: NoticeItem, before: &NoticeItem, subject: &Subject) -> NoticeItem {
    if !tells_of_change(subject) {
        return now;
    }
    NoticeItem {
        detached: before.detached.clone(),
        hints: before.hints.clone(),
        destroyed: before.destroyed.clone(),
        retained: before.retained.clone(),
        retained_billable: before.retained_billable.clone(),
        stops_billing: before.stops_billing,
        refund: before.refund.clone(),
        ..now
    }
}

fn has(actions: &[String], action: &str) -> bool {
    actions.iter().any(|one| one == action)
}

/// Whether a notice tells of something that was decided, rather than of what threatens.
fn is_news(subject: &Subject) -> bool {
    match subject {
        Subject::Event(
            NoticeTrigger::Renewed
            | NoticeTrigger::Restored
            | NoticeTrigger::Terminated
            | NoticeTrigger::TerminationScheduled
            | NoticeTrigger::Returned,
        ) => true,
        Subject::Event(
            NoticeTrigger::Slots { .. }
            | NoticeTrigger::Ahead { .. }
            | NoticeTrigger::ArrearsStarted
            | NoticeTrigger::Step
            | NoticeTrigger::ChargeFailed
            | NoticeTrigger::BalanceCheck,
        )
        | Subject::Slot(_)
        | Subject::Attempt(_) => false,
    }
}

/// Whether it tells of a change of phase in the decision at hand. A schedule changes nothing yet.
fn tells_of_change(subject: &Subject) -> bool {
    match subject {
        Subject::Event(NoticeTrigger::TerminationScheduled) => false,
        Subject::Event(NoticeTrigger::Step) => true,
        Subject::Event(_) | Subject::Slot(_) | Subject::Attempt(_) => is_news(subject),
    }
}

/// What becomes of everything that belongs to a resource.
#[derive(Default)]
struct Fate {
    destroyed: Vec<Attachment>,
    retained: Vec<Attachment>,
    retained_billable: Vec<Attachment>,
}

impl Fate {
    /// With the change that is told of; else with the step that is warned of.
    fn of(
        policy: &Policy,
        resource: &Resource,
        subject: &Subject,
        change: Option<&Transition>,
        proofs: Proofs,
    ) -> Self {
        if let Some(change) = change {
            return Self {
                destroyed: change.destroyed.clone(),
                retained: change.retained.clone(),
                retained_billable: change.retained_billable.clone(),
            };
        }
        let Some(outcome) = to_come(policy, resource, subject, proofs) else {
            return Self::default();
        };
        Self {
            destroyed: belongings(resource, &outcome.destroy),
            retained: belongings(resource, &outcome.retain),
            retained_billable: belongings(resource, &outcome.retain_billable),
        }
    }
}

/// What a warning warns of: the step that it comes before, or the end that is scheduled.
fn to_come<'p>(
    policy: &'p Policy,
    resource: &Resource,
    subject: &Subject,
    proofs: Proofs,
) -> Option<&'p Outcome> {
    if let Subject::Event(NoticeTrigger::TerminationScheduled) = subject {
        return policy.termination.as_ref().map(|termination| &termination.to_gone);
    }
    let Subject::Slot(rule) = subject else { return None };
    let NoticeTrigger::Ahead { to, .. } = &policy.notices.get(*rule)?.on else { return None };
    let next = deadline::next(policy, resource, Place::of(resource), proofs)?;
    (next.step.to == *to).then_some(&next.step.outcome)
}

/// What was detached, or will be by the steps to come; a resource that is over goes through none of them.
fn detached(policy: &Policy, resource: &Resource) -> Vec<Attachment> {
    if !resource.detached.is_empty() || is_over(policy.class(&resource.phase)) {
        return resource.detached.clone();
    }
    let reachable = policy.steps.iter().filter(|step| policy.class(&step.to) < PhaseClass::Gone);
    let mut all: Vec<_> =
        reachable.flat_map(|step| belongings(resource, &step.outcome.detach)).collect();
    all.sort_unstable();
    all.dedup();
    all
}
