//! Whether the process still does its work: the commit loop beats, `/healthz` looks when it last did.
//!
//! Says nothing about the broker or the relay; that is readiness.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::monotonic;

/// The heartbeat of the commit loop. Clones share it: the worker holds one and beats each time round, also when idle.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    last: Arc<Mutex<Instant>>,
    stall_after: Duration,
}

impl Heartbeat {
    /// Beats once. A loop that is silent for longer than `stall_after` (`worker.stall_timeout_secs`) counts as stuck.
    pub fn new(stall_after: Duration) -> Self {
        Self { last: Arc::new(Mutex::new(monotonic())), stall_after }
    }

    /// The loop went round.
    pub fn beat(&self) {
        self.beat_at(monotonic());
    }

    /// How long ago the loop last went round.
    pub fn silence(&self) -> Duration {
        self.silence_at(monotonic())
    }

    /// Whether it went round recently.
    pub fn is_alive(&self) -> bool {
        self.is_alive_at(monotonic())
    }

    fn beat_at(&self, now: Instant) {
        *self.last.lock().expect("no holder of this lock can panic") = now;
    }

    fn silence_at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(*self.last.lock().expect("no holder of this lock can panic"))
    }

    fn is_alive_at(&self, now: Instant) -> bool {
        self.silence_at(now) <= self.stall_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stops_going_round_is_stuck_until_it_goes_on() {
        let heartbeat = Heartbeat::new(Duration::from_secs(60));
        let start = monotonic();
        heartbeat.beat_at(start);
        let at = |secs| start + Duration::from_secs(secs);
        assert!(heartbeat.is_alive_at(at(60)));
        assert!(!heartbeat.is_alive_at(at(61)));
        heartbeat.clone().beat_at(at(61));
        assert!(heartbeat.is_alive_at(at(61)));
    }
}
