//! Histories with a world outside: every gate closes and opens, receipts come late or never, and an operator decides.
//!
//! Each is played to an end at which everything is open for good; then nothing is held any more. It is played again with
//! receipts that come twice, or with more looks than the wakes ask for, and nothing is decided otherwise.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::effect::Effect;
use dunlin::engine::id::{AccountId, EventKey};
use dunlin::engine::input::{Body, Contact, Event, Profile, Role};
use dunlin::engine::policy::PhaseClass;

use super::chance::Chance;
use super::history::{self, Arrival};
use super::outside::Outside;
use super::seen::{Tally, policy_of};
use super::world::World;
use super::{Broken, made_small, quietly};

/// How long time runs on once everything is open, in days: past the promises of the last notices, and their proofs.
const DAYS_OPEN: i64 = 120;

/// Draws and plays one history.
///
/// # Errors
///
/// The promise that it broke.
pub(crate) fn run(seed: u64, tally: &mut Tally) -> Result<(), Box<Broken>> {
    let mut drawn = Vec::new();
    let played = quietly(|| {
        let mut world = World::gated(seed);
        drawn = history::draw(seed, &mut world);
        ended(&mut world, &drawn);
        check_again(seed, &drawn, &world);
        let counted = world.seen.map(|seen| seen.gates.tally).unwrap_or_default();
        add(tally, counted);
    });
    played.map_err(|what| {
        if drawn.is_empty() {
            // It broke while it was drawn: without anybody who looks it is drawn to its end.
            let mut world = World::gated(seed);
            world.seen = None;
            let _ = quietly(|| drawn = history::draw(seed, &mut world));
        }
        Box::new(made_small(seed, what, drawn, |less| replayed(seed, less)))
    })
}

/// Adds what another one counted.
pub(crate) fn add(tally: &mut Tally, other: Tally) {
    for (gate, (held, let_go)) in other {
        let known = tally.entry(gate).or_default();
        *known = (known.0 + held, known.1 + let_go);
    }
}

fn replayed(seed: u64, history: &[Arrival]) {
    let mut world = World::gated(seed);
    world.play(history, history[0].at);
    ended(&mut world, history);
    check_again(seed, history, &world);
}

/// Plays on, opens everything, and plays to the end.
fn ended(world: &mut World, history: &[Arrival]) {
    let far = history::far(history);
    world.wake_up_to(far);
    if let Some(outside) = &mut world.outside {
        outside.open(far);
    }
    world.look(far, &last_words(world, far), true);
    world.wake_up_to(far + TimeDelta::days(DAYS_OPEN));
    for resource in world.whole.resources.values() {
        let is_gone = policy_of(resource).class(&resource.phase) == PhaseClass::Gone;
        let waits = resource.held.is_some() || resource.is_gated() || resource.asked.is_some();
        assert!(is_gone || !waits, "held: everything is open: {resource:?}");
    }
    assert_eq!(world.whole.account.doubted, None, "held: every fall below zero is admitted");
}

/// Every hold is lifted, and somebody is there to be told.
fn last_words(world: &World, at: DateTime<Utc>) -> Vec<Event> {
    let resources = world.whole.resources.keys().map(|id| Some(id.clone()));
    let lifted = resources.chain([None]).map(|resource| Body::HoldLifted { resource, hold: None });
    let contact = Contact {
        name: "Contact".into(),
        role: Role::Creator,
        email: Some("c@acc.example".into()),
        phone: None,
        locale: None,
    };
    let currency = world.whole.account.profile.as_ref().map(|known| known.value.currency);
    let known = currency.map(|currency| {
        let contacts = vec![contact];
        Body::AccountUpdated(Profile { currency, contacts, locale: None, name: None })
    });
    let event = |(index, body): (usize, Body)| {
        let key = EventKey { source: "/billing".into(), id: format!("~{index}") };
        Event { key, time: at, account: AccountId::from("acc"), body }
    };
    lifted.chain(known).enumerate().map(event).collect()
}

fn check_again(seed: u64, history: &[Arrival], played: &World) {
    let far = history::far(history);
    let mut outside = Outside::new(seed);
    let mut chance = Chance::new(!seed);
    let is_restless = seed.is_multiple_of(2);
    if !is_restless {
        outside.again = Some(TimeDelta::hours(chance.between(1, 80)));
    }
    let mut world = World::new();
    world.outside = Some(outside);
    for group in history.chunk_by(|one, other| one.at == other.at) {
        let before = group[0].at - TimeDelta::milliseconds(500);
        world.wake_up_to(before);
        if is_restless && chance.percent(60) && world.next_wake().is_none_or(|wake| wake > before) {
            let told = world.told.len();
            world.look(before, &[], true);
            assert_eq!(world.told[told..], [], "wake: for nothing, and something was decided");
        }
        world.wake_up_to(group[0].at);
        world.step(group[0].at, &history::events(group));
    }
    world.wake_up_to(far);
    // Who is looked at once more may be told of a gate that closed meanwhile: what is held is left out here.
    let until_then = |world: &World| -> Vec<(DateTime<Utc>, String)> {
        let told = world.told.iter().filter(|(at, _)| *at < far);
        told.filter_map(|(at, effect)| Some((*at, in_words(effect)?))).collect()
    };
    assert_eq!(
        until_then(&world),
        until_then(played),
        "proof: told again, or looked at more often"
    );
}

fn in_words(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Transition(change) => Some(format!("{} enters {}", change.resource, change.to)),
        Effect::Notice(notice) => Some(notice.kind.to_string()),
        _ => None,
    }
}
