//! The engine on a simulated clock: events in, decisions out, no broker, no mail, no wall clock.
//!
//! Time follows the events and stops at what is due between them. Holds everything in memory; decodes and prints nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::engine::account::Account;
use crate::engine::decision::{Circumstances, Decision, Input, Portfolio, Proofs, Scope};
use crate::engine::gate::Gates;
use crate::engine::id::{AccountId, ResourceId};
use crate::engine::input::Event;
use crate::engine::moratorium::Moratoria;
use crate::engine::policy::PolicySet;
use crate::engine::resource::Resource;
use crate::engine::{scope, step};

/// A world of accounts and a clock that events move.
#[derive(Debug)]
pub struct Simulation<'p> {
    policies: &'p PolicySet,
    proofs: Proofs,
    /// The instant that is open: events of it may still come.
    clock: Option<DateTime<Utc>>,
    /// Events of the open instant, by account, in arrival order.
    open: BTreeMap<AccountId, Vec<Event>>,
    accounts: BTreeMap<AccountId, Portfolio>,
    wakes: BTreeSet<(DateTime<Utc>, AccountId)>,
    moratoria: Moratoria,
    /// They changed in the open instant: what waits for them is looked at.
    moratoria_moved: bool,
}

/// One decision about one account.
#[derive(Debug)]
pub struct Decided {
    /// When, by the simulated clock.
    pub at: DateTime<Utc>,
    /// About whom.
    pub account: AccountId,
    /// The events of that instant, in arrival order.
    pub events: Vec<Event>,
    /// What was decided.
    pub decision: Decision,
}

impl<'p> Simulation<'p> {
    /// A world in which nothing happened yet, and in which every notice counts as accepted when it is due.
    pub fn new(policies: &'p PolicySet) -> Self {
        Self {
            policies,
            proofs: Proofs::Assumed,
            clock: None,
            open: BTreeMap::new(),
            accounts: BTreeMap::new(),
            wakes: BTreeSet::new(),
            moratoria: Moratoria::default(),
            moratoria_moved: false,
        }
    }

    /// The same world with other proofs. Nothing is sent in it: with recorded ones no notice is ever accepted.
    #[must_use]
    pub fn with_proofs(self, proofs: Proofs) -> Self {
        Self { proofs, ..self }
    }

    /// Reads one event, in arrival order. If it is later than the open instant, that is closed and time moves on to it, by
    /// way of everything that is due before; the decisions on the way are returned in order.
    pub fn read(&mut self, event: Event) -> Vec<Decided> {
        let decided = self.pass(event.time);
        if self.moratoria.take(&event).is_some() {
            self.moratoria_moved = true;
        } else {
            self.open.entry(event.account.clone()).or_default().push(event);
        }
        decided
    }

    /// Lets time pass up to `to`, an instant that is open then; what lies before the clock changes nothing. A heartbeat is
    /// no more than this.
    pub fn pass(&mut self, to: DateTime<Utc>) -> Vec<Decided> {
        if self.clock.is_some_and(|clock| clock >= to) {
            return Vec::new();
        }
        let decided = self.advance(to);
        self.clock = Some(to);
        decided
    }

    /// Closes the open instant and lets time run on to `until`; what is due at that instant happens.
    pub fn run_until(&mut self, until: DateTime<Utc>) -> Vec<Decided> {
        let mut decided = self.advance(until);
        if self.clock.is_none_or(|clock| clock <= until) {
            self.clock = Some(until);
            decided.extend(self.close(until));
        }
        decided
    }

    /// An account as it is now, with all that it has.
    pub fn account(&self, id: &AccountId) -> Option<&Portfolio> {
        self.accounts.get(id)
    }

    /// All accounts, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Portfolio> {
        self.accounts.values()
    }

    /// Closes the open instant, then every instant before `to` at which something is due.
    fn advance(&mut self, to: DateTime<Utc>) -> Vec<Decided> {
        let mut decided = self
            .clock
            .filter(|clock| *clock < to)
            .map(|clock| self.close(clock))
            .unwrap_or_default();
        while let Some(at) = self.wakes.first().map(|(at, _)| *at).filter(|at| *at < to) {
            decided.extend(self.close(at));
        }
        decided
    }

    /// Decides for everyone whom something happened to at `now`, or for whom something is due.
    fn close(&mut self, now: DateTime<Utc>) -> Vec<Decided> {
        let mut events = std::mem::take(&mut self.open);
        let due =
            self.wakes.iter().take_while(|(at, _)| *at <= now).map(|(_, account)| account.clone());
        let mut concerned: BTreeSet<_> = due.chain(events.keys().cloned()).collect();
        let gates_moved = std::mem::take(&mut self.moratoria_moved);
        if gates_moved {
            let waits =
                |whole: &&Portfolio| whole.resources.values().any(|resource| resource.is_gated());
            concerned
                .extend(self.accounts.values().filter(waits).map(|one| one.account.id.clone()));
        }
        concerned
            .into_iter()
            .map(|account| {
                let events = events.remove(&account).unwrap_or_default();
                self.decide(account, events, gates_moved, now)
            })
            .collect()
    }

    fn decide(
        &mut self,
        id: AccountId,
        events: Vec<Event>,
        gates_moved: bool,
        now: DateTime<Utc>,
    ) -> Decided {
        let whole = self.accounts.entry(id.clone()).or_insert_with(|| Portfolio {
            account: Account::unknown(id.clone()),
            resources: BTreeMap::new(),
        });
        let input = Input { gates_moved, ..Input::events(&events) };
        let scope = scope(&whole.account, input, self.policies, now);
        let before = in_sight(whole, &scope, now);
        let gates = Gates { moratoria: Some(&self.moratoria), ..Gates::OPEN };
        let circumstances = Circumstances { now, proofs: self.proofs, gates };
        let decision = step(before, input, self.policies, circumstances);
        self.wakes.retain(|(_, account)| *account != id);
        whole.account = decision.after.account.clone();
        whole.resources.extend(decision.after.resources.clone());
        let wake_at = whole
            .resources
            .values()
            .filter_map(|resource| resource.wake_at)
            .chain(whole.account.wake_at)
            .min();
        self.wakes.extend(wake_at.map(|at| (at, id.clone())));
        Decided { at: now, account: id, events, decision }
    }
}

/// The part of an account that a decision has to see: what the worker would load.
pub fn in_sight(whole: &Portfolio, scope: &Scope, now: DateTime<Utc>) -> Portfolio {
    let seen = |(id, resource): &(&ResourceId, &Resource)| {
        scope.all
            || scope.named.contains(id)
            || (scope.due && resource.wake_at.is_some_and(|at| at <= now))
            || (scope.gated && resource.is_gated())
    };
    let resources = whole
        .resources
        .iter()
        .filter(seen)
        .map(|(id, resource)| (id.clone(), resource.clone()))
        .collect();
    Portfolio { account: whole.account.clone(), resources }
}
