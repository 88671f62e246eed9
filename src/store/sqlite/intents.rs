//! What waits to be admitted (SAFE-6): one row a step that is due, or an account that fell below zero.

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, Row};

use super::codec::{At, Count, failed, int};
use crate::engine::breaker::Kind;
use crate::engine::id::{AccountId, PhaseName, PolicyId, ResourceId};
use crate::store::{AskOutcome, IntentKey, IntentRow, IntentState, IntentsOf, Result, due, past};

macro_rules! rows {
    ($of:literal) => {
        concat!(
            "SELECT account, resource, phase, kind, policy, due_at, asked_at, state, batch FROM intents ",
            $of
        )
    };
}

/// Sorts before every resource: the account itself.
const ITSELF: &str = "";

struct Word<T>(T);

impl FromSql for Word<Kind> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word);
        kind.map(Self).ok_or(FromSqlError::InvalidType)
    }
}

impl FromSql for Word<IntentState> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        use IntentState::{Admitted, Held, Rejected, Waiting};
        let word = value.as_str()?;
        let state = [Waiting, Admitted, Held, Rejected].into_iter().find(|one| one.word() == word);
        state.map(Self).ok_or(FromSqlError::InvalidType)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<IntentRow> {
    let resource = row.get_ref(1)?.as_str()?;
    Ok(IntentRow {
        account: AccountId::from(row.get_ref(0)?.as_str()?),
        resource: (resource != ITSELF).then(|| ResourceId::from(resource)),
        to: PhaseName::from(row.get_ref(2)?.as_str()?),
        kind: row.get::<_, Word<Kind>>(3)?.0,
        policy: PolicyId::from(row.get_ref(4)?.as_str()?),
        due_at: row.get::<_, At>(5)?.0,
        asked_at: row.get::<_, At>(6)?.0,
        state: row.get::<_, Word<IntentState>>(7)?.0,
        batch: row.get(8)?,
    })
}

pub(super) const OF_ACCOUNT: &str = rows!(
    "WHERE account = ?1 AND (account, resource, phase) > (?2, ?3, ?4)
     ORDER BY resource, phase LIMIT ?5"
);
pub(super) const OF_BATCH: &str = rows!(
    "WHERE batch = ?1 AND (account, resource, phase) > (?2, ?3, ?4)
     ORDER BY account, resource, phase LIMIT ?5"
);
pub(super) const WAITING: &str = rows!(
    "WHERE state = 'waiting' AND kind = ?6 AND policy = ?1
     AND (account, resource, phase) > (?2, ?3, ?4)
     ORDER BY account, resource, phase LIMIT ?5"
);
pub(super) const OF_ONE: &str = rows!("WHERE account = ?1 AND resource = ?2");

pub(super) fn list(
    c: &Connection,
    of: IntentsOf<'_>,
    after: Option<&IntentKey>,
    limit: usize,
) -> Result<Vec<IntentRow>> {
    let (account, resource, phase) = after.map_or(("", "", ""), |(account, resource, phase)| {
        let resource = resource.as_ref().map_or(ITSELF, ResourceId::as_str);
        (account.as_str(), resource, phase.as_str())
    });
    let run = |of: &str, named: &str, kind: Option<Kind>| -> rusqlite::Result<Vec<IntentRow>> {
        let mut select = c.prepare_cached(of)?;
        let limit = int(limit);
        match kind {
            Some(kind) => {
                let values = (named, account, resource, phase, limit, kind.word());
                select.query_map(values, read)?.collect()
            }
            None => select.query_map((named, account, resource, phase, limit), read)?.collect(),
        }
    };
    match of {
        IntentsOf::Account(id) => run(OF_ACCOUNT, id.as_str(), None),
        IntentsOf::Batch(hash) => run(OF_BATCH, hash, None),
        IntentsOf::Waiting(kind, policy) => run(WAITING, policy.as_str(), Some(kind)),
    }
    .map_err(failed("listing what waits to be admitted"))
}

pub(super) const WAITING_COUNT: &str = "SELECT kind, policy, count(*) FROM intents
     WHERE state = 'waiting' GROUP BY kind, policy";

pub(super) fn waiting(c: &Connection) -> Result<Vec<(Kind, PolicyId, u64)>> {
    c.prepare_cached(WAITING_COUNT)
        .and_then(|mut select| {
            let row = |row: &Row<'_>| {
                let policy = PolicyId::from(row.get_ref(1)?.as_str()?);
                Ok((row.get::<_, Word<Kind>>(0)?.0, policy, row.get::<_, Count>(2)?.0))
            };
            select.query_map([], row)?.collect()
        })
        .map_err(failed("counting what waits to be admitted"))
}

pub(super) const ADMITTED: &str =
    "SELECT DISTINCT account FROM intents WHERE state = 'admitted' LIMIT ?1";

pub(super) fn admitted(c: &Connection, limit: usize) -> Result<Vec<AccountId>> {
    c.prepare_cached(ADMITTED)
        .and_then(|mut select| {
            let row = |row: &Row<'_>| Ok(AccountId::from(row.get_ref(0)?.as_str()?));
            select.query_map([int(limit)], row)?.collect()
        })
        .map_err(failed("looking for what is admitted"))
}

pub(super) fn ask(
    c: &Connection,
    account: &AccountId,
    resource: Option<&ResourceId>,
    asked: &[IntentRow],
) -> Result<AskOutcome> {
    let failed = failed("asking to be admitted");
    let resource = resource.map_or(ITSELF, ResourceId::as_str);
    let known: Vec<IntentRow> = c
        .prepare_cached(OF_ONE)
        .and_then(|mut select| select.query_map((account.as_str(), resource), read)?.collect())
        .map_err(failed)?;
    let mut answer = AskOutcome::default();
    let is_still = |old: &IntentRow, new: &IntentRow| old.to == new.to && old.is_still(new);
    for old in known.iter().filter(|old| !asked.iter().any(|new| is_still(old, new))) {
        answer.left_a_batch |= old.batch.is_some();
        c.prepare_cached("DELETE FROM intents WHERE account = ?1 AND resource = ?2 AND phase = ?3")
            .and_then(|mut delete| delete.execute((account.as_str(), resource, old.to.as_str())))
            .map_err(failed)?;
    }
    for new in asked.iter().filter(|new| !known.iter().any(|old| is_still(old, new))) {
        answer.is_new = true;
        insert(c, resource, new).map_err(failed)?;
    }
    Ok(answer)
}

fn insert(c: &Connection, resource: &str, new: &IntentRow) -> rusqlite::Result<usize> {
    c.prepare_cached(
        "INSERT INTO intents (account, resource, phase, kind, policy, due_at, asked_at, state, batch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute((
        new.account.as_str(),
        resource,
        new.to.as_str(),
        new.kind.word(),
        new.policy.as_str(),
        due(new.due_at),
        past(new.asked_at),
        new.state.word(),
        &new.batch,
    ))
}

pub(super) const JUDGE: &str = "UPDATE intents SET state = ?3, batch = ?4
     WHERE state = 'waiting' AND kind = ?1 AND policy = ?2";

pub(super) fn judge(
    c: &Connection,
    (kind, policy): (Kind, &PolicyId),
    state: IntentState,
    batch: Option<&str>,
) -> Result<usize> {
    c.prepare_cached(JUDGE)
        .and_then(|mut update| update.execute((kind.word(), policy.as_str(), state.word(), batch)))
        .map_err(failed("judging what waits to be admitted"))
}

pub(super) const DECIDE: &str = "UPDATE intents SET state = ?2 WHERE batch = ?1";

pub(super) fn decide(c: &Connection, batch: &str, state: IntentState) -> Result<usize> {
    c.prepare_cached(DECIDE)
        .and_then(|mut update| update.execute((batch, state.word())))
        .map_err(failed("deciding about a batch"))
}

pub(super) const FORGET: &str = "DELETE FROM intents WHERE account = ?1 AND state = 'admitted'";

pub(super) fn forget(c: &Connection, account: &AccountId) -> Result<usize> {
    c.prepare_cached(FORGET)
        .and_then(|mut delete| delete.execute([account.as_str()]))
        .map_err(failed("forgetting what has gone on"))
}

pub(super) const FALLS: &str = "SELECT due_at, count(*) FROM intents
     WHERE state = 'waiting' AND kind = 'arrears' GROUP BY due_at";

pub(super) fn falls(c: &Connection) -> Result<Vec<(DateTime<Utc>, u64)>> {
    c.prepare_cached(FALLS)
        .and_then(|mut select| {
            let row = |row: &Row<'_>| Ok((row.get::<_, At>(0)?.0, row.get::<_, Count>(1)?.0));
            select.query_map([], row)?.collect()
        })
        .map_err(failed("counting accounts below zero"))
}
