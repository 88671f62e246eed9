//! `[store]`: where state is kept, and for how long.

use std::path::PathBuf;

use serde::Deserialize;

use crate::settings::report::Report;

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
    sent_message_retention_days: u32,
    inbox_retention_days: u32,
}

/// Where state is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// Which store.
    pub kind: StoreKind,
    /// The database file.
    pub path: PathBuf,
    /// The most inputs in one commit.
    pub group_max_events: usize,
    /// Days for which the text of sent messages is kept.
    pub sent_message_retention_days: u32,
    /// Days for which the ids of events are remembered: a copy that comes later is not recognised.
    pub inbox_retention_days: u32,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> StoreSettings {
        report.within("store.group_max_events", self.group_max_events, 1..=10_000);
        report.within(
            "store.sent_message_retention_days",
            self.sent_message_retention_days,
            0..=3_650,
        );
        // Brokers and publishers repeat after days, not weeks; under a week a copy could pass as new.
        report.within("store.inbox_retention_days", self.inbox_retention_days, 7..=3_650);
        StoreSettings {
            kind: self.kind,
            path: PathBuf::from(report.required("store.path", self.path)),
            group_max_events: self.group_max_events,
            sent_message_retention_days: self.sent_message_retention_days,
            inbox_retention_days: self.inbox_retention_days,
        }
    }
}
