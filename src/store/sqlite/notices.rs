//! The outbox of notices: deliveries, receipts, and what was sent.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::codec::{
    At, Count, Ended, Json, Stage, Via, channel_word, failed, int, json, outcome_word, state_word,
};
use crate::engine::effect::Notice;
use crate::engine::id::AccountId;
use crate::engine::policy::Channel;
use crate::store::{
    Attempt, AttemptOutcome, DeliveryRow, DeliveryState, NewDelivery, ReadyDelivery, ReceiptRow,
    Result, SentMessage, StoreError, due, past,
};

pub(super) fn push(
    c: &Connection,
    id: &str,
    notice: &Notice,
    deliveries: &[NewDelivery],
) -> Result<bool> {
    let failed = failed("storing a notice");
    let body = json("a notice", notice)?;
    let stored = c
        .prepare_cached(
            "INSERT INTO notices (id, account, kind, at, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO NOTHING",
        )
        .and_then(|mut insert| {
            let kind = notice.kind.as_str();
            insert.execute((id, notice.account.as_str(), kind, past(notice.at), body))
        })
        .map_err(failed)?;
    if stored == 0 {
        return Ok(false);
    }
    let mut insert = c
        .prepare_cached(
            "INSERT INTO deliveries (id, notice, contact, channel, state, created_at, next_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .map_err(failed)?;
    for delivery in deliveries {
        insert
            .execute((
                &delivery.id,
                id,
                int(delivery.contact),
                channel_word(delivery.channel),
                state_word(DeliveryState::Pending),
                past(notice.due_at(delivery.channel)),
                due(delivery.next_at),
            ))
            .map_err(failed)?;
    }
    Ok(true)
}

pub(super) fn ready(
    c: &Connection,
    now: DateTime<Utc>,
    channel: Channel,
    limit: usize,
    in_flight: &HashSet<String>,
) -> Result<Vec<ReadyDelivery>> {
    walk(c, now, channel, limit, in_flight).map_err(failed("looking for deliveries"))
}

pub(super) const READY: &str =
    "SELECT id, notice, contact, channel, attempts, created_at, begun_at FROM deliveries
         WHERE state = 'pending' AND channel = ?1 AND next_at <= ?2 ORDER BY next_at, seq";

fn walk(
    c: &Connection,
    now: DateTime<Utc>,
    channel: Channel,
    limit: usize,
    in_flight: &HashSet<String>,
) -> rusqlite::Result<Vec<ReadyDelivery>> {
    let mut select = c.prepare_cached(READY)?;
    let mut body = c.prepare_cached("SELECT body FROM notices WHERE id = ?1")?;
    let mut bodies: HashMap<String, Arc<Notice>> = HashMap::new();
    let mut rows = select.query((channel_word(channel), past(now)))?;
    let mut ready = Vec::new();
    while ready.len() < limit
        && let Some(row) = rows.next()?
    {
        let id = row.get_ref(0)?.as_str()?;
        if in_flight.contains(id) {
            continue;
        }
        let notice_id: String = row.get(1)?;
        let notice = match bodies.get(&notice_id) {
            Some(notice) => Arc::clone(notice),
            None => {
                let notice = body.query_row([&notice_id], |row| row.get::<_, Json<Notice>>(0))?;
                let notice = Arc::new(notice.0);
                bodies.insert(notice_id.clone(), Arc::clone(&notice));
                notice
            }
        };
        ready.push(ReadyDelivery {
            id: id.to_owned(),
            notice_id,
            notice,
            contact: position(row, 2)?,
            channel: row.get::<_, Via>(3)?.0,
            attempts: row.get(4)?,
            created_at: row.get::<_, At>(5)?.0,
            begun_at: row.get::<_, Option<At>>(6)?.map(|at| at.0),
        });
    }
    Ok(ready)
}

pub(super) const NEXT: &str = "SELECT id, next_at FROM deliveries WHERE state = 'pending' AND channel = ?1 ORDER BY next_at, seq";

pub(super) fn next(
    c: &Connection,
    channel: Channel,
    in_flight: &HashSet<String>,
) -> Result<Option<DateTime<Utc>>> {
    let walk = || -> rusqlite::Result<Option<DateTime<Utc>>> {
        let mut select = c.prepare_cached(NEXT)?;
        let mut rows = select.query([channel_word(channel)])?;
        while let Some(row) = rows.next()? {
            if !in_flight.contains(row.get_ref(0)?.as_str()?) {
                return Ok(Some(row.get::<_, At>(1)?.0));
            }
        }
        Ok(None)
    };
    walk().map_err(failed("looking for the next delivery"))
}

pub(super) fn begin(c: &Connection, delivery: &str, at: DateTime<Utc>) -> Result<bool> {
    let failed = failed("marking an attempt");
    let marked = c
        .prepare_cached(
            "UPDATE deliveries SET begun_at = ?2
             WHERE id = ?1 AND state = 'pending' AND begun_at IS NULL",
        )
        .and_then(|mut update| update.execute((delivery, past(at))))
        .map_err(failed)?;
    if marked == 1 {
        return Ok(true);
    }
    c.prepare_cached("SELECT 1 FROM deliveries WHERE id = ?1")
        .and_then(|mut select| select.exists([delivery]))
        .map_err(failed)?
        .then_some(false)
        .ok_or_else(|| missing(delivery))
}

pub(super) fn withdraw(c: &Connection, delivery: &str) -> Result<bool> {
    c.prepare_cached("UPDATE deliveries SET begun_at = NULL WHERE id = ?1 AND begun_at IS NOT NULL")
        .and_then(|mut update| update.execute([delivery]))
        .map(|rows| rows == 1)
        .map_err(failed("withdrawing an attempt"))
}

pub(super) fn record(c: &Connection, attempt: &Attempt<'_>) -> Result<DeliveryState> {
    let failed = failed("recording an attempt");
    let (attempts, before): (u32, DeliveryState) = c
        .prepare_cached("SELECT attempts, state FROM deliveries WHERE id = ?1")
        .and_then(|mut select| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, Stage>(1)?.0));
            select.query_row([attempt.delivery], row).optional()
        })
        .map_err(failed)?
        .ok_or_else(|| missing(attempt.delivery))?;
    let after = attempt.state_after(before);
    let number = attempts.saturating_add(1);
    let error = (attempt.outcome != AttemptOutcome::Sent).then_some(attempt.receipt);
    c.prepare_cached(
        "UPDATE deliveries SET attempts = ?2, state = ?3, next_at = coalesce(?4, next_at),
             last_error = coalesce(?5, last_error), begun_at = NULL
         WHERE id = ?1",
    )
    .and_then(|mut update| {
        let next_at = attempt.next_at.map(due);
        update.execute((attempt.delivery, number, state_word(after), next_at, error))
    })
    .map_err(failed)?;
    c.prepare_cached(
        "INSERT INTO receipts (delivery, attempt, outcome, receipt, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .and_then(|mut insert| {
        let outcome = outcome_word(attempt.outcome);
        insert.execute((attempt.delivery, number, outcome, attempt.receipt, past(attempt.at)))
    })
    .map_err(failed)?;
    Ok(after)
}

/// Position of a contact in its notice.
fn position(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    let stored = row.get::<_, Count>(column)?.0;
    usize::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, i64::MAX))
}

fn missing(delivery: &str) -> StoreError {
    StoreError::Missing { what: "delivery", id: delivery.to_owned() }
}

pub(super) fn notice(c: &Connection, id: &str) -> Result<Option<Notice>> {
    c.prepare_cached("SELECT body FROM notices WHERE id = ?1")
        .and_then(|mut select| {
            select.query_row([id], |row| Ok(row.get::<_, Json<_>>(0)?.0)).optional()
        })
        .map_err(failed("reading a notice"))
}

pub(super) fn of(c: &Connection, delivery: &str) -> Result<Option<String>> {
    c.prepare_cached("SELECT notice FROM deliveries WHERE id = ?1")
        .and_then(|mut select| select.query_row([delivery], |row| row.get(0)).optional())
        .map_err(failed("looking for the notice of a delivery"))
}

pub(super) const LAST: &str =
    "SELECT id, body FROM notices WHERE account = ?1 ORDER BY at DESC, id LIMIT ?2";

pub(super) fn last(
    c: &Connection,
    account: &AccountId,
    limit: usize,
) -> Result<Vec<(String, Notice)>> {
    c.prepare_cached(LAST)
        .and_then(|mut select| {
            let rows = select.query_map((account.as_str(), int(limit)), |row| {
                Ok((row.get(0)?, row.get::<_, Json<_>>(1)?.0))
            })?;
            rows.collect()
        })
        .map_err(failed("reading the last notices of an account"))
}

pub(super) fn deliveries(c: &Connection, notice: &str) -> Result<Vec<DeliveryRow>> {
    c.prepare_cached(
        "SELECT id, contact, channel, state, attempts, next_at, last_error, begun_at FROM deliveries
         WHERE notice = ?1 ORDER BY seq",
    )
    .and_then(|mut select| {
        let rows = select.query_map([notice], |row| {
            Ok(DeliveryRow {
                id: row.get(0)?,
                contact: position(row, 1)?,
                channel: row.get::<_, Via>(2)?.0,
                state: row.get::<_, Stage>(3)?.0,
                attempts: row.get(4)?,
                next_at: row.get::<_, At>(5)?.0,
                last_error: row.get(6)?,
                begun_at: row.get::<_, Option<At>>(7)?.map(|at| at.0),
            })
        })?;
        rows.collect()
    })
    .map_err(failed("reading deliveries"))
}

pub(super) fn receipts(c: &Connection, delivery: &str) -> Result<Vec<ReceiptRow>> {
    c.prepare_cached(
        "SELECT attempt, outcome, receipt, at FROM receipts WHERE delivery = ?1 ORDER BY attempt",
    )
    .and_then(|mut select| {
        let rows = select.query_map([delivery], |row| {
            Ok(ReceiptRow {
                attempt: row.get(0)?,
                outcome: row.get::<_, Ended>(1)?.0,
                receipt: row.get(2)?,
                at: row.get::<_, At>(3)?.0,
            })
        })?;
        rows.collect()
    })
    .map_err(failed("reading receipts"))
}

pub(super) fn keep_sent(c: &Connection, message: &SentMessage) -> Result<()> {
    let rows = c
        .prepare_cached(
            "INSERT INTO sent_messages (delivery, channel, subject, text, html, sent_at)
             SELECT id, ?2, ?3, ?4, ?5, ?6 FROM deliveries WHERE id = ?1
             ON CONFLICT (delivery) DO UPDATE SET channel = excluded.channel,
                 subject = excluded.subject, text = excluded.text, html = excluded.html,
                 sent_at = excluded.sent_at",
        )
        .and_then(|mut insert| {
            insert.execute((
                &message.delivery,
                channel_word(message.channel),
                &message.subject,
                &message.text,
                &message.html,
                past(message.sent_at),
            ))
        })
        .map_err(failed("keeping a sent message"))?;
    if rows == 1 { Ok(()) } else { Err(missing(&message.delivery)) }
}

pub(super) fn sent(c: &Connection, delivery: &str) -> Result<Option<SentMessage>> {
    c.prepare_cached(
        "SELECT delivery, channel, subject, text, html, sent_at FROM sent_messages
         WHERE delivery = ?1",
    )
    .and_then(|mut select| {
        let row = |row: &Row<'_>| {
            Ok(SentMessage {
                delivery: row.get(0)?,
                channel: row.get::<_, Via>(1)?.0,
                subject: row.get(2)?,
                text: row.get(3)?,
                html: row.get(4)?,
                sent_at: row.get::<_, At>(5)?.0,
            })
        };
        select.query_row([delivery], row).optional()
    })
    .map_err(failed("reading a sent message"))
}

pub(super) fn forget_sent(c: &Connection, before: DateTime<Utc>, limit: usize) -> Result<usize> {
    c.prepare_cached(
        "DELETE FROM sent_messages WHERE rowid IN
         (SELECT rowid FROM sent_messages WHERE sent_at < ?1 ORDER BY sent_at LIMIT ?2)",
    )
    .and_then(|mut delete| delete.execute((past(before), int(limit))))
    .map_err(failed("forgetting sent messages"))
}

pub(super) const DEPTH: &str =
    "SELECT count(*), min(created_at) FROM deliveries WHERE state = 'pending'";

/// How many are pending, and when the oldest of them was decided.
pub(super) fn depth(c: &Connection) -> Result<(u64, Option<DateTime<Utc>>)> {
    c.prepare_cached(DEPTH)
        .and_then(|mut select| {
            select.query_row([], |row| {
                Ok((row.get::<_, Count>(0)?.0, row.get::<_, Option<At>>(1)?.map(|at| at.0)))
            })
        })
        .map_err(failed("counting deliveries"))
}
