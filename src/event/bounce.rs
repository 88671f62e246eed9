//! `billing.notice.bounced`: a mail or a text that a server had taken did not arrive after all.
//!
//! Says what came back, not to whom it had gone: dunlin knows that from the id that it gave the message.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::scalar::{Id, Text};
use crate::engine::input::Body;

/// A message came back.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Bounced {
    /// Only where the routing asks for one. Not used.
    account: Option<Id>,
    /// The `Message-ID` of the mail, with or without its angle brackets; of a text the id that the gateway was given
    /// (its idempotency key or reference).
    message: Id,
    /// What the other side said. Addresses and numbers in it are made unreadable.
    reason: Option<Text>,
}

impl Data for Bounced {
    const TYPE: &'static str = "billing.notice.bounced";

    fn account(&self) -> Option<&Id> {
        self.account.as_ref()
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        let message = self.message.as_str();
        let message = message.strip_prefix('<').unwrap_or(message);
        // What stands before the sign is what dunlin made; the domain is the operator's and may have changed since.
        let delivery = message.split(['@', '>']).next().unwrap_or_default();
        Ok(Body::NoticeBounced { delivery: delivery.into(), reason: self.reason.map(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::json;

    #[test]
    fn the_id_is_read_as_a_mail_carries_it_and_as_a_gateway_does() {
        for message in ["<d-1@mail.example>", "d-1@mail.example", "d-1"] {
            let Body::NoticeBounced { delivery, reason } =
                body_of(Bounced::TYPE, json!({ "message": message, "reason": "550 no such user" }))
            else {
                panic!("{message}");
            };
            assert_eq!((delivery.as_str(), reason.as_deref()), ("d-1", Some("550 no such user")));
        }
    }

    #[test]
    fn a_bounce_of_nothing_is_refused() {
        let refusal = refusal_of(Bounced::TYPE, json!({ "reason": "550" }));
        assert_eq!(refusal.field.as_deref(), Some("/data/message"));
    }
}
