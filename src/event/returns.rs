//! `billing.return.requested`: a customer gives a prepaid resource back.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::scalar::Id;
use crate::engine::input::Body;

/// Somebody returns a resource.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Requested {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
}

impl Data for Requested {
    const TYPE: &'static str = "billing.return.requested";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::ReturnRequested { resource: self.resource.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::json;

    #[test]
    fn a_return_is_about_one_resource() {
        let body = body_of(Requested::TYPE, json!({"account": "acc-1", "resource": "ins-1"}));
        assert_eq!(body, Body::ReturnRequested { resource: "ins-1".into() });
        let refusal = refusal_of(Requested::TYPE, json!({"account": "acc-1", "resource": ""}));
        assert_eq!(refusal.field.as_deref(), Some("/data/resource"));
    }
}
