//! Returns: what a customer may give back, and what happens to it (RET-1, RET-3, RET-5, RET-6).
//!
//! Counts no money; `refund` does.

use alloc::format;
use alloc::string::{String, ToString};

use chrono::{DateTime, Datelike, NaiveTime, Utc};

use super::calendar;
use super::effect::{Effect, RejectCode};
use super::id::ResourceId;
use super::input::Flag;
use super::policy::{Exclusion, PhaseClass, Policy, Returns};
use super::refund::{self, Missing, Payout, Question, Refund, RefundMethod};
use super::request::{Refusal, WRONG_POLICY};
use super::resource::{Resource, Stamp};
use super::term;
use super::work::Work;

const EXPIRED: Refusal = (RejectCode::Expired, "only what is active can be returned");

const UNCOUNTED: Refusal = (
    RejectCode::QuotaUsed,
    "the unconditional return was used meanwhile, and a price is missing to count an ordinary one",
);

/// Whether a wish to return can be looked at at all: of a policy that has returns, about something active (spec §7).
pub(super) fn may_ask(policy: &Policy, class: PhaseClass) -> Result<&Returns, Refusal> {
    let returns = policy.returns.as_ref().ok_or(WRONG_POLICY)?;
    match class {
        PhaseClass::Working => Ok(returns),
        PhaseClass::Unpaid | PhaseClass::Suspended | PhaseClass::Retained | PhaseClass::Gone => {
            Err(EXPIRED)
        }
    }
}

/// By which rule a resource may be returned, for a wish made at `at` (RET-5, in this order).
fn method(
    work: &Work<'_>,
    resource: &Resource,
    policy: &Policy,
    at: DateTime<Utc>,
) -> Result<RefundMethod, Refusal> {
    let returns = policy.returns.as_ref().ok_or(WRONG_POLICY)?;
    let had = work.account.returned;
    let method = if had.unconditional < returns.unconditional {
        RefundMethod::Unconditional
    } else {
        RefundMethod::Ordinary
    };
    let excluded = Excluded { returns, method, resource };
    if is_too_old(policy, returns, resource, at) {
        return Err((RejectCode::TooOld, "it was bought too long ago"));
    }
    if excluded.by_flag(Flag::ConvertedFromPostpaid) {
        return Err((RejectCode::ConvertedFromPostpaid, "it was bought postpaid and converted"));
    }
    if excluded.by(|exclusion| &exclusion.families, resource.traits.instance_family.as_ref()) {
        return Err((RejectCode::ExcludedFamily, "its instance family cannot be returned"));
    }
    if excluded.by(|exclusion| &exclusion.zones, resource.traits.zone.as_ref()) {
        return Err((RejectCode::ExcludedZone, "nothing can be returned from its zone"));
    }
    if excluded.by_flag(Flag::Promotional) {
        return Err((RejectCode::Promotional, "it was bought in a promotion"));
    }
    if excluded.by_flag(Flag::Suspicious) && resource.hand.return_allowed.is_none() {
        return Err((RejectCode::Suspicious, "the return looks like abuse"));
    }
    if method == RefundMethod::Ordinary && had.ordinary >= returns.ordinary {
        return Err((RejectCode::QuotaUsed, "the account has no return left"));
    }
    Ok(method)
}

/// Until the end of the last day that the policy gives, counted from the date of purchase (RET-1).
fn is_too_old(policy: &Policy, returns: &Returns, resource: &Resource, at: DateTime<Utc>) -> bool {
    let days = i32::try_from(returns.within_days).unwrap_or(i32::MAX).saturating_add(1);
    let end = calendar::day_time(policy.zone, refund::bought_at(resource), days, NaiveTime::MIN);
    end.is_none_or(|end| at >= end)
}

/// What the lists of a policy say about one resource.
struct Excluded<'r> {
    returns: &'r Returns,
    method: RefundMethod,
    resource: &'r Resource,
}

impl<'r> Excluded<'r> {
    fn lists(&self) -> impl Iterator<Item = &'r Exclusion> {
        let ordinary = match self.method {
            RefundMethod::Unconditional => None,
            RefundMethod::Ordinary => Some(&self.returns.never_ordinary),
        };
        core::iter::once(&self.returns.never).chain(ordinary)
    }

    fn by(&self, list: fn(&Exclusion) -> &[String], value: Option<&String>) -> bool {
        value.is_some_and(|value| self.lists().any(|exclusion| list(exclusion).contains(value)))
    }

    fn by_flag(&self, flag: Flag) -> bool {
        self.resource.traits.flags.contains(&flag)
            && self.lists().any(|exclusion| exclusion.flags.contains(&flag))
    }
}

/// The refund of a return that was asked for at `at`, or why there is none.
pub(super) fn answer(
    work: &Work<'_>,
    resource: &Resource,
    policy: &Policy,
    at: DateTime<Utc>,
) -> Result<Refund, Refusal> {
    let method = method(work, resource, policy, at)?;
    // `unanswerable` was asked when the wish was made; while it waited another return may have used the rule that it had.
    count(work, (resource, policy), method, at).map_err(|_| UNCOUNTED)
}

fn count(
    work: &Work<'_>,
    (resource, policy): (&Resource, &Policy),
    method: RefundMethod,
    at: DateTime<Utc>,
) -> Result<Refund, Missing> {
    let (Some(returns), Some(profile)) = (&policy.returns, &work.account.profile) else {
        return Err("account: nothing is known of it");
    };
    let currency = profile.value.currency;
    let question = Question { resource, at, zone: policy.zone, currency };
    let (terms, payout) = match method {
        RefundMethod::Unconditional => {
            let (terms, tenders) = refund::unconditional(question)?;
            (terms, Payout::Tenders(tenders))
        }
        RefundMethod::Ordinary => {
            let valid_until = years_after(policy, at, returns.voucher_years);
            (refund::ordinary(question)?, Payout::Voucher { valid_until })
        }
    };
    let amount = refund::amount(&terms, currency)?;
    let (resource, policy) = (resource.id.clone(), policy.key.clone());
    Ok(Refund { resource, policy, method, amount, payout, terms })
}

fn years_after(policy: &Policy, at: DateTime<Utc>, years: u32) -> DateTime<Utc> {
    let day = calendar::local_date(policy.zone, at).day();
    calendar::add_months(policy.zone, at, years.saturating_mul(12), day).unwrap_or(at)
}

/// What a return that happened leaves behind: the quota is used, the money is on its way, the term is over.
///
/// What was refunded is refunded once: a resource that is renewed out of the bin and returned again has no orders left.
pub(super) fn settle(work: &mut Work<'_>, id: &ResourceId, refund: Refund, at: DateTime<Utc>) {
    let had = &mut work.account.returned;
    let rule = match refund.method {
        RefundMethod::Unconditional => {
            had.unconditional += 1;
            "RET-1"
        }
        RefundMethod::Ordinary => {
            had.ordinary += 1;
            "RET-3"
        }
    };
    let because = format!("returned, {} {}", refund.amount.amount, refund.amount.currency);
    work.because(rule, Some(id), because);
    term::close_charges(work, id, "ended");
    term::keep_number(work, id);
    if let Some(resource) = work.resources.get_mut(id) {
        resource.orders.clear();
        resource.hand.return_allowed = None;
        // Asked for by the customer: no date that a notice named stands against it.
        resource.end_episode();
        if let Some(term) = resource.term.as_mut() {
            // What was said about this expiry before it was given back does not bring it back to life.
            term.stamp = Stamp {
                sequence: None,
                time: at.max(term.stamp.time),
                key: term.stamp.key.clone(),
            };
            term.closed = true;
        }
    }
    work.push(Effect::Refund(refund));
}

/// Why a return cannot be answered: what its refund is counted from is missing. Set aside, not refused: nobody but the
/// pipeline can mend it.
pub(super) fn unanswerable(work: &Work<'_>, id: &ResourceId, at: DateTime<Utc>) -> Option<String> {
    let (resource, policy) = work.known(id)?;
    may_ask(policy, policy.class(&resource.phase)).ok()?;
    let method = method(work, resource, policy, at).ok()?;
    count(work, (resource, policy), method, at).err().map(|missing| missing.to_string())
}
