//! Inbox and quarantine.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::codec::{At, Count, Json, failed, int, json};
use crate::engine::id::EventKey;
use crate::store::{Arrival, QuarantineRow, Quarantined, Receipt, Received, Result, past};

pub(super) fn receive(c: &Connection, arrival: &Arrival<'_>) -> Result<Receipt> {
    let failed = failed("receiving an event");
    let inserted = c
        .prepare_cached(
            "INSERT INTO inbox (source, id, fingerprint, received_at, event_type, account)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )
        .and_then(|mut insert| {
            insert.execute((
                &arrival.key.source,
                &arrival.key.id,
                arrival.fingerprint.as_slice(),
                past(arrival.received_at),
                arrival.event_type,
                arrival.account,
            ))
        })
        .map_err(failed)?;
    if inserted == 1 {
        return Ok(Receipt::New);
    }
    let same: bool = c
        .prepare_cached("SELECT fingerprint = ?3 FROM inbox WHERE source = ?1 AND id = ?2")
        .and_then(|mut select| {
            let key = (&arrival.key.source, &arrival.key.id, arrival.fingerprint.as_slice());
            select.query_row(key, |row| row.get(0))
        })
        .map_err(failed)?;
    Ok(if same { Receipt::Copy } else { Receipt::Conflict })
}

pub(super) const RECEIVED: &str =
    "SELECT event_type, received_at FROM inbox WHERE source = ?1 AND id = ?2";

pub(super) fn received(c: &Connection, key: &EventKey) -> Result<Option<Received>> {
    c.prepare_cached(RECEIVED)
        .and_then(|mut select| {
            let row = |row: &Row<'_>| {
                Ok(Received { event_type: row.get(0)?, at: row.get::<_, At>(1)?.0 })
            };
            select.query_row((&key.source, &key.id), row).optional()
        })
        .map_err(failed("looking for an event"))
}

pub(super) const FORGET: &str = "DELETE FROM inbox WHERE seq IN
         (SELECT seq FROM inbox WHERE received_at < ?1 ORDER BY received_at, seq LIMIT ?2)";

pub(super) fn forget(c: &Connection, before: DateTime<Utc>, limit: usize) -> Result<usize> {
    c.prepare_cached(FORGET)
        .and_then(|mut delete| delete.execute((past(before), int(limit))))
        .map_err(failed("forgetting old events"))
}

pub(super) fn quarantine(c: &Connection, message: &Quarantined, kept: usize) -> Result<i64> {
    let headers = json("headers", &message.headers)?;
    c.prepare_cached(
        "INSERT INTO quarantine (received_at, origin, code, field, reason, source, event_id,
             event_type, account, content_type, headers, body, body_bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .and_then(|mut insert| {
        insert.insert((
            past(message.received_at),
            &message.origin,
            &message.code,
            &message.field,
            &message.reason,
            &message.source,
            &message.event_id,
            &message.event_type,
            &message.account,
            &message.content_type,
            headers,
            &message.body[..message.body.len().min(kept)],
            int(message.body.len()),
        ))
    })
    .map_err(failed("setting a message aside"))
}

pub(super) fn forget_quarantined(
    c: &Connection,
    before: DateTime<Utc>,
    limit: usize,
) -> Result<usize> {
    c.prepare_cached(
        "DELETE FROM quarantine WHERE id IN
         (SELECT id FROM quarantine WHERE received_at < ?1 ORDER BY received_at, id LIMIT ?2)",
    )
    .and_then(|mut delete| delete.execute((past(before), int(limit))))
    .map_err(failed("forgetting old messages in quarantine"))
}

pub(super) fn list(
    c: &Connection,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<QuarantineRow>> {
    c.prepare_cached(
        "SELECT id, body_bytes, received_at, origin, code, field, reason, source, event_id,
             event_type, account, content_type, headers, x''
         FROM quarantine WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    )
    .and_then(|mut select| {
        select.query_map((before.unwrap_or(i64::MAX), int(limit)), read)?.collect()
    })
    .map_err(failed("reading the quarantine"))
}

pub(super) fn get(c: &Connection, id: i64) -> Result<Option<QuarantineRow>> {
    c.prepare_cached(
        "SELECT id, body_bytes, received_at, origin, code, field, reason, source, event_id,
             event_type, account, content_type, headers, body
         FROM quarantine WHERE id = ?1",
    )
    .and_then(|mut select| select.query_row([id], read).optional())
    .map_err(failed("reading the quarantine"))
}

pub(super) fn count(c: &Connection) -> Result<u64> {
    c.prepare_cached("SELECT count(*) FROM quarantine")
        .and_then(|mut select| select.query_row([], |row| Ok(row.get::<_, Count>(0)?.0)))
        .map_err(failed("counting the quarantine"))
}

fn read(row: &Row<'_>) -> rusqlite::Result<QuarantineRow> {
    Ok(QuarantineRow {
        id: row.get(0)?,
        body_bytes: row.get::<_, Count>(1)?.0,
        message: Quarantined {
            received_at: row.get::<_, At>(2)?.0,
            origin: row.get(3)?,
            code: row.get(4)?,
            field: row.get(5)?,
            reason: row.get(6)?,
            source: row.get(7)?,
            event_id: row.get(8)?,
            event_type: row.get(9)?,
            account: row.get(10)?,
            content_type: row.get(11)?,
            headers: row.get::<_, Json<_>>(12)?.0,
            body: row.get(13)?,
        },
    })
}
