//! `billing.charge.succeeded` and `billing.charge.failed`: answers to the charges that dunlin asked for.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::scalar::{Id, Text};
use crate::engine::input::Body;

/// A charge was collected.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Succeeded {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
    /// Name of the charge, as in `lifecycle.charge.requested`.
    charge: Id,
    /// The pipeline's words. Not used.
    #[serde(rename = "reason")]
    _reason: Option<Text>,
}

/// A charge was refused.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Failed {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
    /// Name of the charge, as in `lifecycle.charge.requested`.
    charge: Id,
    /// Why, in the pipeline's words.
    reason: Option<Text>,
}

impl Data for Succeeded {
    const TYPE: &'static str = "billing.charge.succeeded";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::ChargeSucceeded { resource: self.resource.into(), charge: self.charge.into() })
    }
}

impl Data for Failed {
    const TYPE: &'static str = "billing.charge.failed";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::ChargeFailed {
            resource: self.resource.into(),
            charge: self.charge.into(),
            reason: self.reason.map(Into::into),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::json;

    #[test]
    fn an_answer_names_its_charge() {
        let data = json!({"account": "acc-1", "resource": "ins-1", "charge": "ins-1:20171208T160000Z:1", "reason": "no\nfunds"});
        let Body::ChargeSucceeded { charge, .. } = body_of(Succeeded::TYPE, data.clone()) else {
            panic!()
        };
        assert_eq!(charge, "ins-1:20171208T160000Z:1");
        let Body::ChargeFailed { reason, .. } = body_of(Failed::TYPE, data) else { panic!() };
        assert_eq!(reason.as_deref(), Some("no funds"));
        let refusal = refusal_of(Failed::TYPE, json!({"account": "acc-1", "resource": "ins-1"}));
        assert_eq!(refusal.field.as_deref(), Some("/data/charge"));
    }
}
