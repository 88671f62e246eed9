//! Generated histories of one account: its resources under every shipped policy, events of every type, many ties.
//!
//! Drawn while the history is played, so that it goes where something happens: to the second before, at and after what is
//! due, to charges that were really asked for. What comes out is concrete and can be played again by itself.

use chrono::{DateTime, Duration, TimeDelta, Timelike as _, Utc};
use dunlin::engine::id::{AccountId, EventKey, ResourceId};
use dunlin::engine::input::{Body, Event};
use dunlin::engine::policy::{Clock, PhaseClass};
use dunlin::engine::resource::{ChargeState, Resource};

use super::bodies::{Draw, money};
use super::chance::Chance;
use super::seen::policy_of;
use super::world::{World, policies};

/// The lifecycles that resources follow; the engine's rules are about nothing else.
pub(super) const POLICIES: [&str; 7] = [
    "alibaba-ecs-subscription",
    "tencent-cvm-postpaid-15d",
    "tencent-cvm-postpaid-24h",
    "tencent-cvm-prepaid",
    "tencent-network-traffic",
    "recommended-postpaid",
    "recommended-prepaid",
];
/// Those of them that can be given back, and those that a customer can end.
const RETURNABLE: [usize; 2] = [3, 6];
const TERMINABLE: [usize; 3] = [1, 2, 5];
/// How long time runs on after the last event, in days: past every deadline but those of long renewals.
const DAYS_AFTER: i64 = 50;
/// An event is read at most so many hours after it happened.
const HOURS_LATE_MAX: i64 = 30;

/// An event on its way.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    /// When it is read; `event.time` is when it happened.
    pub(super) at: DateTime<Utc>,
    pub(super) event: Event,
}

/// 00:00 in Shanghai, on 1 March 2026.
pub(super) fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_294_400, 0).expect("an instant")
}

/// 00:00 in Shanghai of the day that `at` lies in.
pub(super) fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = (at - beginning()).num_seconds().rem_euclid(86_400);
    at - TimeDelta::seconds(seconds) - TimeDelta::nanoseconds(i64::from(at.nanosecond()))
}

/// When everything is over, for a history that ends so.
pub(super) fn far(history: &[Arrival]) -> DateTime<Utc> {
    history.last().map_or_else(beginning, |last| last.at) + Duration::days(DAYS_AFTER)
}

pub(super) fn events(arrivals: &[Arrival]) -> Vec<Event> {
    arrivals.iter().map(|arrival| arrival.event.clone()).collect()
}

/// Draws a history and plays it in `world`, up to its last event.
pub(super) fn draw(seed: u64, world: &mut World) -> Vec<Arrival> {
    Drawing::new(seed).draw(world)
}

struct Drawing {
    chance: Chance,
    seed: u64,
    theme: Theme,
    kinds: [(usize, Kind); KINDS.len()],
    cast: Vec<(ResourceId, &'static str)>,
    history: Vec<Arrival>,
    now: DateTime<Utc>,
}

/// What kind of event comes next.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Profile,
    Balance,
    Usage,
    Activate,
    Import,
    Remove,
    Expiry,
    AutoRenew,
    Renew,
    Charge,
    Terminate,
    Schedule,
    Restore,
    Release,
    Return,
    Sync,
    Hold,
    Lift,
    Heartbeat,
}

/// What a history is mostly about. All kinds occur in each.
#[derive(Debug, Clone, Copy)]
enum Theme {
    /// Everything.
    Any,
    /// Many resources are bought and given back within days.
    Returns,
    /// Customers end and restore what they pay for by use.
    Terminations,
}

/// Every kind, as often as it takes to see each in every phase, and seldom enough that resources live; then how much more
/// often where returns, and where terminations are the theme.
const KINDS: [(Kind, usize, usize, usize); 19] = [
    (Kind::Profile, 3, 0, 0),
    (Kind::Balance, 20, 0, 20),
    (Kind::Usage, 7, 0, 0),
    (Kind::Activate, 5, 5, 0),
    (Kind::Import, 5, 0, 0),
    (Kind::Remove, 3, 0, 6),
    (Kind::Expiry, 9, 0, 0),
    (Kind::AutoRenew, 7, 0, 0),
    (Kind::Renew, 9, 20, 0),
    (Kind::Charge, 10, 0, 0),
    (Kind::Terminate, 5, 0, 40),
    (Kind::Schedule, 6, 0, 20),
    (Kind::Restore, 5, 0, 10),
    (Kind::Release, 4, 0, 8),
    (Kind::Return, 8, 250, 0),
    (Kind::Sync, 5, 0, 0),
    (Kind::Hold, 8, 0, 0),
    (Kind::Lift, 6, 0, 0),
    (Kind::Heartbeat, 3, 0, 0),
];

impl Drawing {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let theme =
            chance.weighted(&[(75, Theme::Any), (10, Theme::Returns), (15, Theme::Terminations)]);
        let (count, first) = match theme {
            Theme::Any => (1 + chance.below(4), chance.below(POLICIES.len())),
            Theme::Returns => (6, chance.pick(&RETURNABLE)),
            Theme::Terminations => (1 + chance.below(2), chance.pick(&TERMINABLE)),
        };
        let same = if matches!(theme, Theme::Any) { 50 } else { 95 };
        let cast = (0..count).map(|index| {
            let policy = if chance.percent(same) { first } else { chance.below(POLICIES.len()) };
            (ResourceId::from(format!("r{index}").as_str()), POLICIES[policy])
        });
        let cast = cast.collect();
        let kinds = KINDS.map(|(kind, any, returns, terminations)| match theme {
            Theme::Any => (any, kind),
            Theme::Returns => (any + returns, kind),
            Theme::Terminations => (any + terminations, kind),
        });
        Self { chance, seed, theme, kinds, cast, history: Vec::new(), now: beginning() }
    }

    fn draw(mut self, world: &mut World) -> Vec<Arrival> {
        let mut group = Vec::new();
        // Now and then nobody says who the account is until later: what it does waits.
        if self.chance.percent(92) {
            let contacts = self.chance.weighted(&[(1, 0), (5, 1), (4, 2)]);
            let profile = Body::AccountUpdated(dunlin::engine::input::Profile {
                currency: "CNY".parse().expect("in use"),
                contacts: self.contacts(contacts),
                locale: None,
                name: None,
            });
            group.push(self.event(self.now, profile));
            let balance = money(rust_decimal::Decimal::from(500), "CNY");
            if self.chance.percent(80) {
                group.push(self.event(self.now, Body::BalanceReported { balance, sequence: None }));
            }
        }
        for (id, policy) in self.cast.clone() {
            if self.chance.percent(85) {
                let time = self.now;
                let mut draw = Draw { chance: &mut self.chance, time };
                let body = Body::ResourceActivated(Box::new(draw.activation(id, policy)));
                group.push(self.event(time, body));
            }
        }
        self.read(world, group);
        let count = self.chance.between(6, 26);
        for _ in 0..count {
            self.pass(world);
            let group = self
                .paid_and_ended(world)
                .or_else(|| self.held_and_returned(world))
                .unwrap_or_else(|| self.some_events(world));
            self.read(world, group);
        }
        self.history
    }

    fn some_events(&mut self, world: &World) -> Vec<Event> {
        let ties = match self.theme {
            Theme::Any => self.chance.weighted(&[(14, 1), (3, 2), (1, 3)]),
            Theme::Returns | Theme::Terminations => 1 + self.chance.below(3),
        };
        (0..ties).map(|_| self.some_event(world)).collect()
    }

    /// Pays what is owed and ends in the same instant what is unpaid or stopped: there is no other way to end it from there.
    fn paid_and_ended(&mut self, world: &World) -> Option<Vec<Event>> {
        if !matches!(self.theme, Theme::Terminations) || !self.chance.percent(75) {
            return None;
        }
        let class = |one: &&Resource| policy_of(one).class(&one.phase);
        let owing = world
            .whole
            .resources
            .values()
            .filter(|one| matches!(class(one), PhaseClass::Unpaid | PhaseClass::Suspended));
        let owing: Vec<ResourceId> = owing.map(|one| one.id.clone()).collect();
        if owing.is_empty() {
            return None;
        }
        let balance = money(rust_decimal::Decimal::ZERO, "CNY");
        let paid = Body::BalanceReported { balance, sequence: None };
        let time = self.now;
        let ended = Draw { chance: &mut self.chance, time }.termination(owing);
        Some(vec![self.numbered(time, paid, 1), self.numbered(time, ended, 2)])
    }

    /// Gives back what soon expires while something holds it up to then: it is unpaid when the hold ends.
    fn held_and_returned(&mut self, world: &World) -> Option<Vec<Event>> {
        if !matches!(self.theme, Theme::Returns) || !self.chance.percent(15) {
            return None;
        }
        let soon = self.now + TimeDelta::days(3);
        let expires = |one: &Resource| one.expiry().filter(|at| self.now < *at && *at < soon);
        let mut working = world.whole.resources.values().filter(|one| {
            let policy = policy_of(one);
            let has_grace = policy.phases.iter().any(|phase| phase.class == PhaseClass::Unpaid);
            let is_working = policy.class(&one.phase) == PhaseClass::Working;
            has_grace && is_working && one.asked.is_none() && policy.returns.is_some()
        });
        let (id, at) = working.find_map(|one| Some((one.id.clone(), expires(one)?)))?;
        let until = Some(at + TimeDelta::hours(self.chance.between(0, 20)));
        let (hold, reason) = (Some("h-return".to_owned()), "a case".to_owned());
        let scope = dunlin::engine::input::HoldScope::All;
        let resource = Some(id.clone());
        let held = Body::HoldPlaced { resource, hold, reason, scope, until };
        let returned = Body::ReturnRequested { resource: id };
        Some(vec![self.numbered(self.now, held, 1), self.numbered(self.now, returned, 2)])
    }

    fn contacts(&mut self, count: usize) -> Vec<dunlin::engine::input::Contact> {
        let time = self.now;
        match (Draw { chance: &mut self.chance, time }).profile(count) {
            Body::AccountUpdated(profile) => profile.contacts,
            _ => Vec::new(),
        }
    }

    fn read(&mut self, world: &mut World, group: Vec<Event>) {
        if group.is_empty() {
            return;
        }
        let at = self.now;
        world.step(at, &group);
        self.history.extend(group.into_iter().map(|event| Arrival { at, event }));
    }

    /// Lets time pass: often to a second around what is due next.
    fn pass(&mut self, world: &mut World) {
        let soon = self.now + TimeDelta::days(45);
        let often = if matches!(self.theme, Theme::Returns) { 5 } else { 45 };
        let due = world.next_due().filter(|due| *due < soon && self.chance.percent(often));
        let next = match due {
            Some(due) => due + TimeDelta::seconds(self.chance.pick(&[-1, 0, 0, 1, 600])),
            None => {
                let minutes = match self.theme {
                    Theme::Any => self.chance.pick(&[1, 30, 60, 120, 600, 1440, 5000, 10_080]),
                    Theme::Returns | Theme::Terminations => self.chance.pick(&[1, 60, 300]),
                };
                self.now + TimeDelta::minutes(self.chance.between(0, minutes))
            }
        };
        self.now = next.max(self.now + TimeDelta::seconds(1));
        world.wake_up_to(self.now);
    }

    fn event(&self, time: DateTime<Utc>, body: Body) -> Event {
        self.numbered(time, body, 0)
    }

    fn numbered(&self, time: DateTime<Utc>, body: Body, salt: usize) -> Event {
        let number = self.history.len();
        let id = format!("{}-{number}-{}-{salt}", self.seed, kind_of(&body));
        let key = EventKey { source: "/billing".into(), id };
        Event { key, time, account: AccountId::from("acc"), body }
    }

    fn some_event(&mut self, world: &World) -> Event {
        let late = if self.chance.percent(80) {
            TimeDelta::zero()
        } else {
            let most = self.chance.pick(&[60, 7200, HOURS_LATE_MAX * 3600]);
            TimeDelta::seconds(self.chance.between(0, most))
        };
        let time = (self.now - late).max(beginning());
        let kind = self.chance.weighted(&self.kinds);
        let body = self.body(kind, time, world);
        let salt = self.chance.below(1 << 30);
        self.numbered(time, body, salt)
    }

    fn someone(&mut self) -> (ResourceId, &'static str) {
        if self.chance.percent(2) {
            return (ResourceId::from("nobody"), POLICIES[0]);
        }
        let index = self.chance.below(self.cast.len());
        self.cast[index].clone()
    }

    fn some(&mut self) -> Vec<ResourceId> {
        let mut ids: Vec<_> = (0..=self.chance.below(2)).map(|_| self.someone().0).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn body(&mut self, kind: Kind, time: DateTime<Utc>, world: &World) -> Body {
        let (id, policy) = self.someone();
        let some = self.some();
        let target = self.chance.percent(70).then(|| id.clone());
        let phase = self.phase(policy);
        let charge = self.charge(&id, world);
        let mut draw = Draw { chance: &mut self.chance, time };
        match kind {
            Kind::Profile => draw.profile(1),
            Kind::Balance => draw.balance(),
            Kind::Usage => draw.usage(Some(id)),
            Kind::Activate => Body::ResourceActivated(Box::new(draw.activation(id, policy))),
            Kind::Import => {
                let activation = draw.activation(id, policy);
                let is_postpaid = policies()
                    .newest(&policy.into())
                    .is_some_and(|policy| policy.clock == Clock::Arrears);
                draw.import(activation, phase, is_postpaid)
            }
            Kind::Remove => Body::ResourceRemoved { resource: id },
            Kind::Expiry => draw.expiry(id),
            Kind::AutoRenew => {
                let auto_renew = draw.auto_renew();
                Body::AutoRenewChanged { resource: id, auto_renew }
            }
            Kind::Renew => draw.renewal(id),
            Kind::Charge => {
                let (id, charge) = charge.unwrap_or_else(|| (id, "nobody asked".to_owned()));
                draw.answer(id, charge)
            }
            Kind::Terminate => draw.termination(some),
            Kind::Schedule => draw.schedule(id),
            Kind::Restore => Body::RestoreRequested { resource: id },
            Kind::Release => Body::ReleaseRequested { resource: id },
            Kind::Return => Body::ReturnRequested { resource: id },
            Kind::Sync => draw.sync(some),
            Kind::Hold => draw.hold(target),
            Kind::Lift => draw.lift(target),
            Kind::Heartbeat => Body::Heartbeat,
        }
    }

    fn phase(&mut self, policy: &'static str) -> dunlin::engine::id::PhaseName {
        let policy = policies().newest(&policy.into()).expect("a shipped policy");
        let alive = policy.phases.iter().filter(|phase| phase.class != PhaseClass::Gone).count();
        let count = if self.chance.percent(5) { policy.phases.len() } else { alive };
        policy.phases[self.chance.below(count)].name.clone()
    }

    /// A charge that was asked for: of the resource, else of any; now and then one of `id` that was not.
    fn charge(&mut self, id: &ResourceId, world: &World) -> Option<(ResourceId, String)> {
        if self.chance.percent(15) {
            return None;
        }
        let resources = &world.whole.resources;
        let mut order: Vec<_> = resources.values().collect();
        order.sort_by_key(|resource| resource.id != *id);
        order.into_iter().find_map(|resource| {
            let mut asked = resource.charges.iter().rev();
            let asked = asked.find(|charge| charge.state != ChargeState::Skipped)?;
            Some((resource.id.clone(), asked.name.clone()))
        })
    }
}

/// The types of spec §3, as far as the engine tells them apart.
pub(super) const EVENT_TYPES: [&str; 22] = [
    "account.updated",
    "balance.changed",
    "usage.charged",
    "resource.activated",
    "resource.imported",
    "resource.removed",
    "expiry.changed",
    "auto_renew.changed",
    "renewal.requested",
    "charge.succeeded",
    "charge.failed",
    "termination.requested",
    "termination.scheduled",
    "termination.cancelled",
    "restore.requested",
    "release.requested",
    "return.requested",
    "expiry_sync.requested",
    "hold.placed",
    "hold.lifted",
    "heartbeat",
    "a wake",
];
/// No event: time alone.
pub(super) const WAKE: usize = 21;

/// The position of an event's type in `EVENT_TYPES`.
pub(super) fn kind_of(body: &Body) -> usize {
    match body {
        Body::AccountUpdated(_) => 0,
        Body::BalanceReported { .. } => 1,
        Body::UsageCharged(_) => 2,
        Body::ResourceActivated(_) => 3,
        Body::ResourceImported(_) => 4,
        Body::ResourceRemoved { .. } => 5,
        Body::ExpiryChanged { .. } => 6,
        Body::AutoRenewChanged { .. } => 7,
        Body::RenewalRequested { .. } => 8,
        Body::ChargeSucceeded { .. } => 9,
        Body::ChargeFailed { .. } => 10,
        Body::TerminationRequested { .. } => 11,
        Body::TerminationScheduled { .. } => 12,
        Body::TerminationCancelled { .. } => 13,
        Body::RestoreRequested { .. } => 14,
        Body::ReleaseRequested { .. } => 15,
        Body::ReturnRequested { .. } => 16,
        Body::ExpirySyncRequested { .. } => 17,
        Body::HoldPlaced { .. } => 18,
        Body::HoldLifted { .. } => 19,
        // Neither are about an account, and histories have none of the others.
        Body::MoratoriumPlaced { .. }
        | Body::MoratoriumLifted { .. }
        | Body::Heartbeat
        | Body::NoticeBounced { .. } => 20,
    }
}
