//! What each part of the program says about itself, and whether that makes the worker ready.
//!
//! The parts write, `/readyz` reads; nobody decides anything by it. Details are for people and hold no personal data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::clock::Clock;

/// How a part fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, but somebody should look.
    Degraded,
    /// It does not work.
    Down,
}

/// Whether the worker can do without a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Not ready while it is down: broker, store, templates.
    Required,
    /// Listed only. Mail and texts wait in the outbox while their channel is down; restarting would not help.
    Listed,
}

/// What one part says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Component {
    /// Its name.
    pub name: &'static str,
    /// How it fares.
    pub state: State,
    /// Whether the worker is not ready while it is down.
    pub required: bool,
    /// Why, for people, without personal data.
    pub detail: String,
    /// Since when it is in this state.
    pub since: DateTime<Utc>,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether no required part is down.
    pub ready: bool,
    /// The worst state of all parts and bindings.
    pub state: State,
    /// The parts, by name.
    pub components: Vec<Component>,
    /// When a due timer was last handled.
    pub last_wake: Option<DateTime<Utc>>,
    /// Routing keys for which the broker has no queue: messages to them came back and wait in the outbox.
    pub missing_bindings: BTreeSet<String>,
}

/// Collects what the parts say. Clones share it.
#[derive(Clone)]
pub struct Readiness {
    clock: Arc<dyn Clock>,
    board: Arc<Mutex<Board>>,
}

#[derive(Default)]
struct Board {
    components: BTreeMap<&'static str, Component>,
    last_wake: Option<DateTime<Utc>>,
    missing_bindings: BTreeSet<String>,
}

impl Readiness {
    /// Nothing said yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, board: Arc::default() }
    }

    /// Adds a part, down until it says otherwise. The part keeps what this returns.
    pub fn component(&self, name: &'static str, need: Need) -> ComponentHandle {
        let component = Component {
            name,
            state: State::Down,
            required: need == Need::Required,
            detail: "starting".to_owned(),
            since: self.clock.now(),
        };
        self.board().components.insert(name, component);
        ComponentHandle { readiness: self.clone(), name }
    }

    /// A due timer was handled at `at`.
    pub fn woke(&self, at: DateTime<Utc>) {
        self.board().last_wake = Some(at);
    }

    /// The routing keys that lead nowhere now.
    pub fn set_missing_bindings(&self, keys: BTreeSet<String>) {
        self.board().missing_bindings = keys;
    }

    /// What there is to say now.
    pub fn report(&self) -> Report {
        let board = self.board();
        let components: Vec<_> = board.components.values().cloned().collect();
        let bindings = if board.missing_bindings.is_empty() { State::Ok } else { State::Degraded };
        Report {
            ready: !components.iter().any(|part| part.required && part.state == State::Down),
            state: components.iter().map(|part| part.state).fold(bindings, Ord::max),
            components,
            last_wake: board.last_wake,
            missing_bindings: board.missing_bindings.clone(),
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().expect("no holder of this lock can panic")
    }
}

/// One part's own line of the page.
#[derive(Clone)]
pub struct ComponentHandle {
    readiness: Readiness,
    name: &'static str,
}

impl ComponentHandle {
    /// Says how the part fares. `detail` holds no personal data. Saying the same state again keeps its `since`.
    pub fn set(&self, state: State, detail: impl Into<String>) {
        let now = self.readiness.clock.now();
        let mut board = self.readiness.board();
        let part =
            board.components.get_mut(self.name).expect("a handle is made with its component");
        if part.state != state {
            part.since = now;
        }
        part.state = state;
        part.detail = detail.into();
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::clock::ManualClock;

    fn readiness() -> (Arc<ManualClock>, Readiness) {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        (clock.clone(), Readiness::new(clock))
    }

    #[test]
    fn a_required_part_that_has_said_nothing_yet_is_not_ready() {
        let (_, readiness) = readiness();
        let store = readiness.component("store", Need::Required);
        assert!(!readiness.report().ready);
        store.set(State::Ok, "");
        assert!(readiness.report().ready);
        store.set(State::Degraded, "slow");
        assert!(readiness.report().ready);
    }

    #[test]
    fn a_relay_that_is_down_is_listed_but_the_worker_stays_ready() {
        let (_, readiness) = readiness();
        readiness.component("email", Need::Listed).set(State::Down, "connection refused");
        let report = readiness.report();
        assert!(report.ready);
        assert_eq!((report.state, report.components[0].state), (State::Down, State::Down));
    }

    #[test]
    fn a_missing_binding_degrades_and_is_named() {
        let (_, readiness) = readiness();
        readiness.set_missing_bindings(BTreeSet::from(["lifecycle.x".to_owned()]));
        let report = readiness.report();
        assert!(report.ready && report.state == State::Degraded);
        assert!(report.missing_bindings.contains("lifecycle.x"));
    }

    #[test]
    fn since_is_when_the_state_changed_and_not_when_it_was_said_again() {
        let (clock, readiness) = readiness();
        let broker = readiness.component("broker.consume", Need::Required);
        let at = |secs| DateTime::UNIX_EPOCH + TimeDelta::seconds(secs);
        clock.set(at(10));
        broker.set(State::Ok, "");
        clock.set(at(20));
        broker.set(State::Ok, "session 2");
        let part = readiness.report().components.remove(0);
        assert_eq!((part.since, part.detail.as_str()), (at(10), "session 2"));
    }
}
