//! Commands of operators: how they come in beside the worker, and how it answers them.

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

use super::codec::{At, failed, int};
use super::open;
use crate::store::{Command, CommandState, Limits, NewCommand, Result, past};

/// A connection that can give commands to a store and nothing else, whether or not a worker is running on it. Whoever may
/// write to the file may give commands.
#[derive(Debug)]
pub struct SqliteCommands(Connection);

impl SqliteCommands {
    /// Opens an existing store of exactly this program's schema. Takes no right to write away from the worker.
    ///
    /// # Errors
    ///
    /// If there is no such store, if it may not be written to, or if it would not keep what it is given.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        open::beside(path, limits).map(Self)
    }

    /// Puts a command where the worker looks for some; its id. It is durable then. Waits for a commit that is under way.
    ///
    /// # Errors
    ///
    /// If the file cannot be written to in time.
    pub fn give(&mut self, command: &NewCommand<'_>) -> Result<i64> {
        let failed = failed("giving a command");
        let inner =
            self.0.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let id = give(&inner, command)?;
        inner.commit().map_err(failed)?;
        Ok(id)
    }
}

impl FromSql for CommandState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "waiting" => Ok(Self::Waiting),
            "done" => Ok(Self::Done),
            "refused" => Ok(Self::Refused),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

pub(super) fn give(c: &Connection, command: &NewCommand<'_>) -> Result<i64> {
    c.prepare_cached(
        "INSERT INTO commands (given_at, given_by, kind, body) VALUES (?1, ?2, ?3, ?4)",
    )
    .and_then(|mut insert| {
        insert.insert((past(command.at), command.by, command.kind, command.body))
    })
    .map_err(failed("giving a command"))
}

pub(super) const WAITING: &str =
    "SELECT id, given_at, given_by, kind, body, state, answer, done_at FROM commands
     WHERE state = 'waiting' ORDER BY id LIMIT ?1";

pub(super) fn waiting(c: &Connection, limit: usize) -> Result<Vec<Command>> {
    c.prepare_cached(WAITING)
        .and_then(|mut select| select.query_map([int(limit)], row)?.collect())
        .map_err(failed("looking for commands"))
}

pub(super) fn get(c: &Connection, id: i64) -> Result<Option<Command>> {
    c.prepare_cached(
        "SELECT id, given_at, given_by, kind, body, state, answer, done_at FROM commands
         WHERE id = ?1",
    )
    .and_then(|mut select| select.query_row([id], row).optional())
    .map_err(failed("reading a command"))
}

fn row(row: &Row<'_>) -> rusqlite::Result<Command> {
    Ok(Command {
        id: row.get(0)?,
        at: row.get::<_, At>(1)?.0,
        by: row.get(2)?,
        kind: row.get(3)?,
        body: row.get(4)?,
        state: row.get(5)?,
        answer: row.get(6)?,
        done_at: row.get::<_, Option<At>>(7)?.map(|at| at.0),
    })
}

pub(super) fn answer(
    c: &Connection,
    id: i64,
    (state, answer): (CommandState, &str),
    at: DateTime<Utc>,
) -> Result<bool> {
    c.prepare_cached(
        "UPDATE commands SET state = ?2, answer = ?3, done_at = ?4
         WHERE id = ?1 AND state = 'waiting'",
    )
    .and_then(|mut update| update.execute((id, state.word(), answer, past(at))))
    .map(|changed| changed == 1)
    .map_err(failed("answering a command"))
}
