//! What the engine is told: billing events, as meaning. Their wire form is `event`'s.
//!
//! *Facts* may come in any order and converge (SAFE-3); *requests* are decided once, in arrival order.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::id::{AccountId, EventKey, PolicyId, ResourceId};
use super::money::{Currency, Money};
use super::moratorium::Target;

mod about;

/// One billing event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Identifies it.
    pub key: EventKey,
    /// When it happened (UTC). The engine's clocks run from here, not from when it was read (POST-7).
    pub time: DateTime<Utc>,
    /// Whose it is.
    pub account: AccountId,
    /// What happened.
    pub body: Body,
}

/// What happened. One variant for each `billing.*` type of spec §3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// `billing.account.updated`
    AccountUpdated(Profile),
    /// `billing.balance.changed`, `billing.arrears.started` and `billing.arrears.cleared`: what the balance is.
    BalanceReported {
        /// The balance after it.
        balance: Money,
        /// Orders reports where the pipeline numbers them.
        sequence: Option<u64>,
    },
    /// `billing.usage.charged`
    UsageCharged(Usage),
    /// `billing.resource.activated`
    ResourceActivated(Box<Activation>),
    /// `billing.resource.imported`
    ResourceImported(Box<Import>),
    /// `billing.resource.removed`
    ResourceRemoved {
        /// Gone outside dunlin.
        resource: ResourceId,
    },
    /// `billing.expiry.changed`
    ExpiryChanged {
        /// Whose expiry.
        resource: ResourceId,
        /// The new expiry instant.
        expires_at: DateTime<Utc>,
        /// Orders changes where the pipeline numbers them.
        sequence: Option<u64>,
    },
    /// `billing.auto_renew.changed`
    AutoRenewChanged {
        /// Whose setting.
        resource: ResourceId,
        /// The new setting.
        auto_renew: AutoRenew,
    },
    /// `billing.renewal.requested`
    RenewalRequested {
        /// What to renew.
        resource: ResourceId,
        /// For how many calendar months.
        months: u32,
        /// What becomes smaller with it.
        downgrade: Vec<Downgrade>,
    },
    /// `billing.charge.succeeded`
    ChargeSucceeded {
        /// Whose term.
        resource: ResourceId,
        /// Name of the charge, as requested.
        charge: String,
    },
    /// `billing.charge.failed`
    ChargeFailed {
        /// Whose term.
        resource: ResourceId,
        /// Name of the charge, as requested.
        charge: String,
        /// Why, in the pipeline's words.
        reason: Option<String>,
    },
    /// `billing.termination.requested`
    TerminationRequested {
        /// What to terminate; each is answered on its own (TERM-6).
        resources: Vec<ResourceId>,
        /// To the bin, or at once.
        mode: TerminationMode,
    },
    /// `billing.termination.scheduled`
    TerminationScheduled {
        /// What to terminate.
        resource: ResourceId,
        /// When.
        at: DateTime<Utc>,
    },
    /// `billing.termination.cancelled`
    TerminationCancelled {
        /// Whose schedule.
        resource: ResourceId,
    },
    /// `billing.restore.requested`
    RestoreRequested {
        /// What to bring back from the bin.
        resource: ResourceId,
    },
    /// `billing.release.requested`
    ReleaseRequested {
        /// What to release from the bin.
        resource: ResourceId,
    },
    /// `billing.return.requested`
    ReturnRequested {
        /// What to return.
        resource: ResourceId,
    },
    /// `billing.expiry_sync.requested`
    ExpirySyncRequested {
        /// What to synchronise, all or nothing (SYNC-2).
        resources: Vec<ResourceId>,
        /// The day of the month, 1 to 28.
        day_of_month: u32,
    },
    /// `billing.hold.placed`
    HoldPlaced {
        /// What it covers; the whole account without it.
        resource: Option<ResourceId>,
        /// Its id; without one it can only be lifted with all others on the same target.
        hold: Option<String>,
        /// Free text.
        reason: String,
        /// What it stops.
        scope: HoldScope,
        /// At this instant it is over.
        until: Option<DateTime<Utc>>,
    },
    /// `billing.hold.lifted`
    HoldLifted {
        /// What it covered.
        resource: Option<ResourceId>,
        /// Which hold; every hold on the same target without it.
        hold: Option<String>,
    },
    /// `billing.moratorium.placed`: about no account.
    MoratoriumPlaced {
        /// What it covers.
        target: Target,
        /// Its id; without one it can only be lifted with all others on the same target.
        moratorium: Option<String>,
        /// Free text.
        reason: String,
        /// What it stops.
        scope: HoldScope,
        /// At this instant it is over.
        until: Option<DateTime<Utc>>,
    },
    /// `billing.moratorium.lifted`: about no account.
    MoratoriumLifted {
        /// What it covered.
        target: Target,
        /// Which; every one on the same target without it.
        moratorium: Option<String>,
    },
    /// `billing.heartbeat`
    Heartbeat,
    /// `billing.notice.bounced`: the worker finds the notice that it is about ([`super::decision::Input::bounced`]).
    NoticeBounced {
        /// Which delivery came back.
        delivery: String,
        /// What the other side said.
        reason: Option<String>,
    },
}

/// Who an account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The one currency of its balance, usage and prices.
    pub currency: Currency,
    /// Who is told.
    pub contacts: Vec<Contact>,
    /// BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What it is called in notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// One person who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// How to address them.
    pub name: String,
    /// Creator or collaborator.
    pub role: Role,
    /// Checked at the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// E.164, checked at the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// BCP 47 tag, before the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// What a contact is to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Opened the account.
    Creator,
    /// Works with it.
    Collaborator,
}

/// One deduction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// What was deducted.
    pub amount: Money,
    /// Start of the period it pays for.
    pub period_start: DateTime<Utc>,
    /// End of the period, after its start.
    pub period_end: DateTime<Utc>,
    /// What used it, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    /// Pay-by-traffic: does not count towards the runway (POST-1).
    pub traffic: bool,
}

/// A resource enters dunlin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Its id.
    pub resource: ResourceId,
    /// The lifecycle it follows.
    pub policy: PolicyId,
    /// Must be the account's where given.
    pub currency: Option<Currency>,
    /// What it is, for people and for the rules that look at it.
    pub traits: Traits,
    /// When it was bought.
    pub purchased_at: Option<DateTime<Utc>>,
    /// When its term ends; policies that run on expiry need it, or `term_months`.
    pub expires_at: Option<DateTime<Utc>>,
    /// Length of the first term, in calendar months.
    pub term_months: Option<u32>,
    /// Whether and how it renews itself.
    pub auto_renew: Option<AutoRenew>,
    /// What may be returned, and to which tender.
    pub orders: Vec<Order>,
}

/// What a resource is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Traits {
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Zone of the region (not a time zone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Instance family, as `SN2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_family: Option<String>,
    /// Price of one month, in the account's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Decimal>,
    /// Price of one hour of the same configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly_price: Option<Decimal>,
    /// How its network is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// What is attached to it; unknown without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<Attachment>>,
    /// Its disks; unknown without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disks: Option<Vec<Disk>>,
    /// Facts that rule out a return.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// How a resource's network is billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Now.
    pub billing: NetworkBilling,
    /// Price of one hour of bandwidth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly_price: Option<Decimal>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<DateTime<Utc>>,
}

/// How a network is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkBilling {
    /// Later, apart from the instance.
    Postpaid,
    /// By the hour of bandwidth.
    Bandwidth,
    /// By traffic.
    Traffic,
}

/// Something attached to a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attachment {
    /// What kind of thing, in the policy's words (`load_balancer`).
    pub kind: String,
    /// Which, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Which.
    pub id: String,
    /// Elastic disks outlive the instance; local and non-elastic ones do not.
    pub elastic: bool,
}

/// A fact that rules out a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Bought in a promotion.
    Promotional,
    /// Bought postpaid by the month, then converted.
    ConvertedFromPostpaid,
    /// Looks like abuse.
    Suspicious,
}

/// What was paid for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which.
    pub id: String,
    /// For what.
    pub kind: OrderKind,
    /// Paid in cash.
    pub cash: Decimal,
    /// Paid from the revenue account.
    pub revenue: Decimal,
    /// Paid from the complimentary account.
    pub complimentary: Decimal,
    /// Paid with vouchers: not returned.
    pub vouchers: Decimal,
    /// When it takes effect.
    pub starts_at: DateTime<Utc>,
    /// For how many days.
    pub term_days: u32,
}

/// What an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// The first term.
    New,
    /// A later term.
    Renewal,
    /// A larger configuration.
    Upgrade,
}

/// Whether and how a resource renews itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoRenew {
    /// Who renews.
    pub mode: RenewMode,
    /// For how many calendar months; the policy derives it where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
}

/// Who renews a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewMode {
    /// dunlin asks for charges.
    Auto,
    /// Its owner.
    Manual,
    /// Nobody.
    None,
}

/// One thing that becomes smaller at a renewal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downgrade {
    /// Which (`instance_type`, `bandwidth`, `network_billing`, `data_disk_billing`).
    pub field: String,
    /// To what.
    pub to: String,
}

/// How a customer terminates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminationMode {
    /// To the bin.
    Recycle,
    /// At once and for good.
    Immediate,
}

/// What a hold stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldScope {
    /// Irreversible steps.
    Release,
    /// Stops, moves to the bin and irreversible steps.
    All,
}

/// A resource in the middle of its life comes over from the system before dunlin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// As when activated.
    pub activation: Activation,
    /// The phase it is in.
    pub phase: super::id::PhaseName,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the arrears that it is in began, if it is.
    pub arrears_since: Option<DateTime<Utc>>,
    /// What its contacts were already told.
    pub notices_sent: Vec<SentNotice>,
}

/// A notice that the system before dunlin sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentNotice {
    /// Which.
    pub notice: super::id::NoticeKind,
    /// When.
    pub at: DateTime<Utc>,
}
