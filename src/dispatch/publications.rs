//! The relay to the broker: takes due publications from the outbox, at most one a lane, publishes, reports.
//!
//! What is returned as unroutable stays in the outbox; `/readyz` names the missing binding. Never writes to the store.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::deliver::Limits;
use super::in_flight::InFlight;
use super::message::{Outcome, Publisher};
use super::report::{PublicationReport, Report};
use super::retry::Patience;
use crate::clock::Clock;
use crate::store::{PublicationRow, Reader, StoreError};

/// The relay to the broker.
pub struct Publications {
    /// The outbox. Stays with the loop: the publications in flight do not touch it.
    pub reader: Box<dyn Reader>,
    /// Everything that a publication needs.
    pub press: Press,
}

/// What the relay publishes with.
pub struct Press {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The way out.
    pub publisher: Arc<dyn Publisher>,
    /// Where outcomes go.
    pub reports: mpsc::Sender<Report>,
    /// Lanes in hand; the worker clears them.
    pub in_flight: Arc<InFlight>,
    /// Told after each commit.
    pub committed: Arc<Notify>,
    /// When to try again. A publication is never given up.
    pub patience: Patience,
    /// Limits.
    pub limits: Limits,
}

impl Publications {
    /// Publishes until told to stop, then waits for what is in flight.
    ///
    /// # Errors
    ///
    /// If the outbox cannot be read.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StoreError> {
        let Self { reader, press } = self;
        let committed = Arc::clone(&press.committed);
        let mut publishing = FuturesUnordered::new();
        loop {
            // Registered before looking: a commit in between wakes this round, it is not lost.
            let wake = committed.notified();
            tokio::pin!(wake);
            wake.as_mut().enable();
            // Read once: a stop between two looks would be seen by neither.
            let stopping = shutdown.is_cancelled();
            let room = press.limits.concurrency.saturating_sub(publishing.len());
            if room > 0 && !stopping {
                for row in press.ready(reader.as_ref(), room)? {
                    publishing.push(press.publish(row));
                }
            }
            if stopping && publishing.is_empty() {
                return Ok(());
            }
            let nap = press.nap(reader.as_ref())?;
            tokio::select! {
                Some(report) = publishing.next(), if !publishing.is_empty() => {
                    if press.reports.send(Report::Publication(report)).await.is_err() {
                        return Ok(());
                    }
                }
                () = &mut wake => {}
                () = tokio::time::sleep(nap) => {}
                () = shutdown.cancelled(), if !stopping => {}
            }
        }
    }
}

impl Press {
    fn ready(&self, reader: &dyn Reader, room: usize) -> Result<Vec<PublicationRow>, StoreError> {
        let limit = room.min(self.limits.batch_rows_max);
        let mut rows =
            reader.ready_publications(self.clock.now(), limit, &self.in_flight.snapshot())?;
        rows.retain(|row| self.in_flight.take(&row.lane));
        Ok(rows)
    }

    fn nap(&self, reader: &dyn Reader) -> Result<Duration, StoreError> {
        let next = reader.next_publication(&self.in_flight.snapshot())?;
        let ahead = next.map_or(self.limits.idle_poll, |at| {
            (at - self.clock.now()).to_std().unwrap_or_default()
        });
        Ok(if ahead.is_zero() { self.limits.idle_poll } else { ahead.min(self.limits.idle_poll) })
    }

    async fn publish(&self, row: PublicationRow) -> PublicationReport {
        let outcome = self.publisher.publish(&row.publication).await;
        let retry = match outcome {
            Outcome::Sent { .. } => None,
            Outcome::Failed { ref reason, .. } | Outcome::Unknown { ref reason } => {
                Some(reason.clone())
            }
        };
        let label = if retry.is_none() { "sent" } else { "retry" };
        metrics::counter!("dunlin_sends_total", "channel" => "broker", "outcome" => label)
            .increment(1);
        let retry = retry.map(|reason| {
            tracing::warn!(
                id = row.publication.id,
                key = row.publication.routing_key,
                reason,
                "a message was not published"
            );
            (reason, self.next_at(row.attempts + 1))
        });
        PublicationReport { id: row.publication.id, lane: row.lane, retry }
    }

    fn next_at(&self, attempt: u32) -> DateTime<Utc> {
        let outcome = Outcome::Unknown { reason: String::new() };
        let patience = Patience { attempts_max: u32::MAX, ..self.patience.clone() };
        let now = self.clock.now();
        patience.judge(outcome, attempt, true, now).next_at.unwrap_or(now)
    }
}

impl std::fmt::Debug for Press {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Press").finish_non_exhaustive()
    }
}
