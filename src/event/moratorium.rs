//! `billing.moratorium.placed` and `billing.moratorium.lifted`: somebody decides that steps wait for a policy, a region or
//! everything, or no longer.

use schemars::JsonSchema;
use serde::Deserialize;

use super::hold::Scope;
use super::kinds::{Data, Notes};
use super::refusal::{RefusalCode, Trouble};
use super::scalar::{Id, Instant, Text};
use crate::engine::id::PolicyId;
use crate::engine::input::{Body, HoldScope};
use crate::engine::moratorium::Target;

/// Steps wait for a policy, a region or everything: exactly one of the three is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [
    {"required": ["policy"]},
    {"required": ["region"]},
    {"required": ["everything"], "properties": {"everything": {"const": true}}},
]))]
pub(super) struct Placed {
    /// The policy that it covers, in every version.
    policy: Option<Id>,
    /// The region that it covers, as resources are activated with.
    region: Option<Id>,
    /// `true`: it covers everything.
    everything: Option<bool>,
    /// Its id. Without one it can only be lifted together with all others on the same target.
    moratorium: Option<Id>,
    /// Why, as free text.
    reason: Text,
    /// What it stops. `release` where it is missing.
    scope: Option<Scope>,
    /// At this instant it is over.
    until: Option<Instant>,
}

/// A moratorium is over. Exactly one of `policy`, `region` and `everything` is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [
    {"required": ["policy"]},
    {"required": ["region"]},
    {"required": ["everything"], "properties": {"everything": {"const": true}}},
]))]
pub(super) struct Lifted {
    /// The policy that it covered.
    policy: Option<Id>,
    /// The region that it covered.
    region: Option<Id>,
    /// `true`: it covered everything.
    everything: Option<bool>,
    /// Its id; every moratorium on the same target without it.
    moratorium: Option<Id>,
    /// Why, as free text. Not used.
    #[serde(rename = "reason")]
    _reason: Option<Text>,
}

/// The one thing that is named: two of them, or none, may not be what was meant.
fn target(
    policy: Option<Id>,
    region: Option<Id>,
    everything: Option<bool>,
) -> Result<Target, Trouble> {
    match (policy, region, everything.unwrap_or(false)) {
        (Some(policy), None, false) => Ok(Target::Policy(PolicyId::new(policy.as_str()))),
        (None, Some(region), false) => Ok(Target::Region(region.into())),
        (None, None, true) => Ok(Target::Everything),
        _ => Err(Trouble::new(
            RefusalCode::Schema,
            "",
            "expected exactly one of policy, region and everything: true",
        )),
    }
}

impl Data for Placed {
    const TYPE: &'static str = "billing.moratorium.placed";

    fn account(&self) -> Option<&Id> {
        None
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::MoratoriumPlaced {
            target: target(self.policy, self.region, self.everything)?,
            moratorium: self.moratorium.map(Into::into),
            reason: self.reason.into(),
            scope: self.scope.map_or(HoldScope::Release, Into::into),
            until: self.until.map(|until| until.0),
        })
    }
}

impl Data for Lifted {
    const TYPE: &'static str = "billing.moratorium.lifted";

    fn account(&self) -> Option<&Id> {
        None
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::MoratoriumLifted {
            target: target(self.policy, self.region, self.everything)?,
            moratorium: self.moratorium.map(Into::into),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::json;

    #[test]
    fn a_moratorium_covers_a_policy_a_region_or_everything() {
        let targets = [
            (json!({"policy": "own"}), Target::Policy(PolicyId::new("own"))),
            (json!({"region": "south"}), Target::Region("south".into())),
            (json!({"everything": true}), Target::Everything),
        ];
        for (mut data, expected) in targets {
            let lifted = body_of(Lifted::TYPE, data.clone());
            assert_eq!(
                lifted,
                Body::MoratoriumLifted { target: expected.clone(), moratorium: None }
            );
            data["reason"] = json!("an outage");
            let Body::MoratoriumPlaced { target, scope, until: None, reason, .. } =
                body_of(Placed::TYPE, data)
            else {
                panic!()
            };
            assert_eq!((target, scope), (expected, HoldScope::Release));
            assert_eq!(reason, "an outage");
        }
    }

    #[test]
    fn one_that_names_nothing_or_too_much_is_refused_and_not_guessed() {
        let wrong = [
            json!({}),
            json!({"everything": false}),
            json!({"everything": true, "region": "south"}),
            json!({"policy": "own", "region": "south"}),
        ];
        for mut data in wrong {
            assert!(refusal_of(Lifted::TYPE, data.clone()).reason.contains("exactly one"));
            data["reason"] = json!("an outage");
            assert!(refusal_of(Placed::TYPE, data).reason.contains("exactly one"));
        }
    }
}
