//! Renewal with downgrade: what may become smaller, and when (DOWN-1).
//!
//! Renews nothing; `term` does.

use chrono::{DateTime, Utc};

use super::calendar;
use super::effect::RejectCode;
use super::input::{Downgrade, NetworkBilling};
use super::policy::{DowngradeRule, Policy, Renewal};
use super::request::Refusal;
use super::resource::Resource;

/// Whether a wish made at `at` is one that the policy allows. Nothing to change is always allowed.
pub(super) fn check(
    policy: &Policy,
    renewal: &Renewal,
    resource: &Resource,
    wishes: &[Downgrade],
    at: DateTime<Utc>,
) -> Result<(), Refusal> {
    if wishes.is_empty() {
        return Ok(());
    }
    let refused = |reason| Err((RejectCode::DowngradeNotAllowed, reason));
    let Some(rule) = &renewal.downgrade else { return refused("its policy has no downgrade") };
    let fields = if is_after_expiry(resource, at) {
        &rule.after_expiry
    } else if has_begun(policy, rule, resource, at) {
        &rule.until_expiry
    } else {
        return refused("it is too early for a downgrade");
    };
    for (index, wish) in wishes.iter().enumerate() {
        if !fields.contains(&wish.field) {
            return refused("this cannot change now");
        }
        if !is_allowed(rule, resource, wish) {
            return refused("it cannot change to this");
        }
        if wishes[..index].iter().any(|other| other.field == wish.field) {
            return refused("one thing is to become two");
        }
    }
    Ok(())
}

/// Whether a renewal with downgrade at `at` starts its term then, and not at expiry.
pub(super) fn is_after_expiry(resource: &Resource, at: DateTime<Utc>) -> bool {
    resource.expiry().is_none_or(|expiry| at > expiry)
}

fn has_begun(
    policy: &Policy,
    rule: &DowngradeRule,
    resource: &Resource,
    at: DateTime<Utc>,
) -> bool {
    let days = i32::try_from(rule.days_before).unwrap_or(i32::MAX);
    let begins =
        resource.expiry().and_then(|expiry| calendar::add_days(policy.zone, expiry, -days));
    begins.is_some_and(|begins| at >= begins)
}

fn is_allowed(rule: &DowngradeRule, resource: &Resource, wish: &Downgrade) -> bool {
    rule.changes.get(&wish.field).is_none_or(|change| {
        let now = current(resource, &wish.field);
        let from = now
            .is_none_or(|now| change.from.is_empty() || change.from.iter().any(|one| one == now));
        from && (change.to.is_empty() || change.to.contains(&wish.to))
    })
}

/// What a field is now, where dunlin knows it.
fn current(resource: &Resource, field: &str) -> Option<&'static str> {
    let network = resource.traits.network.as_ref().filter(|_| field == "network_billing")?;
    Some(match network.billing {
        NetworkBilling::Postpaid => "postpaid",
        NetworkBilling::Bandwidth => "bandwidth",
        NetworkBilling::Traffic => "traffic",
    })
}
