//! The `data` of every event out, with the field names of spec §4. Borrows from the effect that it tells.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::effect::{self, RejectCode, Request};
use crate::engine::id::ResourceId;
use crate::engine::input;
use crate::engine::policy::Channel;
use crate::event::scalar::money_text;
use crate::event::trace::instant_text;

/// A resource changed its phase.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Changed<'a> {
    account: &'a str,
    resource: &'a str,
    from: &'a str,
    to: &'a str,
    /// Why, in a word.
    reason: &'a str,
    /// The rules that ask for it.
    rules: &'a [String],
    /// What provisioning does.
    actions: &'a [String],
    /// What is detached now; on the way back, what was and must be configured again.
    detached: Vec<Attachment<'a>>,
    destroyed: Vec<Attachment<'a>>,
    retained: Vec<Attachment<'a>>,
    /// What is kept and may cost.
    retained_billable: Vec<Attachment<'a>>,
    /// What the customer must look at.
    hints: &'a [String],
    /// Data is lost with it.
    irreversible: bool,
    /// When it takes effect (RFC 3339, UTC).
    #[schemars(extend("format" = "date-time"))]
    effective_at: String,
    /// Id of the policy that decided it.
    policy: &'a str,
    /// Version of that policy.
    policy_version: u32,
    /// Number of the account's decision that it belongs to.
    decision: u64,
    /// Counts the changes of this resource, from 1.
    sequence: u64,
}

/// Something that a change is about.
#[derive(Debug, Serialize, JsonSchema)]
struct Attachment<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
}

fn attachments(all: &[input::Attachment]) -> Vec<Attachment<'_>> {
    all.iter().map(|one| Attachment { kind: &one.kind, id: one.id.as_deref() }).collect()
}

impl<'a> Changed<'a> {
    pub(super) fn new(account: &'a str, change: &'a effect::Transition) -> Self {
        Self {
            account,
            resource: change.resource.as_str(),
            from: change.from.as_str(),
            to: change.to.as_str(),
            reason: &change.reason,
            rules: &change.rules,
            actions: &change.actions,
            detached: attachments(&change.detached),
            destroyed: attachments(&change.destroyed),
            retained: attachments(&change.retained),
            retained_billable: attachments(&change.retained_billable),
            hints: &change.hints,
            irreversible: change.irreversible,
            effective_at: instant_text(change.effective_at),
            policy: change.policy.id.as_str(),
            policy_version: change.policy.version,
            decision: change.decision,
            sequence: change.sequence,
        }
    }
}

/// The pipeline is asked to collect a renewal.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ChargeRequested<'a> {
    account: &'a str,
    resource: &'a str,
    /// Name of the charge; its answers carry it.
    charge: &'a str,
    /// Shared by all attempts of one term: only one of them may be collected.
    idempotency_key: &'a str,
    /// Position in the series, from 1.
    attempt: u32,
    /// Length of the series.
    of: u32,
    #[schemars(extend("format" = "date-time"))]
    not_before: String,
    #[schemars(extend("format" = "date-time"))]
    not_after: String,
    /// Length of the term to pay for, in calendar months.
    months: u32,
    /// What it costs, where known, in plain digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    /// The currency of the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// What it is collected from, in order.
    tenders: &'a [String],
}

impl<'a> ChargeRequested<'a> {
    pub(super) fn new(account: &'a str, charge: &'a effect::ChargeRequest) -> Self {
        Self {
            account,
            resource: charge.resource.as_str(),
            charge: &charge.charge,
            idempotency_key: &charge.idempotency_key,
            attempt: charge.attempt,
            of: charge.of,
            not_before: instant_text(charge.not_before),
            not_after: instant_text(charge.not_after),
            months: charge.months,
            price: charge.price.map(money_text),
            currency: charge.price.map(|price| price.currency.to_string()),
            tenders: &charge.tenders,
        }
    }
}

/// A charge is no longer wanted.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ChargeCancelled<'a> {
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
    pub(super) charge: &'a str,
    /// `renewed` or `ended`, before an answer came.
    pub(super) reason: &'a str,
}

/// A resource has a new term.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RenewalDecided<'a> {
    account: &'a str,
    resource: &'a str,
    #[schemars(extend("format" = "date-time"))]
    starts_at: String,
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
    months: u32,
    /// What becomes smaller.
    downgrade: Vec<Downgrade<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Downgrade<'a> {
    field: &'a str,
    to: &'a str,
}

impl<'a> RenewalDecided<'a> {
    pub(super) fn new(account: &'a str, renewal: &'a effect::RenewalDecided) -> Self {
        let downgrade = renewal.downgrade.iter();
        Self {
            account,
            resource: renewal.resource.as_str(),
            starts_at: instant_text(renewal.starts_at),
            expires_at: instant_text(renewal.expires_at),
            months: renewal.months,
            downgrade: downgrade.map(|one| Downgrade { field: &one.field, to: &one.to }).collect(),
        }
    }
}

/// A request was not followed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Rejected<'a> {
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[schemars(with = "String")]
    request: Request,
    #[schemars(with = "String")]
    code: RejectCode,
    /// Why, in a sentence.
    reason: &'a str,
}

impl<'a> Rejected<'a> {
    pub(super) fn new(account: &'a str, rejected: &'a effect::Rejected) -> Self {
        Self {
            account,
            resource: rejected.resource.as_ref().map(ResourceId::as_str),
            request: rejected.request,
            code: rejected.code,
            reason: &rejected.reason,
        }
    }
}

/// A step was due and did not happen.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Held<'a> {
    account: &'a str,
    resource: &'a str,
    to: &'a str,
    because: &'a str,
    #[schemars(extend("format" = "date-time"))]
    since: String,
}

impl<'a> Held<'a> {
    pub(super) fn new(account: &'a str, held: &'a effect::Held) -> Self {
        Self {
            account,
            resource: held.resource.as_str(),
            to: held.to.as_str(),
            because: &held.because,
            since: instant_text(held.since),
        }
    }
}

/// What became of a notice. Carries no address.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NoticeOutcome<'a> {
    pub(super) account: &'a str,
    pub(super) notice: &'a str,
    pub(super) channel: NoticeChannel,
    pub(super) resources: Vec<&'a str>,
    /// From 1; 0 where nothing could be tried.
    pub(super) attempt: u32,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
}

/// How a notice went.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NoticeChannel {
    Email,
    Sms,
    /// No contact has an address.
    None,
}

impl From<Channel> for NoticeChannel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Sms => Self::Sms,
        }
    }
}

/// Resources in the order in which they are always listed.
pub(super) fn sorted(resources: &[ResourceId]) -> Vec<&str> {
    let mut names: Vec<&str> = resources.iter().map(ResourceId::as_str).collect();
    names.sort_unstable();
    names
}
