//! What waits at a gate, and the facts that belong to no account.

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::codec::{failed, int};
use crate::engine::gate::Because;
use crate::engine::id::AccountId;
use crate::store::{Result, past};

pub(super) const GATED: &str =
    "SELECT account FROM resources WHERE gate = ?1 AND account > ?2 AND gate_at <= ?3
     UNION
     SELECT account FROM resources WHERE wish_gate = ?1 AND account > ?2 AND wish_gate_at <= ?3
     ORDER BY account LIMIT ?4";

pub(super) fn gated_accounts(
    c: &Connection,
    by: Because,
    until: DateTime<Utc>,
    after: Option<&AccountId>,
    limit: usize,
) -> Result<Vec<AccountId>> {
    let after = after.map_or("", AccountId::as_str);
    c.prepare_cached(GATED)
        .and_then(|mut select| {
            let rows = select.query_map((by.word(), after, past(until), int(limit)), |row| {
                Ok(AccountId::from(row.get_ref(0)?.as_str()?))
            })?;
            rows.collect()
        })
        .map_err(failed("looking for what waits at a gate"))
}

pub(super) fn registers(c: &Connection, name: &str) -> Result<Vec<(String, String)>> {
    c.prepare_cached("SELECT key, body FROM registers WHERE name = ?1 ORDER BY key")
        .and_then(|mut select| {
            select.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .map_err(failed("reading a register"))
}

pub(super) fn put_register(c: &Connection, name: &str, key: &str, body: &str) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO registers (name, key, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (name, key) DO UPDATE SET body = excluded.body",
    )
    .and_then(|mut write| write.execute((name, key, body)))
    .map(drop)
    .map_err(failed("storing a register"))
}

pub(super) fn remove_register(c: &Connection, name: &str, key: &str) -> Result<()> {
    c.prepare_cached("DELETE FROM registers WHERE name = ?1 AND key = ?2")
        .and_then(|mut delete| delete.execute((name, key)))
        .map(drop)
        .map_err(failed("removing a register"))
}
