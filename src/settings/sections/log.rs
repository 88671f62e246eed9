//! `[log]`: what is logged and how it looks.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::settings::report::Report;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    format: LogFormat,
    level: String,
}

/// What is logged and how it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// Filter directives: `info`, or `info,dunlin::broker=debug`.
    pub level: String,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> LogSettings {
        if let Err(error) = EnvFilter::builder().parse(&self.level) {
            report.refuse_with(
                "log.level",
                error.to_string(),
                "write error, warn, info, debug or trace, or directives such as info,dunlin::broker=debug",
            );
        }
        LogSettings { format: self.format, level: self.level }
    }
}
