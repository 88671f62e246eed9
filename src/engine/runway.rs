//! How long the balance lasts, and the daily look at it (POST-1).
//!
//! Exact decimals: "strictly under five days" is a comparison of products, not of rounded quotients.

use alloc::vec::Vec;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::account::{Account, UsageWindow};
use super::calendar;
use super::decision::Portfolio;
use super::id::{PolicyKey, ResourceId};
use super::input::Usage;
use super::money::Money;
use super::notice;
use super::policy::{BalanceCheck, NoticeTrigger, Policy, PolicySet};
use super::work::{Work, is_over};

/// How many distinct periods are remembered. Of more, the two oldest become one: nothing that was consumed is forgotten, and
/// what is spread over a little more time is the oldest.
pub const PERIODS_MAX: usize = 512;

/// Beyond this many decimals a sum of shares of periods is rounding noise.
const NOISE_DECIMALS: u32 = 12;

/// Consumption over the window that a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runway {
    /// What was consumed in the window.
    pub consumed: Decimal,
    /// How long the window is, in seconds.
    pub seconds: i64,
}

/// Adds a usage record to the window.
pub(super) fn consume(window: &mut UsageWindow, usage: &Usage, now: DateTime<Utc>) {
    let (start, end) = (usage.period_start, usage.period_end);
    window.since = Some(window.since.map_or(start, |since| since.min(start)));
    match window.periods.binary_search_by(|(known_start, known_end, _)| {
        (known_start, known_end).cmp(&(&start, &end))
    }) {
        Ok(index) => {
            let sum = window.periods[index].2.checked_add(usage.amount.amount);
            window.periods[index].2 = sum.unwrap_or(Decimal::MAX);
        }
        Err(index) => window.periods.insert(index, (start, end, usage.amount.amount)),
    }
    // No check looks back further than two days (a policy that wants more is refused by its reader).
    let horizon = now - TimeDelta::days(2);
    window.periods.retain(|(_, end, _)| *end > horizon);
    while window.periods.len() > PERIODS_MAX {
        let (start, end, amount) = window.periods.remove(0);
        let Some(next) = window.periods.first_mut() else { return };
        *next = (
            start.min(next.0),
            end.max(next.1),
            amount.checked_add(next.2).unwrap_or(Decimal::MAX),
        );
    }
}

/// Consumption in the window of a check at `now`; `None` without any.
pub fn runway(window: &UsageWindow, check: &BalanceCheck, now: DateTime<Utc>) -> Option<Runway> {
    let since = window.since?;
    let start = since.max(now - check.over);
    let seconds = (now - start).max(check.at_least).num_seconds();
    let shares = window.periods.iter().filter_map(|(from, to, amount)| {
        let inside = (*to).min(now) - (*from).max(start);
        let inside = Decimal::from(inside.num_milliseconds().max(0));
        let whole = Decimal::from((*to - *from).num_milliseconds().max(1));
        amount.checked_mul(inside)?.checked_div(whole)
    });
    let consumed =
        shares.fold(Decimal::ZERO, |sum, share| sum.checked_add(share).unwrap_or(Decimal::MAX));
    let consumed = consumed.round_dp(NOISE_DECIMALS);
    (consumed > Decimal::ZERO).then_some(Runway { consumed, seconds })
}

/// Whether anything may lie in the window of a check at `now` or later: also what is paid for in advance.
fn may_count(window: &UsageWindow, check: &BalanceCheck, now: DateTime<Utc>) -> bool {
    window.periods.iter().any(|(_, end, amount)| *end > now - check.over && !amount.is_zero())
}

impl Runway {
    /// Whether `balance` lasts strictly less than `limit` at this rate.
    pub fn is_shorter(&self, balance: Decimal, limit: TimeDelta) -> bool {
        let lasting = balance.checked_mul(Decimal::from(self.seconds));
        let needed = self.consumed.checked_mul(Decimal::from(limit.num_seconds()));
        lasting.zip(needed).is_some_and(|(lasting, needed)| lasting < needed)
    }

    /// How long `balance` lasts, in whole hours.
    pub fn hours(&self, balance: Decimal) -> Option<u32> {
        let seconds =
            balance.checked_mul(Decimal::from(self.seconds))?.checked_div(self.consumed)?;
        seconds.checked_div(Decimal::from(3600))?.trunc().try_into().ok()
    }

    /// Consumption of one day at this rate.
    pub fn per_day(&self) -> Option<Decimal> {
        self.consumed.checked_mul(Decimal::from(86_400))?.checked_div(Decimal::from(self.seconds))
    }
}

/// Whether a look at the balance is due at `now`, or would be once usage is known.
pub(super) fn is_due(account: &Account, policies: &PolicySet, now: DateTime<Utc>) -> bool {
    account.checks.values().any(|at| *at <= now)
        || account.tracked.keys().filter_map(|key| policies.get(key)).any(|policy| {
            policy
                .balance_check
                .as_ref()
                .is_some_and(|check| first(policy, check, now) == Some(now))
        })
}

fn first(policy: &Policy, check: &BalanceCheck, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
    calendar::next_time_of_day(policy.zone, from, check.at)
}

/// Counts what the account has, looks at the balance where that is due, and says when to look next.
pub(super) fn settle(work: &mut Work<'_>, before: &Portfolio) {
    count(work, before);
    let policies = work.policies;
    let watched: Vec<PolicyKey> = work.account.tracked.keys().cloned().collect();
    work.account.checks.retain(|key, _| watched.contains(key));
    for key in watched {
        let Some(policy) = policies.get(&key) else { continue };
        let Some(check) = &policy.balance_check else { continue };
        let anything = may_count(&work.account.usage, check, work.now);
        let due = work
            .account
            .checks
            .get(&key)
            .copied()
            .or_else(|| first(policy, check, work.now).filter(|_| anything));
        let Some(due) = due else { continue };
        let next = if due <= work.now {
            look(work, policy, check, due);
            first(policy, check, work.now + TimeDelta::microseconds(1)).filter(|_| anything)
        } else {
            Some(due)
        };
        match next {
            Some(next) => work.account.checks.insert(key, next),
            None => work.account.checks.remove(&key),
        };
    }
}

/// Warns if the balance lasts strictly less than the policy's limit; one notice for the account.
fn look(work: &mut Work<'_>, policy: &Policy, check: &BalanceCheck, due: DateTime<Utc>) {
    let Some(balance) = work.account.balance().filter(|balance| *balance >= Decimal::ZERO) else {
        return;
    };
    let Some(runway) = runway(&work.account.usage, check, work.now) else { return };
    if !runway.is_shorter(balance, check.under) {
        return;
    }
    let concerned: Vec<ResourceId> = work
        .resources
        .values()
        .filter(|resource| resource.policy == policy.key && !is_over(policy.class(&resource.phase)))
        .filter(|resource| !resource.was_told(&check.notice, due))
        .map(|resource| resource.id.clone())
        .collect();
    for id in &concerned {
        notice::add(work, id, &check.notice, NoticeTrigger::BalanceCheck);
    }
    let Some(currency) = work.account.profile.as_ref().map(|profile| profile.value.currency) else {
        return;
    };
    if let Some(draft) = work.drafts.get_mut(&check.notice) {
        draft.daily_consumption =
            runway.per_day().map(|amount| Money { amount, currency }.rounded());
        draft.runway_hours = runway.hours(balance);
    }
}

/// Keeps count of the resources that are neither in the bin nor gone, by policy.
fn count(work: &mut Work<'_>, before: &Portfolio) {
    let counts = |resource: &super::resource::Resource, policies: &PolicySet| {
        policies.get(&resource.policy).is_some_and(|policy| !is_over(policy.class(&resource.phase)))
    };
    for (id, resource) in &work.resources {
        let was = before.resources.get(id).is_some_and(|old| counts(old, work.policies));
        let is = counts(resource, work.policies);
        if was == is {
            continue;
        }
        let tracked = work.account.tracked.entry(resource.policy.clone()).or_insert(0);
        *tracked = if is { tracked.saturating_add(1) } else { tracked.saturating_sub(1) };
    }
    work.account.tracked.retain(|_, tracked| *tracked > 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_periods_than_are_remembered_hide_no_consumption() {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().expect("an instant");
        let now = start + TimeDelta::hours(12);
        let mut window = UsageWindow::default();
        let cny = "CNY".parse().expect("a currency");
        let periods = i64::try_from(PERIODS_MAX).expect("a few hundred") * 2;
        for second in 0..periods {
            let period_start = start + TimeDelta::seconds(second * 10);
            let usage = Usage {
                amount: Money { amount: Decimal::ONE, currency: cny },
                period_start,
                period_end: period_start + TimeDelta::hours(1),
                resource: None,
                traffic: false,
            };
            consume(&mut window, &usage, now);
        }
        assert_eq!(window.periods.len(), PERIODS_MAX);
        let check = BalanceCheck {
            at: chrono::NaiveTime::MIN,
            under: TimeDelta::days(5),
            over: TimeDelta::days(1),
            at_least: TimeDelta::hours(1),
            notice: "balance-warning".into(),
        };
        let runway = runway(&window, &check, now).expect("something was consumed");
        assert_eq!(runway.consumed, Decimal::from(periods));
    }
}
