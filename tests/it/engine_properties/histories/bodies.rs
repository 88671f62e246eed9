//! What events say, drawn at random: every type of spec §3, with values on both sides of what the rules look at.
//!
//! Knows no engine state but what `history` hands over: the hour, the resource, the charges that are open.

use chrono::{DateTime, Duration, Utc};
use dunlin::engine::id::{PhaseName, PolicyId, ResourceId};
use dunlin::engine::input::{
    Activation, Attachment, AutoRenew, Body, Contact, Disk, Downgrade, Flag, HoldScope, Import,
    Network, NetworkBilling, Order, OrderKind, Profile, RenewMode, Role, TerminationMode, Traits,
    Usage,
};
use dunlin::engine::money::Money;
use rust_decimal::Decimal;

use super::chance::Chance;

/// What draws the bodies of one account's events.
pub(super) struct Draw<'a> {
    pub(super) chance: &'a mut Chance,
    /// When the event happened.
    pub(super) time: DateTime<Utc>,
}

/// What moratoria may name; some resources are in none.
const REGIONS: [&str; 2] = ["north", "south"];

pub(super) fn money(amount: Decimal, currency: &str) -> Money {
    Money { amount, currency: currency.parse().expect("in use") }
}

/// Cents, so that sums have something to round.
fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

impl Draw<'_> {
    fn sequence(&mut self) -> Option<u64> {
        self.chance.percent(15).then(|| self.chance.below(5) as u64)
    }

    pub(super) fn profile(&mut self, contacts: usize) -> Body {
        let contact = |(index, role)| Contact {
            name: format!("Contact {index}"),
            role,
            email: Some(format!("c{index}@acc.example")),
            phone: (index == 0).then(|| "+8613800000001".to_owned()),
            locale: None,
        };
        let roles = [Role::Creator, Role::Collaborator];
        let contacts = roles.into_iter().enumerate().take(contacts).map(contact).collect();
        let currency = if self.chance.percent(4) { "USD" } else { "CNY" };
        let currency = currency.parse().expect("in use");
        Body::AccountUpdated(Profile { currency, contacts, locale: None, name: None })
    }

    pub(super) fn balance(&mut self) -> Body {
        let amount = self.chance.weighted(&[
            (20, -500),
            (8, -1),
            (10, 0),
            (6, 1),
            (20, 500),
            (8, 1500),
            (14, 50_000),
        ]);
        let currency = if self.chance.percent(3) { "USD" } else { "CNY" };
        let sequence = self.sequence();
        Body::BalanceReported { balance: money(cents(amount), currency), sequence }
    }

    pub(super) fn usage(&mut self, resource: Option<ResourceId>) -> Body {
        let hours = Duration::hours;
        let begin = self.time + hours(self.chance.between(-30, 1));
        let length = self.chance.pick(&[hours(1), hours(24), Duration::minutes(10)]);
        let currency = if self.chance.percent(3) { "USD" } else { "CNY" };
        Body::UsageCharged(Usage {
            amount: money(cents(self.chance.pick(&[0, 1, 100, 300, 2000])), currency),
            period_start: begin,
            period_end: begin + length,
            resource: resource.filter(|_| self.chance.percent(70)),
            traffic: self.chance.percent(15),
        })
    }

    pub(super) fn expiry(&mut self, resource: ResourceId) -> Body {
        let expires_at = self.some_expiry();
        Body::ExpiryChanged { resource, expires_at, sequence: self.sequence() }
    }

    /// From a little before now to six weeks ahead, often on the hour or at midnight in Shanghai.
    fn some_expiry(&mut self) -> DateTime<Utc> {
        let hours = self.chance.weighted(&[(2, -60), (3, 6), (5, 40), (10, 400), (5, 1000)]);
        let hours = self.chance.between(hours.min(0), hours.max(0));
        let at = self.time + Duration::hours(hours);
        if self.chance.percent(30) { super::history::midnight(at) } else { at }
    }

    pub(super) fn auto_renew(&mut self) -> AutoRenew {
        let mode = self.chance.weighted(&[
            (6, RenewMode::Auto),
            (2, RenewMode::Manual),
            (1, RenewMode::None),
        ]);
        let months = self.chance.percent(50).then(|| self.chance.pick(&[1, 2, 3, 4, 12]));
        AutoRenew { mode, months }
    }

    pub(super) fn renewal(&mut self, resource: ResourceId) -> Body {
        let months = self.chance.pick(&[1, 1, 1, 2, 9, 10, 12, 60, 61, 0]);
        let fields = ["instance_type", "bandwidth", "network_billing", "data_disk_billing", "name"];
        let count = if self.chance.percent(40) { self.chance.between(1, 2) } else { 0 };
        let downgrade = (0..count).map(|_| Downgrade {
            field: self.chance.pick(&fields).into(),
            to: self.chance.pick(&["traffic", "small"]).into(),
        });
        let downgrade = downgrade.collect();
        Body::RenewalRequested { resource, months, downgrade }
    }

    pub(super) fn answer(&mut self, resource: ResourceId, charge: String) -> Body {
        if self.chance.percent(45) {
            Body::ChargeSucceeded { resource, charge }
        } else {
            Body::ChargeFailed { resource, charge, reason: None }
        }
    }

    pub(super) fn termination(&mut self, resources: Vec<ResourceId>) -> Body {
        let mode = [TerminationMode::Recycle, TerminationMode::Immediate];
        Body::TerminationRequested { resources, mode: self.chance.pick(&mode) }
    }

    pub(super) fn schedule(&mut self, resource: ResourceId) -> Body {
        if self.chance.percent(42) {
            return Body::TerminationCancelled { resource };
        }
        let seconds = self.chance.pick(&[-3600, 0, 1, 3600, 7200, 20_000, 200_000]);
        Body::TerminationScheduled { resource, at: self.time + Duration::seconds(seconds) }
    }

    pub(super) fn sync(&mut self, resources: Vec<ResourceId>) -> Body {
        let day_of_month = self.chance.pick(&[1, 1, 12, 28, 28, 0, 29]);
        Body::ExpirySyncRequested { resources, day_of_month }
    }

    pub(super) fn hold(&mut self, resource: Option<ResourceId>) -> Body {
        let hold = self.hold_id();
        let scope = self.chance.pick(&[HoldScope::Release, HoldScope::All]);
        let hours = self.chance.pick(&[-1, 0, 2, 20, 60, 300]);
        let until = self.chance.percent(60).then(|| self.time + Duration::hours(hours));
        Body::HoldPlaced { resource, hold, reason: "a case".into(), scope, until }
    }

    pub(super) fn lift(&mut self, resource: Option<ResourceId>) -> Body {
        Body::HoldLifted { resource, hold: self.hold_id() }
    }

    fn hold_id(&mut self) -> Option<String> {
        self.chance.percent(60).then(|| format!("h-{}", self.chance.below(2)))
    }

    pub(super) fn activation(&mut self, resource: ResourceId, policy: &str) -> Activation {
        let bought = self.chance.pick(&[0, 1, 26, 50, 100, 143, 800]);
        let bought = self.time - Duration::hours(bought);
        let expires_at = self.chance.percent(75).then(|| self.some_expiry());
        let term_months = (expires_at.is_none() || self.chance.percent(20))
            .then(|| self.chance.pick(&[1, 1, 12, 70]));
        // Now and then it says neither: an error to report, never a date to invent.
        let term_months = term_months.filter(|_| !self.chance.percent(4));
        let auto_renew = self.chance.percent(80).then(|| self.auto_renew());
        Activation {
            resource,
            policy: PolicyId::from(policy),
            currency: self.chance.percent(2).then(|| "USD".parse().expect("in use")),
            traits: self.traits(bought),
            purchased_at: self.chance.percent(80).then_some(bought),
            expires_at,
            term_months,
            auto_renew,
            orders: self.orders(bought),
        }
    }

    /// The same in the middle of a life that began elsewhere.
    pub(super) fn import(
        &mut self,
        activation: Activation,
        phase: PhaseName,
        postpaid: bool,
    ) -> Body {
        let since = self.time - Duration::hours(self.chance.pick(&[0, 1, 30, 200]));
        let arrears_since = (postpaid && self.chance.percent(50))
            .then(|| since - Duration::hours(self.chance.between(0, 3)));
        let notices_sent = Vec::new();
        Body::ResourceImported(Box::new(Import {
            activation,
            phase,
            since,
            arrears_since,
            notices_sent,
        }))
    }

    fn traits(&mut self, bought: DateTime<Utc>) -> Traits {
        let flags = [Flag::Promotional, Flag::ConvertedFromPostpaid, Flag::Suspicious];
        let kinds = ["load_balancer", "elastic_ip", "auxiliary_nic"];
        let kind = self.chance.pick(&kinds);
        let attachments = self.chance.percent(50).then(|| vec![attachment(kind)]);
        let disk = |(index, elastic)| Disk { id: format!("disk-{index}"), elastic };
        let disks = [false, true].into_iter().enumerate().map(disk);
        Traits {
            name: None,
            region: REGIONS
                .get(bought.timestamp().unsigned_abs() as usize % 3)
                .map(|one| (*one).into()),
            zone: Some(self.chance.weighted(&[(8, "guangzhou-2"), (2, "guangzhou-open")]).into()),
            instance_family: Some(self.chance.weighted(&[(8, "S1"), (2, "SN2")]).into()),
            price: self.chance.percent(90).then(|| cents(self.chance.pick(&[500, 5100]))),
            hourly_price: self.chance.percent(95).then(|| cents(self.chance.pick(&[42, 7]))),
            network: self.chance.percent(70).then(|| self.network(bought)),
            attachments,
            disks: self.chance.percent(50).then(|| disks.collect()),
            flags: self.chance.percent(20).then(|| self.chance.pick(&flags)).into_iter().collect(),
        }
    }

    fn network(&mut self, bought: DateTime<Utc>) -> Network {
        let billing =
            [NetworkBilling::Postpaid, NetworkBilling::Bandwidth, NetworkBilling::Traffic];
        Network {
            billing: self.chance.pick(&billing),
            hourly_price: self.chance.percent(95).then(|| cents(8)),
            changed_at: self
                .chance
                .percent(50)
                .then(|| bought + Duration::hours(self.chance.between(-2, 40))),
        }
    }

    /// What was paid: the first term, and perhaps a later one, an upgrade, or nothing that is known.
    fn orders(&mut self, bought: DateTime<Utc>) -> Vec<Order> {
        let kinds = [(OrderKind::New, 0), (OrderKind::Upgrade, 20), (OrderKind::Renewal, 30 * 24)];
        let count = self.chance.weighted(&[(1, 0), (5, 1), (3, 2), (2, 3)]);
        let order = |(index, (kind, hours))| Order {
            id: format!("o-{index}"),
            kind,
            cash: cents(self.chance.pick(&[0, 1, 5_100, 40_796])),
            // Also with half a cent, which a sum carries to its end (RET-7).
            revenue: Decimal::new(self.chance.pick(&[0, 3330, 3335]), 3),
            complimentary: cents(self.chance.pick(&[0, 1_000])),
            vouchers: cents(self.chance.pick(&[0, 2_000])),
            starts_at: bought + Duration::hours(hours),
            term_days: self.chance.pick(&[0, 30, 31]),
        };
        kinds.into_iter().take(count).enumerate().map(order).collect()
    }
}

fn attachment(kind: &str) -> Attachment {
    Attachment { kind: kind.into(), id: Some(format!("{kind}-1")) }
}
