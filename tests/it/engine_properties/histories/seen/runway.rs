//! The daily look at the balance: a warning once a day where it lasts strictly less than the limit, and no other (POST-1).

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::calendar;
use dunlin::engine::effect::Effect;
use dunlin::engine::id::ResourceId;
use dunlin::engine::input::Body;
use dunlin::engine::policy::{BalanceCheck, Policy};
use rust_decimal::Decimal;

use super::super::world::policies;
use super::{Moment, is_over, policy_of};

/// What the account consumed, record by record.
#[derive(Debug, Default)]
pub(super) struct Usage {
    records: Vec<(DateTime<Utc>, DateTime<Utc>, Decimal)>,
    first: Option<DateTime<Utc>>,
    /// The instant of the decision before.
    looked: Option<DateTime<Utc>>,
}

impl Usage {
    pub(super) fn check(&mut self, moment: &Moment<'_>) {
        self.check_none_passed(moment);
        self.note(moment);
        for policy in policies().iter() {
            if let Some(check) = &policy.balance_check {
                self.check_now(moment, policy, check);
            }
        }
        self.looked = Some(moment.now);
    }

    fn note(&mut self, moment: &Moment<'_>) {
        // What waited until the account was known counts from then on.
        let profile = &moment.decision.after.account.profile;
        let currency = profile.as_ref().map(|profile| profile.value.currency);
        let is_known = currency.is_some();
        let waited =
            moment.whole.account.parked.iter().filter(|_| moment.whole.account.profile.is_none());
        let mut entered = BTreeSet::new();
        for body in waited.map(|event| &event.body).chain(moment.bodies()).filter(|_| is_known) {
            let usage = match body {
                Body::UsageCharged(usage) => usage,
                Body::ResourceActivated(_) | Body::ResourceImported(_) => {
                    entered.extend(body.resources());
                    continue;
                }
                _ => continue,
            };
            // Of what is unknown when it is read nobody can say that it cannot be foreseen.
            let mut known = usage
                .resource
                .iter()
                .filter(|id| moment.before(id).is_some() || entered.contains(id));
            let known = known.next().and_then(|id| moment.decision.after.resources.get(id));
            let is_foreseeable = known.is_none_or(|one| policy_of(one).balance_check.is_some());
            if !usage.traffic && is_foreseeable && Some(usage.amount.currency) == currency {
                self.first = self.first.into_iter().chain([usage.period_start]).min();
                self.records.push((usage.period_start, usage.period_end, usage.amount.amount));
            }
        }
    }

    /// No look was due since the decision before, by what was known until now.
    fn check_none_passed(&self, moment: &Moment<'_>) {
        let (Some(looked), whole) = (self.looked, moment.whole) else { return };
        for policy in policies().iter() {
            let Some(check) = &policy.balance_check else { continue };
            let after = looked + TimeDelta::seconds(1);
            let next = calendar::next_time_of_day(policy.zone, after, check.at);
            let Some(passed) = next.filter(|next| *next < moment.now) else { continue };
            let is_missed = self.is_short(&whole.account, check, passed)
                && !concerned(policy, &whole.resources).is_empty();
            assert!(!is_missed, "POST-1: nobody looked at the balance at {passed}");
        }
    }

    fn check_now(&self, moment: &Moment<'_>, policy: &Policy, check: &BalanceCheck) {
        let told: Vec<&ResourceId> = moment
            .decision
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Notice(notice) if notice.kind == check.notice => Some(notice),
                _ => None,
            })
            .flat_map(|notice| &notice.items)
            .filter(|item| item.policy == policy.key)
            .map(|item| &item.resource)
            .collect();
        let is_time =
            calendar::next_time_of_day(policy.zone, moment.now, check.at) == Some(moment.now);
        assert!(is_time || told.is_empty(), "POST-1: a warning at {}", moment.now);
        if !is_time {
            return;
        }
        let account = &moment.decision.after.account;
        let mut all = moment.whole.resources.clone();
        all.extend(moment.decision.after.resources.clone());
        let expected = if self.is_short(account, check, moment.now) {
            concerned(policy, &all)
        } else {
            Vec::new()
        };
        assert_eq!(
            told,
            expected.iter().collect::<Vec<_>>(),
            "POST-1: who is warned at {}",
            moment.now
        );
    }

    /// Whether the balance is not negative and lasts strictly less than the limit.
    fn is_short(
        &self,
        account: &dunlin::engine::account::Account,
        check: &BalanceCheck,
        now: DateTime<Utc>,
    ) -> bool {
        let (Some(balance), Some(first)) = (account.balance(), self.first) else { return false };
        let start = first.max(now - check.over);
        let window = (now - start).max(check.at_least).num_seconds();
        let share = |(from, to, amount): &(DateTime<Utc>, DateTime<Utc>, Decimal)| {
            let inside = ((*to).min(now) - (*from).max(start)).num_seconds().max(0);
            let whole = (*to - *from).num_seconds();
            amount * Decimal::from(inside) / Decimal::from(whole)
        };
        let consumed: Decimal = self.records.iter().map(share).sum::<Decimal>().round_dp(12);
        let lasting = balance * Decimal::from(window);
        balance >= Decimal::ZERO
            && consumed > Decimal::ZERO
            && lasting < consumed * Decimal::from(check.under.num_seconds())
    }
}

/// What a warning is about: of this policy, neither in the bin nor gone.
fn concerned(
    policy: &Policy,
    resources: &std::collections::BTreeMap<ResourceId, dunlin::engine::resource::Resource>,
) -> Vec<ResourceId> {
    let mine = resources.values().filter(|resource| resource.policy == policy.key);
    mine.filter(|resource| !is_over(resource)).map(|resource| resource.id.clone()).collect()
}
