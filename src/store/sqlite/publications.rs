//! The outbox of messages for the broker: in order within a lane, at most one of a lane at a time.
//!
//! The oldest of each lane carries `head = 1`, so that finding what may go costs what may go, not what waits behind it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::codec::{At, Count, failed, int};
use crate::dispatch::message::Publication;
use crate::store::{NewPublication, PublicationRow, Result, due, past};

pub(super) fn push(c: &Connection, new: &NewPublication) -> Result<bool> {
    let publication = &new.publication;
    c.prepare_cached(
        "INSERT INTO publications (id, lane, head, created_at, routing_key, event_type, mandatory,
             body, next_at)
         VALUES (?1, ?2, NOT EXISTS (SELECT 1 FROM publications WHERE lane = ?2), ?3, ?4, ?5, ?6,
             ?7, ?8)
         ON CONFLICT (id) DO NOTHING",
    )
    .and_then(|mut insert| {
        insert.execute((
            &publication.id,
            &new.lane,
            past(new.created_at),
            &publication.routing_key,
            &publication.event_type,
            publication.mandatory,
            &publication.body,
            due(new.created_at),
        ))
    })
    .map(|rows| rows == 1)
    .map_err(failed("storing a publication"))
}

pub(super) const NEXT_HEAD: &str = "UPDATE publications SET head = 1
         WHERE seq = (SELECT min(seq) FROM publications WHERE lane = ?1)";

pub(super) fn finish(c: &Connection, id: &str) -> Result<bool> {
    let failed = failed("finishing a publication");
    let lane: Option<String> = c
        .prepare_cached("DELETE FROM publications WHERE id = ?1 RETURNING lane")
        .and_then(|mut delete| delete.query_row([id], |row| row.get(0)).optional())
        .map_err(failed)?;
    let Some(lane) = lane else { return Ok(false) };
    c.prepare_cached(NEXT_HEAD).and_then(|mut update| update.execute([lane])).map_err(failed)?;
    Ok(true)
}

pub(super) fn retry(
    c: &Connection,
    id: &str,
    next_at: DateTime<Utc>,
    reason: &str,
) -> Result<bool> {
    c.prepare_cached(
        "UPDATE publications SET attempts = attempts + 1, next_at = ?2, last_error = ?3
         WHERE id = ?1",
    )
    .and_then(|mut update| update.execute((id, due(next_at), reason)))
    .map(|rows| rows == 1)
    .map_err(failed("putting a publication off"))
}

pub(super) fn ready(
    c: &Connection,
    now: DateTime<Utc>,
    limit: usize,
    lanes_in_flight: &HashSet<String>,
) -> Result<Vec<PublicationRow>> {
    walk(c, now, limit, lanes_in_flight).map_err(failed("looking for publications"))
}

pub(super) const READY: &str =
    "SELECT lane, id, routing_key, event_type, mandatory, body, created_at, attempts,
             last_error
         FROM publications WHERE head = 1 AND next_at <= ?1 ORDER BY next_at, seq";

fn walk(
    c: &Connection,
    now: DateTime<Utc>,
    limit: usize,
    lanes_in_flight: &HashSet<String>,
) -> rusqlite::Result<Vec<PublicationRow>> {
    let mut select = c.prepare_cached(READY)?;
    let mut rows = select.query([past(now)])?;
    let mut ready = Vec::new();
    while ready.len() < limit
        && let Some(row) = rows.next()?
    {
        let lane = row.get_ref(0)?.as_str()?;
        if lanes_in_flight.contains(lane) {
            continue;
        }
        ready.push(read(row)?);
    }
    Ok(ready)
}

fn read(row: &Row<'_>) -> rusqlite::Result<PublicationRow> {
    Ok(PublicationRow {
        lane: row.get(0)?,
        publication: Publication {
            id: row.get(1)?,
            routing_key: row.get(2)?,
            event_type: row.get(3)?,
            mandatory: row.get(4)?,
            body: row.get(5)?,
        },
        created_at: row.get::<_, At>(6)?.0,
        attempts: row.get(7)?,
        last_error: row.get(8)?,
    })
}

pub(super) const WAITING: &str =
    "SELECT lane, id, routing_key, event_type, mandatory, body, created_at, attempts, last_error
         FROM publications WHERE lane = ?1 ORDER BY seq LIMIT ?2";

pub(super) fn waiting(c: &Connection, lane: &str, limit: usize) -> Result<Vec<PublicationRow>> {
    c.prepare_cached(WAITING)
        .and_then(|mut select| select.query_map((lane, int(limit)), read)?.collect())
        .map_err(failed("looking for the publications of a lane"))
}

pub(super) const NEXT: &str =
    "SELECT lane, next_at FROM publications WHERE head = 1 ORDER BY next_at, seq";

pub(super) fn next(
    c: &Connection,
    lanes_in_flight: &HashSet<String>,
) -> Result<Option<DateTime<Utc>>> {
    let walk = || -> rusqlite::Result<Option<DateTime<Utc>>> {
        let mut select = c.prepare_cached(NEXT)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            if !lanes_in_flight.contains(row.get_ref(0)?.as_str()?) {
                return Ok(Some(row.get::<_, At>(1)?.0));
            }
        }
        Ok(None)
    };
    walk().map_err(failed("looking for the next publication"))
}

/// How many there are, and when the oldest was decided.
pub(super) fn depth(c: &Connection) -> Result<(u64, Option<DateTime<Utc>>)> {
    let failed = failed("counting publications");
    let count = c
        .prepare_cached("SELECT count(*) FROM publications")
        .and_then(|mut select| select.query_row([], |row| Ok(row.get::<_, Count>(0)?.0)))
        .map_err(failed)?;
    let oldest = c
        .prepare_cached("SELECT created_at FROM publications ORDER BY seq LIMIT 1")
        .and_then(|mut select| select.query_row([], |row| row.get::<_, At>(0)).optional())
        .map_err(failed)?;
    Ok((count, oldest.map(|at| at.0)))
}
