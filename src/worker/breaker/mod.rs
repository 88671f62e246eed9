//! The breaker at work (SAFE-6): what asks to be admitted is collected until nothing more is due, then judged as a set.
//!
//! The judgement itself is the engine's (`engine::breaker`); what it is told is counted in `book`, and durable. A batch that is
//! held goes on only by an order of a person (`orders`).

mod book;
mod judge;
mod orders;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use self::book::Book;
pub(super) use self::judge::Here;
use super::WorkerError;
use crate::engine::account::Account;
use crate::engine::breaker::{Kind, Limit, Scope, most_in_an_hour};
use crate::engine::decision::{Decision, Portfolio};
use crate::engine::effect::Effect;
use crate::engine::gate::{Admission, Admitted, Crossing, Gates, Patience};
use crate::engine::id::{AccountId, PhaseName, PolicyId, ResourceId};
use crate::engine::policy::{Clock, PhaseClass, Policy, PolicySet};
use crate::store::{
    BATCHES, Batch, BatchState, IntentRow, IntentState, IntentsOf, Read, StoreError, Transaction,
};

/// Intents that are read at a time.
const PAGE: usize = 1_000;

/// How many are too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// How long what was admitted counts.
    pub window: TimeDelta,
    /// Stops: of one policy, and of all together.
    pub stops: (Limit, Limit),
    /// Releases: of one policy, and of all together.
    pub releases: (Limit, Limit),
    /// Accounts that fall below zero within an hour of event time.
    pub arrears: Limit,
    /// So long no further account must have fallen before those that have are judged,
    pub settle: TimeDelta,
    /// but no longer than this after the first.
    pub settle_max: TimeDelta,
    /// A step that waits to be admitted is said to be held after this long.
    pub patience: TimeDelta,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        let limit = |number| Limit { number, share_percent: 10, floor: 20 };
        Self {
            window: TimeDelta::hours(1),
            stops: (limit(1_000), limit(2_000)),
            releases: (limit(500), limit(1_000)),
            arrears: limit(200),
            settle: TimeDelta::seconds(1),
            settle_max: TimeDelta::seconds(60),
            patience: TimeDelta::seconds(10),
        }
    }
}

/// Steps of one account that may come.
pub(super) type Steps = BTreeSet<(ResourceId, PhaseName)>;

/// What the worker remembers between two groups. All of it can be read back from the store.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    book: Book,
    /// Batches that nobody has decided about.
    open: BTreeMap<(Scope, Kind), String>,
    /// Something asked that was not judged yet.
    has_asked: bool,
    /// Accounts that fell below zero and were not judged yet: when the first and the last of them asked.
    falls: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Something is admitted and has not gone on.
    has_admitted: bool,
    /// Something left a batch, which may be empty by that.
    has_left: bool,
    /// More waits than would be admitted, as far as is known before the next judgement.
    is_full: bool,
}

/// What one account may do.
#[derive(Debug, Default)]
pub(super) struct Leave {
    /// Steps that were admitted.
    pub(super) steps: Steps,
    /// Of these, those that count only if they come.
    pub(super) cleared: Steps,
    /// The fall below zero that was admitted.
    pub(super) crossing: Option<Admitted>,
}

/// What the breaker has to remember of an account before a decision.
#[derive(Debug)]
pub(super) struct Before {
    gated: Vec<ResourceId>,
    doubted: Option<DateTime<Utc>>,
    alive: BTreeMap<PolicyId, u64>,
    is_at_stake: bool,
}

impl Breaker {
    /// As it was left.
    pub(super) fn load(
        store: &(impl Read + ?Sized),
        settings: BreakerSettings,
        now: DateTime<Utc>,
    ) -> Result<Self, WorkerError> {
        let mut open = BTreeMap::new();
        for (hash, body) in store.registers(BATCHES)? {
            let batch: Batch = serde_json::from_str(&body)?;
            if batch.state == BatchState::Held {
                open.insert((batch.scope, batch.kind), hash);
            }
        }
        let waiting = store.waiting_intents()?;
        let has_fallen = waiting.iter().any(|(kind, ..)| *kind == Kind::Arrears);
        let breaker = Self {
            settings,
            book: Book::load(store)?,
            has_asked: !waiting.is_empty(),
            falls: has_fallen.then_some((now, now)),
            has_admitted: !store.admitted_accounts(1)?.is_empty(),
            // It may have died before it looked.
            has_left: !open.is_empty(),
            is_full: false,
            open,
        };
        for (scope, kind) in breaker.open.keys() {
            show(scope, *kind, true);
        }
        Ok(breaker)
    }

    /// How many batches wait for a person.
    pub(super) fn open_batches(&self) -> usize {
        self.open.len()
    }

    /// Whether something is admitted and has not gone on.
    pub(super) fn has_admitted(&self) -> bool {
        self.has_admitted
    }

    /// Says whether something is left of it.
    pub(super) fn set_admitted(&mut self, has: bool) {
        self.has_admitted = has;
    }

    /// Whether something asked that was not judged yet.
    pub(super) fn has_asked(&self) -> bool {
        self.has_asked
    }

    /// Whether anything waits that could still come before it is judged: what stays behind an open batch cannot.
    pub(super) fn has_unjudged(&self) -> bool {
        self.has_asked || self.falls.is_some()
    }

    /// When accounts that fell below zero are judged, if some wait for that.
    pub(super) fn judges_at(&self) -> Option<DateTime<Utc>> {
        let (first, last) = self.falls?;
        Some((last + self.settings.settle).min(first + self.settings.settle_max))
    }

    /// What was admitted of an account.
    pub(super) fn leave(
        &self,
        tx: &dyn Transaction,
        account: &AccountId,
        cleared: Steps,
    ) -> Result<Leave, StoreError> {
        let mut leave = Leave { steps: cleared.clone(), cleared, crossing: None };
        if !self.has_admitted {
            return Ok(leave);
        }
        each_intent(tx, IntentsOf::Account(account), |row| {
            if row.state != IntentState::Admitted {
                return;
            }
            match &row.resource {
                Some(id) => drop(leave.steps.insert((id.clone(), row.to.clone()))),
                None => {
                    let held = row.batch.is_some();
                    leave.crossing = Some(Admitted { since: row.due_at, held });
                }
            }
        })?;
        Ok(leave)
    }

    /// What waits to be judged of an account and was due before this instant, as if it were admitted; `None` if nothing does. What
    /// cannot be taken back is never part of it: it waits for its judgement, whatever becomes of it meanwhile.
    pub(super) fn leave_of_waiting(
        &self,
        tx: &dyn Transaction,
        account: &AccountId,
        before: DateTime<Utc>,
    ) -> Result<Option<Leave>, StoreError> {
        let mut leave = Leave::default();
        if self.is_full {
            return Ok(None);
        }
        each_intent(tx, IntentsOf::Account(account), |row| {
            let may = row.state == IntentState::Waiting && row.kind != Kind::Release;
            if !may || row.due_at >= before {
                return;
            }
            match &row.resource {
                Some(id) => drop(leave.steps.insert((id.clone(), row.to.clone()))),
                None => leave.crossing = Some(Admitted { since: row.due_at, held: false }),
            }
        })?;
        leave.cleared = leave.steps.clone();
        let asks = !leave.steps.is_empty() || leave.crossing.is_some();
        Ok(asks.then_some(leave))
    }

    /// Whether everything that waits would be admitted if it were judged now. Once it would not, that stays so until it is judged.
    pub(super) fn has_room_for_all(
        &mut self,
        tx: &dyn Transaction,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.is_full = self.is_full || !self.would_admit_all(tx, now)?;
        Ok(!self.is_full)
    }

    fn would_admit_all(
        &self,
        tx: &dyn Transaction,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut counts: BTreeMap<PolicyId, Count> = BTreeMap::new();
        for (kind, policy, waiting) in tx.waiting_intents()? {
            let count = counts.entry(policy).or_default();
            match kind {
                Kind::Stop => count.stops += waiting,
                Kind::Release => count.releases += waiting,
                Kind::Arrears => {}
            }
        }
        let (waiting, _) = judge::falls_by_minute(tx, now)?;
        let most = most_in_an_hour(&self.book.falls(), &waiting);
        let is_open = self.open.contains_key(&(Scope::All, Kind::Arrears));
        Ok(self.fits(&counts, now)
            && (waiting.is_empty()
                || (!is_open && most <= self.settings.arrears.of(self.book.accounts()))))
    }

    /// A fall below zero goes on without having been judged with the others.
    pub(super) fn count_fall(&mut self, since: DateTime<Utc>, now: DateTime<Utc>) {
        let at = since.max(now - book::FALLS_KEPT);
        self.book.admit(Kind::Arrears, &book::accounts(), (at, 1));
    }

    /// What the gates are told.
    pub(super) fn gates<'g>(&self, world: Gates<'g>, leave: &'g Leave) -> Gates<'g> {
        Gates {
            admission: Admission::Only(&leave.steps),
            crossing: Crossing::Only(leave.crossing),
            patience: Patience { admission: self.settings.patience, ..world.patience },
            ..world
        }
    }

    /// Writes down what a decision asks to be admitted, and what it did that was.
    pub(super) fn note(
        &mut self,
        tx: &mut dyn Transaction,
        (before, decision): (Before, &Decision),
        (leave, policies): (&Leave, &PolicySet),
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let account = &decision.after.account;
        let mut asked: BTreeMap<&ResourceId, Vec<IntentRow>> = BTreeMap::new();
        for id in &before.gated {
            asked.entry(id).or_default();
        }
        for intent in &decision.intents {
            let row = IntentRow::new(&account.id, intent, now);
            asked.entry(&intent.resource).or_default().push(row);
        }
        for (id, rows) in &asked {
            let outcome = tx.ask_admission(&account.id, Some(id), rows)?;
            self.has_asked |= outcome.is_new;
            self.has_left |= outcome.left_a_batch;
        }
        if account.doubted != before.doubted {
            let rows = account.doubted.map(|at| IntentRow::below_zero(&account.id, at, now));
            let outcome = tx.ask_admission(&account.id, None, rows.as_slice())?;
            self.has_left |= outcome.left_a_batch;
            if outcome.is_new {
                self.falls = Some((self.falls.map_or(now, |(first, _)| first.min(now)), now));
            }
        }
        for effect in &decision.effects {
            if let Effect::Transition(change) = effect
                && leave.cleared.contains(&(change.resource.clone(), change.to.clone()))
            {
                let kind = if change.irreversible { Kind::Release } else { Kind::Stop };
                self.book.admit(kind, &change.policy.id, (now, 1));
            }
        }
        if !decision.resources_changed.is_empty() {
            self.book.track(&before.alive, &alive(&decision.after, policies));
        }
        if decision.account_changed {
            self.book.track_account(before.is_at_stake, is_at_stake(account, policies));
        }
        Ok(())
    }

    /// Writes what is counted.
    pub(super) fn flush(
        &mut self,
        tx: &mut dyn Transaction,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.book.flush(tx, (now, self.settings.window))
    }

    /// Whether so many of each policy may come without a judgement: nothing waits for one, and no limit can be reached.
    pub(super) fn has_room(&self, counts: &BTreeMap<PolicyId, Count>, now: DateTime<Utc>) -> bool {
        !self.has_asked && self.fits(counts, now)
    }

    /// Whether so many of each policy break no limit, with those that were admitted before.
    fn fits(&self, counts: &BTreeMap<PolicyId, Count>, now: DateTime<Utc>) -> bool {
        let fits = |kind, of: fn(&Count) -> u64, (each, all): (Limit, Limit)| {
            let is_open = |scope| self.open.contains_key(&(scope, kind));
            let since = now - self.settings.window;
            let total: u64 = counts.values().map(of).sum();
            let each_fits = counts.iter().filter(|(_, count)| of(count) > 0).all(|(id, count)| {
                let admitted = self.book.admitted(kind, Some(id), since);
                !is_open(Scope::Policy(id.clone()))
                    && admitted + of(count) <= each.of(self.book.tracked(Some(id)))
            });
            let admitted = self.book.admitted(kind, None, since);
            total == 0
                || (each_fits
                    && !is_open(Scope::All)
                    && admitted + total <= all.of(self.book.tracked(None)))
        };
        fits(Kind::Stop, |count| count.stops, self.settings.stops)
            && fits(Kind::Release, |count| count.releases, self.settings.releases)
    }
}

/// How many steps there can be at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    pub(super) stops: u64,
    pub(super) releases: u64,
}

/// The phases that a resource of this policy must be admitted to, each with the kinds of step that lead there.
pub(super) fn guarded(policy: &Policy) -> BTreeMap<&PhaseName, Count> {
    let mut phases: BTreeMap<&PhaseName, Count> = BTreeMap::new();
    let takes_away = |to: &PhaseName| policy.class(to) > PhaseClass::Unpaid;
    for step in policy.steps.iter().filter(|step| takes_away(&step.to)) {
        let count = phases.entry(&step.to).or_default();
        if step.irreversible { count.releases = 1 } else { count.stops = 1 }
    }
    // A customer may have asked for it.
    if let Some(gone) = policy.gone() {
        phases.entry(gone).or_default().releases = 1;
    }
    phases
}

impl Before {
    pub(super) fn of(portfolio: &Portfolio, policies: &PolicySet) -> Self {
        let gated = portfolio.resources.values().filter(|resource| resource.is_gated());
        Self {
            gated: gated.map(|resource| resource.id.clone()).collect(),
            doubted: portfolio.account.doubted,
            alive: alive(portfolio, policies),
            is_at_stake: is_at_stake(&portfolio.account, policies),
        }
    }
}

/// How many of those in sight are not gone, by policy.
fn alive(portfolio: &Portfolio, policies: &PolicySet) -> BTreeMap<PolicyId, u64> {
    let mut counts = BTreeMap::new();
    for resource in portfolio.resources.values() {
        let class = policies.get(&resource.policy).map(|policy| policy.class(&resource.phase));
        if class != Some(PhaseClass::Gone) {
            *counts.entry(resource.policy.id.clone()).or_default() += 1;
        }
    }
    counts
}

/// Whether it has something that arrears would stop.
fn is_at_stake(account: &Account, policies: &PolicySet) -> bool {
    let mut tracked = account.tracked.keys().filter_map(|key| policies.get(key));
    tracked.any(|policy| policy.clock == Clock::Arrears)
}

/// Goes through a list of intents, page by page.
fn each_intent(
    store: &(impl Read + ?Sized),
    of: IntentsOf<'_>,
    mut take: impl FnMut(&IntentRow),
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = store.intents(of, after.as_ref(), PAGE)?;
        page.iter().for_each(&mut take);
        let Some(last) = page.last().filter(|_| page.len() == PAGE) else { return Ok(()) };
        after = Some(last.key());
    }
}

/// Shows whether a batch waits for a person.
fn show(scope: &Scope, kind: Kind, is_open: bool) {
    let scope = scope.word().to_owned();
    metrics::gauge!("dunlin_breaker_open", "scope" => scope, "kind" => kind.word())
        .set(f64::from(u8::from(is_open)));
}
