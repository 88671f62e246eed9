//! The same history in another order (SAFE-3), and what must not differ then.
//!
//! Requests keep their order. Facts are read twice, too late, and past each other, in two ways: quietly, where nothing that
//! was ever decided may differ; and within a stretch without requests or irreversible steps, where everybody must end in the
//! same state.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::id::ResourceId;
use dunlin::engine::input::Body;
use dunlin::engine::policy::PhaseClass;
use dunlin::engine::resource::Resource;

use super::chance::Chance;
use super::history::{Arrival, far, kind_of};
use super::seen::policy_of;
use super::world::World;

/// Facts that were quiet are read past each other, some twice, and there are wakes for nothing: nothing is decided otherwise.
pub(super) fn check_quiet(history: &[Arrival], played: &World, chance: &mut Chance) {
    let other = shuffled_quietly(history, played, chance);
    let mut world = World::new();
    let until = far(history);
    for group in other.chunk_by(|one, other| one.at == other.at) {
        world.wake_up_to(group[0].at);
        if chance.percent(20) && world.next_wake().is_none_or(|wake| wake > group[0].at) {
            let told = world.told.len();
            world.step(group[0].at - TimeDelta::milliseconds(500), &[]);
            assert_eq!(world.told.len(), told, "wake: for nothing, and something was decided");
        }
        world.step(group[0].at, &super::history::events(group));
    }
    world.wake_up_to(until);
    assert_eq!(world.told, played.told, "SAFE-3: quiet facts in another order are told otherwise");
    assert_eq!(phases(&world), phases(played), "SAFE-3: quiet facts in another order");
    assert_registers(played, &world);
}

/// Reads a fact after its neighbour, where they are about different things and nothing was due or told meanwhile; some again.
fn shuffled_quietly(history: &[Arrival], played: &World, chance: &mut Chance) -> Vec<Arrival> {
    let mut other = history.to_vec();
    let is_quiet = |from: DateTime<Utc>, to: DateTime<Utc>| {
        let first = played.told.partition_point(|(at, _)| *at < from);
        played.told.get(first).is_none_or(|(at, _)| *at > to)
    };
    for index in 1..other.len() {
        let (one, two) = (&other[index - 1], &other[index]);
        let late = two.at + TimeDelta::seconds(1);
        // Facts of one instant count together: those stay together.
        let is_alone = (index < 2 || other[index - 2].at < one.at)
            && other.get(index + 1).is_none_or(|next| next.at > late);
        let is_free = is_alone
            && one.at < two.at
            && is_mover(&one.event.body)
            && is_mover(&two.event.body)
            && register(&one.event.body) != register(&two.event.body)
            && is_quiet(one.at, late)
            && !played.due.iter().any(|due| one.at <= *due && *due <= late);
        if is_free && chance.percent(60) {
            other.swap(index - 1, index);
            other[index].at = late;
        }
    }
    let copies: Vec<Arrival> =
        other.iter().filter(|one| is_register(&one.event.body)).cloned().collect();
    for mut copy in copies {
        if chance.percent(25) {
            copy.at += TimeDelta::minutes(chance.pick(&[0, 1, 600, 8000, 40_000]));
            // In a group of its own or behind those of its instant.
            let at = other.partition_point(|one| one.at <= copy.at);
            if other.last().is_some_and(|last| last.at >= copy.at) {
                other.insert(at, copy);
            }
        }
    }
    other
}

/// Facts whose very reading decides nothing by itself, where it was quiet. Not who the account is, nor
/// that a hold ended: much may wait for that.
fn is_mover(body: &Body) -> bool {
    matches!(
        body,
        Body::BalanceReported { .. }
            | Body::HoldPlaced { .. }
            | Body::UsageCharged(_)
            | Body::ExpiryChanged { .. }
            | Body::TerminationScheduled { .. }
            | Body::TerminationCancelled { .. }
            | Body::Heartbeat
            | Body::NoticeBounced { .. }
    )
}

/// Facts that the engine itself knows again. Others are counted or answered; the inbox knows their copies.
fn is_register(body: &Body) -> bool {
    matches!(
        body,
        Body::BalanceReported { .. }
            | Body::HoldLifted { .. }
            | Body::HoldPlaced { .. }
            | Body::ResourceActivated(_)
    )
}

/// What a fact is about: facts about one thing stay in order here.
fn register(body: &Body) -> (usize, Option<&ResourceId>) {
    let kind = match kind_of(body) {
        13 => 12,
        19 => 18,
        kind => kind,
    };
    // One hold may stand in for another, on the resource or on its account.
    (kind, body.resources().next().filter(|_| kind != 18))
}

/// A stretch of facts between irreversible steps and requests is read in another order, late and twice: when all of it was
/// read, the same is known, and with nothing more to come everybody ends in the same phase.
pub(super) fn check_stretch(history: &[Arrival], chance: &mut Chance) {
    let Some(stretch) = Stretch::find(history, chance) else { return };
    let (in_order, shuffled) =
        (stretch.played(&stretch.facts), stretch.played(&stretch.shuffled(chance)));
    assert_registers(&in_order, &shuffled);
    let has_holds =
        stretch.facts.iter().any(|one| matches!(one.event.body, Body::HoldPlaced { .. }));
    let is_zero = in_order.whole.account.balance().is_some_and(|balance| balance.is_zero());
    if has_holds || is_zero {
        // A hold may have stopped what another order does first; who owes nothing at all stays where he is.
        return;
    }
    let end = |mut world: World| {
        world.wake_up_to(far(history) + TimeDelta::days(50));
        phases(&world)
    };
    assert_eq!(end(in_order), end(shuffled), "SAFE-3: facts in another order end elsewhere");
}

struct Stretch {
    /// What was read before it.
    before: Vec<Arrival>,
    /// Facts alone, in order.
    facts: Vec<Arrival>,
    /// All of it has been read before this instant, and nothing irreversible was due until then.
    end: DateTime<Utc>,
}

impl Stretch {
    /// Takes the facts out of a piece of a history: they are what happens next, in order, each when it is read.
    fn find(history: &[Arrival], chance: &mut Chance) -> Option<Self> {
        let cut = chance.below(history.len());
        let at = history[cut].at;
        let before: Vec<Arrival> = history.iter().filter(|one| one.at <= at).cloned().collect();
        let mut world = World::new();
        world.play(&before, at + TimeDelta::seconds(1));
        let end = irreversible_from(&world)?.min(at + TimeDelta::hours(20));
        let later = history.iter().filter(|one| one.at > at);
        let facts = later.filter(|one| is_fact(&one.event.body, &world, end)).take(8).cloned();
        let mut facts: Vec<Arrival> = facts.collect();
        let step = (end - at) / i32::try_from(facts.len() + 2).ok()?;
        if facts.len() < 2 || step < TimeDelta::seconds(2) {
            return None;
        }
        for (index, fact) in facts.iter_mut().enumerate() {
            fact.at = at + step * i32::try_from(index + 1).ok()?;
            fact.event.time = fact.at;
            numbered(fact, index);
            keep_away(&mut fact.event.body, end);
        }
        Some(Self { before, facts, end })
    }

    fn shuffled(&self, chance: &mut Chance) -> Vec<Arrival> {
        let mut late = self.facts.clone();
        for fact in &mut late {
            let room = (self.end - fact.at).num_seconds() - 1;
            if chance.percent(60) {
                fact.at += TimeDelta::seconds(chance.between(0, room.max(0)));
            }
        }
        let copies: Vec<Arrival> = late.iter().filter(|_| chance.percent(20)).cloned().collect();
        for mut copy in copies.into_iter().filter(|one| is_register(&one.event.body)) {
            copy.at +=
                TimeDelta::seconds(chance.between(0, (self.end - copy.at).num_seconds() - 1));
            late.push(copy);
        }
        late.sort_by_key(|one| one.at);
        late
    }

    fn played(&self, facts: &[Arrival]) -> World {
        let mut world = World::checked();
        world.play(&self.before, facts[0].at);
        world.play(facts, self.end);
        world
    }
}

fn is_fact(body: &Body, world: &World, end: DateTime<Utc>) -> bool {
    match body {
        Body::BalanceReported { .. }
        | Body::ExpiryChanged { .. }
        | Body::TerminationScheduled { .. }
        | Body::TerminationCancelled { .. }
        | Body::HoldPlaced { .. }
        | Body::HoldLifted { .. }
        | Body::AccountUpdated(_) => true,
        // After expiry it is answered like a request (spec §7), and whether it is after may depend on the order.
        Body::AutoRenewChanged { resource, .. } => {
            let is_in_term = |one: &Resource| {
                one.expiry().is_some_and(|expiry| expiry > end)
                    && policy_of(one).class(&one.phase) == PhaseClass::Working
            };
            world.whole.resources.get(resource).is_some_and(is_in_term)
        }
        _ => false,
    }
}

/// Either all facts of a stretch are numbered, in the order in which they happened, or none is.
fn numbered(fact: &mut Arrival, index: usize) {
    if let Body::BalanceReported { sequence, .. } | Body::ExpiryChanged { sequence, .. } =
        &mut fact.event.body
    {
        *sequence = sequence.map(|_| 100 + index as u64);
    }
}

/// Moves what a fact says about the future behind the end of the stretch.
fn keep_away(body: &mut Body, end: DateTime<Utc>) {
    match body {
        Body::ExpiryChanged { expires_at, .. } if *expires_at <= end => {
            *expires_at = end + TimeDelta::hours(30);
        }
        Body::TerminationScheduled { at, .. } if *at <= end => *at = end + TimeDelta::hours(1),
        _ => {}
    }
}

/// The first instant at which something irreversible may be due, whatever is read until then. None where something waits
/// for no more than a hold to end, or for the account to be known.
fn irreversible_from(world: &World) -> Option<DateTime<Utc>> {
    let resources = || world.whole.resources.values();
    let is_unknown = world.whole.account.profile.is_none();
    if is_unknown || resources().any(|one| one.asked.is_some() || one.held.is_some()) {
        return None;
    }
    // A working postpaid resource is far from its end: first it is stopped for a day.
    let is_near = |one: &&Resource| {
        let class = policy_of(one).class(&one.phase);
        one.term.is_some() || one.schedule.is_some() || class >= PhaseClass::Suspended
    };
    Some(
        resources()
            .filter(is_near)
            .filter_map(|one| one.wake_at)
            .min()
            .unwrap_or(DateTime::<Utc>::MAX_UTC),
    )
}

/// Where everybody is.
fn phases(world: &World) -> Vec<(ResourceId, String)> {
    let resources = world.whole.resources.iter();
    resources.map(|(id, one)| (id.clone(), one.phase.as_str().to_owned())).collect()
}

/// What is known is the same, whatever order it was read in.
fn assert_registers(one: &World, other: &World) {
    let (one, other) = (&one.whole, &other.whole);
    assert_eq!(one.account.balance(), other.account.balance(), "SAFE-3: balance");
    let since =
        |whole: &dunlin::engine::decision::Portfolio| whole.account.balances.negative_since();
    assert_eq!(since(one), since(other), "SAFE-3: since when it is below zero");
    assert_eq!(one.account.holds, other.account.holds, "SAFE-3: holds");
    assert_eq!(one.account.profile, other.account.profile, "SAFE-3: profile");
    assert_eq!(one.account.returned, other.account.returned, "SAFE-3: returns");
    for (id, resource) in &one.resources {
        let other = &other.resources[id];
        assert_eq!(resource.arrears_since, other.arrears_since, "SAFE-3: arrears of {id}");
        assert_eq!(resource.expiry(), other.expiry(), "SAFE-3: expiry of {id}");
        assert_eq!(resource.holds, other.holds, "SAFE-3: holds of {id}");
        assert_eq!(resource.auto_renew, other.auto_renew, "SAFE-3: auto-renewal of {id}");
        assert_eq!(resource.auto_months, other.auto_months, "SAFE-3: length of {id}");
        assert_eq!(resource.schedule, other.schedule, "SAFE-3: schedule of {id}");
        assert_eq!(resource.orders, other.orders, "SAFE-3: orders of {id}");
    }
}
