//! A way out that is broken rests: nothing is tried there for a while, and no message is blamed for it.
//!
//! Rests are short at first and grow; after each, one message is the probe. By the monotonic clock, so that a clock that jumps
//! or stands still changes nothing.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::monotonic;

/// The first rest.
const REST_FIRST: Duration = Duration::from_secs(1);
/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(60);

/// Whether a way out may be used.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Faults since it last worked.
    faults: u32,
    until: Option<Instant>,
}

impl Rest {
    /// How many of `free` places may be used now: all, one to probe, or none.
    pub(super) fn room(&self, free: usize, in_flight: usize) -> usize {
        match (self.left(), self.faults) {
            (Some(_), _) => 0,
            (None, 0) => free,
            (None, _) => free.min(usize::from(in_flight == 0)),
        }
    }

    /// How long the rest still takes.
    pub(super) fn left(&self) -> Option<Duration> {
        self.until
            .and_then(|until| until.checked_duration_since(monotonic()))
            .filter(|left| !left.is_zero())
    }

    /// It does not work. Whether that is news: the first fault, or one after a rest.
    pub(super) fn fault(&mut self) -> bool {
        if self.left().is_some() {
            return false;
        }
        let rest = REST_FIRST.saturating_mul(2_u32.saturating_pow(self.faults)).min(REST_MAX);
        self.faults = self.faults.saturating_add(1);
        self.until = Some(monotonic() + rest);
        true
    }

    /// It works.
    pub(super) fn works(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rests_grow_to_a_limit_and_one_message_probes_after_each() {
        let mut rest = Rest::default();
        assert_eq!(rest.room(8, 0), 8);
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(rest.fault());
            assert!(!rest.fault(), "the others that were under way are no news");
            assert_eq!(rest.left(), Some(Duration::from_secs(seconds)));
            assert_eq!(rest.room(8, 0), 0);
            tokio::time::advance(Duration::from_secs(seconds)).await;
            assert_eq!((rest.room(8, 0), rest.room(7, 1)), (1, 0));
        }
        rest.works();
        assert_eq!(rest.room(8, 0), 8);
    }
}
