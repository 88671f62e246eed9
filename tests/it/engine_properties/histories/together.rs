//! Two accounts on one simulated clock: each is told what it would be told alone, and the clock of `dunlin simulate` is ours.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::effect::Effect;
use dunlin::engine::id::AccountId;
use dunlin::simulate::{Decided, Simulation};

use super::history::{self, Arrival, far};
use super::world::{World, policies};

/// Draws the history of a neighbour, and plays both with what the worker's own replay uses.
pub(super) fn check(seed: u64, history: &[Arrival], played: &World) {
    let mut other = history::draw(!seed, &mut World::new());
    for one in &mut other {
        one.event.account = AccountId::from("neighbour");
    }
    let mut all = [history, &other].concat();
    all.sort_by_key(|one| one.at);
    let mut simulation = Simulation::new(policies());
    let mut decided = Vec::new();
    for one in all {
        decided.extend(simulation.pass(one.at));
        decided.extend(simulation.read(one.event));
    }
    decided.extend(simulation.run_until(far(history) - TimeDelta::microseconds(1)));
    let told: Vec<(DateTime<Utc>, Effect)> = decided
        .into_iter()
        .filter(is_ours)
        .flat_map(effects)
        .filter(|(at, _)| *at < far(history))
        .collect();
    assert_eq!(told, played.told, "accounts: another one's events change what is told");
}

fn is_ours(decided: &Decided) -> bool {
    decided.account.as_str() == "acc"
}

fn effects(decided: Decided) -> impl Iterator<Item = (DateTime<Utc>, Effect)> {
    let at = decided.at;
    decided.decision.effects.into_iter().map(move |effect| (at, effect))
}
