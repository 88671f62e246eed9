//! The loop that every way out has: reads the outbox a batch at a time, keeps so many messages under way, rests when it is broken.
//!
//! What is read is in hand until its outcome is durable or it is given back: nobody picks it up a second time. A commit is a
//! signal to look again, and the only one but time. Knows no message.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::ahead::Ahead;
use super::deliver::{DispatchError, Limits};
use super::in_flight::InFlight;
use super::rest::Rest;
use crate::clock::{Clock, monotonic};
use crate::store::{Reader, StoreError};

/// A look brings at most so many times what may be under way: a notice can be large, and what waits costs nothing in the outbox.
const AHEAD_TIMES: usize = 4;

/// What a relay shares with the worker and the clock.
pub(super) struct Ties<'w> {
    pub(super) clock: &'w dyn Clock,
    pub(super) in_flight: &'w InFlight,
    pub(super) committed: &'w Arc<Notify>,
    pub(super) limits: &'w Limits,
}

/// One way out.
pub(super) trait Outlet: Sync {
    /// A message that waits.
    type Row: Send;
    /// What came of one.
    type Tried: Send;

    fn ties(&self) -> Ties<'_>;

    /// Under which name it is in hand.
    fn name(row: &Self::Row) -> &str;

    /// What is due and not in hand, longest due first.
    fn ready(
        &self,
        reader: &dyn Reader,
        now: DateTime<Utc>,
        limit: usize,
        in_hand: &HashSet<String>,
    ) -> Result<Vec<Self::Row>, StoreError>;

    /// When there is something.
    fn next(
        &self,
        reader: &dyn Reader,
        in_hand: &HashSet<String>,
    ) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Tries once.
    fn attempt(&self, row: Self::Row) -> impl Future<Output = Self::Tried> + Send;

    /// Hands on what came of it.
    fn conclude(
        &self,
        tried: Self::Tried,
        rest: &mut Rest,
    ) -> impl Future<Output = Result<Then, DispatchError>> + Send;
}

/// How it goes on after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// With the next.
    Next,
    /// Something went back into the outbox.
    LookAgain,
    /// The way out is broken: what was read ahead goes back.
    GiveBack,
    /// Nobody is there to record anything any more.
    End,
}

/// Sends until told to stop, then waits for what is under way. What was only read ahead is left to the next start.
pub(super) async fn run<W: Outlet>(
    reader: Box<dyn Reader>,
    way: &W,
    shutdown: CancellationToken,
) -> Result<(), DispatchError> {
    let Ties { committed, limits, .. } = way.ties();
    let rows_max = limits.concurrency.saturating_mul(AHEAD_TIMES).min(limits.batch_rows_max);
    let mut ahead = Ahead::new(rows_max);
    let mut under_way = FuturesUnordered::new();
    let mut rest = Rest::default();
    // Kept over the rounds: a commit between two of them, or while a report waits, is not lost.
    let changed = committed.notified();
    tokio::pin!(changed);
    changed.as_mut().enable();
    loop {
        // Read once: a stop between two looks would be seen by neither.
        let stopping = shutdown.is_cancelled();
        if stopping && under_way.is_empty() {
            return Ok(());
        }
        let free = limits.concurrency.saturating_sub(under_way.len());
        let room = if stopping { 0 } else { rest.room(free, under_way.len()) };
        look(reader.as_ref(), way, &mut ahead, room, under_way.is_empty())?;
        under_way.extend(ahead.take(room).map(|row| way.attempt(row)));
        let rested = rest.left().map(|left| monotonic() + left);
        let alarm = rested.into_iter().fold(ahead.look_at(), Ord::min);
        tokio::select! {
            Some(tried) = under_way.next(), if !under_way.is_empty() => {
                match way.conclude(tried, &mut rest).await? {
                    Then::Next => {}
                    Then::LookAgain => ahead.changed(),
                    Then::GiveBack => give_back(way, &mut ahead),
                    Then::End => return Ok(()),
                }
            }
            () = &mut changed => {
                // Registered before looking.
                changed.set(committed.notified());
                changed.as_mut().enable();
                ahead.changed();
            }
            () = tokio::time::sleep_until(alarm) => {
                ahead.overdue(limits.idle_poll);
            }
            () = shutdown.cancelled(), if !stopping => {}
        }
    }
}

/// Fills up what is read ahead, if that runs low and there is something to find.
fn look<W: Outlet>(
    reader: &dyn Reader,
    way: &W,
    ahead: &mut Ahead<W::Row>,
    room: usize,
    is_idle: bool,
) -> Result<(), StoreError> {
    let wanted = ahead.wanted(room);
    if wanted == 0 {
        return Ok(());
    }
    let Ties { clock, in_flight, limits, .. } = way.ties();
    let in_hand = in_flight.snapshot();
    let mut rows = way.ready(reader, clock.now(), wanted, &in_hand)?;
    let mut patience = limits.idle_poll;
    // With something in hand the next signal is near: its commit.
    if rows.is_empty() && ahead.is_empty() && is_idle {
        let next = way.next(reader, &in_hand)?;
        let until = |at: DateTime<Utc>| (at - clock.now()).to_std().unwrap_or(Duration::ZERO);
        patience = next.map_or(patience, |at| until(at).min(patience));
    }
    drop(in_hand);
    let is_all = rows.len() < wanted;
    rows.retain(|row| in_flight.take(W::name(row)));
    ahead.add(rows, is_all, patience);
    Ok(())
}

/// What waits behind a broken way waits in the outbox: after the rest the outbox says what comes first.
fn give_back<W: Outlet>(way: &W, ahead: &mut Ahead<W::Row>) {
    let rows: Vec<W::Row> = ahead.take(usize::MAX).collect();
    way.ties().in_flight.settle(rows.iter().map(W::name));
    ahead.changed();
}

#[cfg(test)]
mod tests;
