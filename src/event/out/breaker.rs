//! `lifecycle.breaker.tripped`: too many at once are held until a person decides (SAFE-6). About no single account.

use schemars::JsonSchema;
use serde::Serialize;

use super::{About, TRIPPED, id_of};
use crate::dispatch::message::Publication;
use crate::engine::breaker::Scope;
use crate::engine::id::ResourceId;
use crate::event::trace::instant_text;
use crate::store::Batch;

/// Stands where an account would: `subject` and `partitionkey` of what is about no account.
const NOBODY: &str = "breaker";

/// A set that was held.
#[derive(Debug, Clone, Copy)]
pub struct Tripped<'a> {
    /// What is known of it.
    pub batch: &'a Batch,
    /// Some of its members.
    pub resources: &'a [&'a ResourceId],
}

/// Too many at once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Data<'a> {
    /// Names exactly this set: `dunlin breaker show` lists it, `dunlin breaker approve --batch` lets it go on.
    batch: &'a str,
    /// Id of the policy whose limit it breaks, or `all`.
    scope: &'a str,
    /// `stop`, `release`, or `arrears`: accounts that fell below zero.
    kind: &'static str,
    /// How many are held.
    count: u64,
    /// How many had been admitted in the window before.
    admitted: u64,
    /// How many would not have been too many, with those.
    limit: u64,
    /// How many are tracked.
    tracked: u64,
    /// Some of the resources, sorted by their account. None for accounts that fell below zero.
    resources: Vec<&'a str>,
    /// When (RFC 3339, UTC).
    #[schemars(extend("format" = "date-time"))]
    tripped_at: String,
}

/// Where the alerts line up.
pub fn lane_of_breaker() -> String {
    NOBODY.to_owned()
}

/// The event that says that a set is held.
pub fn breaker_tripped(source: &str, tripped: &Tripped<'_>) -> Publication {
    let Tripped { batch, resources } = *tripped;
    let data = Data {
        batch: &batch.hash,
        scope: batch.scope.word(),
        kind: batch.kind.word(),
        count: batch.count,
        admitted: batch.admitted,
        limit: batch.limit,
        tracked: batch.tracked,
        resources: resources.iter().map(|id| id.as_str()).collect(),
        tripped_at: instant_text(batch.tripped_at),
    };
    let mut about = About::some(TRIPPED, None, None);
    if let Scope::Policy(id) = &batch.scope {
        about.policy = id.as_str();
    }
    let id = id_of(&["breaker", &batch.hash]);
    about.written(&id, &NOBODY.into(), source, batch.tripped_at, &data)
}
