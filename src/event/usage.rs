//! `billing.usage.charged`: one deduction, for the rate at which an account spends.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::{RefusalCode, Trouble};
use super::scalar::{CurrencyCode, Id, Instant, Price, Text};
use crate::engine::input::{Body, Usage};
use crate::engine::money::Money;

/// What marks pay-by-traffic usage, which does not count towards how long a balance lasts (POST-1).
const TRAFFIC: &str = "traffic";

/// Usage was paid for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Charged {
    /// The account.
    account: Id,
    /// What was deducted.
    amount: Price,
    /// Its currency: the account's.
    currency: CurrencyCode,
    /// Start of the period that it pays for.
    period_start: Instant,
    /// End of that period, after its start.
    period_end: Instant,
    /// What used it, if known.
    resource: Option<Id>,
    /// `traffic` for pay-by-traffic usage. Other kinds are taken as plain usage.
    kind: Option<Text>,
}

impl Data for Charged {
    const TYPE: &'static str = "billing.usage.charged";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        if self.period_end <= self.period_start {
            let reason = "expected an instant after period_start";
            return Err(Trouble::new(RefusalCode::Schema, "/period_end", reason));
        }
        Ok(Body::UsageCharged(Usage {
            amount: Money { amount: self.amount.0, currency: self.currency.0 },
            period_start: self.period_start.0,
            period_end: self.period_end.0,
            resource: self.resource.map(Into::into),
            traffic: self.kind.is_some_and(|kind| String::from(kind) == TRAFFIC),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::{Value, json};

    fn data(amount: &str, end: &str, kind: &Value) -> Value {
        json!({"account": "acc-1", "amount": amount, "currency": "CNY", "resource": "ins-1", "kind": kind,
               "period_start": "2026-03-01T00:00:00Z", "period_end": end})
    }

    #[test]
    fn usage_is_read_and_traffic_told_apart() {
        for (kind, traffic) in
            [(json!(null), false), (json!("traffic"), true), (json!("compute"), false)]
        {
            let Body::UsageCharged(usage) =
                body_of(Charged::TYPE, data("0.50", "2026-03-01T01:00:00Z", &kind))
            else {
                panic!("usage")
            };
            assert_eq!(usage.traffic, traffic);
            assert_eq!(usage.amount.amount.to_string(), "0.50");
            assert_eq!(usage.resource, Some("ins-1".into()));
        }
    }

    #[test]
    fn a_period_has_a_length_and_usage_costs_zero_or_more() {
        for (amount, end, code, field) in [
            ("1", "2026-03-01T00:00:00Z", RefusalCode::Schema, "/data/period_end"),
            ("1", "9999-12-31T00:00:00Z", RefusalCode::Instant, "/data/period_end"),
            ("-1", "2026-03-01T01:00:00Z", RefusalCode::Money, "/data/amount"),
        ] {
            let refusal = refusal_of(Charged::TYPE, data(amount, end, &Value::Null));
            assert_eq!((refusal.code, refusal.field.as_deref()), (code, Some(field)));
        }
    }
}
