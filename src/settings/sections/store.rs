//! `[store]`: where state is kept, for how long, and the sizes of the database.

use core::time::Duration;
use std::path::PathBuf;

use serde::Deserialize;

use crate::settings::report::Report;
use crate::store::{Limits, Retention};

/// Longest retention: ten years.
const DAYS_MAX: u64 = 3_650;

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// A file of SQLite, inside the process.
    Sqlite,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    kind: StoreKind,
    path: String,
    group_max_events: usize,
    sent_message_retention_days: u64,
    inbox_retention_days: u64,
    quarantine_retention_days: u64,
    sweep_rows_max: usize,
    limits: WrittenLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimits {
    busy_timeout_secs: u64,
    statement_cache: usize,
    writer_cache_kib: u32,
    reader_cache_kib: u32,
    checkpoint_pages: u32,
    quarantine_body_bytes: usize,
}

/// Where state is kept, for how long, and the sizes of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// Which store.
    pub kind: StoreKind,
    /// The database file.
    pub path: PathBuf,
    /// The most inputs in one commit.
    pub group_max_events: usize,
    /// How long things are kept.
    pub retention: Retention,
    /// Sizes and times of the database.
    pub limits: Limits,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> StoreSettings {
        report.within("store.group_max_events", self.group_max_events, 1..=10_000);
        let sent = self.sent_message_retention_days;
        report.within("store.sent_message_retention_days", sent, 0..=DAYS_MAX);
        // Brokers and publishers repeat after days, not weeks; under a week a copy could pass as new.
        report.within("store.inbox_retention_days", self.inbox_retention_days, 7..=DAYS_MAX);
        let quarantine = self.quarantine_retention_days;
        report.within("store.quarantine_retention_days", quarantine, 1..=DAYS_MAX);
        report.within("store.sweep_rows_max", self.sweep_rows_max, 1..=100_000);
        StoreSettings {
            kind: self.kind,
            path: PathBuf::from(report.required("store.path", self.path)),
            group_max_events: self.group_max_events,
            retention: Retention {
                inbox: days(self.inbox_retention_days),
                sent: days(sent),
                quarantine: days(quarantine),
                rows_per_sweep: self.sweep_rows_max,
            },
            limits: self.limits.check(report),
        }
    }
}

impl WrittenLimits {
    fn check(self, report: &mut Report<'_>) -> Limits {
        report.within("store.limits.busy_timeout_secs", self.busy_timeout_secs, 1..=300);
        report.within("store.limits.statement_cache", self.statement_cache, 16..=4_096);
        report.within("store.limits.writer_cache_kib", self.writer_cache_kib, 1_024..=8_388_608);
        report.within("store.limits.reader_cache_kib", self.reader_cache_kib, 256..=8_388_608);
        report.within("store.limits.checkpoint_pages", self.checkpoint_pages, 100..=1_000_000);
        let body = self.quarantine_body_bytes;
        report.within("store.limits.quarantine_body_bytes", body, 0..=16 * 1024 * 1024);
        Limits {
            busy_timeout: Duration::from_secs(self.busy_timeout_secs),
            statement_cache: self.statement_cache,
            writer_cache_kib: self.writer_cache_kib,
            reader_cache_kib: self.reader_cache_kib,
            checkpoint_pages: self.checkpoint_pages,
            quarantine_body_bytes: self.quarantine_body_bytes,
        }
    }
}

/// Days of 24 hours; too many come out as the most, which the check refuses anyway.
fn days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(24 * 60 * 60))
}
