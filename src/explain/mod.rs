//! `dunlin explain`: where a resource is, how it came there, who was told, what comes next and what would change it (SAFE-12).
//!
//! ```text
//! store ─▶ record, told, then, ahead ─▶ Explanation ─▶ text, or JSON
//! ```
//!
//! Reads one commit of a store and decides nothing: what lies ahead is asked of the engine, what lies behind is on record. No
//! address, number or name of a person leaves `told` unmasked.

mod ahead;
mod find;
mod held;
mod record;
#[cfg(test)]
mod tests;
mod text;
mod then;
mod told;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

pub use self::ahead::Next;
pub use self::find::{Near, find};
pub use self::held::{Held, Standing, held, held_text, standing, standing_text};
pub use self::record::{Because, Caused, Decided, Did};
pub use self::text::{ahead_text, text};
pub use self::told::{Answer, Delivery, Promised, Told, Unconfirmed};
use crate::engine::id::{AccountId, PhaseName, PolicyKey, ResourceId};
use crate::engine::policy::{Cause, PhaseClass};
use crate::policy::PolicyErrors;
use crate::store::{Read, StoreError};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Which resource.
    pub resource: ResourceId,
    /// Whose, where several accounts have one of this id.
    pub account: Option<AccountId>,
    /// As of when (UTC).
    pub at: DateTime<Utc>,
    /// That is in the past: what has changed since must not be taken for what was.
    pub is_past: bool,
}

/// Everything that there is to say about one resource at one instant. Instants are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Which resource.
    pub resource: ResourceId,
    /// Who pays for it.
    pub account: AccountId,
    /// The lifecycle that it follows.
    pub policy: PolicyKey,
    /// Where the lifecycle's calendar is.
    #[serde(serialize_with = "name_of")]
    pub zone: Tz,
    /// As of when.
    pub at: DateTime<Utc>,
    /// When it became active, by the event that told of it.
    pub activated_at: DateTime<Utc>,
    /// Where it is; `None` where that cannot be reconstructed.
    pub place: Option<Place>,
    /// What its deadlines count from; `None` where that cannot be reconstructed.
    pub facts: Option<Facts>,
    /// A step that is due and does not happen.
    pub held: Option<Waiting>,
    /// Holds in force, on it, on its account or on what it belongs to.
    pub holds: Vec<InForce>,
    /// What operators decided about it, as far as it is in force.
    pub by_hand: Vec<ByHand>,
    /// Every decision about it, oldest first.
    pub decisions: Vec<Decided>,
    /// Every notice about it, oldest first.
    pub told: Vec<Told>,
    /// State changes and requests about it that the broker has not confirmed.
    pub unconfirmed: Vec<Unconfirmed>,
    /// What comes next if nothing happens; `None` where that cannot be reconstructed.
    pub next: Option<Vec<Next>>,
    /// What would change that.
    pub would_change: Vec<String>,
    /// What cannot be reconstructed, and why.
    pub not_known: Vec<String>,
}

/// Where a resource is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The phase.
    pub phase: PhaseName,
    /// What that means.
    pub class: PhaseClass,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What brought it there, if that is known.
    pub by: Option<Cause>,
}

/// What the deadlines of a resource count from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The end of the running term.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it renews itself.
    pub auto_renew: Option<bool>,
    /// When the arrears that it is in began for it.
    pub arrears_since: Option<DateTime<Utc>>,
    /// When the customer wants it terminated.
    pub terminates_at: Option<DateTime<Utc>>,
}

/// A step that is due and does not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The phase that it enters.
    pub to: PhaseName,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// What holds it, in a word.
    pub because: String,
}

/// What an operator decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ByHand {
    /// What, in words.
    pub what: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// Its id; the source and id of its event where it has none.
    pub hold: String,
    /// Whether it is on the whole account.
    pub on_account: bool,
    /// The policy, the region or everything, where it is a moratorium on that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moratorium_on: Option<String>,
    /// Whether it stops nothing but releases.
    pub releases_only: bool,
    /// Free text.
    pub reason: String,
    /// When it was placed.
    pub since: DateTime<Utc>,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
    /// The event that placed it.
    pub event: Caused,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// No resource has this id.
    #[error("there is no resource `{resource}`{}", of_account(account.as_ref()))]
    Unknown {
        /// What was asked for.
        resource: ResourceId,
        /// Whose.
        account: Option<AccountId>,
        /// Ids like it.
        near: Vec<Near>,
    },
    /// Several accounts have one.
    #[error("several accounts have a resource `{resource}`: name one by --account")]
    Several {
        /// What was asked for.
        resource: ResourceId,
        /// Who has one.
        accounts: Vec<AccountId>,
    },
    /// It came later.
    #[error("at {at} there was no resource `{resource}` yet: it became active at {since}")]
    NotYet {
        /// What was asked for.
        resource: ResourceId,
        /// As of when.
        at: DateTime<Utc>,
        /// When it became active.
        since: DateTime<Utc>,
    },
    /// Its policy is not in the store, or cannot be read any more.
    #[error("policy {id} version {version}, as it is in the store, cannot be read{}", why(source.as_ref()))]
    Policy {
        /// Which policy.
        id: String,
        /// Which version.
        version: u32,
        /// Why, if it is there.
        source: Option<PolicyErrors>,
    },
    /// A record cannot be read back.
    #[error("decision {decision} of the store cannot be read back by this program")]
    Record {
        /// Its id.
        decision: i64,
        /// Why.
        source: serde_json::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn of_account(account: Option<&AccountId>) -> String {
    account.map(|account| format!(" of account `{account}`")).unwrap_or_default()
}

fn why(source: Option<&PolicyErrors>) -> String {
    source.map_or_else(|| ": it is not there".to_owned(), |source| format!(": {source}"))
}

fn name_of<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.name())
}

/// Puts together what is known.
///
/// # Errors
///
/// If there is no such resource, or not one alone; if the store cannot be read.
pub fn explain(store: &dyn Read, question: &Question) -> Result<Explanation, ExplainError> {
    let found = find::found(store, question)?;
    let since = found.resource.activated_at;
    if question.is_past && question.at < since {
        let (resource, at) = (question.resource.clone(), question.at);
        return Err(ExplainError::NotYet { resource, at, since });
    }
    let records = record::all(store, &found.resource)?;
    let (records, later) = then::split(records, question.at);
    let now = then::Instant::new(&found, question, &records, &later);
    let place = now.place();
    let gone = place.as_ref().is_some_and(|place| place.class == PhaseClass::Gone);
    let (held, holds) = (now.held(), now.holds());
    let next = now.is_known().then(|| ahead::next(&found, question.at));
    let would_change = place
        .as_ref()
        .map(|place| {
            ahead::would_change(&found, place, now.facts().as_ref(), &holds, held.as_ref())
        })
        .unwrap_or_default();
    Ok(Explanation {
        resource: found.resource.id.clone(),
        account: found.resource.account.clone(),
        policy: found.resource.policy.clone(),
        zone: found.policy.zone,
        at: question.at,
        activated_at: since,
        facts: now.facts().filter(|_| !gone),
        held,
        holds: record::named(store, holds)?,
        by_hand: now.by_hand(),
        decisions: record::decided(store, &found.resource.id, &records)?,
        told: told::told(store, &found.resource, &records, question)?,
        unconfirmed: told::unconfirmed(store, &found.resource, question)?,
        next,
        would_change,
        not_known: now.not_known(),
        place,
    })
}
