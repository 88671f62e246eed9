//! What holds for every history: the engine's promises as properties, over generated events with many ties.
//!
//! A counterexample that proptest finds and shrinks becomes a trace in `tests/conformance-own` or a test with a name here.

mod history;
mod ledger;
mod proof;
mod world;

use dunlin::engine::decision::Portfolio;
use dunlin::engine::id::ResourceId;
use dunlin::engine::input::Body;
use proptest::prelude::*;

use self::history::{Arrival, Fact, Op, histories, resolve, shuffled_facts};
use self::world::{Load, World, at, policies};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Plays a history to the end of every deadline that it can have, step by step at what is due.
fn play(history: &[Arrival], load: Load) -> World<'static> {
    let mut world = World::new(policies(), load);
    for group in history.chunk_by(|one, other| one.at == other.at) {
        world.wake_up_to(group[0].at);
        world.step(group[0].at, &history::events(group));
    }
    world.wake_up_to(at(history::END));
    world
}

fn phases(portfolio: &Portfolio) -> Vec<(ResourceId, String)> {
    let phase = |(id, resource): (&ResourceId, &dunlin::engine::resource::Resource)| {
        (id.clone(), resource.phase.as_str().to_owned())
    };
    portfolio.resources.iter().map(phase).collect()
}

proptest! {
    #![proptest_config(cases(160))]

    /// The worker loads what `scope` names; nothing may depend on what it leaves out.
    #[test]
    fn what_the_scope_leaves_out_changes_nothing(ops in histories()) {
        let history = resolve(&ops);
        let (all, some) = (play(&history, Load::All), play(&history, Load::Scope));
        prop_assert_eq!(all.told, some.told);
        prop_assert_eq!(all.whole, some.whole);
    }

    /// Checked at every decision: the order of effects, `released` is final, slots and promises, stored and read back.
    #[test]
    fn every_decision_keeps_the_promises(ops in histories()) {
        let mut world = World::new(policies(), Load::Scope);
        world.is_checked = true;
        for group in resolve(&ops).chunk_by(|one, other| one.at == other.at) {
            world.wake_up_to(group[0].at);
            world.step(group[0].at, &history::events(group));
        }
        world.wake_up_to(at(history::END));
    }

    /// SAFE-2, within the engine: a fact that is read a second time says nothing new.
    #[test]
    fn a_fact_read_twice_changes_nothing(ops in histories(), later in 0_i64..30) {
        let history = resolve(&ops);
        let mut twice = history.clone();
        twice.extend(history.iter().filter(|one| is_register(&one.event.body)).map(|one| {
            let mut copy = one.clone();
            copy.at += chrono::TimeDelta::hours(later);
            copy
        }));
        twice.sort_by_key(|one| one.at);
        prop_assert_eq!(play(&history, Load::All).told, play(&twice, Load::All).told);
    }
}

/// Facts that the engine itself knows again. Others are counted or answered; the inbox knows their copies.
fn is_register(body: &Body) -> bool {
    matches!(body, Body::BalanceReported { .. } | Body::HoldLifted { .. } | Body::HoldPlaced { .. })
}

proptest! {
    #![proptest_config(cases(24))]

    /// Everything due has a wake: looking every hour, where everything lies on the hour, finds nothing more.
    #[test]
    fn looking_all_the_time_finds_no_more_than_the_wakes(ops in histories()) {
        let history = resolve(&ops);
        let mut restless = World::new(policies(), Load::All);
        for hour in 0..=history::END {
            let now: Vec<_> = history.iter().filter(|one| one.at == at(hour)).cloned().collect();
            restless.step(at(hour), &history::events(&now));
        }
        let woken = play(&history, Load::Scope);
        prop_assert_eq!(restless.told, woken.told);
        prop_assert_eq!(phases(&restless.whole), phases(&woken.whole));
    }
}

proptest! {
    #![proptest_config(cases(160))]

    /// SAFE-3: facts between two irreversible steps end in the same state, whatever order they are read in.
    #[test]
    fn facts_converge_in_any_order((facts, order) in shuffled_facts()) {
        let in_order = world_after(facts.clone());
        let shuffled = world_after(order);
        let (one, other) = (&in_order.whole, &shuffled.whole);
        prop_assert_eq!(one.account.balance(), other.account.balance());
        prop_assert_eq!(one.account.balances.negative_since(), other.account.balances.negative_since());
        prop_assert_eq!(&one.account.holds, &other.account.holds);
        prop_assert_eq!(&one.account.profile, &other.account.profile);
        for (id, resource) in &one.resources {
            let other = &other.resources[id];
            prop_assert_eq!(resource.arrears_since, other.arrears_since, "{}", id);
            prop_assert_eq!(resource.expiry(), other.expiry(), "{}", id);
            prop_assert_eq!(&resource.holds, &other.holds, "{}", id);
            prop_assert_eq!(&resource.auto_renew, &other.auto_renew, "{}", id);
            prop_assert_eq!(&resource.auto_months, &other.auto_months, "{}", id);
            prop_assert_eq!(&resource.schedule, &other.schedule, "{}", id);
        }
        if !facts.iter().any(|fact| matches!(fact.event.body, Body::HoldPlaced { .. })) {
            let end = |mut world: World<'static>| { world.wake_up_to(at(history::FAR)); phases(&world.whole) };
            prop_assert_eq!(end(in_order), end(shuffled));
        }
    }
}

fn world_after(facts: Vec<Arrival>) -> World<'static> {
    let mut world = World::new(policies(), Load::Scope);
    world.step(at(0), &history::beginning());
    for group in facts.chunk_by(|one, other| one.at == other.at) {
        world.wake_up_to(group[0].at);
        world.step(group[0].at, &history::events(group));
    }
    world.wake_up_to(at(history::FACTS_READ));
    world
}

#[test]
fn histories_reach_what_they_are_for() {
    // Guards the generators: a property over histories in which nothing happens holds for anything.
    let op = |op, hour| Fact { op, hour, late: 0 };
    let ops = [op(Op::Balance(-5, None), 30), op(Op::Expiry(0, 60, None), 2)];
    let world = play(&resolve(&ops), Load::Scope);
    let told = format!("{:?}", world.told);
    for wanted in
        ["arrears", "reclaimed", "expired", "expiry-warning", "out_of_service", "released"]
    {
        assert!(told.contains(wanted), "{wanted}");
    }
}
