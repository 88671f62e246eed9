//! `billing.termination.*`, `billing.restore.requested` and `billing.release.requested`: a customer ends a resource, or
//! takes it back.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::{RefusalCode, Trouble};
use super::scalar::{Id, Instant};
use crate::engine::id::ResourceId;
use crate::engine::input::{self, Body};

/// Somebody terminates resources now. Each is answered on its own.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Requested {
    /// The account.
    account: Id,
    /// The resources, each once.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    resources: Vec<Id>,
    /// To the bin, or at once and for good.
    mode: Mode,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Recycle,
    Immediate,
}

/// Somebody terminates a resource at a later instant.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Scheduled {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
    /// When.
    at: Instant,
}

/// A scheduled termination does not take place.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Cancelled {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
    /// When it would have taken place. Not used.
    #[serde(rename = "at")]
    _at: Option<Instant>,
}

/// Somebody takes a resource back out of the bin.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RestoreRequested {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
}

/// Somebody releases a resource from the bin, for good.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ReleaseRequested {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
}

/// The resources of a request that is about several: in its order, at least one, each once.
pub(super) fn several(ids: Vec<Id>) -> Result<Vec<ResourceId>, Trouble> {
    if ids.is_empty() {
        return Err(Trouble::new(RefusalCode::Schema, "/resources", "expected at least one"));
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = ids.iter().position(|id| !seen.insert(id)) {
        let path = format!("/resources/{twice}");
        return Err(Trouble::new(RefusalCode::Schema, &path, "expected each resource once"));
    }
    Ok(ids.into_iter().map(Into::into).collect())
}

impl Data for Requested {
    const TYPE: &'static str = "billing.termination.requested";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        let mode = match self.mode {
            Mode::Recycle => input::TerminationMode::Recycle,
            Mode::Immediate => input::TerminationMode::Immediate,
        };
        Ok(Body::TerminationRequested { resources: several(self.resources)?, mode })
    }
}

impl Data for Scheduled {
    const TYPE: &'static str = "billing.termination.scheduled";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::TerminationScheduled { resource: self.resource.into(), at: self.at.0 })
    }
}

impl Data for Cancelled {
    const TYPE: &'static str = "billing.termination.cancelled";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::TerminationCancelled { resource: self.resource.into() })
    }
}

impl Data for RestoreRequested {
    const TYPE: &'static str = "billing.restore.requested";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::RestoreRequested { resource: self.resource.into() })
    }
}

impl Data for ReleaseRequested {
    const TYPE: &'static str = "billing.release.requested";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::ReleaseRequested { resource: self.resource.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::{Value, json};

    #[test]
    fn a_batch_keeps_its_order_and_names_each_resource_once() {
        let data = |ids: Value| json!({"account": "acc-1", "resources": ids, "mode": "immediate"});
        let body = body_of(Requested::TYPE, data(json!(["ins-2", "ins-1"])));
        let Body::TerminationRequested { resources, mode } = body else { panic!() };
        assert_eq!(resources, ["ins-2".into(), "ins-1".into()]);
        assert_eq!(mode, input::TerminationMode::Immediate);
        for (ids, field) in [
            (json!([]), "/data/resources"),
            (json!(["a", "b", "a"]), "/data/resources/2"),
            (json!("a"), "/data/resources"),
            (json!(["a", 1]), "/data/resources/1"),
        ] {
            let refusal = refusal_of(Requested::TYPE, data(ids));
            assert_eq!(refusal.field.as_deref(), Some(field));
        }
    }

    #[test]
    fn a_schedule_needs_its_instant_and_a_cancellation_does_not() {
        let data = json!({"account": "acc-1", "resource": "ins-1"});
        let refusal = refusal_of(Scheduled::TYPE, data.clone());
        assert_eq!(
            (refusal.code, refusal.field.as_deref()),
            (RefusalCode::Schema, Some("/data/at"))
        );
        assert!(matches!(
            body_of(Cancelled::TYPE, data.clone()),
            Body::TerminationCancelled { .. }
        ));
        assert!(matches!(
            body_of(RestoreRequested::TYPE, data.clone()),
            Body::RestoreRequested { .. }
        ));
        assert!(matches!(body_of(ReleaseRequested::TYPE, data), Body::ReleaseRequested { .. }));
        let data = json!({"account": "acc-1", "resource": "ins-1", "at": "2026-03-01T05:00:01Z"});
        assert!(matches!(body_of(Scheduled::TYPE, data), Body::TerminationScheduled { .. }));
    }
}
