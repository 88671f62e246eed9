//! Refunds: the exact sum of what is paid back, with every term of it (RET-1 to RET-4, RET-7).
//!
//! Arithmetic only. Whether something may be returned is decided in `returns`.

use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::calendar;
use super::id::{PolicyKey, ResourceId};
use super::input::{NetworkBilling, Order, OrderKind};
use super::money::{Currency, Money};
use super::resource::Resource;
use super::term;

const SECONDS_AN_HOUR: i64 = 3600;
const SECONDS_A_DAY: i64 = 86_400;

/// What is paid back for a resource that was returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// For which.
    pub resource: ResourceId,
    /// Policy of the resource.
    pub policy: PolicyKey,
    /// By which rule.
    pub method: RefundMethod,
    /// How much, rounded once to the currency's minor unit (RET-7).
    pub amount: Money,
    /// How it is paid.
    pub payout: Payout,
    /// The sum, term by term, exact: together the amount before it was rounded, or less than zero where that became zero.
    pub terms: Vec<RefundTerm>,
}

/// The rule by which a return is refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundMethod {
    /// Everything paid, to where it came from (RET-1).
    Unconditional,
    /// What is left, as a voucher (RET-3).
    Ordinary,
}

/// How a refund is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payout {
    /// To the tenders that it was paid from; together the amount.
    Tenders(Tenders),
    /// As one voucher for all products, valid until then (UTC).
    Voucher {
        /// Not valid any more from here.
        valid_until: DateTime<Utc>,
    },
}

/// Amounts by tender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tenders {
    /// Cash.
    pub cash: Decimal,
    /// The revenue account.
    pub revenue: Decimal,
    /// The complimentary account.
    pub complimentary: Decimal,
}

/// One term of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundTerm {
    /// What it stands for.
    pub what: RefundPart,
    /// The order that it is about, if about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// What was multiplied, in the part's unit, if anything was: the price of one, how many, of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factors: Option<Factors>,
    /// What it adds, exact; below zero for what was used.
    pub amount: Decimal,
}

/// What a term of a refund stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundPart {
    /// What was paid for an order that is in effect, without vouchers.
    EffectiveOrder,
    /// What was paid for an order that is not in effect yet, without vouchers.
    FutureOrder,
    /// What was paid for an upgrade, for the days that are left of its term.
    UnusedUpgrade,
    /// Use of the instance by the second, at its price an hour.
    InstanceHours,
    /// Use of the instance by the month, begun ones counted whole.
    InstanceMonths,
    /// Use of the bandwidth by the second, at its price an hour.
    BandwidthHours,
}

/// The factors of a term: `price * count / of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factors {
    /// Price of `of` units.
    pub price: Decimal,
    /// How many units: seconds, days or months.
    pub count: i64,
    /// For how many units the price is.
    pub of: i64,
}

/// What a refund is counted from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'r> {
    /// What was returned.
    pub(super) resource: &'r Resource,
    /// When that was asked for (UTC).
    pub(super) at: DateTime<Utc>,
    /// Where months are counted.
    pub(super) zone: Tz,
    /// In what it was paid.
    pub(super) currency: Currency,
}

/// What cannot be counted, and the field that says why.
pub(super) type Missing = &'static str;

const NO_HOURLY_PRICE: Missing =
    "hourly_price: what was used cannot be counted without the price of an hour";
const NO_BANDWIDTH_PRICE: Missing = "network.hourly_price: what was used cannot be counted without the price of an hour of bandwidth";
const NO_PRICE: Missing =
    "price: what was used over more than a month cannot be counted without the price of a month";
const TOO_LARGE: Missing = "orders: the sum is too large to be counted exactly";

/// The terms of an unconditional return and what each tender gets back (RET-1, RET-2).
pub(super) fn unconditional(question: Question<'_>) -> Result<(Vec<RefundTerm>, Tenders), Missing> {
    let Question { resource, at, currency, .. } = question;
    let mut terms = Vec::new();
    let mut paid = Tenders::default();
    for order in &resource.orders {
        terms.push(whole(order, at).ok_or(TOO_LARGE)?);
        paid = paid.plus(order).ok_or(TOO_LARGE)?;
    }
    // After a change to pay-by-traffic only what was left at the change is paid back.
    if let Some(changed_at) = changed_to_traffic(question) {
        let seconds = seconds_between(bought_at(resource), changed_at);
        terms.push(hours(RefundPart::InstanceHours, hourly_price(resource)?, seconds)?);
        terms.push(hours(RefundPart::BandwidthHours, bandwidth_price(resource)?, seconds)?);
    }
    let amount = amount(&terms, currency)?;
    Ok((terms, paid.limited_to(amount.amount)))
}

/// The terms of an ordinary return: orders less what was used (RET-3, RET-4).
pub(super) fn ordinary(question: Question<'_>) -> Result<Vec<RefundTerm>, Missing> {
    let Question { resource, at, .. } = question;
    let in_effect = |order: &&Order| order.starts_at <= at;
    let upgrades = || resource.orders.iter().filter(|order| order.kind == OrderKind::Upgrade);
    let mut terms = Vec::new();
    for order in &resource.orders {
        let term = if order.kind == OrderKind::Upgrade && in_effect(&order) {
            unused(order, at)
        } else {
            whole(order, at)
        };
        terms.push(term.ok_or(TOO_LARGE)?);
    }
    let upgraded_at = upgrades().filter(in_effect).map(|order| order.starts_at).min();
    terms.push(used_instance(question, upgraded_at.unwrap_or(at))?);
    terms.extend(used_network(question)?);
    Ok(terms)
}

/// What the terms come to: never below zero, rounded once (RET-3, RET-7).
pub(super) fn amount(terms: &[RefundTerm], currency: Currency) -> Result<Money, Missing> {
    let sum = terms.iter().try_fold(Decimal::ZERO, |sum, term| sum.checked_add(term.amount));
    let amount = sum.ok_or(TOO_LARGE)?.max(Decimal::ZERO);
    Ok(Money { amount, currency }.rounded())
}

/// When it was bought; where nobody said, when it became active.
pub(super) fn bought_at(resource: &Resource) -> DateTime<Utc> {
    resource.purchased_at.unwrap_or(resource.activated_at)
}

/// What was paid for an order, whole.
fn whole(order: &Order, at: DateTime<Utc>) -> Option<RefundTerm> {
    let what =
        if order.starts_at <= at { RefundPart::EffectiveOrder } else { RefundPart::FutureOrder };
    Some(RefundTerm { what, order: Some(order.id.clone()), factors: None, amount: paid(order)? })
}

/// What was paid for an upgrade, for the whole days that are left of its term.
fn unused(order: &Order, at: DateTime<Utc>) -> Option<RefundTerm> {
    let used = seconds_between(order.starts_at, at);
    let used = used / SECONDS_A_DAY + i64::from(used % SECONDS_A_DAY > 0);
    let of = i64::from(order.term_days);
    let count = (of - used).max(0);
    let price = paid(order)?;
    let amount = if of == 0 { Decimal::ZERO } else { share(price, count, of)? };
    let factors = Some(Factors { price, count, of });
    Some(RefundTerm {
        what: RefundPart::UnusedUpgrade,
        order: Some(order.id.clone()),
        factors,
        amount,
    })
}

/// Use of the instance up to `until`: by the second, after more than a month by the month.
fn used_instance(question: Question<'_>, until: DateTime<Utc>) -> Result<RefundTerm, Missing> {
    let Question { resource, at, zone, .. } = question;
    let bought = bought_at(resource);
    let day = term::day_of(zone, bought);
    let after = |months| calendar::add_months(zone, bought, months, day).ok_or(TOO_LARGE);
    if at <= after(1)? {
        let price = hourly_price(resource)?;
        return hours(RefundPart::InstanceHours, price, seconds_between(bought, until));
    }
    let mut months: u32 = 0;
    while after(months)? < until {
        months += 1;
    }
    let price = resource.traits.price.ok_or(NO_PRICE)?;
    used(RefundPart::InstanceMonths, Factors { price, count: i64::from(months), of: 1 })
}

/// Use of the bandwidth; nothing where it is paid for apart from the instance.
fn used_network(question: Question<'_>) -> Result<Option<RefundTerm>, Missing> {
    let Question { resource, at, .. } = question;
    let until = match resource.traits.network.as_ref().map(|network| network.billing) {
        Some(NetworkBilling::Bandwidth) => at,
        // By the hour of bandwidth up to the change.
        Some(NetworkBilling::Traffic) => match changed_to_traffic(question) {
            Some(changed_at) => changed_at,
            None => return Ok(None),
        },
        Some(NetworkBilling::Postpaid) | None => return Ok(None),
    };
    let seconds = seconds_between(bought_at(resource), until);
    hours(RefundPart::BandwidthHours, bandwidth_price(resource)?, seconds).map(Some)
}

/// When its network went from by-bandwidth to by-traffic, if that was since it was bought (RET-2).
fn changed_to_traffic(question: Question<'_>) -> Option<DateTime<Utc>> {
    let network = question.resource.traits.network.as_ref()?;
    let changed_at = network.changed_at?;
    let since = bought_at(question.resource)..=question.at;
    (network.billing == NetworkBilling::Traffic && since.contains(&changed_at))
        .then_some(changed_at)
}

fn hours(what: RefundPart, price: Decimal, seconds: i64) -> Result<RefundTerm, Missing> {
    used(what, Factors { price, count: seconds, of: SECONDS_AN_HOUR })
}

fn used(what: RefundPart, factors: Factors) -> Result<RefundTerm, Missing> {
    let amount =
        Decimal::ZERO - share(factors.price, factors.count, factors.of).ok_or(TOO_LARGE)?;
    Ok(RefundTerm { what, order: None, factors: Some(factors), amount })
}

/// `price * count / of`, multiplied first: one division, as late as it can be.
fn share(price: Decimal, count: i64, of: i64) -> Option<Decimal> {
    price.checked_mul(Decimal::from(count))?.checked_div(Decimal::from(of))
}

fn hourly_price(resource: &Resource) -> Result<Decimal, Missing> {
    resource.traits.hourly_price.ok_or(NO_HOURLY_PRICE)
}

fn bandwidth_price(resource: &Resource) -> Result<Decimal, Missing> {
    let network = resource.traits.network.as_ref();
    network.and_then(|network| network.hourly_price).ok_or(NO_BANDWIDTH_PRICE)
}

/// What was paid; discounts are in it, vouchers are not (RET-1, RET-3).
fn paid(order: &Order) -> Option<Decimal> {
    order.cash.checked_add(order.revenue)?.checked_add(order.complimentary)
}

/// Whole seconds, none where the end comes first.
fn seconds_between(start: DateTime<Utc>, end: DateTime<Utc>) -> i64 {
    (end - start).num_seconds().max(0)
}

impl Tenders {
    fn plus(self, order: &Order) -> Option<Self> {
        Some(Self {
            cash: self.cash.checked_add(order.cash)?,
            revenue: self.revenue.checked_add(order.revenue)?,
            complimentary: self.complimentary.checked_add(order.complimentary)?,
        })
    }

    /// At most what was paid, together exactly `amount`: what was used comes out of what was a gift first, cash last.
    fn limited_to(self, amount: Decimal) -> Self {
        let cash = self.cash.min(amount);
        let revenue = self.revenue.min(amount - cash);
        let complimentary = self.complimentary.min(amount - cash - revenue);
        // What rounding up added was paid by nobody.
        Self { cash: amount - revenue - complimentary, revenue, complimentary }
    }
}

#[cfg(test)]
mod tests;
