//! `billing.heartbeat`: the pipeline lives, and everything up to the event's `time` was sent before it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::scalar::Id;
use crate::engine::input::Body;

/// A sign of life. May be left out altogether.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Heartbeat {
    /// Only where the routing asks for one. Not used.
    account: Option<Id>,
}

impl Data for Heartbeat {
    const TYPE: &'static str = "billing.heartbeat";
    const MAY_BE_ABSENT: bool = true;

    fn account(&self) -> Option<&Id> {
        self.account.as_ref()
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::Heartbeat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::body_of;
    use serde_json::json;

    #[test]
    fn a_heartbeat_needs_no_data() {
        for data in [json!(null), json!({}), json!({"account": "acc-1"})] {
            assert_eq!(body_of(Heartbeat::TYPE, data), Body::Heartbeat);
        }
    }
}
