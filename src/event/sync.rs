//! `billing.expiry_sync.requested`: a customer wants several resources to expire on one day of the month.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::scalar::Id;
use super::termination::several;
use crate::engine::input::Body;

/// Somebody synchronises expiries. All of the resources or none.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Requested {
    /// The account.
    account: Id,
    /// The resources, each once.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    resources: Vec<Id>,
    /// The day, 1 to 28. Another one is answered `bad_term`.
    day_of_month: u32,
}

impl Data for Requested {
    const TYPE: &'static str = "billing.expiry_sync.requested";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        let resources = several(self.resources)?;
        Ok(Body::ExpirySyncRequested { resources, day_of_month: self.day_of_month })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::json;

    #[test]
    fn a_day_outside_the_month_is_left_to_be_answered() {
        let data =
            |day: i32| json!({"account": "acc-1", "resources": ["b", "a"], "day_of_month": day});
        let body = body_of(Requested::TYPE, data(31));
        let expected =
            Body::ExpirySyncRequested { resources: vec!["b".into(), "a".into()], day_of_month: 31 };
        assert_eq!(body, expected);
        let refusal = refusal_of(Requested::TYPE, data(-1));
        assert_eq!(refusal.field.as_deref(), Some("/data/day_of_month"));
    }
}
