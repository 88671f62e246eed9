//! Time that follows the events: an instant is closed when a later event is read, and what is due in between happens at its
//! own time. The same rules as in `simulate`, on the store.
//!
//! An instant is taken in and decided in one commit, so that a replay that was cut off goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use tokio_util::sync::CancellationToken;

use super::WorkerError;
use super::group::{Group, Taken};
use crate::clock::ManualClock;
use crate::engine::gate::Because;
use crate::engine::id::EventKey;

/// How many accounts are looked at between two questions to the store.
const WAKES_MAX: usize = 500;

/// A clock that events move.
#[derive(Debug)]
pub struct Replay {
    clock: Arc<ManualClock>,
    until: Option<DateTime<Utc>>,
    /// The input was cut off, it did not end: time does not run on.
    interrupted: CancellationToken,
    /// Deliveries of the open instant, in arrival order.
    open: Vec<Taken>,
    /// The open instant.
    instant: Option<DateTime<Utc>>,
    /// What was read, by key: a copy, or another event under the same key, moves no time.
    seen: BTreeSet<EventKey>,
    /// Nothing more is read: an event after `until` came, or the input ended.
    over: bool,
}

impl Replay {
    /// Time starts with the first event and runs on to `until`, or to the last event. `clock` shows it to everybody else.
    pub fn new(
        clock: Arc<ManualClock>,
        until: Option<DateTime<Utc>>,
        interrupted: CancellationToken,
    ) -> Self {
        Self {
            clock,
            until,
            interrupted,
            open: Vec::new(),
            instant: None,
            seen: BTreeSet::new(),
            over: false,
        }
    }

    /// Reads deliveries in arrival order; `ended` says that there are no more. Never has more to do than it did.
    pub(super) fn play(
        &mut self,
        group: &mut Group<'_>,
        taken: Vec<Taken>,
        ended: bool,
    ) -> Result<bool, WorkerError> {
        for one in taken {
            if !self.over {
                self.read(group, one)?;
            }
        }
        if ended && !self.over && !self.interrupted.is_cancelled() {
            self.end(group)?;
        }
        Ok(false)
    }

    fn read(&mut self, group: &mut Group<'_>, one: Taken) -> Result<(), WorkerError> {
        // What cannot be read has no time of its own: it is set aside at the open instant.
        let decoded = one.decoded.as_ref().ok();
        let new = decoded.filter(|decoded| self.seen.insert(decoded.event.key.clone()));
        let time = new.map(|decoded| decoded.event.time).or(self.instant);
        if let Some(time) = time {
            if self.until.is_some_and(|until| until < time) {
                return self.end(group);
            }
            if self.instant.is_none_or(|instant| instant < time) {
                self.advance(group, time)?;
                self.enter(time);
            }
        }
        self.open.push(one);
        Ok(())
    }

    /// Closes the open instant and lets time run on to the end.
    fn end(&mut self, group: &mut Group<'_>) -> Result<(), WorkerError> {
        self.over = true;
        let Some(until) = self.until.or(self.instant) else { return Ok(()) };
        self.advance(group, until)?;
        self.enter(until);
        self.close(group, until)
    }

    /// Closes the open instant, then every instant before `to` at which something is due.
    fn advance(&mut self, group: &mut Group<'_>, to: DateTime<Utc>) -> Result<(), WorkerError> {
        if let Some(instant) = self.instant.filter(|instant| *instant < to) {
            self.close(group, instant)?;
        }
        while let Some(due) = group.next_wake()?.filter(|due| *due < to) {
            // After a restart on the same folder what was due in between is later than the first event.
            let at = self.instant.map_or(due, |instant| due.max(instant));
            self.enter(at);
            self.close(group, at)?;
        }
        Ok(())
    }

    fn enter(&mut self, instant: DateTime<Utc>) {
        self.instant = Some(instant);
        self.clock.set(instant);
    }

    /// Decides for everyone whom something happened to at `now`, or for whom something is due.
    fn close(&mut self, group: &mut Group<'_>, now: DateTime<Utc>) -> Result<(), WorkerError> {
        let mut by_account: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for one in std::mem::take(&mut self.open) {
            if let Some(received) = group.receive(one, now)? {
                by_account.entry(received.event.account.clone()).or_default().push(received);
            }
        }
        for (account, received) in by_account {
            group.decide(&account, received, now)?;
        }
        group.flush()?;
        if std::mem::take(&mut group.moratoria_moved) {
            let (all, mut after) = (DateTime::<Utc>::MAX_UTC, None);
            loop {
                after = group.look_at_gate(Because::Moratorium, all, after.as_ref(), now)?;
                group.flush()?;
                if after.is_none() {
                    break;
                }
            }
        }
        loop {
            let more = group.wake(now, WAKES_MAX)?;
            group.flush()?;
            if !more {
                return Ok(());
            }
        }
    }
}
