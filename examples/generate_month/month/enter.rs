//! How people and resources come into an account: what a story leaves open is drawn here.

use chrono::{DateTime, Months, TimeDelta, Utc};
use rand::RngExt as _;
use rust_decimal::Decimal;

use super::item::{Item, Price};
use super::ledger::{Rate, State, Unit};
use super::play::Player;
use super::story::Person;
use super::wire::{Attachment, AutoRenew, Contact, Data, Disk, Resource, SentNotice, TakenOver};
use super::{Chance, instant, zone};

/// Six hours each, and one for the last deduction.
const TRAFFIC_PARTS: usize = 4 * 31 + 1;

impl Player<'_> {
    pub(super) fn join(&mut self, (name, mailbox, locale): Person) {
        let first = self.people.is_empty();
        // Most have a phone; whoever opened the account always has.
        let phone = first || self.chance.random_range(0..4) > 0;
        self.people.push(Contact {
            name,
            role: if first { "creator" } else { "collaborator" },
            email: format!("{mailbox}@{}.example", self.story.domain),
            phone: phone.then(|| format!("+8613800000{:03}", self.phone)),
            locale,
        });
        self.phone += 1;
    }

    pub(super) fn tell_account(&mut self, at: DateTime<Utc>) {
        let data = Data::Account {
            currency: self.story.currency,
            name: self.story.company,
            locale: self.story.locale,
            contacts: self.people.clone(),
        };
        self.tell(at, "billing.account.updated", data);
    }

    /// A resource begins, or is one of those that were there before dunlin.
    pub(super) fn begin(&mut self, at: DateTime<Utc>, item: &Item, before: bool) {
        let purchased_at = if before { self.purchase_before(item) } else { at };
        let expires_at =
            item.expires.map(instant).or_else(|| Some(later(purchased_at, item.term?)));
        let rate = self.rate(item.price);
        let unit = Unit {
            id: self.id_of(item),
            rate: rate.clone(),
            expires_at,
            months: item.auto_renew.or(item.term).unwrap_or(1),
            state: State::Running,
            billed_to: if before { instant(self.story.opens) } else { at },
            ends_at: None,
            kept: match item.policy {
                "tencent-cvm-postpaid-15d" => Some(TimeDelta::days(15)),
                "tencent-cvm-postpaid-24h" => Some(TimeDelta::hours(24)),
                _ => None,
            },
        };
        let resource = self.describe(item, &unit, purchased_at);
        let taken_over = before.then(|| taken_over(item, purchased_at, expires_at, at));
        let kind = if before { "billing.resource.imported" } else { "billing.resource.activated" };
        self.tell(at, kind, Data::Resource(Box::new(Resource { taken_over, ..resource })));
        self.ledger.units.insert(item.name, unit);
    }

    fn describe(&mut self, item: &Item, unit: &Unit, purchased_at: DateTime<Utc>) -> Resource {
        let is_network = matches!(item.price, Price::Traffic(_));
        let by_month = matches!(item.price, Price::Month(_));
        let mut disks = Vec::new();
        if !is_network {
            disks.push(Disk { id: self.draw_id("disk"), elastic: false });
        }
        if item.elastic_disk {
            disks.push(Disk { id: self.draw_id("disk"), elastic: true });
        }
        Resource {
            resource: unit.id.clone(),
            policy: item.policy,
            currency: self.story.currency,
            name: item.name,
            region: self.story.region,
            zone: format!("{}-{}", self.story.region, self.chance.random_range(1..=4)),
            instance_family: (!is_network)
                .then(|| ["S5", "S6", "SA3", "M5"][self.chance.random_range(0..4)]),
            purchased_at,
            // What is bought within the month says its length instead.
            expires_at: unit.expires_at.filter(|_| item.term.is_none()),
            term_months: item.term,
            auto_renew: by_month.then(|| AutoRenew {
                mode: if item.auto_renew.is_some() { "auto" } else { "manual" },
                months: item.auto_renew,
            }),
            price: match unit.rate {
                Rate::Month(price) => Some(price),
                _ => None,
            },
            hourly_price: match (item.price, &unit.rate) {
                (_, Rate::Hour(price)) => Some(*price),
                // By the hour the same server costs more than a month's share.
                (Price::Month(_), Rate::Month(price)) => {
                    Some((*price / Decimal::from(480)).round_dp(2))
                }
                _ => None,
            },
            attachments: item
                .attached
                .iter()
                .map(|kind| Attachment { kind, id: self.draw_id(short(kind)) })
                .collect(),
            disks,
            taken_over: None,
        }
    }

    fn rate(&mut self, price: Price) -> Rate {
        match price {
            Price::Month(price) => Rate::Month(money(price)),
            Price::Hour(price) => Rate::Hour(money(price)),
            Price::Traffic(day) => {
                let hour = money(day) / Decimal::from(24);
                let mut part = || Decimal::new(self.chance.random_range(55..=145), 2);
                Rate::Traffic((0..TRAFFIC_PARTS).map(|_| hour * part()).collect())
            }
        }
    }

    /// A term before the one that runs out, or some months ago.
    fn purchase_before(&mut self, item: &Item) -> DateTime<Utc> {
        match item.expires {
            Some(expiry) => earlier(instant(expiry), [1, 3, 6, 12][self.chance.random_range(0..4)]),
            None => {
                instant((1, "00:00"))
                    - TimeDelta::minutes(self.chance.random_range(30_000..400_000))
            }
        }
    }

    fn id_of(&self, item: &Item) -> String {
        let kind = if matches!(item.price, Price::Traffic(_)) { "net" } else { "ins" };
        format!("{kind}-{}-{}", self.story.account.trim_start_matches("acc-"), item.name)
    }

    fn draw_id(&mut self, kind: &str) -> String {
        const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let letter =
            |chance: &mut Chance| char::from(LETTERS[chance.random_range(0..LETTERS.len())]);
        let drawn: String = (0..8).map(|_| letter(self.chance)).collect();
        format!("{kind}-{drawn}")
    }
}

/// What the system before dunlin knew: the phase, since when, and what it told.
fn taken_over(
    item: &Item,
    purchased_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> TakenOver {
    let slots = [-7, -5, -3, -1, 0, 2, 4, 6];
    let slot = |expiry: DateTime<Utc>, days: i64| SentNotice {
        notice: if days < 0 { "expiry-warning" } else { "expired" },
        at: expiry + TimeDelta::days(days),
    };
    let sent = expires_at.into_iter().flat_map(|expiry| slots.map(|days| slot(expiry, days)));
    TakenOver {
        phase: if item.in_bin { "recycled" } else { "active" },
        since: expires_at.filter(|_| item.in_bin).unwrap_or(purchased_at),
        notices_sent: sent.filter(|sent| sent.at <= now).collect(),
    }
}

fn short(kind: &str) -> &'static str {
    match kind {
        "load_balancer" => "lb",
        "elastic_ip" => "eip",
        "auxiliary_nic" => "eni",
        _ => "disk",
    }
}

/// So many months later, at the same local time.
pub(super) fn later(at: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    (at.with_timezone(&zone()) + Months::new(months)).to_utc()
}

fn earlier(at: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    (at.with_timezone(&zone()) - Months::new(months)).to_utc()
}

/// An amount as a story writes it.
pub(super) fn money(text: &str) -> Decimal {
    text.parse().expect("a story writes decimals")
}
