//! What a decision wants done. Effects become outbox rows and trace lines; the engine does nothing by itself.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::id::{AccountId, NoticeKind, PhaseName, PolicyKey, ResourceId};
use super::input::{Attachment, Contact, Downgrade};
use super::money::Money;
use super::policy::{Channel, PhaseClass};
use super::refund::{Payout, Refund, RefundMethod};

/// One thing to do. The order of the variants is the order of kinds in a trace (spec §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// `lifecycle.resource.changed`
    Transition(Transition),
    /// `lifecycle.charge.requested`
    ChargeRequested(ChargeRequest),
    /// `lifecycle.charge.cancelled`
    ChargeCancelled {
        /// Whose term.
        resource: ResourceId,
        /// Policy of the resource.
        policy: PolicyKey,
        /// Name of the charge.
        charge: String,
        /// `renewed` or `ended`.
        reason: String,
    },
    /// `lifecycle.renewal.decided`
    Renewal(RenewalDecided),
    /// `lifecycle.refund.decided`
    Refund(Refund),
    /// `lifecycle.request.rejected`
    Rejected(Rejected),
    /// `lifecycle.transition.held`
    Held(Held),
    /// A notice to render and send.
    Notice(Notice),
    /// `lifecycle.notice.failed`: nobody can be told.
    Unreachable {
        /// The notice that nobody gets.
        notice: NoticeKind,
        /// What it was about.
        resources: Vec<ResourceId>,
        /// Why, without an address.
        reason: String,
    },
}

/// A resource changed its phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Which.
    pub resource: ResourceId,
    /// Its lifecycle.
    pub policy: PolicyKey,
    /// Counts state changes of this resource, from 1.
    pub sequence: u64,
    /// Number of the decision of this account that it belongs to.
    pub decision: u64,
    /// From.
    pub from: PhaseName,
    /// To.
    pub to: PhaseName,
    /// Why, in a word (`expired`, `arrears`, `renewed`, `balance_recovered`, `terminated`).
    pub reason: String,
    /// The rules that ask for it.
    pub rules: Vec<String>,
    /// What provisioning does.
    pub actions: Vec<String>,
    /// What is detached now; on the way back, what was and must be configured again.
    pub detached: Vec<Attachment>,
    /// What is destroyed.
    pub destroyed: Vec<Attachment>,
    /// What is kept.
    pub retained: Vec<Attachment>,
    /// What is kept and may cost.
    pub retained_billable: Vec<Attachment>,
    /// What the customer must look at.
    pub hints: Vec<String>,
    /// Data is lost with it.
    pub irreversible: bool,
    /// When it takes effect (UTC).
    pub effective_at: DateTime<Utc>,
}

/// A request to the pipeline to collect a renewal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeRequest {
    /// Whose term.
    pub resource: ResourceId,
    /// Policy of the resource.
    pub policy: PolicyKey,
    /// `<resource>:<expiry>:<attempt>` (REN-2).
    pub charge: String,
    /// `<resource>:<expiry>`: all attempts of one term share it, so that two can never both be collected.
    pub idempotency_key: String,
    /// Position in the series, from 1.
    pub attempt: u32,
    /// Length of the series.
    pub of: u32,
    /// Not collected before.
    pub not_before: DateTime<Utc>,
    /// Not collected after.
    pub not_after: DateTime<Utc>,
    /// Length of the term to pay for.
    pub months: u32,
    /// What it costs, if known: the monthly price times the months.
    pub price: Option<Money>,
    /// What it is collected from, in order.
    pub tenders: Vec<String>,
}

/// A new term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalDecided {
    /// Whose.
    pub resource: ResourceId,
    /// Policy of the resource.
    pub policy: PolicyKey,
    /// Its first instant.
    pub starts_at: DateTime<Utc>,
    /// Its end.
    pub expires_at: DateTime<Utc>,
    /// Its length.
    pub months: u32,
    /// What becomes smaller.
    pub downgrade: Vec<Downgrade>,
}

/// A request that was not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// About what, if about one resource.
    pub resource: Option<ResourceId>,
    /// Policy of the resource, if it is known.
    pub policy: Option<PolicyKey>,
    /// Which request.
    pub request: Request,
    /// Why.
    pub code: RejectCode,
    /// Why, in a sentence.
    pub reason: String,
}

/// The requests that can be rejected (spec §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// `billing.renewal.requested`
    Renewal,
    /// `billing.termination.*`
    Termination,
    /// `billing.restore.requested`
    Restore,
    /// `billing.release.requested`
    Release,
    /// `billing.return.requested`
    Return,
    /// `billing.expiry_sync.requested`
    ExpirySync,
    /// `billing.auto_renew.changed`
    AutoRenew,
    /// `billing.charge.*`
    Charge,
}

/// Why a request was rejected (spec §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// Bought too long ago to be returned.
    TooOld,
    /// No return is left.
    QuotaUsed,
    /// Its family cannot be returned.
    ExcludedFamily,
    /// Its zone cannot be returned from.
    ExcludedZone,
    /// Bought in a promotion.
    Promotional,
    /// Bought postpaid, then converted.
    ConvertedFromPostpaid,
    /// Looks like abuse; an operator can let it through.
    Suspicious,
    /// The account owes money.
    InArrears,
    /// It lies in the past.
    PastInstant,
    /// Its term is over.
    Expired,
    /// Its term is not over.
    NotExpired,
    /// It is not in the bin.
    NotInBin,
    /// Not a length that can be chosen.
    BadTerm,
    /// Not now, or not this.
    DowngradeNotAllowed,
    /// dunlin does not know it.
    UnknownResource,
    /// Its lifecycle does not have this.
    WrongPolicy,
    /// Another currency than the account's.
    CurrencyMismatch,
    /// Nobody asked for this charge.
    UnknownCharge,
    /// It is gone (SAFE-8).
    Released,
}

/// A step that was due and did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which resource.
    pub resource: ResourceId,
    /// Policy of the resource.
    pub policy: PolicyKey,
    /// The phase it was to enter.
    pub to: PhaseName,
    /// What holds it (`hold`, `proof`).
    pub because: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// One thing to tell the contacts of an account, frozen at the decision. Rendered and sent by others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which templates.
    pub kind: NoticeKind,
    /// Whose.
    pub account: AccountId,
    /// What the account is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// When it was decided (UTC).
    pub at: DateTime<Utc>,
    /// Threads the notices of one episode: the same for all of them.
    pub episode: String,
    /// IANA name of the zone that its instants are shown in.
    pub zone: String,
    /// The account's locale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Who is told.
    pub contacts: Vec<Contact>,
    /// How.
    pub channels: Vec<Channel>,
    /// Channels that wait, and until when: it was decided in quiet hours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_before: BTreeMap<Channel, DateTime<Utc>>,
    /// The balance, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Money>,
    /// Consumption of one day at the present rate, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_consumption: Option<Money>,
    /// How long the balance lasts at the present rate, in whole hours, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runway_hours: Option<u32>,
    /// When arrears began, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrears_since: Option<DateTime<Utc>>,
    /// What it is about, sorted by resource.
    pub items: Vec<NoticeItem>,
    /// The rules that ask for it.
    pub rules: Vec<String>,
}

/// One resource of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeItem {
    /// Which.
    pub resource: ResourceId,
    /// Its lifecycle.
    pub policy: PolicyKey,
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The phase it is in once the decision took effect.
    pub phase: PhaseName,
    /// What that means.
    pub class: PhaseClass,
    /// The end of its term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it renews itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_renew: Option<bool>,
    /// What the clock will do next, in order, if nothing is paid: the promises of this notice (SAFE-9).
    pub promises: Vec<Promise>,
    /// What is or will be detached and does not come back by itself; once it works again, what was.
    pub detached: Vec<Attachment>,
    /// What must be looked at once it works again, in the policy's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// What is destroyed by the change that this tells of or warns of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destroyed: Vec<Attachment>,
    /// What is kept by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retained: Vec<Attachment>,
    /// What is kept by it and may cost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retained_billable: Vec<Attachment>,
    /// Whether the change that this tells of stops its billing.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub stops_billing: bool,
    /// What is paid back for it, if it was returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<PaidBack>,
    /// When the customer wants it terminated, if that is set for an instant to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<DateTime<Utc>>,
    /// The refused charge attempt, in `charge-failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How many attempts there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// When the next attempt is asked for, if there is one; after a refused one also the next that has no answer yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// What the renewal costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
}

/// The sum of a return (RET-1, RET-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidBack {
    /// By which rule.
    pub method: RefundMethod,
    /// How much.
    pub amount: Money,
    /// How it is paid.
    pub payout: Payout,
}

/// A date that a notice names for a step: the step does not come before it (SAFE-9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The phase that the step enters.
    pub to: PhaseName,
    /// What that means.
    pub class: PhaseClass,
    /// Not before (UTC).
    pub at: DateTime<Utc>,
    /// Data is lost with it.
    pub irreversible: bool,
}

impl Notice {
    /// When it may go out by a channel: when it was decided, or once the quiet hours are over.
    pub fn due_at(&self, channel: Channel) -> DateTime<Utc> {
        self.not_before.get(&channel).copied().unwrap_or(self.at).max(self.at)
    }

    /// Whether anybody can be told at all.
    pub fn is_reachable(&self) -> bool {
        let reaches = |contact: &Contact| {
            self.channels.iter().any(|channel| match channel {
                Channel::Email => contact.email.is_some(),
                Channel::Sms => contact.phone.is_some(),
            })
        };
        self.contacts.iter().any(reaches)
    }
}
