//! Whether the clock can be trusted (SAFE-11): the wall clock against the monotonic one, against what it showed in earlier runs,
//! and, once it jumped, against the clocks of those who send heartbeats.
//!
//! Pure: reads no clock and no store; it is told. Decides nothing: the engine's gate does.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Seen, Watch};

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) wall: DateTime<Utc>,
    pub(super) tick: Duration,
}

/// The clocks.
#[derive(Debug)]
pub(super) struct Clocks {
    watch: Watch,
    tolerance: TimeDelta,
    /// An earlier run has seen the wall clock here, and now it shows less.
    seen_before: Option<DateTime<Utc>>,
    /// How far the wall clock jumped.
    off: TimeDelta,
    /// Sources whose clocks agree with the wall clock since it jumped.
    vouched: BTreeSet<String>,
    /// What the store says that the wall clock has shown.
    kept: Option<DateTime<Utc>>,
}

/// How the clocks turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// They do not agree any more, by so much in all.
    Apart(TimeDelta),
    /// They agree again.
    Together,
}

impl Clocks {
    /// From now on; `kept` is the latest that an earlier run is known to have seen on the wall clock.
    pub(super) fn new(tolerance: TimeDelta, now: Reading, kept: Option<DateTime<Utc>>) -> Self {
        Self {
            watch: Watch::new(tolerance, now.wall, now.tick),
            tolerance,
            seen_before: kept.filter(|kept| *kept > now.wall),
            off: kept.map_or(TimeDelta::zero(), |kept| now.wall - kept).min(TimeDelta::zero()),
            vouched: BTreeSet::new(),
            kept,
        }
    }

    /// Compares both.
    pub(super) fn look(&mut self, now: Reading) -> Option<Turn> {
        let agreed = self.agree();
        let seen = self.watch.look(now.wall, now.tick);
        if self.seen_before.is_some_and(|before| before <= now.wall) {
            self.seen_before = None;
        }
        if let Seen::Jumped(off) = seen {
            self.off = off;
            self.vouched.clear();
            return Some(Turn::Apart(off));
        }
        (!agreed && self.agree()).then_some(Turn::Together)
    }

    /// Whether the clock can be trusted.
    pub(super) fn agree(&self) -> bool {
        self.watch.agrees() && self.seen_before.is_none()
    }

    /// How far the wall clock is off, while it cannot be trusted.
    pub(super) fn off(&self) -> Option<TimeDelta> {
        (!self.agree()).then_some(self.off)
    }

    /// The source says that it is `time` now. Once every one of `needed` has said what the wall clock shows, it is trusted.
    pub(super) fn heard<'s>(
        &mut self,
        source: &str,
        time: DateTime<Utc>,
        now: Reading,
        needed: impl Iterator<Item = &'s str>,
    ) -> Option<Turn> {
        if self.agree() || (now.wall - time).abs() > self.tolerance {
            return None;
        }
        self.vouched.insert(source.to_owned());
        let mut needed = needed.peekable();
        if needed.peek().is_none() || !needed.all(|one| self.vouched.contains(one)) {
            return None;
        }
        self.vouched.clear();
        self.watch.trust(now.wall, now.tick);
        self.seen_before = None;
        // What was kept may be what a wrong clock showed.
        self.kept = None;
        Some(Turn::Together)
    }

    /// What the wall clock shows, if it is time to keep that for the next run.
    pub(super) fn worth_keeping(&mut self, wall: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let is_news = self.kept.is_none_or(|kept| wall >= kept + self.tolerance);
        let wall = Some(wall).filter(|_| is_news && self.agree())?;
        self.kept = Some(wall);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(wall: i64, tick: u64) -> Reading {
        Reading { wall: wall_at(wall), tick: Duration::from_secs(tick) }
    }

    fn wall_at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn clocks(kept: Option<i64>) -> Clocks {
        Clocks::new(TimeDelta::seconds(60), reading(0, 0), kept.map(wall_at))
    }

    const JUMP: i64 = 7200;

    /// Whether the clocks agree once this was said by sources of which `/a` and `/b` are needed.
    fn trusted_after(said: &[(&str, i64)]) -> bool {
        let mut clocks = clocks(None);
        let turn = clocks.look(reading(JUMP, 0));
        assert_eq!(turn, Some(Turn::Apart(TimeDelta::seconds(JUMP))));
        let turns: Vec<_> = said
            .iter()
            .filter_map(|(source, time)| {
                let needed = ["/a", "/b"].into_iter();
                clocks.heard(source, wall_at(*time), reading(JUMP + 5, 5), needed)
            })
            .collect();
        assert_eq!(!turns.is_empty(), clocks.agree());
        clocks.agree()
    }

    #[test]
    fn a_jump_is_trusted_once_every_source_says_the_same_and_not_before() {
        assert!(trusted_after(&[("/a", JUMP + 4), ("/b", JUMP + 64)]));
        assert!(!trusted_after(&[("/a", JUMP + 4), ("/a", JUMP + 4)]), "/b is missing");
        assert!(!trusted_after(&[("/a", JUMP + 4), ("/b", 5)]), "/b says that it did not jump");
        assert!(!trusted_after(&[("/a", JUMP + 4), ("/b", JUMP + 66)]), "/b is off by itself");
        assert!(!trusted_after(&[]));
    }

    #[test]
    fn without_anybody_who_sends_heartbeats_nobody_vouches() {
        let mut clocks = clocks(None);
        clocks.look(reading(JUMP, 0));
        assert_eq!(clocks.heard("/x", wall_at(JUMP), reading(JUMP, 0), core::iter::empty()), None);
        assert!(!clocks.agree());
        assert_eq!(clocks.look(reading(10, 10)), Some(Turn::Together), "it is back");
    }

    #[test]
    fn who_vouched_before_another_jump_vouches_for_nothing_after_it() {
        let mut clocks = clocks(None);
        let needed = || ["/a", "/b"].into_iter();
        clocks.look(reading(JUMP, 0));
        clocks.heard("/a", wall_at(JUMP), reading(JUMP, 0), needed());
        clocks.look(reading(2 * JUMP, 0));
        assert_eq!(clocks.heard("/b", wall_at(2 * JUMP), reading(2 * JUMP, 0), needed()), None);
        let turn = clocks.heard("/a", wall_at(2 * JUMP), reading(2 * JUMP, 0), needed());
        assert_eq!(turn, Some(Turn::Together));
    }

    #[test]
    fn a_start_before_what_an_earlier_run_has_seen_waits_until_that_has_passed() {
        let mut later = clocks(Some(-1));
        assert!(later.agree() && later.look(reading(1, 1)).is_none());
        let mut clocks = clocks(Some(100));
        assert_eq!(clocks.off(), Some(TimeDelta::seconds(-100)));
        assert_eq!(clocks.look(reading(99, 99)), None);
        assert_eq!(clocks.look(reading(100, 100)), Some(Turn::Together));
    }

    #[test]
    fn what_the_wall_clock_shows_is_kept_now_and_then_and_never_after_a_jump() {
        let mut clocks = clocks(None);
        assert_eq!(clocks.worth_keeping(wall_at(0)), Some(wall_at(0)));
        assert_eq!(clocks.worth_keeping(wall_at(59)), None);
        assert_eq!(clocks.worth_keeping(wall_at(60)), Some(wall_at(60)));
        clocks.look(reading(JUMP, 60));
        assert_eq!(clocks.worth_keeping(wall_at(JUMP)), None);
    }
}
