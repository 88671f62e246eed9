//! Returns: what is paid back, how often, and to whom (RET-1, RET-3, RET-7).

use std::collections::BTreeMap;

use dunlin::engine::effect::Effect;
use dunlin::engine::id::ResourceId;
use dunlin::engine::refund::{Payout, Refund, RefundMethod};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Moment, policy_of};

/// What one account has had back.
#[derive(Debug, Default)]
pub(super) struct Refunds {
    unconditional: u32,
    ordinary: u32,
    /// Orders of a resource that were paid back.
    paid_back: BTreeMap<ResourceId, Vec<String>>,
}

impl Refunds {
    pub(super) fn check(&mut self, moment: &Moment<'_>) {
        let refunds = moment.decision.effects.iter().filter_map(|effect| match effect {
            Effect::Refund(refund) => Some(refund),
            _ => None,
        });
        // Effects of one instant are told by resource, not in the order in which they were asked for.
        let mut refunds: Vec<_> = refunds.collect();
        refunds.sort_by_key(|refund| refund.method);
        for refund in refunds {
            self.check_one(moment, refund);
        }
    }

    fn check_one(&mut self, moment: &Moment<'_>, refund: &Refund) {
        let policy = policy_of(moment.after(&refund.resource));
        let returns = policy.returns.as_ref().expect("a policy with returns");
        match refund.method {
            RefundMethod::Unconditional => self.unconditional += 1,
            RefundMethod::Ordinary => {
                let is_left = self.unconditional < returns.unconditional;
                assert!(!is_left, "RET-3: the unconditional one is not used: {refund:?}");
                self.ordinary += 1;
            }
        }
        assert!(self.unconditional <= returns.unconditional, "RET-1: one too many: {refund:?}");
        assert!(self.ordinary <= returns.ordinary, "RET-3: one too many: {refund:?}");
        check_sum(refund);
        let orders = self.paid_back.entry(refund.resource.clone()).or_default();
        for order in refund.terms.iter().filter_map(|term| term.order.as_ref()) {
            assert!(!orders.contains(order), "refund: {order} is paid back twice: {refund:?}");
            orders.push(order.clone());
        }
        check_tenders(moment, refund);
    }
}

/// The amount is the sum of the terms, never below zero, rounded once.
fn check_sum(refund: &Refund) {
    let sum: Decimal = refund.terms.iter().map(|term| term.amount).sum();
    let rounded =
        sum.max(Decimal::ZERO).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    assert_eq!(refund.amount.amount, rounded, "RET-7: not the sum of its terms: {refund:?}");
    assert!(refund.amount.amount >= Decimal::ZERO, "RET-3: below zero: {refund:?}");
}

/// What goes to the tenders is what is paid back, and to none more than came from it.
fn check_tenders(moment: &Moment<'_>, refund: &Refund) {
    let is_unconditional = refund.method == RefundMethod::Unconditional;
    let tenders = match &refund.payout {
        Payout::Tenders(tenders) => tenders,
        Payout::Voucher { valid_until } => {
            assert!(!is_unconditional, "RET-1: a voucher: {refund:?}");
            assert!(*valid_until > moment.now, "RET-3: a voucher of the past: {refund:?}");
            return;
        }
    };
    assert!(is_unconditional, "RET-3: no voucher: {refund:?}");
    let back = [tenders.cash, tenders.revenue, tenders.complimentary];
    assert_eq!(back.iter().sum::<Decimal>(), refund.amount.amount, "RET-1: tenders: {refund:?}");
    let Some(before) = moment.before(&refund.resource) else { return };
    let paid = |tender: fn(&dunlin::engine::input::Order) -> Decimal| -> Decimal {
        before.orders.iter().map(tender).sum()
    };
    let paid =
        [paid(|order| order.cash), paid(|order| order.revenue), paid(|order| order.complimentary)];
    for (back, paid) in back.into_iter().zip(paid) {
        // What rounding up adds was paid by nobody.
        let is_within = back >= Decimal::ZERO && back <= paid + Decimal::new(1, 2);
        assert!(is_within, "RET-1: {back} of {paid}: {refund:?}");
    }
}
