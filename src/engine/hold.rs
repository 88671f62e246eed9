//! Holds: somebody decided that steps wait (SAFE-7). Placed and lifted are facts: they converge in any order.
//!
//! Says what is held; `gate` decides with it.

use alloc::collections::BTreeMap;
use alloc::string::String;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::id::EventKey;
use super::input::HoldScope;

/// The holds on one target.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holds {
    /// By id; those without one by the event that placed them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    placed: BTreeMap<String, Hold>,
    /// When each was lifted, also before it was seen placed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lifted: BTreeMap<String, DateTime<Utc>>,
    /// When all were last lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all_lifted: Option<DateTime<Utc>>,
}

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What it stops.
    pub scope: HoldScope,
    /// Free text.
    pub reason: String,
    /// When it was placed.
    pub since: DateTime<Utc>,
    /// At this instant it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Who said so: of two with the same id and time the greater one counts (SAFE-3).
    pub key: EventKey,
}

impl Holds {
    /// Takes note of a hold; of two with the same id the later one counts.
    pub fn place(&mut self, id: String, hold: Hold) {
        let newer =
            self.placed.get(&id).is_none_or(|old| (old.since, &old.key) < (hold.since, &hold.key));
        if newer {
            self.placed.insert(id, hold);
        }
    }

    /// Leaves out why, in whose words so ever. They stay in force.
    pub fn forget_reasons(&mut self) {
        self.placed.values_mut().for_each(|hold| hold.reason.clear());
    }

    /// Takes note that one hold, or all of them, ended at `time`.
    pub fn lift(&mut self, id: Option<String>, time: DateTime<Utc>) {
        match id {
            Some(id) => {
                let lifted = self.lifted.entry(id).or_insert(time);
                *lifted = time.max(*lifted);
            }
            None => self.all_lifted = self.all_lifted.max(Some(time)),
        }
    }

    /// The hold that stops steps of this kind at `now`, and lasts longest.
    pub fn stopping(&self, irreversible: bool, now: DateTime<Utc>) -> Option<&Hold> {
        self.named_stopping(irreversible, now).map(|(_, hold)| hold)
    }

    /// The same with its id.
    pub(super) fn named_stopping(
        &self,
        irreversible: bool,
        now: DateTime<Utc>,
    ) -> Option<(&str, &Hold)> {
        self.in_force(now)
            .filter(|(_, hold)| irreversible || hold.scope == HoldScope::All)
            .max_by_key(|(_, hold)| (hold.until.is_none(), hold.until))
    }

    /// Whether any was placed and not lifted, also if its time is over.
    pub fn stand(&self) -> bool {
        self.placed.iter().any(|(id, hold)| self.is_in_force(id, hold, hold.since))
    }

    /// Whether nothing was ever placed or lifted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The holds that are in force at `now`, by id.
    pub fn in_force(&self, now: DateTime<Utc>) -> impl Iterator<Item = (&str, &Hold)> {
        let placed = self.placed.iter();
        placed
            .filter(move |(id, hold)| self.is_in_force(id, hold, now))
            .map(|(id, hold)| (id.as_str(), hold))
    }

    /// The holds that were in force at a past instant, by what is known now: one that was placed again since is not known.
    pub fn in_force_then(&self, then: DateTime<Utc>) -> impl Iterator<Item = (&str, &Hold)> {
        let lifted = move |id: &str, hold: &Hold| {
            let ends = [self.lifted.get(id).copied(), self.all_lifted];
            ends.into_iter().flatten().any(|end| (hold.since..=then).contains(&end))
        };
        let placed = self.placed.iter();
        placed
            .filter(move |(id, hold)| {
                let is_over = hold.until.is_some_and(|until| until <= then);
                hold.since <= then && !is_over && !lifted(id, hold)
            })
            .map(|(id, hold)| (id.as_str(), hold))
    }

    fn is_in_force(&self, id: &str, hold: &Hold, now: DateTime<Utc>) -> bool {
        let ended = self.lifted.get(id).copied().max(self.all_lifted);
        ended.is_none_or(|ended| ended < hold.since) && hold.until.is_none_or(|until| now < until)
    }
}
