//! `billing.hold.placed` and `billing.hold.lifted`: somebody decides that steps wait, or no longer.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::scalar::{Id, Instant, Text};
use crate::engine::input::{Body, HoldScope};

/// Steps wait.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Placed {
    /// The account.
    account: Id,
    /// What it covers; the whole account without it.
    resource: Option<Id>,
    /// Its id. Without one it can only be lifted together with all others on the same target.
    hold: Option<Id>,
    /// Why, as free text.
    reason: Text,
    /// What it stops. `release` where it is missing.
    scope: Option<Scope>,
    /// At this instant it is over.
    until: Option<Instant>,
}

/// What a hold stops: releases, or stops, moves to the bin and releases.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    Release,
    All,
}

impl From<Scope> for HoldScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Release => Self::Release,
            Scope::All => Self::All,
        }
    }
}

/// A hold is over.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Lifted {
    /// The account.
    account: Id,
    /// What it covered; the whole account without it.
    resource: Option<Id>,
    /// Its id; every hold on the same target without it.
    hold: Option<Id>,
    /// Why, as free text. Not used.
    #[serde(rename = "reason")]
    _reason: Option<Text>,
    /// Not used.
    #[serde(rename = "scope")]
    _scope: Option<Scope>,
    /// Not used.
    #[serde(rename = "until")]
    _until: Option<Instant>,
}

impl Data for Placed {
    const TYPE: &'static str = "billing.hold.placed";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::HoldPlaced {
            resource: self.resource.map(Into::into),
            hold: self.hold.map(Into::into),
            reason: self.reason.into(),
            scope: self.scope.map_or(HoldScope::Release, Into::into),
            until: self.until.map(|until| until.0),
        })
    }
}

impl Data for Lifted {
    const TYPE: &'static str = "billing.hold.lifted";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::HoldLifted {
            resource: self.resource.map(Into::into),
            hold: self.hold.map(Into::into),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::json;

    #[test]
    fn a_hold_stops_releases_unless_it_says_more() {
        let body = body_of(Placed::TYPE, json!({"account": "acc-1", "reason": "court"}));
        let Body::HoldPlaced {
            resource: None,
            hold: None,
            scope: HoldScope::Release,
            until: None,
            reason,
        } = body
        else {
            panic!()
        };
        assert_eq!(reason, "court");
        let data = json!({"account": "acc-1", "resource": "ins-1", "hold": "h-7", "reason": "", "scope": "all",
                          "until": "2026-04-01T00:00:00Z"});
        let body = body_of(Placed::TYPE, data);
        assert!(matches!(
            body,
            Body::HoldPlaced { scope: HoldScope::All, until: Some(_), hold: Some(_), .. }
        ));
    }

    #[test]
    fn a_scope_that_does_not_exist_is_refused_and_not_guessed() {
        let refusal = refusal_of(
            Placed::TYPE,
            json!({"account": "acc-1", "reason": "", "scope": "everything"}),
        );
        assert_eq!(refusal.field.as_deref(), Some("/data/scope"));
    }

    #[test]
    fn lifting_names_one_hold_or_all_of_a_target() {
        let body =
            body_of(Lifted::TYPE, json!({"account": "acc-1", "hold": "h-7", "reason": "settled"}));
        assert_eq!(body, Body::HoldLifted { resource: None, hold: Some("h-7".into()) });
        let body = body_of(Lifted::TYPE, json!({"account": "acc-1", "resource": "ins-1"}));
        assert_eq!(body, Body::HoldLifted { resource: Some("ins-1".into()), hold: None });
    }
}
