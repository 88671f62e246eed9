//! Erasure: an account stays, with all that it owes and has, and nobody can be told from it who it is.
//!
//! Nothing is released by it. Whoever is not known cannot be told, so that what needs somebody to be told first waits (SAFE-4):
//! until contacts are known again, or an operator answers for it. What was proven before is not proof any more.

use alloc::string::String;

use chrono::{DateTime, Utc};

use super::account::Account;
use super::id::PhaseName;
use super::input::{Body, Event};
use super::proof;
use super::resource::{Notified, Resource};
use super::work::Work;

/// Forgets everything in sight that the person can be told by.
pub(super) fn erase(work: &mut Work<'_>) {
    let now = work.now;
    let account = &mut work.account;
    account.erased_at = account.erased_at.max(Some(now));
    if let Some(profile) = &mut account.profile {
        profile.value.contacts.clear();
        (profile.value.name, profile.value.locale) = (None, None);
    }
    account.holds.forget_reasons();
    account.parked.iter_mut().for_each(|event| strip(&mut event.body));
    for resource in work.resources.values_mut() {
        resource.traits.name = None;
        resource.holds.forget_reasons();
        resource.hand.forget_reasons();
        resource.notified.values_mut().for_each(|known| *known = Notified::from(now));
    }
}

/// An event of this account as it may be taken in: one from before the erasure, read late, brings nothing back of what was erased.
pub(super) fn stripped(account: &Account, event: &Event) -> Option<Event> {
    is_forgotten(account, event.time).then(|| {
        let mut event = event.clone();
        strip(&mut event.body);
        event
    })
}

/// Whether an event from before the erasure would say again who the person is.
pub(super) fn is_forgotten(account: &Account, time: DateTime<Utc>) -> bool {
    account.erased_at.is_some_and(|erased_at| time <= erased_at)
}

/// Whether a step waits because the person was erased. What a customer asked for, and what an operator answers for, does not.
pub(super) fn holds(
    account: &Account,
    resource: &Resource,
    (to, irreversible): (&PhaseName, bool),
) -> bool {
    irreversible
        && account.is_erased()
        && !proof::is_wished(resource.entered_by)
        && !resource.hand.approved.contains_key(to)
}

fn strip(body: &mut Body) {
    match body {
        Body::ResourceActivated(activation) => activation.traits.name = None,
        Body::ResourceImported(import) => import.activation.traits.name = None,
        Body::HoldPlaced { reason, .. } => *reason = String::new(),
        Body::ChargeFailed { reason, .. } => *reason = None,
        // Ids, dates and amounts; or told to somebody else.
        Body::AccountUpdated(_)
        | Body::BalanceReported { .. }
        | Body::UsageCharged(_)
        | Body::ResourceRemoved { .. }
        | Body::ExpiryChanged { .. }
        | Body::AutoRenewChanged { .. }
        | Body::RenewalRequested { .. }
        | Body::ChargeSucceeded { .. }
        | Body::TerminationRequested { .. }
        | Body::TerminationScheduled { .. }
        | Body::TerminationCancelled { .. }
        | Body::RestoreRequested { .. }
        | Body::ReleaseRequested { .. }
        | Body::ReturnRequested { .. }
        | Body::ExpirySyncRequested { .. }
        | Body::HoldLifted { .. }
        | Body::MoratoriumPlaced { .. }
        | Body::MoratoriumLifted { .. }
        | Body::Heartbeat
        | Body::NoticeBounced { .. } => {}
    }
}
