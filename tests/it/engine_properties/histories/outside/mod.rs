//! The world outside of an account: receipts that come late or never, heartbeats that stop, clocks that jump, moratoria,
//! admission, an operator. What the gates are told, drawn at random.
//!
//! Decides nothing and judges nothing: what no decision may do in the light of it is said in `seen::gates`.

mod hand;
mod mail;
mod turns;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::act::Act;
use dunlin::engine::decision::{Decision, Portfolio};
use dunlin::engine::effect::{Effect, Notice};
use dunlin::engine::gate::{Admission, Admitted, Crossing, Gates, Patience};
use dunlin::engine::id::{PhaseName, ResourceId};
use dunlin::engine::input::Event;
use dunlin::engine::moratorium::Moratoria;

use super::chance::Chance;
use super::history::beginning;

pub(super) use self::mail::Back;

/// A step, as it asks to be admitted.
pub(super) type Step = (ResourceId, PhaseName);

/// What a decision is told of the world outside, beside the events.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    /// Notices that were accepted.
    pub(super) accepted: Vec<Notice>,
    /// Notices of which a message came back.
    pub(super) bounced: Vec<Back>,
    /// What the operator decided.
    pub(super) acts: Vec<Act>,
    /// A gate may have opened; or closed, in some histories.
    pub(super) moved: bool,
}

/// What a gate is in trouble with, in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Mail,
    Heartbeats,
    Clocks,
    Moratoria,
    Admission,
    Crossing,
    Hand,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::Mail,
    Trouble::Heartbeats,
    Trouble::Clocks,
    Trouble::Moratoria,
    Trouble::Admission,
    Trouble::Crossing,
    Trouble::Hand,
];

/// What happens outside, at an instant that is on the agenda.
#[derive(Debug, Clone)]
enum Turn {
    Accepted(Notice),
    Bounced(Back),
    Heartbeats,
    Clocks,
    Moratoria,
    Admit(Step),
    Cross,
    Hand,
}

/// The world outside of one account.
#[derive(Debug)]
pub(super) struct Outside {
    chance: Chance,
    troubles: BTreeSet<Trouble>,
    agenda: BTreeMap<DateTime<Utc>, Vec<Turn>>,
    /// How much later each notice is accepted once more.
    pub(super) again: Option<TimeDelta>,
    /// Heartbeats stopped: facts are complete up to here.
    pub(super) silent_since: Option<DateTime<Utc>>,
    pub(super) clocks_agree: bool,
    moratoria: Moratoria,
    /// Every event about moratoria, as it was said.
    pub(super) said: Vec<Event>,
    pub(super) admitted: BTreeSet<Step>,
    asked: BTreeSet<Step>,
    pub(super) crossing: Option<Admitted>,
    /// The fall below zero that asked to be admitted.
    fell: Option<DateTime<Utc>>,
    pub(super) patience: TimeDelta,
    /// What is gated is looked at as well when a gate closes.
    looks_at_closing: bool,
    /// Everything is open, for good.
    is_over: bool,
    acts: u64,
}

impl Outside {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x6761_7465);
        let main = chance.pick(&TROUBLES);
        let others = chance.pick(&[0, 0, 20, 60]);
        let troubles =
            TROUBLES.into_iter().filter(|one| *one == main || chance.percent(others)).collect();
        let patience = TimeDelta::minutes(chance.pick(&[0, 10, 60]));
        let mut outside = Self {
            chance,
            troubles,
            agenda: BTreeMap::new(),
            again: None,
            silent_since: None,
            clocks_agree: true,
            moratoria: Moratoria::default(),
            said: Vec::new(),
            admitted: BTreeSet::new(),
            asked: BTreeSet::new(),
            crossing: None,
            fell: None,
            patience,
            looks_at_closing: seed.is_multiple_of(2),
            is_over: false,
            acts: 0,
        };
        let begun = [
            (Trouble::Heartbeats, Turn::Heartbeats),
            (Trouble::Clocks, Turn::Clocks),
            (Trouble::Moratoria, Turn::Moratoria),
            (Trouble::Hand, Turn::Hand),
        ];
        for (trouble, turn) in begun {
            if outside.has(trouble) {
                outside.in_a_while(beginning(), turn);
            }
        }
        outside
    }

    fn has(&self, trouble: Trouble) -> bool {
        !self.is_over && self.troubles.contains(&trouble)
    }

    /// Whether stops and releases, and falls below zero, have to be admitted.
    pub(super) fn asks(&self) -> (bool, bool) {
        (self.has(Trouble::Admission), self.has(Trouble::Crossing))
    }

    /// Up to when all facts are known.
    pub(super) fn complete_until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.silent_since.unwrap_or(now)
    }

    /// As the engine is told it.
    pub(super) fn gates(&self, now: DateTime<Utc>) -> Gates<'_> {
        let (steps, falls) = self.asks();
        Gates {
            complete_until: self.complete_until(now),
            clocks_agree: self.clocks_agree,
            moratoria: Some(&self.moratoria),
            admission: if steps { Admission::Only(&self.admitted) } else { Admission::All },
            crossing: if falls { Crossing::Only(self.crossing) } else { Crossing::All },
            patience: Patience { facts: self.patience, admission: self.patience },
        }
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.agenda.keys().next().copied()
    }

    fn put(&mut self, at: DateTime<Utc>, turn: Turn) {
        self.agenda.entry(at).or_default().push(turn);
    }

    fn in_a_while(&mut self, now: DateTime<Utc>, turn: Turn) {
        let minutes = self.chance.pick(&[10, 300, 1440, 2880, 7200, 13_000]);
        let minutes = self.chance.between(minutes / 2, minutes);
        self.put(now + TimeDelta::minutes(minutes), turn);
    }

    /// Lets happen what happens up to now.
    pub(super) fn take(&mut self, now: DateTime<Utc>, whole: &Portfolio) -> Arrived {
        let mut arrived = Arrived::default();
        let later = self.agenda.split_off(&(now + TimeDelta::nanoseconds(1)));
        let due = std::mem::replace(&mut self.agenda, later);
        for turn in due.into_values().flatten() {
            match turn {
                Turn::Accepted(notice) => arrived.accepted.push(notice),
                Turn::Bounced(back) => arrived.bounced.push(back),
                Turn::Hand => {
                    arrived.acts.extend(self.decided(now, whole));
                    self.in_a_while(now, Turn::Hand);
                }
                turn => arrived.moved |= self.turned(now, turn),
            }
        }
        arrived
    }

    /// Takes what was decided: notices to the post, what asks to be admitted to whoever admits it.
    pub(super) fn hear(&mut self, decision: &Decision, now: DateTime<Utc>) {
        for effect in &decision.effects {
            match effect {
                Effect::Notice(notice) => self.send(notice, now),
                // What was admitted has happened, or is not meant any more.
                Effect::Transition(change) => self.forget(&change.resource),
                _ => {}
            }
        }
        let (steps, falls) = self.asks();
        if steps {
            for intent in &decision.intents {
                self.asks_for((intent.resource.clone(), intent.to.clone()), now);
            }
        }
        let doubted = decision.after.account.doubted;
        if falls && doubted != self.fell {
            self.fell = doubted;
            if doubted.is_some()
                && let Some(wait) = self.wait()
            {
                self.put(now + wait, Turn::Cross);
            }
        }
    }

    fn forget(&mut self, id: &ResourceId) {
        self.admitted.retain(|(one, _)| one != id);
        self.asked.retain(|(one, _)| one != id);
    }

    /// Opens everything for good: receipts come at once, and whoever is held for want of proof is approved.
    pub(super) fn open(&mut self, now: DateTime<Utc>) {
        self.is_over = true;
        self.silent_since = None;
        self.clocks_agree = true;
        self.lift_all(now);
        self.agenda.clear();
        self.put(now + TimeDelta::days(1), Turn::Hand);
    }
}
