//! `[worker]`: how much the worker takes in, what it calls itself, and how it stops.

use core::time::Duration;

use serde::Deserialize;

use crate::event::Limits;
use crate::settings::report::Report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    source: String,
    drain_timeout_secs: u64,
    stall_timeout_secs: u64,
    command_poll_secs: u64,
    max_body_bytes: usize,
    max_depth: usize,
}

/// How much the worker takes in, what it calls itself, and how it stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// URI of this dunlin, as the `source` of what it publishes.
    pub source: String,
    /// The longest that work in flight may take after the signal to stop.
    pub drain_timeout: Duration,
    /// A commit loop that has not gone round for this long makes `/healthz` fail.
    pub stall_timeout: Duration,
    /// How long an idle worker leaves a command of an operator unseen at most.
    pub command_poll: Duration,
    /// What a body may be; anything larger or deeper goes to quarantine.
    pub limits: Limits,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> WorkerSettings {
        report.within("worker.drain_timeout_secs", self.drain_timeout_secs, 1..=600);
        report.within("worker.stall_timeout_secs", self.stall_timeout_secs, 5..=3_600);
        report.within("worker.command_poll_secs", self.command_poll_secs, 1..=60);
        report.within("worker.max_body_bytes", self.max_body_bytes, 1_024..=16 * 1024 * 1024);
        // serde_json itself stops at 128.
        report.within("worker.max_depth", self.max_depth, 4..=127);
        if self.source.chars().any(|c| c.is_whitespace() || c.is_control()) {
            report.refuse("worker.source", "is not a URI: it holds white space");
        }
        WorkerSettings {
            source: report.required("worker.source", self.source),
            drain_timeout: Duration::from_secs(self.drain_timeout_secs),
            stall_timeout: Duration::from_secs(self.stall_timeout_secs),
            command_poll: Duration::from_secs(self.command_poll_secs),
            limits: Limits { body_bytes: self.max_body_bytes, depth: self.max_depth },
        }
    }
}
