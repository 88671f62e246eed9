//! The mode that a store remembers: whose word counts, dunlin's or the system's that it runs beside.
//!
//! A store has one mode from its first start on, and one way out of the shadow: the hand-over, which is recorded.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::id::AccountId;
use crate::ledger::apart::Apart;
use crate::store::{NewDecision, Read, StoreError, Transaction};

/// Name of the register.
const REGISTER: &str = "mode";

/// What belongs to no account is on record under this one, which no event can name.
pub const STORE: &str = "";

/// Whether what is decided is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is.
    Live,
    /// Another system is in charge.
    Shadow,
}

/// What a store says about its mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Which.
    pub mode: Mode,
    /// Since when (UTC).
    pub since: DateTime<Utc>,
    /// The shadow that it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_since: Option<DateTime<Utc>>,
}

/// Why a store is not used in this mode.
#[derive(Debug, thiserror::Error)]
pub enum ModeError {
    /// It is a shadow.
    #[error(
        "this store has been a shadow since {since}: another system is in charge. `dunlin run --mode shadow` goes on beside it; \
         `dunlin shadow hand-over --reason TEXT` puts dunlin in charge, then `dunlin run`"
    )]
    IsShadow {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It is live.
    #[error(
        "this store is live: what it says has been done. `dunlin run` goes on; a shadow needs a store and a queue of its own \
         (`store.path`, `broker.input.queues`)"
    )]
    IsLive,
    /// There was never a shadow to hand over from.
    #[error("this store never ran in the shadow: `dunlin run` is all it takes")]
    NeverShadow,
    /// What it remembers cannot be read.
    #[error("the mode of the store cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a store remembers of its mode; nothing before its first start, or where it is older than modes.
///
/// # Errors
///
/// If the store cannot be read.
pub fn remembered(store: &(impl Read + ?Sized)) -> Result<Option<Remembered>, ModeError> {
    let rows = store.registers(REGISTER)?;
    Ok(rows.first().map(|(_, body)| serde_json::from_str(body)).transpose()?)
}

/// Starts in a mode, if that is the store's; a store that knows nobody takes the one that it is started in.
///
/// # Errors
///
/// If the store has another mode. A shadow that knows nobody yet is one all the same.
pub fn claim(tx: &mut dyn Transaction, mode: Mode, now: DateTime<Utc>) -> Result<(), ModeError> {
    let known = remembered(tx)?;
    match (known.as_ref().map(|known| (known.mode, known.since)), mode) {
        (Some((Mode::Live, _)), Mode::Live) | (Some((Mode::Shadow, _)), Mode::Shadow) => Ok(()),
        (Some((Mode::Shadow, since)), Mode::Live) => Err(ModeError::IsShadow { since }),
        (Some((Mode::Live, _)) | None, Mode::Shadow) if !tx.account_ids(None, 1)?.is_empty() => {
            Err(ModeError::IsLive)
        }
        (Some((Mode::Live, _)) | None, mode) => {
            remember(tx, &Remembered { mode, since: now, shadow_since: None })
        }
    }
}

fn remember(tx: &mut dyn Transaction, mode: &Remembered) -> Result<(), ModeError> {
    Ok(tx.put_register(REGISTER, "", &serde_json::to_string(mode)?)?)
}

/// Puts dunlin in charge from now on; since when it is. A second time changes nothing.
///
/// # Errors
///
/// If the store was never a shadow.
pub fn hand_over(
    tx: &mut dyn Transaction,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, ModeError> {
    let Some(known) = remembered(tx)? else { return Err(ModeError::NeverShadow) };
    match (known.mode, known.shadow_since) {
        (Mode::Live, None) => Err(ModeError::NeverShadow),
        (Mode::Live, Some(_)) => Ok(known.since),
        (Mode::Shadow, _) => {
            let live = Remembered { mode: Mode::Live, since: now, shadow_since: Some(known.since) };
            remember(tx, &live)?;
            record(tx, reason, known.since, now)?;
            Ok(now)
        }
    }
}

fn record(
    tx: &mut dyn Transaction,
    reason: &str,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), ModeError> {
    let because = format!("handed over: a shadow since {since}, live from now on");
    let body = json!({
        "number": 0, "effects": [],
        "reasons": [{ "rule": "hand-over", "because": because, "at": now }],
    });
    let text = Apart { said: [(0, format!(": {reason}"))].into(), ..Apart::default() };
    tx.append_decision(&NewDecision {
        account: &AccountId::from(STORE),
        at: now,
        causes: &[],
        resources: &[],
        body: &body.to_string(),
        text: Some(&serde_json::to_string(&text)?),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::account::Account;
    use crate::ledger::verify::verify;
    use crate::store::memory::{MemoryDisk, MemoryStore};
    use crate::store::{Limits, Store as _};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn store() -> MemoryStore {
        MemoryStore::open(&MemoryDisk::default(), Limits::default()).unwrap()
    }

    fn on<R>(store: &mut MemoryStore, work: impl FnOnce(&mut dyn Transaction) -> R) -> R {
        let mut tx = store.begin().unwrap();
        let answer = work(tx.as_mut());
        tx.commit().unwrap();
        answer
    }

    fn know_somebody(store: &mut MemoryStore) {
        on(store, |tx| tx.put_account(&Account::unknown("a".into()), 0).unwrap());
    }

    #[test]
    fn a_live_start_on_a_shadow_is_refused_with_the_next_command() {
        let mut store = store();
        on(&mut store, |tx| claim(tx, Mode::Shadow, at(1)).unwrap());
        let refused = on(&mut store, |tx| claim(tx, Mode::Live, at(2)).unwrap_err());
        assert!(refused.to_string().contains("dunlin shadow hand-over"), "{refused}");
        on(&mut store, |tx| claim(tx, Mode::Shadow, at(2)).unwrap());
    }

    #[test]
    fn a_shadow_start_on_a_live_store_is_refused_also_where_it_is_older_than_modes() {
        let mut old = store();
        know_somebody(&mut old);
        let refused = on(&mut old, |tx| claim(tx, Mode::Shadow, at(1)).unwrap_err());
        assert!(refused.to_string().contains("store.path"), "{refused}");
        on(&mut old, |tx| claim(tx, Mode::Live, at(1)).unwrap());
        assert!(on(&mut old, |tx| claim(tx, Mode::Shadow, at(2))).is_err());
    }

    #[test]
    fn a_live_store_that_knows_nobody_may_become_a_shadow() {
        let mut store = store();
        on(&mut store, |tx| claim(tx, Mode::Live, at(1)).unwrap());
        on(&mut store, |tx| claim(tx, Mode::Shadow, at(2)).unwrap());
        assert_eq!(remembered(&*store.reader().unwrap()).unwrap().unwrap().mode, Mode::Shadow);
    }

    #[test]
    fn a_hand_over_counts_once_and_is_on_record() {
        let mut store = store();
        assert!(matches!(
            on(&mut store, |tx| hand_over(tx, "x", at(1))),
            Err(ModeError::NeverShadow)
        ));
        on(&mut store, |tx| claim(tx, Mode::Shadow, at(1)).unwrap());
        let hand_over_at = |store: &mut MemoryStore, seconds| {
            on(store, |tx| hand_over(tx, "CHG-17", at(seconds)).unwrap())
        };
        assert_eq!(hand_over_at(&mut store, 5), at(5));
        assert_eq!(hand_over_at(&mut store, 9), at(5), "a second time");
        on(&mut store, |tx| claim(tx, Mode::Live, at(10)).unwrap());
        let reader = store.reader().unwrap();
        let verified = verify(&*reader, &STORE.into()).unwrap();
        assert_eq!((verified.records, verified.wrong), (1, None));
        let row = reader.ledger(&STORE.into(), None, 9).unwrap().remove(0);
        assert!(!row.decision.body.contains("CHG-17"));
        assert!(row.text.unwrap().text.contains("CHG-17"));
    }
}
