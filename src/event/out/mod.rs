//! Effects to CloudEvents out (spec §4), in structured mode.
//!
//! The id of an event derives from what caused it, so that publishing it again publishes the same (SAFE-2). Does not
//! publish, and does not decide what is published.

mod breaker;
mod data;
mod refund;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

pub use self::breaker::{Tripped, breaker_tripped, lane_of_breaker};
use super::kinds::schema_of;
use super::trace::instant_text;
use crate::dispatch::message::Publication;
use crate::engine::effect::Effect;
use crate::engine::id::{AccountId, NoticeKind, PolicyKey, ResourceId};
use crate::engine::policy::Channel;

/// Names the ids of this program's events among all UUIDs of version 5.
const NAMESPACE: Uuid = Uuid::from_u128(0x7a0b_6f1c_52d3_5e0e_9d6e_0c3a_64b1_d2f7);
/// Stands for "about no single resource" in an id.
const NO_RESOURCE: &str = "-";
/// Stands for "of no single policy" in a routing key.
const NO_POLICY: &str = "none";

const CHANGED: &str = "lifecycle.resource.changed";
const CHARGE_REQUESTED: &str = "lifecycle.charge.requested";
const CHARGE_CANCELLED: &str = "lifecycle.charge.cancelled";
const RENEWAL_DECIDED: &str = "lifecycle.renewal.decided";
const REFUND_DECIDED: &str = "lifecycle.refund.decided";
const REJECTED: &str = "lifecycle.request.rejected";
const HELD: &str = "lifecycle.transition.held";
const NOTICE_SENT: &str = "lifecycle.notice.sent";
const NOTICE_FAILED: &str = "lifecycle.notice.failed";
const TRIPPED: &str = "lifecycle.breaker.tripped";

/// Every type of event that is published (spec §4).
pub const EVENT_TYPES: &[&str] = &[
    CHANGED,
    CHARGE_REQUESTED,
    CHARGE_CANCELLED,
    RENEWAL_DECIDED,
    REFUND_DECIDED,
    REJECTED,
    HELD,
    NOTICE_SENT,
    NOTICE_FAILED,
    TRIPPED,
];

/// Whether a message of this type must be taken by a queue: without a binding it comes back and stays in the outbox.
pub(super) fn is_mandatory(event_type: &str) -> bool {
    matches!(
        event_type,
        CHANGED | CHARGE_REQUESTED | CHARGE_CANCELLED | RENEWAL_DECIDED | REFUND_DECIDED
    )
}

/// The JSON Schema of what every type has around its data.
pub(super) fn envelope_schema() -> Value {
    schema_of::<Envelope<'_, Value>>()
}

/// The JSON Schema of the data of every type.
pub(super) fn schemas_out() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        (CHANGED, schema_of::<data::Changed<'_>>()),
        (CHARGE_REQUESTED, schema_of::<data::ChargeRequested<'_>>()),
        (CHARGE_CANCELLED, schema_of::<data::ChargeCancelled<'_>>()),
        (RENEWAL_DECIDED, schema_of::<data::RenewalDecided<'_>>()),
        (REFUND_DECIDED, schema_of::<refund::RefundDecided<'_>>()),
        (REJECTED, schema_of::<data::Rejected<'_>>()),
        (HELD, schema_of::<data::Held<'_>>()),
        (NOTICE_SENT, schema_of::<data::NoticeOutcome<'_>>()),
        (NOTICE_FAILED, schema_of::<data::NoticeOutcome<'_>>()),
        (TRIPPED, schema_of::<breaker::Data<'_>>()),
    ])
}

/// Where an effect comes from.
#[derive(Debug, Clone, Copy)]
pub struct OutContext<'a> {
    /// Whose decision it was.
    pub account: &'a AccountId,
    /// CloudEvents `source`: this installation, as a URI reference (`/dunlin`).
    pub source: &'a str,
    /// When it was decided (UTC): CloudEvents `time`.
    pub at: DateTime<Utc>,
    /// Number of the account's decision, as in the data of a change. Never used twice: the id derives from it.
    pub decision: u64,
    /// Position of the effect in the decision.
    pub index: usize,
}

/// What became of one notice on one channel.
#[derive(Debug, Clone, Copy)]
pub struct NoticeOutcome<'a> {
    /// Id of the delivery (one notice, one contact, one channel): the event's id derives from it.
    pub delivery: &'a str,
    /// Which kind.
    pub notice: &'a NoticeKind,
    /// How.
    pub channel: Channel,
    /// What it was about.
    pub resources: &'a [ResourceId],
    /// Which attempt this was, from 1.
    pub attempt: u32,
    /// Why it failed, without an address; `None` where it was sent.
    pub failure: Option<&'a str>,
}

/// Where the events about a resource line up: one lane a resource, so that a reader can tell its old state from its new one.
/// What is about none shares the account's.
pub fn lane(account: &AccountId, resource: Option<&ResourceId>) -> String {
    match resource {
        Some(resource) => format!("{account}/{resource}"),
        None => account.to_string(),
    }
}

/// The name of a notice and of what is stored for it: readable where people meet it, in a header, in the name of a file.
pub fn notice_id(kind: &NoticeKind, account: &AccountId, decision: u64, index: usize) -> String {
    let unique = format!("{account}/{decision}/{index}");
    format!("{kind}-{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, unique.as_bytes()))
}

/// The event that says what an effect did. `None` for a notice, which is told by its outcomes.
pub fn publication(effect: &Effect, context: &OutContext<'_>) -> Option<Publication> {
    let account = context.account.as_str();
    Some(match effect {
        Effect::Transition(change) => {
            let about = About::resource(CHANGED, &change.resource, &change.policy).mandatory();
            About { sequence: Some(sequence_text(change.sequence)), ..about }
                .publication(context, &data::Changed::new(account, change))
        }
        Effect::ChargeRequested(charge) => {
            About::resource(CHARGE_REQUESTED, &charge.resource, &charge.policy)
                .mandatory()
                .publication(context, &data::ChargeRequested::new(account, charge))
        }
        Effect::ChargeCancelled { resource, policy, charge, reason } => {
            let data =
                data::ChargeCancelled { account, resource: resource.as_str(), charge, reason };
            About::resource(CHARGE_CANCELLED, resource, policy)
                .mandatory()
                .publication(context, &data)
        }
        Effect::Renewal(renewal) => {
            About::resource(RENEWAL_DECIDED, &renewal.resource, &renewal.policy)
                .mandatory()
                .publication(context, &data::RenewalDecided::new(account, renewal))
        }
        Effect::Refund(refund) => About::resource(REFUND_DECIDED, &refund.resource, &refund.policy)
            .mandatory()
            .publication(context, &refund::RefundDecided::new(account, refund)),
        Effect::Rejected(rejected) => {
            About::some(REJECTED, rejected.resource.as_ref(), rejected.policy.as_ref())
                .publication(context, &data::Rejected::new(account, rejected))
        }
        Effect::Held(held) => About::resource(HELD, &held.resource, &held.policy)
            .publication(context, &data::Held::new(account, held)),
        Effect::Unreachable { notice, resources, reason } => {
            let data = data::NoticeOutcome {
                account,
                notice: notice.as_str(),
                channel: data::NoticeChannel::None,
                resources: data::sorted(resources),
                attempt: 0,
                reason: Some(reason),
            };
            About::some(NOTICE_FAILED, None, None).publication(context, &data)
        }
        Effect::Notice(_) => return None,
    })
}

/// The event that says what became of a notice: `lifecycle.notice.sent`, or `lifecycle.notice.failed` once there is no
/// hope left.
pub fn notice_outcome(
    account: &AccountId,
    source: &str,
    at: DateTime<Utc>,
    outcome: &NoticeOutcome<'_>,
) -> Publication {
    let event_type = if outcome.failure.is_some() { NOTICE_FAILED } else { NOTICE_SENT };
    let data = data::NoticeOutcome {
        account: account.as_str(),
        notice: outcome.notice.as_str(),
        channel: outcome.channel.into(),
        resources: data::sorted(outcome.resources),
        attempt: outcome.attempt,
        reason: outcome.failure,
    };
    let attempt = outcome.attempt.to_string();
    let id = id_of(&["notice", account.as_str(), outcome.delivery, &attempt, event_type]);
    About::some(event_type, None, None).written(&id, account, source, at, &data)
}

/// What an event is about, as far as it steers its way.
struct About<'a> {
    event_type: &'static str,
    resource: &'a str,
    policy: &'a str,
    mandatory: bool,
    sequence: Option<String>,
}

/// The attributes of an event, in the order in which they are written.
#[derive(Serialize, JsonSchema)]
struct Envelope<'a, T> {
    #[schemars(extend("const" = "1.0"))]
    specversion: &'static str,
    /// Derives from what caused it: drop a second copy by it.
    id: &'a str,
    /// The installation that decided it.
    source: &'a str,
    /// What happened.
    #[serde(rename = "type")]
    event_type: &'static str,
    /// The account id; `breaker` in `lifecycle.breaker.tripped`.
    subject: &'a str,
    /// When it was decided (RFC 3339, UTC).
    #[schemars(extend("format" = "date-time"))]
    time: String,
    #[schemars(extend("const" = "application/json"))]
    datacontenttype: &'static str,
    /// The account id; `breaker` in `lifecycle.breaker.tripped`.
    partitionkey: &'a str,
    /// Counts the changes of a resource; text that sorts like the numbers. Only in `lifecycle.resource.changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    data: &'a T,
}

impl<'a> About<'a> {
    fn some(
        event_type: &'static str,
        resource: Option<&'a ResourceId>,
        policy: Option<&'a PolicyKey>,
    ) -> Self {
        Self {
            event_type,
            resource: resource.map_or(NO_RESOURCE, ResourceId::as_str),
            policy: policy.map_or(NO_POLICY, |policy| policy.id.as_str()),
            mandatory: false,
            sequence: None,
        }
    }

    fn resource(event_type: &'static str, resource: &'a ResourceId, policy: &'a PolicyKey) -> Self {
        Self::some(event_type, Some(resource), Some(policy))
    }

    /// Somebody must take it: without a binding it comes back and stays in the outbox.
    fn mandatory(self) -> Self {
        Self { mandatory: true, ..self }
    }

    fn publication<T: Serialize + JsonSchema>(
        self,
        context: &OutContext<'_>,
        data: &T,
    ) -> Publication {
        let (decision, index) = (context.decision.to_string(), context.index.to_string());
        let id = id_of(&["effect", context.account.as_str(), self.resource, &decision, &index]);
        self.written(&id, context.account, context.source, context.at, data)
    }

    fn written<T: Serialize>(
        self,
        id: &str,
        account: &AccountId,
        source: &str,
        at: DateTime<Utc>,
        data: &T,
    ) -> Publication {
        let envelope = Envelope {
            specversion: "1.0",
            id,
            source,
            event_type: self.event_type,
            subject: account.as_str(),
            time: instant_text(at),
            datacontenttype: "application/json",
            partitionkey: account.as_str(),
            sequence: self.sequence,
            data,
        };
        Publication {
            id: id.to_owned(),
            event_type: self.event_type.to_owned(),
            routing_key: format!("{}.{}", self.event_type, self.policy),
            body: serde_json::to_vec(&envelope).expect("strings and numbers are always JSON"),
            mandatory: self.mandatory,
        }
    }
}

/// The CloudEvents extension `sequence` is text that sorts like the numbers that it stands for.
fn sequence_text(sequence: u64) -> String {
    format!("{sequence:020}")
}

/// A UUID of version 5 over the parts, each with its length, so that no two lists of parts run together.
fn id_of(parts: &[&str]) -> String {
    let name: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

#[cfg(test)]
mod tests;
