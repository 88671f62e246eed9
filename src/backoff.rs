//! How long to wait before trying again: exponential, jittered, capped.
//!
//! Pure: draws no randomness and reads no clock. Does not count attempts and never gives up.

use core::time::Duration;

/// The bounds of a growing wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// No wait is shorter.
    pub first: Duration,
    /// No wait is longer.
    pub cap: Duration,
}

impl Backoff {
    /// The wait before retry number `attempt` (from 0), for a `draw` in `0.0..=1.0`.
    ///
    /// Full jitter over `first ..= first * 2^(attempt + 1)`, capped: clients that failed together do not come back
    /// together, and none of them spins. A draw outside its range counts as the nearest end of it.
    pub fn delay(&self, attempt: u32, draw: f64) -> Duration {
        let cap = self.cap.max(self.first);
        let doubled = 2_u32.checked_pow(attempt.saturating_add(1)).unwrap_or(u32::MAX);
        let ceiling = self.first.checked_mul(doubled).map_or(cap, |grown| grown.min(cap));
        let draw = if draw.is_finite() { draw.clamp(0.0, 1.0) } else { 1.0 };
        self.first + (ceiling - self.first).mul_f64(draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_millis(200), cap: Duration::from_secs(10) };

    #[test]
    fn the_ceiling_doubles_until_the_cap() {
        let ceilings: Vec<_> = (0..8).map(|n| BACKOFF.delay(n, 1.0).as_millis()).collect();
        assert_eq!(ceilings, [400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
    }

    #[test]
    fn no_wait_is_shorter_than_the_first_or_longer_than_the_cap() {
        for attempt in [0, 1, 5, 31, 32, u32::MAX] {
            for draw in [-1.0, 0.0, 0.3, 1.0, 7.0, f64::NAN] {
                let delay = BACKOFF.delay(attempt, draw);
                assert!(
                    delay >= BACKOFF.first && delay <= BACKOFF.cap,
                    "{attempt} {draw} {delay:?}"
                );
            }
        }
    }

    #[test]
    fn a_cap_below_the_first_wait_is_the_first_wait() {
        let upside_down = Backoff { first: BACKOFF.cap, cap: BACKOFF.first };
        assert_eq!(upside_down.delay(3, 1.0), BACKOFF.cap);
    }
}
