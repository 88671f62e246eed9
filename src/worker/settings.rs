//! What the worker is told at its start. The keys behind it are the `settings` module's.

use std::time::Duration;

use super::breaker::BreakerSettings;
use super::sources::Freshness;
use crate::engine::policy::Channel;
use crate::event;
use crate::store::Retention;

/// Limits of the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// At most so many events, wakes and reports in one commit.
    pub group_max: usize,
    /// What a body may be.
    pub limits: event::Limits,
    /// URI of this dunlin, as the `source` of what it publishes.
    pub source: String,
    /// The ways there are to tell somebody.
    pub channels: Vec<Channel>,
    /// How long things are kept.
    pub retention: Retention,
    /// How many at once are too many.
    pub breaker: BreakerSettings,
    /// Another system is in charge: what is decided is recorded, and nothing of it is left to be sent or published.
    pub shadow: bool,
    /// How long an idle worker leaves a command of an operator unseen at most.
    pub command_poll: Duration,
    /// Who may say what, and what must be known before anything is released.
    pub freshness: Freshness,
    /// The fault that `scripts/torture --self-test` must notice. No release has it.
    #[cfg(feature = "fault-injection")]
    pub acknowledges_before_commit: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            group_max: 500,
            limits: event::Limits::default(),
            source: "/dunlin".into(),
            channels: vec![Channel::Email, Channel::Sms],
            retention: Retention::default(),
            breaker: BreakerSettings::default(),
            shadow: false,
            command_poll: Duration::from_secs(1),
            freshness: Freshness::default(),
            #[cfg(feature = "fault-injection")]
            acknowledges_before_commit: false,
        }
    }
}
