//! Synchronised expiries: several resources expire on one day of the month from now on (SYNC-1, SYNC-2).
//!
//! All of them or none: one that cannot stops the request.

use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::calendar;
use super::effect::{RejectCode, RenewalDecided, Request};
use super::id::ResourceId;
use super::input::Event;
use super::policy::{PhaseClass, Policy};
use super::request::{RELEASED, Refusal, UNKNOWN, WRONG_POLICY};
use super::term::{self, Day};
use super::work::Work;

/// Moves the expiry of each resource, or answers for each that stands in the way.
pub(super) fn decide(work: &mut Work<'_>, event: &Event, ids: &[ResourceId], day: u32) {
    let mut moves = Vec::new();
    let mut refused = Vec::new();
    for id in ids {
        match target(work, event, id, day) {
            Ok(target) => moves.push((id, target)),
            Err(refusal) => refused.push((id, refusal)),
        }
    }
    for (id, (code, reason)) in &refused {
        work.reject(Some(id), Request::ExpirySync, *code, *reason);
    }
    if refused.is_empty() {
        for (id, target) in moves {
            synchronise(work, event, id, target);
        }
    }
}

/// A term that ends with the old expiry, and the new one.
struct Target {
    starts_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

fn target(work: &Work<'_>, event: &Event, id: &ResourceId, day: u32) -> Result<Target, Refusal> {
    let (resource, policy) = work.known(id).ok_or(UNKNOWN)?;
    if policy.class(&resource.phase) == PhaseClass::Gone {
        return Err(RELEASED);
    }
    let rule = policy.expiry_sync.ok_or(WRONG_POLICY)?;
    if !(rule.first_day..=rule.last_day).contains(&day) {
        return Err((RejectCode::BadTerm, "not a day of the month that can be chosen"));
    }
    // Instants are compared, not phases: at the very second of expiry the wish is in time (spec §1, §7).
    let starts_at = resource
        .expiry()
        .filter(|expiry| *expiry >= event.time)
        .ok_or((RejectCode::Expired, "its term is over"))?;
    let expires_at = calendar::first_day_after_a_month(policy.zone, starts_at, day)
        .ok_or((RejectCode::BadTerm, "the day lies outside of every calendar"))?;
    Ok(Target { starts_at, expires_at })
}

fn synchronise(work: &mut Work<'_>, event: &Event, id: &ResourceId, target: Target) {
    let Some((resource, policy)) = work.known(id) else { return };
    let renewal = RenewalDecided {
        resource: id.clone(),
        policy: resource.policy.clone(),
        starts_at: target.starts_at,
        expires_at: target.expires_at,
        months: months_between(policy, &target),
        downgrade: Vec::new(),
    };
    work.because("SYNC-1", Some(id), alloc::format!("synchronised to {}", target.expires_at));
    term::take_term(work, event, id, renewal, Day::Anew);
}

/// The whole months of the term that is added.
fn months_between(policy: &Policy, target: &Target) -> u32 {
    let day = term::day_of(policy.zone, target.starts_at);
    let fits = |months| {
        calendar::add_months(policy.zone, target.starts_at, months, day)
            .is_some_and(|end| end <= target.expires_at)
    };
    (1..).take_while(|months| fits(*months)).last().unwrap_or(1)
}
