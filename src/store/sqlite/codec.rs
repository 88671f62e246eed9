//! Between Rust and SQLite: instants, JSON, words, errors. No statement.

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Type, ValueRef};
use rusqlite::{Error, ErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::policy::Channel;
use crate::store::{AttemptOutcome, DeliveryState, Result, StoreError, instant};

/// An instant out of a column of microseconds.
pub(super) struct At(pub(super) DateTime<Utc>);

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let micros = value.as_i64()?;
        instant(micros).map(Self).ok_or(FromSqlError::OutOfRange(micros))
    }
}

/// A count, position or version out of a column.
pub(super) struct Count(pub(super) u64);

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let count = value.as_i64()?;
        u64::try_from(count).map(Self).map_err(|_| FromSqlError::OutOfRange(count))
    }
}

/// A value out of a column of JSON.
pub(super) struct Json<T>(pub(super) T);

/// serde_json's own message quotes the value, which may be personal.
#[derive(Debug, thiserror::Error)]
#[error("{category:?} error in its JSON at character {column}")]
struct BadJson {
    category: serde_json::error::Category,
    column: usize,
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|error| {
            FromSqlError::other(BadJson { category: error.classify(), column: error.column() })
        })
    }
}

pub(super) fn json(what: &'static str, value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|source| StoreError::Encode { what, source })
}

/// A [`Channel`] out of a column.
pub(super) struct Via(pub(super) Channel);

pub(super) fn channel_word(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
    }
}

impl FromSql for Via {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "email" => Ok(Self(Channel::Email)),
            "sms" => Ok(Self(Channel::Sms)),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// A [`DeliveryState`] out of a column; also an [`AttemptOutcome`], which is one that is not pending.
pub(super) struct Stage(pub(super) DeliveryState);

pub(super) fn outcome_word(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Sent => "sent",
        AttemptOutcome::Failed => "failed",
        AttemptOutcome::Unknown => "unknown",
        AttemptOutcome::Bounced => "bounced",
    }
}

pub(super) fn state_word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Final(outcome) => outcome_word(outcome),
    }
}

impl FromSql for Stage {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value.as_str()? {
            "pending" => DeliveryState::Pending,
            "sent" => DeliveryState::Final(AttemptOutcome::Sent),
            "failed" => DeliveryState::Final(AttemptOutcome::Failed),
            "unknown" => DeliveryState::Final(AttemptOutcome::Unknown),
            "bounced" => DeliveryState::Final(AttemptOutcome::Bounced),
            _ => return Err(FromSqlError::InvalidType),
        }))
    }
}

/// An [`AttemptOutcome`] out of a column.
pub(super) struct Ended(pub(super) AttemptOutcome);

impl FromSql for Ended {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match Stage::column_result(value)?.0 {
            DeliveryState::Final(outcome) => Ok(Self(outcome)),
            DeliveryState::Pending => Err(FromSqlError::InvalidType),
        }
    }
}

/// A count or position as SQLite takes it.
pub(super) fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A version as SQLite takes it.
pub(super) fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Sorts SQLite's errors by what the caller can do about them.
pub(super) fn failed(during: &'static str) -> impl Fn(Error) -> StoreError + Copy {
    move |error| match error {
        Error::FromSqlConversionFailure(column, kind, source) => {
            corrupt(during, column, kind, &source.to_string())
        }
        Error::IntegralValueOutOfRange(column, _) => {
            corrupt(during, column, Type::Integer, "out of range")
        }
        Error::InvalidColumnType(column, _, kind) => {
            corrupt(during, column, kind, "of another type")
        }
        error => match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full { during },
            Some(
                ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase,
            ) => StoreError::Disk { during, source: error.into() },
            _ => StoreError::Backend { during, source: error.into() },
        },
    }
}

fn corrupt(during: &'static str, column: usize, kind: Type, reason: &str) -> StoreError {
    StoreError::Corrupt { during, reason: format!("column {column} ({kind}): {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: i32) -> StoreError {
        failed("testing")(Error::SqliteFailure(rusqlite::ffi::Error::new(code), None))
    }

    #[test]
    fn a_failed_fsync_is_fatal_and_a_full_disk_is_not() {
        use rusqlite::ffi;
        assert!(code(ffi::SQLITE_IOERR_FSYNC).is_fatal());
        assert!(code(ffi::SQLITE_IOERR_WRITE).is_fatal());
        assert!(code(ffi::SQLITE_CORRUPT).is_fatal());
        assert!(matches!(code(ffi::SQLITE_FULL), StoreError::Full { .. }));
        assert!(!code(ffi::SQLITE_FULL).is_fatal());
        assert!(!code(ffi::SQLITE_BUSY).is_fatal());
    }

    #[test]
    fn what_cannot_be_read_back_is_not_quoted() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let error = connection
            .query_row(r#"SELECT '{"id":"li.lei@example.com"}'"#, [], |row| {
                row.get::<_, Json<Vec<u8>>>(0).map(|json| json.0)
            })
            .map_err(failed("testing"))
            .unwrap_err();
        assert!(error.is_fatal());
        let text = format!("{error} {error:?}");
        assert!(!text.contains("li.lei"), "{text}");
    }
}
