//! Up to when all facts are known (SAFE-5): what each source said last, and up to when the queues were read.
//!
//! Pure: reads no clock, no queue and no store; it is told. Decides nothing: the engine's gate does.
//!
//! A heartbeat at H says that everything up to H was sent before it. But it may lie in one queue and what was sent before it in
//! another: so a marker counts only for heartbeats that were read before it was written. Once it came back out of every queue,
//! everything that those heartbeats vouch for was read, and everything that was sent before the marker too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::sources::{Freshness, Proof};

/// What is known of one source, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// When its first event was taken in.
    pub(super) first_seen: DateTime<Utc>,
    /// Everything up to here was sent, by its own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) heartbeat: Option<DateTime<Utc>>,
}

/// However many markers are under way, the next one is not put off for longer than for so many.
const UNDER_WAY_MAX: u32 = 5;

/// A marker that is under way.
#[derive(Debug)]
struct Round {
    /// Everything up to here is known once it is back.
    until: DateTime<Utc>,
    /// The queues that it has not come out of.
    awaited: BTreeSet<usize>,
}

/// A source that should send heartbeats and has sent none for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The one that has been silent for longest.
    pub source: String,
    /// Since when; `None`: it never sent any.
    pub since: Option<DateTime<Utc>>,
    /// How many there are.
    pub count: usize,
}

/// Everything that says up to when facts are known.
#[derive(Debug)]
pub(super) struct Facts {
    settings: Freshness,
    /// Every source of which an event was ever taken in.
    known: BTreeMap<String, Known>,
    /// There are more sources than are remembered.
    beyond: bool,
    /// Everything up to here was read.
    read_until: DateTime<Utc>,
    /// The input has ended.
    ended: bool,
    /// The consuming session that markers are under way in.
    session: Option<u64>,
    rounds: BTreeMap<u64, Round>,
    last_number: u64,
    /// When the last marker was asked for, on the monotonic clock.
    asked_at: Option<Duration>,
    /// What follows from all that.
    complete_until: DateTime<Utc>,
}

const NEVER: DateTime<Utc> = DateTime::<Utc>::MIN_UTC;
const ALWAYS: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;

impl Facts {
    /// With what earlier runs learned.
    pub(super) fn new(settings: Freshness, known: BTreeMap<String, Known>, beyond: bool) -> Self {
        Self {
            settings,
            known,
            beyond,
            read_until: NEVER,
            ended: false,
            session: None,
            rounds: BTreeMap::new(),
            last_number: 0,
            asked_at: None,
            complete_until: NEVER,
        }
    }

    /// All facts up to here are known.
    pub(super) fn complete_until(&self) -> DateTime<Utc> {
        self.complete_until
    }

    /// An event of a source was taken in; what is to be kept, if that is news. With too many sources it is only that there are.
    pub(super) fn heard(&mut self, source: &str, now: DateTime<Utc>) -> Heard<'_> {
        if self.known.contains_key(source) {
            return Heard::Before;
        }
        let unlisted = self.known.keys().filter(|one| !self.is_listed(one)).count();
        if !self.is_listed(source) && unlisted >= self.settings.sources_max {
            let is_news = !self.beyond;
            self.beyond = true;
            self.conclude();
            return if is_news { Heard::OneTooMany } else { Heard::Before };
        }
        let known = Known { first_seen: now, heartbeat: None };
        self.known.insert(source.to_owned(), known);
        self.conclude();
        self.known.get(source).map_or(Heard::Before, Heard::First)
    }

    /// A source said that everything up to `time` was sent; read at `now`, beyond which nobody can vouch. What is to be kept, if
    /// that is later than what it said before.
    pub(super) fn heartbeat(
        &mut self,
        source: &str,
        time: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<&Known> {
        let time = time.min(now);
        let known = self.known.get_mut(source)?;
        if known.heartbeat.is_some_and(|last| last >= time) {
            return None;
        }
        known.heartbeat = Some(time);
        self.conclude();
        self.known.get(source)
    }

    /// A marker came out of a queue, and everything before it is in this commit or in an earlier one.
    pub(super) fn read_back(&mut self, queue: usize, number: u64) {
        let Some(round) = self.rounds.get_mut(&number) else { return };
        round.awaited.remove(&queue);
        if !round.awaited.is_empty() {
            return;
        }
        self.read_until = self.read_until.max(round.until);
        // What was asked for before it is of no use any more.
        self.rounds = self.rounds.split_off(&(number + 1));
        self.conclude();
    }

    /// The input has ended: that counts as heartbeat and marker.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.conclude();
    }

    /// The instants that were read off the wall clock mean nothing any more.
    pub(super) fn distrust(&mut self) {
        self.rounds.clear();
        self.read_until = NEVER;
        self.conclude();
    }

    /// Up to when facts would be known if a marker that is written at `now` came back; `None` if none should be written:
    /// it would tell nothing new, one is under way, or it is too soon. `tick` is the monotonic clock.
    pub(super) fn marker_would_show(
        &mut self,
        session: Option<u64>,
        now: DateTime<Utc>,
        tick: Duration,
    ) -> Option<DateTime<Utc>> {
        if self.session != session {
            // What was written in another session comes back as somebody else's.
            self.session = session;
            self.rounds.clear();
        }
        session?;
        let until = now.min(self.vouched_for());
        let waited = self.asked_at.map(|at| tick.saturating_sub(at));
        // The more are under way, the longer the queues are.
        let under_way = u32::try_from(self.rounds.len()).unwrap_or(u32::MAX).min(UNDER_WAY_MAX);
        let wait =
            self.settings.marker_every.max(self.settings.marker_timeout.saturating_mul(under_way));
        let is_time = waited.is_none_or(|waited| waited >= wait);
        (!self.ended && until > self.complete_until && is_time).then_some(until)
    }

    /// How long until [`Self::marker_would_show`] can say more, where nothing else happens.
    pub(super) fn marker_in(&self, tick: Duration) -> Option<Duration> {
        let asked_at = self.asked_at?;
        let is_idle = self.rounds.is_empty() && !self.ended;
        is_idle.then(|| (asked_at + self.settings.marker_every).saturating_sub(tick))
    }

    /// The number of the next marker, which will show that facts are known up to `until`.
    pub(super) fn next_marker(&self) -> u64 {
        self.last_number + 1
    }

    /// That marker is on its way into so many queues.
    pub(super) fn asked(&mut self, until: DateTime<Utc>, queues: usize, tick: Duration) {
        self.last_number += 1;
        self.asked_at = Some(tick);
        let awaited = (0..queues).collect();
        self.rounds.insert(self.last_number, Round { until, awaited });
    }

    /// The sources that must send heartbeats.
    pub(super) fn needed(&self) -> impl Iterator<Item = &str> {
        let sources = &self.settings.sources;
        let others = self.known.keys().filter(|one| !self.is_listed(one));
        let all = sources.listed.keys().chain(others).map(String::as_str);
        all.filter(|source| sources.proof(source) == Some(Proof::Heartbeat))
    }

    /// Who should have sent a heartbeat by now. Nobody, once the input has ended.
    pub(super) fn silence(&self, now: DateTime<Utc>) -> Option<Silence> {
        let silent = |at: &Option<DateTime<Utc>>| {
            at.is_none_or(|at| {
                (now - at).to_std().is_ok_and(|age| age > self.settings.silent_after)
            })
        };
        let needed =
            self.needed().filter(|_| !self.ended).map(|source| (self.last(source), source));
        let mut all: Vec<_> = needed.filter(|(at, _)| silent(at)).collect();
        all.sort_unstable();
        let (since, source) = *all.first()?;
        Some(Silence { source: source.to_owned(), since, count: all.len() })
    }

    /// Whether any source is known or listed.
    pub(super) fn has_sources(&self) -> bool {
        !self.known.is_empty() || !self.settings.sources.listed.is_empty()
    }

    /// Whether there are more sources than are remembered.
    pub(super) fn has_too_many(&self) -> bool {
        self.beyond && self.asks_others()
    }

    fn is_listed(&self, source: &str) -> bool {
        self.settings.sources.listed.contains_key(source)
    }

    fn asks_others(&self) -> bool {
        let sources = &self.settings.sources;
        !sources.only_listed && sources.default == Proof::Heartbeat
    }

    fn last(&self, source: &str) -> Option<DateTime<Utc>> {
        self.known.get(source).and_then(|known| known.heartbeat)
    }

    /// Everything up to here was sent, by the word of every source.
    fn vouched_for(&self) -> DateTime<Utc> {
        if !self.has_sources() || self.has_too_many() {
            return NEVER;
        }
        self.needed().map(|source| self.last(source).unwrap_or(NEVER)).min().unwrap_or(ALWAYS)
    }

    fn conclude(&mut self) {
        let all = if self.ended { ALWAYS } else { self.read_until.min(self.vouched_for()) };
        self.complete_until = all;
    }
}

/// What there is to keep of a source of which an event was taken in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard<'f> {
    /// Nothing.
    Before,
    /// That it exists.
    First(&'f Known),
    /// That there are more sources than are remembered.
    OneTooMany,
}

#[cfg(test)]
mod tests;
