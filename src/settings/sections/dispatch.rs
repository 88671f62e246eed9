//! `[dispatch]`: how the outbox is worked off.

use core::time::Duration;

use serde::Deserialize;

use crate::settings::report::Report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    retry_secs: Vec<u64>,
    attempts_max: u32,
    email_concurrency: usize,
    sms_concurrency: usize,
    publish_concurrency: usize,
    batch_rows_max: usize,
    idle_poll_secs: u64,
}

/// How the outbox is worked off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchSettings {
    /// The wait before the second, third, … attempt; the last one repeats.
    pub retry_after: Vec<Duration>,
    /// After this many attempts a delivery counts as failed for good.
    pub attempts_max: u32,
    /// The most e-mails in flight.
    pub email_concurrency: usize,
    /// The most texts in flight.
    pub sms_concurrency: usize,
    /// The most publications without a confirm.
    pub publish_concurrency: usize,
    /// The most rows read from the outbox at once.
    pub batch_rows_max: usize,
    /// The longest that a row waits if the signal for it was lost.
    pub idle_poll: Duration,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> DispatchSettings {
        if self.retry_secs.is_empty() || self.retry_secs.contains(&0) {
            report
                .refuse("dispatch.retry_secs", "needs at least one wait, each of a second or more");
        }
        if !self.retry_secs.is_sorted() {
            report
                .refuse("dispatch.retry_secs", "must not fall: each wait at least the one before");
        }
        report.within("dispatch.attempts_max", self.attempts_max, 1..=1_000);
        report.within("dispatch.email_concurrency", self.email_concurrency, 1..=256);
        report.within("dispatch.sms_concurrency", self.sms_concurrency, 1..=256);
        report.within("dispatch.publish_concurrency", self.publish_concurrency, 1..=10_000);
        report.within("dispatch.batch_rows_max", self.batch_rows_max, 1..=10_000);
        report.within("dispatch.idle_poll_secs", self.idle_poll_secs, 1..=600);
        DispatchSettings {
            retry_after: self.retry_secs.into_iter().map(Duration::from_secs).collect(),
            attempts_max: self.attempts_max,
            email_concurrency: self.email_concurrency,
            sms_concurrency: self.sms_concurrency,
            publish_concurrency: self.publish_concurrency,
            batch_rows_max: self.batch_rows_max,
            idle_poll: Duration::from_secs(self.idle_poll_secs),
        }
    }
}
