//! The events as they are written, key by key, so that no feature of a JSON library changes their order.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

/// One event, before it has an id.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// When it happened.
    pub(super) time: DateTime<Utc>,
    /// When it was sent: later, where the pipeline was slow.
    pub(super) sent: DateTime<Utc>,
    pub(super) kind: &'static str,
    pub(super) account: Option<&'static str>,
    pub(super) data: Data,
}

#[derive(Serialize)]
struct Envelope<'e> {
    specversion: &'static str,
    id: &'e str,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'static str>,
    time: DateTime<Utc>,
    datacontenttype: &'static str,
    data: Body<'e>,
}

#[derive(Serialize)]
struct Body<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'static str>,
    #[serde(flatten)]
    data: &'e Data,
}

/// What is in `data`, beside the account.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Data {
    Heartbeat {},
    Account {
        currency: &'static str,
        name: &'static str,
        locale: &'static str,
        contacts: Vec<Contact>,
    },
    Balance {
        balance: Decimal,
        currency: &'static str,
        sequence: u64,
    },
    Usage {
        resource: String,
        amount: Decimal,
        currency: &'static str,
        period_start: DateTime<Utc>,
        period_end: DateTime<Utc>,
        #[serde(skip_serializing_if = "Option::is_none")]
        kind: Option<&'static str>,
    },
    Resource(Box<Resource>),
    Expiry {
        resource: String,
        expires_at: DateTime<Utc>,
        sequence: u64,
    },
    AutoRenew {
        resource: String,
        mode: &'static str,
        months: u32,
    },
    Renewal {
        resource: String,
        months: u32,
    },
    Charge {
        resource: String,
        charge: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    Termination {
        resources: Vec<String>,
        mode: &'static str,
    },
    Schedule {
        resource: String,
        at: DateTime<Utc>,
    },
    Named {
        resource: String,
    },
    Hold {
        #[serde(skip_serializing_if = "Option::is_none")]
        resource: Option<String>,
        hold: &'static str,
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        scope: Option<&'static str>,
    },
}

/// One person who is told.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Contact {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) locale: Option<&'static str>,
}

/// A resource that begins, or is taken over.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Resource {
    pub(super) resource: String,
    pub(super) policy: &'static str,
    pub(super) currency: &'static str,
    pub(super) name: &'static str,
    pub(super) region: &'static str,
    pub(super) zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance_family: Option<&'static str>,
    pub(super) purchased_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) term_months: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auto_renew: Option<AutoRenew>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hourly_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<Attachment>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) disks: Vec<Disk>,
    #[serde(flatten)]
    pub(super) taken_over: Option<TakenOver>,
}

/// What an imported resource has besides.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TakenOver {
    pub(super) phase: &'static str,
    pub(super) since: DateTime<Utc>,
    pub(super) notices_sent: Vec<SentNotice>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct SentNotice {
    pub(super) notice: &'static str,
    pub(super) at: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct AutoRenew {
    pub(super) mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) months: Option<u32>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Attachment {
    pub(super) kind: &'static str,
    pub(super) id: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Disk {
    pub(super) id: String,
    pub(super) elastic: bool,
}

impl Event {
    /// The event as one line, without its end.
    pub(super) fn line(&self, id: &str) -> String {
        let envelope = Envelope {
            specversion: "1.0",
            id,
            source: "/billing",
            kind: self.kind,
            subject: self.account,
            time: self.time,
            datacontenttype: "application/json",
            data: Body { account: self.account, data: &self.data },
        };
        serde_json::to_string(&envelope).expect("strings and numbers become JSON")
    }
}
