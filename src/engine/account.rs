//! The account: who pays, what it owes, who is told. One of the two aggregates; the unit of locking.
//!
//! State only. What follows from it is decided in `arrears`, `runway` and `step`.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::hold::Holds;
use super::id::{AccountId, EventKey, PolicyKey};
use super::input::{Event, Profile};
use super::ledger::Balances;

/// One account, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Who it is; facts wait until this is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Register<Profile>>,
    /// When everything was erased that the person can be told by: what is older and comes late brings nothing of it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<DateTime<Utc>>,
    /// What it has and had.
    #[serde(default)]
    pub balances: Balances,
    /// The running arrears episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrears: Option<Arrears>,
    /// Since when it is below zero, where that waits to be admitted (SAFE-6): nobody is told of it and no clock counts from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted: Option<DateTime<Utc>>,
    /// Since when it is in arrears by what an imported resource came with, while no report from then on says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrears_claimed: Option<DateTime<Utc>>,
    /// Counts arrears episodes, from 1.
    #[serde(default)]
    pub episodes: u64,
    /// What it consumed lately.
    #[serde(default)]
    pub usage: UsageWindow,
    /// Holds on all that it has.
    #[serde(default)]
    pub holds: Holds,
    /// When the balance is looked at next, by the policy that asks for it. Only while there is something to look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub checks: BTreeMap<PolicyKey, DateTime<Utc>>,
    /// How many resources follow each policy and are neither in the bin nor gone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub tracked: BTreeMap<PolicyKey, u32>,
    /// Counts the wishes of its customer, in the order in which they arrived.
    #[serde(default)]
    pub wishes: u64,
    /// How many of its resources it has returned, ever.
    #[serde(default)]
    pub returned: Returned,
    /// Facts about what is not known yet, in arrival order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parked: Vec<Event>,
    /// Counts decisions that had effects; names them.
    #[serde(default)]
    pub decisions: u64,
    /// When the engine wants to look at it again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<DateTime<Utc>>,
}

/// How many returns an account has had (RET-1, RET-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Returned {
    /// Unconditional ones.
    pub unconditional: u32,
    /// Ordinary ones.
    pub ordinary: u32,
}

/// One run below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrears {
    /// The effective time of the deduction that took the balance below zero.
    pub since: DateTime<Utc>,
    /// Its number.
    pub episode: u64,
    /// When its clocks began to count, where that was later: it was held as one of too many (SAFE-6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_from: Option<DateTime<Utc>>,
}

impl Arrears {
    /// What its clocks count from.
    pub fn counts_from(self) -> DateTime<Utc> {
        self.counted_from.map_or(self.since, |from| from.max(self.since))
    }
}

/// A fact that a later one replaces: the later `time`, then the greater event key (SAFE-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register<T> {
    /// What is true.
    pub value: T,
    /// Since when.
    pub time: DateTime<Utc>,
    /// Who said so.
    pub key: EventKey,
}

impl<T> Register<T> {
    /// Replaces `slot` if `new` is not older.
    pub fn settle(slot: &mut Option<Self>, new: Self) -> bool {
        let newer = slot.as_ref().is_none_or(|old| (old.time, &old.key) < (new.time, &new.key));
        if newer {
            *slot = Some(new);
        }
        newer
    }
}

/// What was deducted lately, by period.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UsageWindow {
    /// Start of the first usage ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Start, end and sum of each period, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<(DateTime<Utc>, DateTime<Utc>, Decimal)>,
}

impl Account {
    /// An account that nothing is known of yet.
    pub fn unknown(id: AccountId) -> Self {
        Self {
            id,
            profile: None,
            erased_at: None,
            balances: Balances::default(),
            arrears: None,
            doubted: None,
            arrears_claimed: None,
            episodes: 0,
            usage: UsageWindow::default(),
            holds: Holds::default(),
            checks: BTreeMap::new(),
            tracked: BTreeMap::new(),
            wishes: 0,
            returned: Returned::default(),
            parked: Vec::new(),
            decisions: 0,
            wake_at: None,
        }
    }

    /// What it has, as far as is known: not after arrears that a resource came with, until a report says.
    pub fn balance(&self) -> Option<Decimal> {
        let is_claimed = self.arrears_claimed.is_some() && self.arrears.is_none();
        self.balances.current().filter(|_| !is_claimed)
    }

    /// Whether it owes money, by what is known: a report below zero, or arrears that a resource came with and that no report
    /// from then on says are over.
    pub fn is_in_arrears(&self) -> bool {
        let is_open = |claimed| !self.balances.is_settled_from(claimed);
        self.arrears_claimed.is_some_and(is_open)
            || self.balances.current().is_some_and(|balance| balance < Decimal::ZERO)
    }

    /// Whether the person was erased and nobody is known since whom to tell.
    pub fn is_erased(&self) -> bool {
        let is_known = |profile: &Register<Profile>| !profile.value.contacts.is_empty();
        self.erased_at.is_some() && !self.profile.as_ref().is_some_and(is_known)
    }

    /// The name to show, if any.
    pub fn name(&self) -> Option<String> {
        self.profile.as_ref().and_then(|profile| profile.value.name.clone())
    }
}

/// Maps whose keys are structures, as lists of pairs: JSON has no other way.
mod pairs {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K, V, S>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
    where
        K: Serialize,
        V: Serialize,
        S: Serializer,
    {
        serializer.collect_seq(map.iter())
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
