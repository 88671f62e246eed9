//! The `data` of `lifecycle.refund.decided`: the amount, how it is paid, and every term of the sum (RET-7).

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::money::{Currency, Money};
use crate::engine::refund::{self, Payout, RefundMethod, RefundPart};
use crate::event::scalar::money_text;
use crate::event::trace::instant_text;

/// What is paid back for a returned resource.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RefundDecided<'a> {
    account: &'a str,
    resource: &'a str,
    /// `unconditional` or `ordinary`.
    #[schemars(with = "String")]
    method: RefundMethod,
    /// In plain digits, rounded once to the smallest unit of the currency.
    amount: String,
    currency: String,
    /// Where the amount goes back to; together the amount. With an unconditional return.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenders: Option<Tenders>,
    /// The amount is paid as one voucher. With an ordinary return.
    #[serde(skip_serializing_if = "Option::is_none")]
    voucher: Option<Voucher>,
    /// The sum, term by term, exact. Below zero together: nothing is paid.
    terms: Vec<Term<'a>>,
}

/// The tenders that it was paid from, in plain digits.
#[derive(Debug, Serialize, JsonSchema)]
struct Tenders {
    cash: String,
    revenue: String,
    complimentary: String,
}

/// One voucher for all products.
#[derive(Debug, Serialize, JsonSchema)]
struct Voucher {
    /// Not valid any more from here (RFC 3339, UTC).
    #[schemars(extend("format" = "date-time"))]
    valid_until: String,
}

/// One term of the sum.
#[derive(Debug, Serialize, JsonSchema)]
struct Term<'a> {
    /// `effective_order`, `future_order`, `unused_upgrade`, `instance_hours`, `instance_months` or `bandwidth_hours`.
    #[schemars(with = "String")]
    term: RefundPart,
    /// The order that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a str>,
    /// What it is the product of: `price * count / of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    factors: Option<Factors>,
    /// What it adds, exact, in plain digits; below zero for what was used.
    amount: String,
}

/// The factors of a term: seconds of an hour, days of a term, or months.
#[derive(Debug, Serialize, JsonSchema)]
struct Factors {
    /// Price of `of` units, in plain digits.
    price: String,
    /// How many units.
    count: i64,
    /// For how many the price is.
    of: i64,
}

impl<'a> RefundDecided<'a> {
    pub(super) fn new(account: &'a str, refund: &'a refund::Refund) -> Self {
        let currency = refund.amount.currency;
        let (tenders, voucher) = match &refund.payout {
            Payout::Tenders(paid) => (Some(tenders(paid, currency)), None),
            Payout::Voucher { valid_until } => {
                (None, Some(Voucher { valid_until: instant_text(*valid_until) }))
            }
        };
        Self {
            account,
            resource: refund.resource.as_str(),
            method: refund.method,
            amount: money_text(refund.amount),
            currency: currency.to_string(),
            tenders,
            voucher,
            terms: refund.terms.iter().map(term).collect(),
        }
    }
}

fn tenders(paid: &refund::Tenders, currency: Currency) -> Tenders {
    let text = |amount| money_text(Money { amount, currency });
    Tenders {
        cash: text(paid.cash),
        revenue: text(paid.revenue),
        complimentary: text(paid.complimentary),
    }
}

fn term(term: &refund::RefundTerm) -> Term<'_> {
    let exact = |amount: Decimal| amount.normalize().to_string();
    Term {
        term: term.what,
        order: term.order.as_deref(),
        factors: term.factors.map(|factors| Factors {
            price: exact(factors.price),
            count: factors.count,
            of: factors.of,
        }),
        amount: exact(term.amount),
    }
}
