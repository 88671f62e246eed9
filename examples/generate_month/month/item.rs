//! What an account has: servers and networks, by what they cost and when they end.

use super::Local;

/// A resource, as a story writes it.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: &'static str,
    pub(super) policy: &'static str,
    pub(super) price: Price,
    pub(super) expires: Option<Local>,
    /// Months of the first term, of what is bought within the month.
    pub(super) term: Option<u32>,
    pub(super) auto_renew: Option<u32>,
    pub(super) attached: &'static [&'static str],
    pub(super) elastic_disk: bool,
    /// In the bin since its expiry, before dunlin came.
    pub(super) in_bin: bool,
}

/// What it costs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Price {
    /// A month, paid before.
    Month(&'static str),
    /// An hour, deducted afterwards.
    Hour(&'static str),
    /// A usual day's traffic, deducted afterwards.
    Traffic(&'static str),
}

/// A prepaid server whose term ends then.
pub(super) fn prepaid(name: &'static str, month: &'static str, expires: Local) -> Item {
    Item { expires: Some(expires), ..item(name, "tencent-cvm-prepaid", Price::Month(month)) }
}

/// A prepaid server that is bought for so many months.
pub(super) fn prepaid_for(name: &'static str, month: &'static str, months: u32) -> Item {
    Item { term: Some(months), ..item(name, "tencent-cvm-prepaid", Price::Month(month)) }
}

/// A server by the hour.
pub(super) fn hourly(name: &'static str, hour: &'static str) -> Item {
    item(name, "tencent-cvm-postpaid-15d", Price::Hour(hour))
}

/// A server by the hour under the older rule.
pub(super) fn hourly_older(name: &'static str, hour: &'static str) -> Item {
    item(name, "tencent-cvm-postpaid-24h", Price::Hour(hour))
}

/// A network that is paid by traffic.
pub(super) fn network(name: &'static str, day: &'static str) -> Item {
    item(name, "tencent-network-traffic", Price::Traffic(day))
}

fn item(name: &'static str, policy: &'static str, price: Price) -> Item {
    Item {
        name,
        policy,
        price,
        expires: None,
        term: None,
        auto_renew: None,
        attached: &[],
        elastic_disk: false,
        in_bin: false,
    }
}

impl Item {
    pub(super) fn auto_renewed(mut self, months: u32) -> Self {
        self.auto_renew = Some(months);
        self
    }

    pub(super) fn with(mut self, attached: &'static [&'static str]) -> Self {
        self.attached = attached;
        self
    }

    pub(super) fn elastic_disk(mut self) -> Self {
        self.elastic_disk = true;
        self
    }

    pub(super) fn in_bin(mut self) -> Self {
        self.in_bin = true;
        self
    }
}
