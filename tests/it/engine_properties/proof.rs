//! SAFE-4 as a property: notices that are accepted at once, late, twice or never, and no release by the clock without its proof.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::decision::{Decision, Portfolio};
use dunlin::engine::effect::{Effect, Notice, Transition};
use dunlin::engine::id::{NoticeKind, ResourceId};
use dunlin::engine::policy::{Cause, OfThem, Policy, Proof};
use dunlin::engine::resource::Resource;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

mod history;
mod world;

use self::history::{Arrival, histories, resolve};
use self::world::{Load, World, at, policies};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn phases(portfolio: &Portfolio) -> Vec<(ResourceId, String)> {
    let phase =
        |(id, resource): (&ResourceId, &Resource)| (id.clone(), resource.phase.as_str().to_owned());
    portfolio.resources.iter().map(phase).collect()
}

/// What becomes of notices, and what is known of them: kept apart from the engine's own books.
#[derive(Debug, Clone, Default)]
pub(in crate::engine_properties) struct Mail {
    /// After how many hours each next notice is accepted, round and round; never.
    delays: Vec<Option<i64>>,
    /// How much later each is accepted once more.
    again: Option<i64>,
    sent: usize,
    on_the_way: BTreeMap<DateTime<Utc>, Vec<Notice>>,
    /// When each kind was first accepted about a resource since it last recovered.
    accepted: BTreeMap<(ResourceId, NoticeKind), DateTime<Utc>>,
    /// When that resource last recovered.
    cured: BTreeMap<ResourceId, DateTime<Utc>>,
    /// How often a release came with its proof.
    pub(in crate::engine_properties) released: usize,
}

impl Mail {
    fn new(delays: &[Option<i64>]) -> Self {
        Self { delays: delays.to_vec(), ..Self::default() }
    }

    pub(in crate::engine_properties) fn next(&self) -> Option<DateTime<Utc>> {
        self.on_the_way.keys().next().copied()
    }

    /// What is accepted at this instant.
    pub(in crate::engine_properties) fn take(&mut self, now: DateTime<Utc>) -> Vec<Notice> {
        let arrived = self.on_the_way.remove(&now).unwrap_or_default();
        for notice in &arrived {
            for item in &notice.items {
                if self.cured.get(&item.resource).is_none_or(|cured| *cured <= notice.at) {
                    let key = (item.resource.clone(), notice.kind.clone());
                    self.accepted.entry(key).or_insert(now);
                }
            }
        }
        arrived
    }

    /// Takes what was decided now to the post; what is told of a trouble that is over is forgotten.
    pub(in crate::engine_properties) fn send(&mut self, decision: &Decision, now: DateTime<Utc>) {
        for effect in &decision.effects {
            match effect {
                Effect::Notice(notice) if !self.delays.is_empty() => {
                    let delay = self.delays[self.sent % self.delays.len()];
                    self.sent += 1;
                    let Some(first) = delay.map(|hours| now + TimeDelta::hours(hours)) else {
                        continue;
                    };
                    let second = self.again.map(|hours| first + TimeDelta::hours(hours));
                    for at in std::iter::once(first).chain(second) {
                        self.on_the_way.entry(at).or_default().push(notice.clone());
                    }
                }
                Effect::Renewal(renewal) => self.forget(&renewal.resource, now),
                // A late top-up brings back what new arrears, which were told, stop again.
                Effect::Transition(back)
                    if back.reason == "balance_recovered"
                        && decision.after.resources[&back.resource].arrears_since.is_none() =>
                {
                    self.forget(&back.resource, now);
                }
                _ => {}
            }
        }
    }

    fn forget(&mut self, id: &ResourceId, now: DateTime<Utc>) {
        self.cured.insert(id.clone(), now);
        self.accepted.retain(|(resource, _), _| resource != id);
    }

    /// A release by the clock has every proof of the step that makes it, and its lead time is over.
    pub(in crate::engine_properties) fn check(
        &mut self,
        policy: &Policy,
        entered_by: Cause,
        change: &Transition,
        now: DateTime<Utc>,
    ) {
        let by_clock = ["expired", "arrears", "deadline"].contains(&change.reason.as_str());
        let is_wished = matches!(entered_by, Cause::Termination | Cause::Return);
        if !by_clock || is_wished || !change.irreversible {
            return;
        }
        let mut steps = policy.steps.iter().filter(|step| {
            step.to == change.to
                && step.from == change.from
                && step.when.entered_by.is_none_or(|cause| cause == entered_by)
        });
        let is_proven = |proof: &Proof| {
            let mut each = proof.notices.iter().map(|kind| {
                let at = self.accepted.get(&(change.resource.clone(), kind.clone()));
                at.is_some_and(|at| *at + proof.lead <= now)
            });
            match proof.of_them {
                OfThem::All => each.all(|is| is),
                OfThem::Any => each.any(|is| is),
            }
        };
        assert!(
            steps.any(|step| !step.proofs.is_empty() && step.proofs.iter().all(is_proven)),
            "SAFE-4: {} is released at {now}, and known to be accepted is {:?}",
            change.resource,
            self.accepted
        );
        self.released += 1;
    }
}

/// Whole hours, so that everything still lies on the hour; now and then a week, or never.
fn delays() -> impl Strategy<Value = Vec<Option<i64>>> {
    let delay = prop_oneof![
        4 => Just(Some(1)),
        2 => (2_i64..60).prop_map(Some),
        1 => (100_i64..300).prop_map(Some),
        1 => Just(None),
    ];
    vec(delay, 1..5)
}

fn play(history: &[Arrival], load: Load, mail: Mail) -> World<'static> {
    let mut world = World::new(policies(), load).with_mail(mail);
    run(&mut world, history);
    world
}

fn run(world: &mut World<'_>, history: &[Arrival]) {
    for group in history.chunk_by(|one, other| one.at == other.at) {
        world.wake_up_to(group[0].at);
        world.step(group[0].at, &history::events(group));
    }
    world.wake_up_to(at(history::END));
}

proptest! {
    #![proptest_config(cases(160))]

    /// With what every decision is checked for, what is promised among it: a date that is named while proof is missing binds.
    #[test]
    fn nothing_irreversible_comes_without_its_proof(ops in histories(), delays in delays()) {
        let mut world = World::new(policies(), Load::Scope).with_mail(Mail::new(&delays));
        world.is_checked = true;
        run(&mut world, &resolve(&ops));
    }

    #[test]
    fn what_the_scope_leaves_out_proves_nothing(ops in histories(), delays in delays()) {
        let history = resolve(&ops);
        let mail = Mail::new(&delays);
        let (all, some) =
            (play(&history, Load::All, mail.clone()), play(&history, Load::Scope, mail));
        prop_assert_eq!(all.told, some.told);
        prop_assert_eq!(all.whole, some.whole);
    }

    #[test]
    fn what_is_accepted_twice_is_accepted_once(
        ops in histories(), delays in delays(), again in 1_i64..80,
    ) {
        let history = resolve(&ops);
        let twice = Mail { again: Some(again), ..Mail::new(&delays) };
        let one = play(&history, Load::Scope, Mail::new(&delays));
        let other = play(&history, Load::Scope, twice);
        prop_assert_eq!(one.told, other.told);
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// What proof lets go has a wake.
    #[test]
    fn looking_all_the_time_finds_no_more_proof_than_the_wakes(ops in histories(), delays in delays()) {
        let history = resolve(&ops);
        let mut restless = World::new(policies(), Load::All).with_mail(Mail::new(&delays));
        for hour in 0..=history::END {
            let now: Vec<_> = history.iter().filter(|one| one.at == at(hour)).cloned().collect();
            restless.step(at(hour), &history::events(&now));
        }
        let woken = play(&history, Load::Scope, Mail::new(&delays));
        let before_the_end = |world: World<'static>| {
            world.told.into_iter().filter(|(told, _)| *told < at(history::END)).collect::<Vec<_>>()
        };
        let phases = (phases(&restless.whole), phases(&woken.whole));
        prop_assert_eq!(before_the_end(restless), before_the_end(woken));
        prop_assert_eq!(phases.0, phases.1);
    }
}

#[test]
fn histories_reach_releases_that_are_held_for_proof_and_let_go() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut held, mut released) = (0, 0);
    for _ in 0..500 {
        let tree = (histories(), delays()).new_tree(&mut runner).expect("a history");
        let (ops, delays) = tree.current();
        let mut world = World::new(policies(), Load::Scope).with_mail(Mail::new(&delays));
        world.is_checked = true;
        run(&mut world, &resolve(&ops));
        let is_held =
            |effect: &Effect| matches!(effect, Effect::Held(held) if held.because == "proof");
        held += world.told.iter().filter(|(_, effect)| is_held(effect)).count();
        released += world.mail.released;
    }
    println!("held for proof {held} times, let go with it {released} times");
    assert!(held > 100 && released > 400, "held {held} times, let go {released} times");
}
