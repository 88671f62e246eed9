//! What a relay has read ahead of its turn, and when it has to look at the outbox again: once a batch, never once a message.
//!
//! Reads nothing itself. Its size follows from `dispatch.batch_rows_max` and the concurrency of the way out, its patience is
//! `dispatch.idle_poll_secs`.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::monotonic;

/// Rows that were read and not yet sent, longest due first.
pub(super) struct Ahead<R> {
    rows: VecDeque<R>,
    rows_max: usize,
    /// There may be something in the outbox that was not seen.
    unseen: bool,
    /// When it is looked at even if nobody gave a signal.
    look_at: Instant,
}

impl<R> Ahead<R> {
    /// Nothing is here, and nothing was seen.
    pub(super) fn new(rows_max: usize) -> Self {
        Self { rows: VecDeque::new(), rows_max, unseen: true, look_at: monotonic() }
    }

    /// Something was committed, or given back: the next look may find it.
    pub(super) fn changed(&mut self) {
        self.unseen = true;
    }

    /// The time to look has come; if that has to wait, it is not told again before `idle_poll` is over.
    pub(super) fn overdue(&mut self, idle_poll: Duration) {
        self.unseen = true;
        self.look_at = monotonic() + idle_poll;
    }

    /// When the time to look comes.
    pub(super) fn look_at(&self) -> Instant {
        self.look_at
    }

    /// How many rows a look may bring now. None while there is enough here for `room` places, or nothing that was not seen.
    pub(super) fn wanted(&self, room: usize) -> usize {
        let is_low = self.rows.len() < room;
        if is_low && self.unseen { self.rows_max.saturating_sub(self.rows.len()) } else { 0 }
    }

    /// What a look brought. `is_all`: there was no more; then nothing is looked for before something changes or `patience` is
    /// over.
    pub(super) fn add(&mut self, rows: Vec<R>, is_all: bool, patience: Duration) {
        self.rows.extend(rows);
        self.unseen = !is_all;
        self.look_at = monotonic() + patience;
    }

    /// The next ones, at most so many.
    pub(super) fn take(&mut self, room: usize) -> impl Iterator<Item = R> {
        self.rows.drain(..room.min(self.rows.len()))
    }

    /// Whether nothing is here.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_look_is_due_once_a_batch_and_after_a_change() {
        let mut ahead = Ahead::new(10);
        assert_eq!(ahead.wanted(4), 10, "at the start");
        ahead.add((0..10).collect(), false, PATIENCE);
        for round in 0..10 {
            assert_eq!((ahead.wanted(1), ahead.take(1).count()), (0, 1), "round {round}");
        }
        assert_eq!(ahead.wanted(1), 10, "the last look was cut short");
        ahead.add(vec![1, 2], true, PATIENCE);
        assert_eq!(ahead.wanted(4), 0, "nothing else was there");
        ahead.changed();
        assert_eq!((ahead.wanted(2), ahead.wanted(3)), (0, 8), "only when it runs low");
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_that_was_lost_costs_the_patience_once() {
        let mut ahead = Ahead::<u8>::new(10);
        ahead.add(Vec::new(), true, PATIENCE);
        assert_eq!(ahead.look_at(), monotonic() + PATIENCE);
        tokio::time::advance(PATIENCE).await;
        ahead.overdue(PATIENCE);
        assert_eq!((ahead.wanted(1), ahead.look_at()), (10, monotonic() + PATIENCE));
    }
}
