//! Whether a wall clock still shows what a monotonic clock says that it must (SAFE-11). Reads no clock: it is told.
//!
//! A clock that is steered runs a little faster or slower, and that is fine; one that is set jumps.

use core::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A wall clock that is steered gains or loses at most one part in so many: five hundred parts in a million is what the kernel
/// does, and this is twice that.
const STEERED: u32 = 1_000;

/// Two clocks, side by side.
#[derive(Debug)]
pub struct Watch {
    tolerance: TimeDelta,
    /// What the wall clock shows at the zero of the monotonic clock, as far as it is trusted.
    trusted: DateTime<Utc>,
    /// When the monotonic clock was looked at last.
    looked_at: Duration,
    /// The same as `trusted`, as the wall clock showed it when it was first found elsewhere.
    jumped: Option<DateTime<Utc>>,
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Both clocks agree.
    Agree,
    /// They do, and did not before: the wall clock is back.
    Back,
    /// The wall clock jumped since the last look, by so much in all.
    Jumped(TimeDelta),
    /// It jumped before and is still there.
    Apart,
}

impl Watch {
    /// From now on. `wall` is trusted; what lies within `tolerance` of it later still agrees.
    pub fn new(tolerance: TimeDelta, wall: DateTime<Utc>, monotonic: Duration) -> Self {
        let trusted = zero(wall, monotonic);
        Self { tolerance, trusted, looked_at: monotonic, jumped: None }
    }

    /// Compares both readings, taken at one moment.
    pub fn look(&mut self, wall: DateTime<Utc>, monotonic: Duration) -> Seen {
        let shown = zero(wall, monotonic);
        let off = shown - self.trusted;
        let passed = monotonic.saturating_sub(self.looked_at);
        self.looked_at = monotonic;
        if off.abs() <= self.tolerance {
            // Small differences are forgotten as slowly as a steered clock makes them: many small jumps are one large one.
            let most = span(passed / STEERED);
            self.trusted += off.clamp(-most, most);
            return if self.jumped.take().is_some() { Seen::Back } else { Seen::Agree };
        }
        match self.jumped {
            Some(there) if (shown - there).abs() <= self.tolerance => Seen::Apart,
            _ => {
                self.jumped = Some(shown);
                Seen::Jumped(off)
            }
        }
    }

    /// Whether both clocks agreed at the last look.
    pub fn agrees(&self) -> bool {
        self.jumped.is_none()
    }

    /// Something else says that the wall clock is right: from now on it is trusted.
    pub fn trust(&mut self, wall: DateTime<Utc>, monotonic: Duration) {
        *self = Self::new(self.tolerance, wall, monotonic);
    }
}

fn zero(wall: DateTime<Utc>, monotonic: Duration) -> DateTime<Utc> {
    wall.checked_sub_signed(span(monotonic)).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

fn span(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn watch() -> Watch {
        Watch::new(TimeDelta::seconds(60), wall(0), secs(7))
    }

    #[test]
    fn clocks_that_run_together_agree_however_long() {
        let mut watch = watch();
        for hour in 1..10_000 {
            assert_eq!(watch.look(wall(hour * 3600), secs(7 + hour as u64 * 3600)), Seen::Agree);
        }
    }

    #[test]
    fn a_jump_beyond_the_tolerance_is_seen_once_in_both_directions_and_so_is_the_way_back() {
        for jump in [61, 7200, -61, -7200] {
            let mut watch = watch();
            let seen = watch.look(wall(10 + jump), secs(17));
            assert_eq!(seen, Seen::Jumped(TimeDelta::seconds(jump)));
            assert_eq!(watch.look(wall(20 + jump), secs(27)), Seen::Apart);
            assert!(!watch.agrees());
            assert_eq!(watch.look(wall(30), secs(37)), Seen::Back);
            assert_eq!(watch.look(wall(40), secs(47)), Seen::Agree);
        }
        assert_eq!(watch().look(wall(10 + 60), secs(17)), Seen::Agree);
    }

    #[test]
    fn a_jump_after_a_jump_is_another_one() {
        let mut watch = watch();
        watch.look(wall(7200), secs(7));
        assert_eq!(watch.look(wall(14_400), secs(7)), Seen::Jumped(TimeDelta::seconds(14_400)));
    }

    #[test]
    fn many_small_jumps_are_a_large_one_and_steering_is_none() {
        let mut watch = watch();
        // Ten seconds more every minute.
        let seen: Vec<Seen> =
            (1..10).map(|n| watch.look(wall(70 * n), secs(7 + 60 * n as u64))).collect();
        assert!(seen.iter().any(|seen| matches!(seen, Seen::Jumped(_))), "{seen:?}");
        // A hundred seconds in ten days.
        let mut steered = self::watch();
        for minute in 1..=14_400_i64 {
            let gained = minute * 100 / 14_400;
            let seen = steered.look(wall(60 * minute + gained), secs(7 + 60 * minute as u64));
            assert_eq!(seen, Seen::Agree, "minute {minute}");
        }
    }

    #[test]
    fn a_wall_clock_that_is_vouched_for_is_the_new_measure() {
        let mut watch = watch();
        watch.look(wall(7200), secs(7));
        watch.trust(wall(7200), secs(7));
        assert_eq!(watch.look(wall(7210), secs(17)), Seen::Agree);
        assert!(matches!(watch.look(wall(20), secs(27)), Seen::Jumped(_)));
    }
}
