//! The parts of a resource on the wire: network, orders, attachments, disks, flags.

use schemars::JsonSchema;
use serde::Deserialize;

use super::RenewMode;
use crate::engine::input;
use crate::event::scalar::{Id, Instant, Price};

/// Whether and how it renews itself.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct AutoRenew {
    /// Who renews it.
    pub(super) mode: RenewMode,
    /// For how many calendar months; derived by the policy where it is missing.
    pub(super) months: Option<u32>,
}

/// How its network is billed.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Network {
    /// Later and apart from the instance, by the hour of bandwidth, or by traffic.
    billing: NetworkBilling,
    /// Price of one hour of bandwidth.
    hourly_price: Option<Price>,
    /// When it was last changed.
    changed_at: Option<Instant>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum NetworkBilling {
    Postpaid,
    Bandwidth,
    Traffic,
}

/// What was paid for one thing.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Order {
    /// Which.
    id: Id,
    /// For what.
    kind: OrderKind,
    /// What was paid, by tender.
    paid: Paid,
    /// What was paid with vouchers.
    vouchers: Option<Price>,
    /// When it takes effect.
    starts_at: Instant,
    /// For how many days.
    term_days: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OrderKind {
    New,
    Renewal,
    Upgrade,
}

/// What was paid, by tender.
#[derive(Debug, Deserialize, JsonSchema)]
struct Paid {
    /// In cash.
    cash: Option<Price>,
    /// From the revenue account.
    revenue: Option<Price>,
    /// From the complimentary account.
    complimentary: Option<Price>,
}

/// Something attached to it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Attachment {
    /// What kind of thing, in the policy's words (`load_balancer`).
    kind: Id,
    /// Which.
    id: Option<Id>,
}

/// A disk.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Disk {
    /// Which.
    id: Id,
    /// Elastic disks outlive the instance; local and non-elastic ones do not.
    elastic: bool,
}

/// A fact that rules out a return.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Flag {
    Promotional,
    ConvertedFromPostpaid,
    Suspicious,
}

/// All of a list in the engine's terms.
pub(super) fn all<T, U: From<T>>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}

impl From<Network> for input::Network {
    fn from(network: Network) -> Self {
        Self {
            billing: match network.billing {
                NetworkBilling::Postpaid => input::NetworkBilling::Postpaid,
                NetworkBilling::Bandwidth => input::NetworkBilling::Bandwidth,
                NetworkBilling::Traffic => input::NetworkBilling::Traffic,
            },
            hourly_price: network.hourly_price.map(|price| price.0),
            changed_at: network.changed_at.map(|at| at.0),
        }
    }
}

impl From<Order> for input::Order {
    fn from(order: Order) -> Self {
        let amount = |price: Option<Price>| price.map(|price| price.0).unwrap_or_default();
        Self {
            id: order.id.into(),
            kind: match order.kind {
                OrderKind::New => input::OrderKind::New,
                OrderKind::Renewal => input::OrderKind::Renewal,
                OrderKind::Upgrade => input::OrderKind::Upgrade,
            },
            cash: amount(order.paid.cash),
            revenue: amount(order.paid.revenue),
            complimentary: amount(order.paid.complimentary),
            vouchers: amount(order.vouchers),
            starts_at: order.starts_at.0,
            term_days: order.term_days,
        }
    }
}

impl From<Attachment> for input::Attachment {
    fn from(attachment: Attachment) -> Self {
        Self { kind: attachment.kind.into(), id: attachment.id.map(Into::into) }
    }
}

impl From<Disk> for input::Disk {
    fn from(disk: Disk) -> Self {
        Self { id: disk.id.into(), elastic: disk.elastic }
    }
}

impl From<Flag> for input::Flag {
    fn from(flag: Flag) -> Self {
        match flag {
            Flag::Promotional => Self::Promotional,
            Flag::ConvertedFromPostpaid => Self::ConvertedFromPostpaid,
            Flag::Suspicious => Self::Suspicious,
        }
    }
}
