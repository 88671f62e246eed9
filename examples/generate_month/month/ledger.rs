//! The pipeline's own books of one account: what it has, what runs, what is still to be deducted.
//!
//! Stops and ends what arrears stop and end, by the rules of the policies in three lines: usage of what stands still would
//! be a lie. Writes no event.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

/// The books.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) balance: Decimal,
    /// Of the last balance report.
    pub(super) sequence: u64,
    pub(super) units: BTreeMap<&'static str, Unit>,
    /// Somebody holds every step of the account.
    pub(super) frozen: bool,
    arrears_since: Option<DateTime<Utc>>,
}

/// One resource in the books.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) id: String,
    pub(super) rate: Rate,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) months: u32,
    pub(super) state: State,
    /// Up to when its usage is deducted.
    pub(super) billed_to: DateTime<Utc>,
    /// When a customer wants it to end.
    pub(super) ends_at: Option<DateTime<Utc>>,
    /// How long arrears leave it stopped, if they ever end it.
    pub(super) kept: Option<TimeDelta>,
}

/// What a resource costs.
#[derive(Debug, Clone)]
pub(super) enum Rate {
    /// A month, paid before.
    Month(Decimal),
    Hour(Decimal),
    /// Per hour, in each six hours of the month.
    Traffic(Vec<Decimal>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Stopped(DateTime<Utc>),
    /// Terminated by its owner, and perhaps to be restored.
    Binned,
    Gone,
}

/// A deduction for the usage of one resource.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) resource: String,
    pub(super) amount: Decimal,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) traffic: bool,
}

/// How long usage goes on after the deduction that brought arrears.
fn grace() -> TimeDelta {
    TimeDelta::hours(2)
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            balance: Decimal::ZERO,
            sequence: 4_000,
            units: BTreeMap::new(),
            frozen: false,
            arrears_since: None,
        }
    }

    pub(super) fn unit(&mut self, name: &str) -> &mut Unit {
        self.units.get_mut(name).expect("a story names what its account has")
    }

    /// When arrears stop what runs, if they do.
    pub(super) fn stop_at(&self) -> Option<DateTime<Utc>> {
        let runs = |unit: &Unit| unit.state == State::Running && unit.rate.is_by_usage();
        let at = self.arrears_since? + grace();
        (!self.frozen && self.units.values().any(runs)).then_some(at)
    }

    /// Deducts what ran since the last time. Says what, if anything.
    pub(super) fn bill(&mut self, at: DateTime<Utc>) -> Vec<Usage> {
        let usage: Vec<Usage> =
            self.units.values_mut().filter_map(|unit| unit.deduct(at)).collect();
        self.pay(usage.iter().map(|usage| -usage.amount).sum(), at);
        usage
    }

    /// The balance changes, and with it what runs.
    pub(super) fn pay(&mut self, amount: Decimal, at: DateTime<Utc>) {
        self.balance += amount;
        if self.balance < Decimal::ZERO {
            self.arrears_since.get_or_insert(at);
            return;
        }
        self.arrears_since = None;
        for unit in self.units.values_mut() {
            if matches!(unit.state, State::Stopped(_)) && self.balance > Decimal::ZERO {
                (unit.state, unit.billed_to) = (State::Running, at);
            }
        }
    }

    pub(super) fn stop(&mut self, at: DateTime<Utc>) {
        for unit in self.units.values_mut() {
            if unit.state == State::Running && unit.rate.is_by_usage() {
                unit.state = State::Stopped(at);
            }
        }
    }

    /// What stood still for as long as it is kept is gone.
    pub(super) fn end(&mut self, now: DateTime<Utc>) {
        for unit in self.units.values_mut() {
            if let (State::Stopped(since), Some(kept)) = (unit.state, unit.kept)
                && since + kept <= now
            {
                unit.state = State::Gone;
            }
        }
    }

    pub(super) fn is_in_arrears(&self) -> bool {
        self.balance < Decimal::ZERO
    }

    /// A balance that the deductions at `runs` take below zero at the last of them, and not before.
    pub(super) fn enough_until(&self, runs: &[DateTime<Utc>]) -> Decimal {
        let mut units: Vec<Unit> = self.units.values().cloned().collect();
        let mut bills = runs.iter().map(|at| {
            units.iter_mut().filter_map(|unit| unit.deduct(*at)).map(|usage| usage.amount).sum()
        });
        let all: Vec<Decimal> = bills.by_ref().collect();
        let (last, before) = all.split_last().expect("an account is billed before it runs dry");
        let before: Decimal = before.iter().sum();
        (before + *last * Decimal::new(6, 1)).round_dp(2)
    }
}

impl Unit {
    fn deduct(&mut self, at: DateTime<Utc>) -> Option<Usage> {
        let to = self.ends_at.map_or(at, |end| end.min(at));
        if self.state != State::Running || to <= self.billed_to {
            return None;
        }
        let amount = self.rate.of(self.billed_to, to)?;
        let from = std::mem::replace(&mut self.billed_to, to);
        let traffic = matches!(self.rate, Rate::Traffic(_));
        if self.ends_at.is_some_and(|end| end <= at) {
            self.state = State::Gone;
        }
        Some(Usage { resource: self.id.clone(), amount, from, to, traffic })
    }
}

impl Rate {
    pub(super) fn is_by_usage(&self) -> bool {
        !matches!(self, Self::Month(_))
    }

    fn of(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Decimal> {
        let hour = match self {
            Self::Month(_) => return None,
            Self::Hour(hour) => *hour,
            Self::Traffic(hours) => {
                let six = (to - super::instant((1, "00:00"))).num_hours() / 6;
                hours[usize::try_from(six).unwrap_or(0).min(hours.len() - 1)]
            }
        };
        let hours = Decimal::from((to - from).num_seconds()) / Decimal::from(3600);
        let mut amount = (hour * hours).round_dp(2);
        amount.rescale(2);
        Some(amount)
    }
}
