//! Plays one story: its acts in their order, the deductions between them, and the events that tell of both.

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rust_decimal::Decimal;

use super::enter::{later, money};
use super::item::{Item, Price};
use super::ledger::{Ledger, Rate, State};
use super::story::{Act, Hold, Opening, Story};
use super::wire::{Contact, Data, Event};
use super::{Chance, instant};

/// The pipeline, as far as one account is concerned.
pub(super) struct Player<'a> {
    pub(super) story: &'a Story,
    pub(super) ledger: Ledger,
    pub(super) people: Vec<Contact>,
    pub(super) chance: &'a mut Chance,
    events: Vec<Event>,
    /// The last digits of its next phone number.
    pub(super) phone: usize,
}

/// The events of an account's month, those of one instant in the order in which they were sent.
pub(super) fn play(story: &Story, index: usize, chance: &mut Chance) -> Vec<Event> {
    let mut player = Player {
        story,
        ledger: Ledger::new(),
        people: Vec::new(),
        chance,
        events: Vec::new(),
        phone: 101 + index * 4,
    };
    let opens = instant(story.opens) + TimeDelta::seconds(7 * index as i64);
    let runs = player.runs(opens);
    player.open(opens, &runs);
    let mut acts: Vec<(DateTime<Utc>, Act)> = runs.into_iter().map(|at| (at, Act::Bill)).collect();
    for (at, act) in &story.acts {
        let seconds = player.chance.random_range(0..60);
        acts.push((instant(*at) + TimeDelta::seconds(seconds), act.clone()));
    }
    acts.sort_by_key(|(at, _)| *at);
    for (at, act) in acts {
        player.settle(at);
        player.act(at, act);
    }
    player.events
}

impl Player<'_> {
    /// When usage is deducted.
    fn runs(&mut self, opens: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let (every, hour) = self.story.billed;
        let first = instant((1, "00:00"))
            + TimeDelta::hours(i64::from(hour))
            + TimeDelta::seconds(self.chance.random_range(5 * 60..25 * 60));
        let end = instant((32, "00:00"));
        let every = TimeDelta::hours(i64::from(every));
        let all = std::iter::successors(Some(first), |at| Some(*at + every));
        all.take_while(|at| *at < end).filter(|at| *at > opens).collect()
    }

    fn open(&mut self, at: DateTime<Utc>, runs: &[DateTime<Utc>]) {
        for person in self.story.people.clone() {
            self.join(person);
        }
        self.tell_account(at);
        let mut when = at + TimeDelta::minutes(5);
        for item in self.story.owns.clone() {
            self.begin(when, &item, true);
            when += TimeDelta::seconds(2);
        }
        let opening = match self.story.opening {
            Opening::Balance(amount) => money(amount),
            Opening::LastsUntil(dry) => {
                let last = runs.iter().position(|run| *run >= instant(dry));
                self.ledger.enough_until(&runs[..=last.expect("it runs dry within the month")])
            }
        };
        self.ledger.pay(opening, when);
        self.tell_balance(when, when);
    }

    /// What arrears do by `now`: usage ends, and is deducted a last time.
    fn settle(&mut self, now: DateTime<Utc>) {
        if let Some(stop) = self.ledger.stop_at().filter(|stop| *stop <= now) {
            self.bill(stop, stop + TimeDelta::minutes(1));
            self.ledger.stop(stop);
        }
        self.ledger.end(now);
    }

    fn act(&mut self, at: DateTime<Utc>, act: Act) {
        match act {
            Act::Bill => self.bill(at, at),
            Act::TopUp(amount) => self.pay(money(amount), at, at),
            Act::TopUpToldLate(amount, minutes) => {
                self.pay(money(amount), at, at + TimeDelta::minutes(minutes));
            }
            Act::SettlesDebt => self.pay(-self.ledger.balance, at, at),
            Act::Buys(item) => self.buy(at, &item),
            Act::Joins(person) => {
                self.join(person);
                self.tell_account(at);
            }
            Act::Hold(hold) => self.hold(at, hold, true),
            Act::Lift(hold) => self.hold(at, hold, false),
            Act::Renewed(names, months) => self.renewed(at, names, months),
            Act::AsksRenewal(name, months) => {
                let resource = self.ledger.unit(name).id.clone();
                self.tell(at, "billing.renewal.requested", Data::Renewal { resource, months });
                self.extend(at + TimeDelta::seconds(20), name, months);
            }
            Act::Paid(name) => {
                self.answer(at, name, None);
                let months = self.ledger.unit(name).months;
                self.extend(at + TimeDelta::seconds(1), name, months);
            }
            Act::Refused(name) => self.answer(at, name, Some("balance insufficient")),
            Act::SetsAutoRenew(name, months) => {
                let unit = self.ledger.unit(name);
                unit.months = months;
                let resource = unit.id.clone();
                let data = Data::AutoRenew { resource, mode: "auto", months };
                self.tell(at, "billing.auto_renew.changed", data);
            }
            Act::Terminates(..)
            | Act::Schedules(..)
            | Act::CancelsSchedule(_)
            | Act::Restores(_)
            | Act::Releases(_)
            | Act::Removed(_) => self.end(at, act),
        }
    }

    /// What ends a resource, or brings it back.
    fn end(&mut self, at: DateTime<Utc>, act: Act) {
        match act {
            Act::Terminates(names, mode) => {
                let resources =
                    names.iter().map(|name| self.ledger.unit(name).id.clone()).collect();
                self.tell(
                    at,
                    "billing.termination.requested",
                    Data::Termination { resources, mode },
                );
                if !self.ledger.is_in_arrears() {
                    let state = if mode == "recycle" { State::Binned } else { State::Gone };
                    self.bill(at, at + TimeDelta::seconds(30));
                    for name in names {
                        self.ledger.unit(name).state = state;
                    }
                }
            }
            Act::Schedules(name, end) => {
                let unit = self.ledger.unit(name);
                unit.ends_at = Some(instant(end));
                let data = Data::Schedule { resource: unit.id.clone(), at: instant(end) };
                self.tell(at, "billing.termination.scheduled", data);
            }
            Act::CancelsSchedule(name) => {
                self.ledger.unit(name).ends_at = None;
                self.tell_named(at, "billing.termination.cancelled", name);
            }
            Act::Restores(name) => {
                let unit = self.ledger.unit(name);
                if unit.state == State::Binned {
                    (unit.state, unit.billed_to) = (State::Running, at);
                }
                self.tell_named(at, "billing.restore.requested", name);
            }
            Act::Releases(name) => self.tell_named(at, "billing.release.requested", name),
            Act::Removed(name) => {
                self.bill(at, at);
                self.ledger.unit(name).state = State::Gone;
                self.tell_named(at + TimeDelta::seconds(5), "billing.resource.removed", name);
            }
            _ => unreachable!("only what ends or restores comes here"),
        }
    }

    fn bill(&mut self, until: DateTime<Utc>, at: DateTime<Utc>) {
        let usage = self.ledger.bill(until);
        if usage.is_empty() {
            return;
        }
        for usage in usage {
            let data = Data::Usage {
                resource: usage.resource,
                amount: usage.amount,
                currency: self.story.currency,
                period_start: usage.from,
                period_end: usage.to,
                kind: usage.traffic.then_some("traffic"),
            };
            self.tell(at, "billing.usage.charged", data);
        }
        self.tell_balance(at, at);
    }

    fn pay(&mut self, amount: Decimal, at: DateTime<Utc>, told: DateTime<Utc>) {
        self.ledger.pay(amount, at);
        self.tell_balance(at, told);
    }

    fn renewed(&mut self, at: DateTime<Utc>, names: &[&'static str], months: u32) {
        for name in names {
            let unit = self.ledger.unit(name);
            let expires_at = later(unit.expires_at.expect("what is renewed has a term"), months);
            let resource = unit.id.clone();
            let data = Data::Expiry { resource, expires_at, sequence: 2 };
            self.tell(at, "billing.expiry.changed", data);
            self.extend(at, name, months);
        }
    }

    /// The next term is paid.
    fn extend(&mut self, at: DateTime<Utc>, name: &str, months: u32) {
        let unit = self.ledger.unit(name);
        unit.expires_at = unit.expires_at.map(|expiry| later(expiry, months));
        let Rate::Month(price) = unit.rate else { unreachable!("only terms are paid") };
        self.pay(-price * Decimal::from(months), at, at);
    }

    /// The answer to the first charge of the running term.
    fn answer(&mut self, at: DateTime<Utc>, name: &str, reason: Option<&'static str>) {
        let unit = self.ledger.unit(name);
        let resource = unit.id.clone();
        let expiry = unit.expires_at.expect("what is charged has a term");
        let charge = format!("{resource}:{}:1", expiry.format("%Y%m%dT%H%M%SZ"));
        let kind = match reason {
            None => "billing.charge.succeeded",
            Some(_) => "billing.charge.failed",
        };
        self.tell(at, kind, Data::Charge { resource, charge, reason });
    }

    fn hold(&mut self, at: DateTime<Utc>, hold: Hold, placed: bool) {
        self.ledger.frozen = placed && hold.all && hold.resource.is_none();
        let data = Data::Hold {
            resource: hold.resource.map(|name| self.ledger.unit(name).id.clone()),
            hold: hold.id,
            reason: if placed { hold.reason } else { "settled" },
            scope: placed.then_some(if hold.all { "all" } else { "release" }),
        };
        let kind = if placed { "billing.hold.placed" } else { "billing.hold.lifted" };
        self.tell(at, kind, data);
    }

    fn buy(&mut self, at: DateTime<Utc>, item: &Item) {
        self.begin(at, item, false);
        if let Price::Month(_) = item.price {
            let unit = self.ledger.unit(item.name);
            let Rate::Month(price) = unit.rate else { return };
            let months = Decimal::from(unit.months);
            self.pay(-price * months, at, at);
        }
    }

    fn tell_named(&mut self, at: DateTime<Utc>, kind: &'static str, name: &str) {
        let resource = self.ledger.unit(name).id.clone();
        self.tell(at, kind, Data::Named { resource });
    }

    fn tell_balance(&mut self, at: DateTime<Utc>, told: DateTime<Utc>) {
        self.ledger.sequence += 1;
        let mut balance = self.ledger.balance;
        balance.rescale(2);
        let (currency, sequence) = (self.story.currency, self.ledger.sequence);
        let data = Data::Balance { balance, currency, sequence };
        self.tell(at, "billing.balance.changed", data);
        if let Some(event) = self.events.last_mut() {
            event.sent = told;
        }
    }

    pub(super) fn tell(&mut self, time: DateTime<Utc>, kind: &'static str, data: Data) {
        let account = Some(self.story.account);
        self.events.push(Event { time, sent: time, kind, account, data });
    }
}
