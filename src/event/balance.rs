//! `billing.balance.changed`, `billing.arrears.started` and `billing.arrears.cleared`: what an account has.
//!
//! All three say the same to the engine, which finds out itself where zero was crossed.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::{RefusalCode, Trouble};
use super::scalar::{Amount, CurrencyCode, Id};
use crate::engine::input::Body;
use crate::engine::money::Money;

/// Matches those amounts that are below zero: a sign, and a digit that counts.
const BELOW_ZERO: &str = "^-.*[1-9]";

/// The balance of an account changed.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Changed {
    /// The account.
    account: Id,
    /// The balance afterwards.
    balance: Amount,
    /// Its currency: the account's.
    currency: CurrencyCode,
    /// Orders reports where the pipeline numbers them.
    sequence: Option<u64>,
}

/// The balance of an account fell below zero.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ArrearsStarted {
    /// The account.
    account: Id,
    /// The balance afterwards: below zero.
    #[schemars(extend("allOf" = [{ "pattern": BELOW_ZERO }]))]
    balance: Amount,
    /// Its currency: the account's.
    currency: CurrencyCode,
}

/// The balance of an account is no longer below zero.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ArrearsCleared {
    /// The account.
    account: Id,
    /// The balance afterwards: zero or more.
    #[schemars(extend("not" = { "pattern": BELOW_ZERO }))]
    balance: Amount,
    /// Its currency: the account's.
    currency: CurrencyCode,
}

fn reported(balance: Amount, currency: CurrencyCode, sequence: Option<u64>) -> Body {
    let balance = Money { amount: balance.0, currency: currency.0 };
    Body::BalanceReported { balance, sequence }
}

fn is_negative(balance: Amount) -> bool {
    balance.0 < Decimal::ZERO
}

impl Data for Changed {
    const TYPE: &'static str = "billing.balance.changed";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(reported(self.balance, self.currency, self.sequence))
    }
}

impl Data for ArrearsStarted {
    const TYPE: &'static str = "billing.arrears.started";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        if !is_negative(self.balance) {
            let reason = "expected a balance below zero where arrears start";
            return Err(Trouble::new(RefusalCode::Schema, "/balance", reason));
        }
        Ok(reported(self.balance, self.currency, None))
    }
}

impl Data for ArrearsCleared {
    const TYPE: &'static str = "billing.arrears.cleared";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        if is_negative(self.balance) {
            let reason = "expected a balance of zero or more where arrears end";
            return Err(Trouble::new(RefusalCode::Schema, "/balance", reason));
        }
        Ok(reported(self.balance, self.currency, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::{Value, json};

    fn data(balance: &Value) -> Value {
        json!({"account": "acc-1", "balance": balance, "currency": "CNY"})
    }

    fn balance(body: &Body) -> String {
        match body {
            Body::BalanceReported { balance, sequence: None } => {
                format!("{} {}", balance.amount, balance.currency)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_balance_is_exact() {
        assert_eq!(balance(&body_of(Changed::TYPE, data(&json!("-0.42")))), "-0.42 CNY");
        let mut numbered = data(&json!("1"));
        numbered["sequence"] = json!(u64::MAX);
        let body = body_of(Changed::TYPE, numbered);
        assert!(matches!(body, Body::BalanceReported { sequence: Some(u64::MAX), .. }));
    }

    #[test]
    fn money_that_is_a_number_is_refused_by_name() {
        for number in [json!(0.1), json!(-5), json!(10), json!(1e30), json!(null), json!(["1"])] {
            let refusal = refusal_of(Changed::TYPE, data(&number));
            assert_eq!(refusal.code, RefusalCode::Money, "{number}");
            assert_eq!(refusal.field.as_deref(), Some("/data/balance"), "{number}");
            assert!(refusal.reason.contains("JSON string"), "{}", refusal.reason);
        }
    }

    #[test]
    fn announced_arrears_are_balance_reports_and_must_not_contradict_themselves() {
        assert_eq!(balance(&body_of(ArrearsStarted::TYPE, data(&json!("-0.01")))), "-0.01 CNY");
        assert_eq!(balance(&body_of(ArrearsCleared::TYPE, data(&json!("-0.00")))), "0 CNY");
        for (event_type, amount) in [
            (ArrearsStarted::TYPE, "0"),
            (ArrearsStarted::TYPE, "-0"),
            (ArrearsCleared::TYPE, "-1"),
        ] {
            let refusal = refusal_of(event_type, data(&json!(amount)));
            assert_eq!(refusal.code, RefusalCode::Schema, "{event_type} {amount}");
            assert_eq!(refusal.field.as_deref(), Some("/data/balance"));
        }
    }
}
