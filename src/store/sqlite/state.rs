//! Accounts, resources and their wakes.
//!
//! An update that leaves the wake alone does not name its column: SQLite rewrites an index for every column that is named,
//! whether its value changes or not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::codec::{At, Count, Json, failed, int, json, version};
use crate::engine::account::Account;
use crate::engine::id::{AccountId, PolicyKey, ResourceId};
use crate::engine::resource::{Gated, Resource};
use crate::store::{Result, Selection, StoreError, Versioned, Waiting, due, instant, past};

pub(super) fn account(c: &Connection, id: &AccountId) -> Result<Option<Versioned<Account>>> {
    c.prepare_cached("SELECT version, state FROM accounts WHERE id = ?1")
        .and_then(|mut select| select.query_row([id.as_str()], read).optional())
        .map_err(failed("loading an account"))
}

fn read<T: serde::de::DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<Versioned<T>> {
    Ok(Versioned { version: row.get::<_, Count>(0)?.0, value: row.get::<_, Json<T>>(1)?.0 })
}

pub(super) fn resources(
    c: &Connection,
    account: &AccountId,
    selection: &Selection<'_>,
) -> Result<Vec<Versioned<Resource>>> {
    let failed = failed("loading resources");
    if selection.all {
        return c
            .prepare_cached("SELECT version, state FROM resources WHERE account = ?1 ORDER BY id")
            .and_then(|mut select| select.query_map([account.as_str()], read)?.collect())
            .map_err(failed);
    }
    let mut found = BTreeMap::new();
    if let Some(now) = selection.due {
        c.prepare_cached(DUE_OF_ACCOUNT)
            .and_then(|mut select| {
                for row in select.query_map((account.as_str(), past(now)), read::<Resource>)? {
                    let row = row?;
                    found.insert(row.value.id.clone(), row);
                }
                Ok(())
            })
            .map_err(failed)?;
    }
    if selection.gated {
        c.prepare_cached(GATED_OF_ACCOUNT)
            .and_then(|mut select| {
                for row in select.query_map([account.as_str()], read::<Resource>)? {
                    let row = row?;
                    found.insert(row.value.id.clone(), row);
                }
                Ok(())
            })
            .map_err(failed)?;
    }
    let mut one = c
        .prepare_cached("SELECT version, state FROM resources WHERE account = ?1 AND id = ?2")
        .map_err(failed)?;
    for id in selection.named {
        if !found.contains_key(id) {
            let row = one.query_row((account.as_str(), id.as_str()), read).optional();
            found.extend(row.map_err(failed)?.map(|row| (id.clone(), row)));
        }
    }
    Ok(found.into_values().collect())
}

pub(super) const DUE_OF_ACCOUNT: &str =
    "SELECT version, state FROM resources WHERE account = ?1 AND wake_at <= ?2";
pub(super) const GATED_OF_ACCOUNT: &str =
    "SELECT version, state FROM resources WHERE account = ?1 AND gate IS NOT NULL
     UNION ALL
     SELECT version, state FROM resources WHERE account = ?1 AND wish_gate IS NOT NULL AND gate IS NULL";

pub(super) fn find_resource(c: &Connection, id: &ResourceId) -> Result<Vec<Resource>> {
    c.prepare_cached("SELECT state FROM resources WHERE id = ?1 ORDER BY account")
        .and_then(|mut select| {
            select.query_map([id.as_str()], |row| Ok(row.get::<_, Json<_>>(0)?.0))?.collect()
        })
        .map_err(failed("looking for a resource"))
}

pub(super) const HELD: &str = "SELECT state FROM resources
     WHERE held IS NOT NULL AND (account, id) > (?1, ?2) ORDER BY account, id LIMIT ?3";
pub(super) const ON_HOLD: &str = "SELECT state FROM resources
     WHERE on_hold IS NOT NULL AND (account, id) > (?1, ?2) ORDER BY account, id LIMIT ?3";
pub(super) const ACCOUNTS_ON_HOLD: &str =
    "SELECT state FROM accounts WHERE on_hold IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2";

pub(super) fn resources_that(
    c: &Connection,
    wait: Waiting,
    after: Option<(&AccountId, &ResourceId)>,
    limit: usize,
) -> Result<Vec<Resource>> {
    let sql = match wait {
        Waiting::Held => HELD,
        Waiting::OnHold => ON_HOLD,
    };
    let (account, id) = after.map_or(("", ""), |(account, id)| (account.as_str(), id.as_str()));
    c.prepare_cached(sql)
        .and_then(|mut select| {
            let row = |row: &Row<'_>| Ok(row.get::<_, Json<_>>(0)?.0);
            select.query_map((account, id, int(limit)), row)?.collect()
        })
        .map_err(failed("looking for what waits"))
}

pub(super) fn accounts_on_hold(
    c: &Connection,
    after: Option<&AccountId>,
    limit: usize,
) -> Result<Vec<Account>> {
    let after = after.map_or("", AccountId::as_str);
    c.prepare_cached(ACCOUNTS_ON_HOLD)
        .and_then(|mut select| {
            let row = |row: &Row<'_>| Ok(row.get::<_, Json<_>>(0)?.0);
            select.query_map((after, int(limit)), row)?.collect()
        })
        .map_err(failed("looking for accounts on hold"))
}

pub(super) const BEFORE: &str =
    "SELECT id, account FROM resources WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
pub(super) const AFTER: &str =
    "SELECT id, account FROM resources WHERE id > ?1 ORDER BY id LIMIT ?2";

pub(super) fn neighbours(
    c: &Connection,
    id: &ResourceId,
    each_side: usize,
) -> Result<Vec<(ResourceId, AccountId)>> {
    let mut found = BTreeSet::new();
    for side in [BEFORE, AFTER] {
        let mut read = |select: &mut rusqlite::Statement<'_>| -> rusqlite::Result<()> {
            let mut rows = select.query((id.as_str(), int(each_side)))?;
            while let Some(row) = rows.next()? {
                let pair = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
                found.insert((ResourceId::from(pair.0), AccountId::from(pair.1)));
            }
            Ok(())
        };
        c.prepare_cached(side)
            .and_then(|mut select| read(&mut select))
            .map_err(failed("looking for resources with an id like it"))?;
    }
    Ok(found.into_iter().collect())
}

/// What a write is about: which row, at which version, and how to say that it is not so.
struct Expected<'a> {
    what: &'static str,
    id: &'a str,
    version: u64,
}

impl Expected<'_> {
    fn met(&self, rows: usize) -> Result<u64> {
        if rows == 1 { Ok(self.version + 1) } else { Err(self.conflict()) }
    }

    fn conflict(&self) -> StoreError {
        StoreError::Conflict { what: self.what, id: self.id.to_owned(), expected: self.version }
    }
}

/// What a partial index has a row for, or not.
fn flag(is: bool) -> Option<i64> {
    is.then_some(1)
}

pub(super) const ACCOUNT_SAME_WAKE: &str = "UPDATE accounts SET version = ?2 + 1, state = ?4
     WHERE id = ?1 AND version = ?2 AND +wake_at IS ?3 AND +on_hold IS ?5";
const ACCOUNT: &str = "UPDATE accounts
     SET version = ?2 + 1, wake_at = ?3, state = ?4, on_hold = ?5
     WHERE id = ?1 AND version = ?2";

pub(super) fn put_account(c: &Connection, account: &Account, expected: u64) -> Result<u64> {
    let failed = failed("storing an account");
    let state = json("an account", account)?;
    let (id, wake) = (account.id.as_str(), account.wake_at.map(due));
    let (at, on_hold) = (version(expected), flag(account.holds.stand()));
    let expected = Expected { what: "account", id, version: expected };
    let run = |sql: &str| {
        c.prepare_cached(sql)
            .and_then(|mut write| write.execute((id, at, wake, &state, on_hold)))
            .map_err(failed)
    };
    if at == 0 {
        return expected.met(run("INSERT INTO accounts (id, version, wake_at, state, on_hold)
             VALUES (?1, ?2 + 1, ?3, ?4, ?5) ON CONFLICT DO NOTHING")?);
    }
    if run(ACCOUNT_SAME_WAKE)? == 1 { expected.met(1) } else { expected.met(run(ACCOUNT)?) }
}

pub(super) const RESOURCE_SAME_WAKE: &str = "UPDATE resources SET version = ?3 + 1, state = ?5
     WHERE account = ?1 AND id = ?2 AND version = ?3 AND +wake_at IS ?4 AND +gate IS ?6 AND +gate_at IS ?7
     AND +held IS ?8 AND +on_hold IS ?9 AND +wish_gate IS ?10 AND +wish_gate_at IS ?11";
const RESOURCE: &str = "UPDATE resources
     SET version = ?3 + 1, wake_at = ?4, state = ?5, gate = ?6, gate_at = ?7, held = ?8, on_hold = ?9,
         wish_gate = ?10, wish_gate_at = ?11
     WHERE account = ?1 AND id = ?2 AND version = ?3";

pub(super) fn put_resource(c: &Connection, resource: &Resource, expected: u64) -> Result<u64> {
    let failed = failed("storing a resource");
    let state = json("a resource", resource)?;
    let (account, id) = (resource.account.as_str(), resource.id.as_str());
    let (at, wake) = (version(expected), resource.wake_at.map(due));
    let columns = |gated: Option<Gated>| gated.map(|one| (one.by.word(), due(one.due_at))).unzip();
    let gate = columns(resource.gated);
    let wish = columns(resource.wish_gate());
    let held = flag(resource.held.is_some() || resource.is_gated());
    let on_hold = flag(resource.holds.stand());
    let expected = Expected { what: "resource", id, version: expected };
    let run = |sql: &str| {
        c.prepare_cached(sql)
            .and_then(|mut write| {
                write.execute((
                    account, id, at, wake, &state, gate.0, gate.1, held, on_hold, wish.0, wish.1,
                ))
            })
            .map_err(failed)
    };
    if at == 0 {
        return expected.met(run("INSERT INTO resources
                 (account, id, version, wake_at, state, gate, gate_at, held, on_hold, wish_gate,
                  wish_gate_at)
             VALUES (?1, ?2, ?3 + 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING")?);
    }
    if run(RESOURCE_SAME_WAKE)? == 1 { expected.met(1) } else { expected.met(run(RESOURCE)?) }
}

/// Its cost follows what is tracked: it runs once for each new version of a policy, at a start.
pub(super) fn wake_older_versions(
    c: &Connection,
    newer: &PolicyKey,
    at: DateTime<Utc>,
) -> Result<usize> {
    let wake = due(at);
    let text = instant(wake).map(|at| json("an instant", &at)).transpose()?;
    c.prepare_cached(
        "UPDATE resources SET version = version + 1, wake_at = ?1,
             state = json_set(state, '$.wake_at', json(?2))
         WHERE json_extract(state, '$.policy.id') = ?3
           AND json_extract(state, '$.policy.version') < ?4",
    )
    .and_then(|mut update| update.execute((wake, text, newer.id.as_str(), newer.version)))
    .map_err(failed("waking what follows an older version"))
}

pub(super) fn remove_resource(
    c: &Connection,
    account: &AccountId,
    id: &ResourceId,
    expected: u64,
) -> Result<()> {
    let rows = c
        .prepare_cached("DELETE FROM resources WHERE account = ?1 AND id = ?2 AND version = ?3")
        .and_then(|mut delete| delete.execute((account.as_str(), id.as_str(), version(expected))))
        .map_err(failed("removing a resource"))?;
    Expected { what: "resource", id: id.as_str(), version: expected }.met(rows).map(drop)
}

pub(super) const DUE_OF_ACCOUNTS: &str =
    "SELECT id, wake_at FROM accounts WHERE wake_at <= ?1 ORDER BY wake_at, id";
pub(super) const DUE_OF_RESOURCES: &str =
    "SELECT account, wake_at FROM resources WHERE wake_at <= ?1 ORDER BY wake_at, account";

/// Walks both indexes from the earliest wake and stops at `limit` accounts: a mass of due wakes costs no more than one
/// page at a time. The first `limit` of each walk hold the first `limit` of all.
pub(super) fn due_accounts(
    c: &Connection,
    now: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<(AccountId, DateTime<Utc>)>> {
    let mut earliest: HashMap<AccountId, DateTime<Utc>> = HashMap::new();
    for walk in [DUE_OF_ACCOUNTS, DUE_OF_RESOURCES] {
        for (account, at) in walk_wakes(c, walk, now, limit).map_err(failed("looking for wakes"))? {
            let known = earliest.entry(account).or_insert(at);
            *known = at.min(*known);
        }
    }
    let mut sorted: Vec<_> = earliest.into_iter().collect();
    sorted.sort_unstable_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    sorted.truncate(limit);
    Ok(sorted)
}

fn walk_wakes(
    c: &Connection,
    sql: &str,
    now: DateTime<Utc>,
    limit: usize,
) -> rusqlite::Result<HashMap<AccountId, DateTime<Utc>>> {
    let mut select = c.prepare_cached(sql)?;
    let mut rows = select.query([past(now)])?;
    let mut seen = HashMap::new();
    while seen.len() < limit
        && let Some(row) = rows.next()?
    {
        let at = row.get::<_, At>(1)?.0;
        seen.entry(AccountId::from(row.get_ref(0)?.as_str()?)).or_insert(at);
    }
    Ok(seen)
}

pub(super) const NEXT_OF_ACCOUNTS: &str =
    "SELECT wake_at FROM accounts WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1";
pub(super) const NEXT_OF_RESOURCES: &str =
    "SELECT wake_at FROM resources WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1";

pub(super) fn next_wake(c: &Connection) -> Result<Option<DateTime<Utc>>> {
    let earliest = |sql: &str| -> rusqlite::Result<Option<DateTime<Utc>>> {
        let wake = c.prepare_cached(sql)?.query_row([], |row| row.get::<_, At>(0));
        Ok(wake.optional()?.map(|at| at.0))
    };
    let failed = failed("looking for the next wake");
    let (a, b) =
        (earliest(NEXT_OF_ACCOUNTS).map_err(failed)?, earliest(NEXT_OF_RESOURCES).map_err(failed)?);
    Ok([a, b].into_iter().flatten().min())
}
