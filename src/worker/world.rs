//! What the worker knows of the world outside of the accounts: what the gates are told.
//!
//! Decides nothing: the engine's gate does. Reads no clock; the loop tells it what both of them show.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::WorkerError;
use super::clocks::{Clocks, Reading, Turn};
use super::freshness::{Facts, Heard, Known, Silence};
use super::look::Looks;
use super::sources::Freshness;
use crate::engine::gate::{Because, Gates, Patience};
use crate::engine::moratorium::Moratoria;
use crate::intake::Mark;
use crate::store::{self, Read};

/// The register of every source of which an event was ever taken in.
pub(super) const SOURCES: &str = "source";
/// The register of what is known of all sources: that there are more than are remembered.
pub(super) const ALL_SOURCES: &str = "sources";
/// The register of what the wall clock has shown.
pub(super) const CLOCK: &str = "clock";
/// The key in it.
pub(super) const SEEN: &str = "seen";

/// What is known for the gates.
#[derive(Debug)]
pub(super) struct World {
    /// What is in force for a policy, a region or everything.
    moratoria: Moratoria,
    /// `None`: nothing outside is in the way.
    outside: Option<Outside>,
    /// What has to be looked at again, because something outside changed.
    pub(super) looks: Looks,
}

#[derive(Debug)]
struct Outside {
    facts: Facts,
    clocks: Clocks,
    /// What both clocks showed at the last look.
    now: Reading,
    /// A step waits for facts, as far as is known.
    waits: bool,
    patience: TimeDelta,
}

/// What there is to say about the facts and the clocks, for readiness.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// Who should have sent a heartbeat.
    pub silence: Option<Silence>,
    /// Whether any source is known.
    pub has_sources: bool,
    /// Whether there are more sources than are remembered.
    pub has_too_many: bool,
    /// How far the wall clock is off, where it cannot be trusted.
    pub clock_off: Option<TimeDelta>,
}

/// A fact to be kept: the name of its register, its key and its body.
pub(super) type Kept = (&'static str, String, String);

impl World {
    /// One in which nothing outside is in the way.
    #[cfg(test)]
    pub(super) fn open() -> Self {
        Self { moratoria: Moratoria::default(), outside: None, looks: Looks::default() }
    }

    /// One in which nothing outside is in the way but what somebody decided: where a file tells what time it is.
    pub(super) fn of_replay(store: &dyn Read) -> Result<Self, WorkerError> {
        let (moratoria, mut looks) = (store::moratoria(store)?, Looks::default());
        // What changed before a crash may not have been looked at.
        looks.at(Because::Moratorium, DateTime::<Utc>::MAX_UTC);
        Ok(Self { moratoria, outside: None, looks })
    }

    /// What is in force for a policy, a region or everything.
    pub(super) fn moratoria(&self) -> &Moratoria {
        &self.moratoria
    }

    /// Takes over what a group made durable.
    pub(super) fn keep(&mut self, moratoria: Moratoria) {
        self.moratoria = moratoria;
    }

    /// The world as earlier runs left it.
    pub(super) fn load(
        store: &dyn Read,
        settings: Freshness,
        wall: DateTime<Utc>,
        tick: Duration,
    ) -> Result<Self, WorkerError> {
        let Self { moratoria, mut looks, .. } = Self::of_replay(store)?;
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for (source, body) in store.registers(SOURCES)? {
            known.insert(source, serde_json::from_str(&body)?);
        }
        let beyond = !store.registers(ALL_SOURCES)?.is_empty();
        let kept = store.registers(CLOCK)?.into_iter().find(|(key, _)| key == SEEN);
        let kept = kept.map(|(_, body)| serde_json::from_str(&body)).transpose()?;
        let now = Reading { wall, tick };
        let span = |of: Duration| TimeDelta::from_std(of).unwrap_or(TimeDelta::MAX);
        let clocks = Clocks::new(span(settings.clock_tolerance), now, kept);
        match clocks.off() {
            None => looks.at(Because::Clock, DateTime::<Utc>::MAX_UTC),
            Some(off) => tracing::warn!(
                seconds = off.num_seconds(),
                "the clock shows less than an earlier run has seen: nothing is released until that has passed"
            ),
        }
        let patience = span(settings.patience);
        let facts = Facts::new(settings, known, beyond);
        let outside = Some(Outside { facts, clocks, now, waits: true, patience });
        Ok(Self { moratoria, outside, looks })
    }

    /// What the gates are told; of moratoria what a group has changed, if it did.
    pub(super) fn gates<'w>(&'w self, changed: Option<&'w Moratoria>) -> Gates<'w> {
        let moratoria = Some(changed.unwrap_or(&self.moratoria));
        match &self.outside {
            None => Gates { moratoria, ..Gates::OPEN },
            Some(outside) => Gates {
                complete_until: outside.facts.complete_until(),
                clocks_agree: outside.clocks.agree(),
                patience: Patience { facts: outside.patience, ..Patience::default() },
                moratoria,
                ..Gates::OPEN
            },
        }
    }

    /// Compares both clocks.
    pub(super) fn look(&mut self, wall: DateTime<Utc>, tick: Duration) {
        let Some(outside) = &mut self.outside else { return };
        outside.now = Reading { wall, tick };
        let turn = outside.clocks.look(outside.now);
        self.turned(turn);
    }

    /// What time it is for a decision: what was shown before a clock was set back is not decided a second time, and nothing is dated
    /// earlier than it is. Whatever takes something away waits meanwhile (SAFE-11).
    pub(super) fn decides_at(&self, wall: DateTime<Utc>) -> DateTime<Utc> {
        let off = self.outside.as_ref().and_then(|outside| outside.clocks.off());
        match off.filter(|off| *off < TimeDelta::zero()) {
            Some(off) => wall.checked_sub_signed(off).unwrap_or(wall),
            None => wall,
        }
    }

    fn turned(&mut self, turn: Option<Turn>) {
        let Some(outside) = &mut self.outside else { return };
        match turn {
            None => {}
            Some(Turn::Apart(off)) => {
                outside.facts.distrust();
                tracing::warn!(
                    seconds = off.num_seconds(),
                    "the wall clock jumped: nothing is released until it is back or every source vouches for it"
                );
            }
            Some(Turn::Together) => {
                self.looks.at(Because::Clock, DateTime::<Utc>::MAX_UTC);
                tracing::info!("the clocks agree again");
            }
        }
    }

    /// An event of a source was taken in; what is to be kept.
    pub(super) fn heard(&mut self, source: &str) -> Result<Option<Kept>, WorkerError> {
        let Some(outside) = &mut self.outside else { return Ok(None) };
        Ok(match outside.facts.heard(source, outside.now.wall) {
            Heard::Before => None,
            Heard::First(known) => {
                Some((SOURCES, source.to_owned(), serde_json::to_string(known)?))
            }
            Heard::OneTooMany => {
                tracing::warn!(
                    "more sources send events than freshness.sources_max: nothing is released until they are listed"
                );
                Some((ALL_SOURCES, "beyond".to_owned(), "true".to_owned()))
            }
        })
    }

    /// A source says that everything up to `time` was sent; what is to be kept.
    pub(super) fn heartbeat(
        &mut self,
        source: &str,
        time: DateTime<Utc>,
    ) -> Result<Option<Kept>, WorkerError> {
        let Some(outside) = &mut self.outside else { return Ok(None) };
        let now = outside.now;
        let turn = outside.clocks.heard(source, time, now, outside.facts.needed());
        self.turned(turn);
        let Some(outside) = self.outside.as_mut().filter(|outside| outside.clocks.agree()) else {
            // Nobody can say when it was read.
            return Ok(None);
        };
        let known = outside.facts.heartbeat(source, time, now.wall);
        known
            .map(|known| Ok((SOURCES, source.to_owned(), serde_json::to_string(known)?)))
            .transpose()
    }

    /// A delivery that is no event; everything before it is in this commit or in an earlier one.
    pub(super) fn mark(&mut self, mark: Mark) {
        let Some(outside) = &mut self.outside else { return };
        let before = outside.facts.complete_until();
        match mark {
            Mark::Read { queue, number } => outside.facts.read_back(queue, number),
            Mark::Stale => {}
            Mark::End => outside.facts.end(),
        }
        let complete_until = outside.facts.complete_until();
        if complete_until > before {
            self.looks.at(Because::Freshness, complete_until);
        }
    }

    /// A step waits for facts.
    pub(super) fn waits_for_facts(&mut self) {
        if let Some(outside) = &mut self.outside {
            outside.waits = true;
        }
    }

    /// Up to when facts would be known if a marker were written now, where that may let something go.
    pub(super) fn marker_would_show(&mut self, session: Option<u64>) -> Option<DateTime<Utc>> {
        let outside = self.outside.as_mut()?;
        let (wall, tick) = (outside.now.wall, outside.now.tick);
        let until = outside.facts.marker_would_show(session, wall, tick);
        until.filter(|_| outside.waits && outside.clocks.agree())
    }

    /// Nothing waits for facts up to the instant that a marker would show: the next step that does is told.
    pub(super) fn nothing_waits(&mut self) {
        if let Some(outside) = &mut self.outside {
            outside.waits = false;
        }
    }

    /// The number of the next marker.
    pub(super) fn next_marker(&self) -> u64 {
        self.outside.as_ref().map_or(0, |outside| outside.facts.next_marker())
    }

    /// That marker is on its way into so many queues.
    pub(super) fn asked(&mut self, until: DateTime<Utc>, queues: usize) {
        if let Some(outside) = &mut self.outside {
            outside.facts.asked(until, queues, outside.now.tick);
        }
    }

    /// How long until a marker may be written, where that is what is waited for.
    pub(super) fn marker_in(&self) -> Option<Duration> {
        let outside = self.outside.as_ref().filter(|outside| outside.waits)?;
        outside.facts.marker_in(outside.now.tick).filter(|wait| !wait.is_zero())
    }

    /// What the wall clock shows, if it is time to keep that.
    pub(super) fn clock_to_keep(&mut self) -> Result<Option<Kept>, WorkerError> {
        let Some(outside) = &mut self.outside else { return Ok(None) };
        let seen = outside.clocks.worth_keeping(outside.now.wall);
        seen.map(|seen| Ok((CLOCK, SEEN.to_owned(), serde_json::to_string(&seen)?))).transpose()
    }

    /// What there is to say; `None` where nothing outside is in the way.
    pub(super) fn outlook(&self) -> Option<Outlook> {
        let outside = self.outside.as_ref()?;
        Some(Outlook {
            silence: outside.facts.silence(outside.now.wall),
            has_sources: outside.facts.has_sources(),
            has_too_many: outside.facts.has_too_many(),
            clock_off: outside.clocks.off(),
        })
    }
}
