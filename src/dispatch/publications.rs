//! The relay to the broker: takes due publications from the outbox, at most one a lane, publishes, reports.
//!
//! What is returned as unroutable stays in the outbox; `/readyz` names the missing binding. Never writes to the store.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::deliver::{DispatchError, Limits};
use super::in_flight::InFlight;
use super::message::{Fault, Outcome, Publisher};
use super::report::{PublicationReport, Report};
use super::rest::Rest;
use super::retry::Patience;
use crate::clock::{Clock, monotonic};
use crate::store::{PublicationRow, Reader, StoreError};
use crate::telemetry;

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
    /// If the outbox cannot be read, or, in a replay, if the way out is broken.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), DispatchError> {
        let Self { reader, press } = self;
        let committed = Arc::clone(&press.committed);
        let mut publishing = FuturesUnordered::new();
        let mut rest = Rest::default();
        loop {
            // Registered before looking: a commit in between wakes this round, it is not lost.
            let wake = committed.notified();
            tokio::pin!(wake);
            wake.as_mut().enable();
            // Read once: a stop between two looks would be seen by neither.
            let stopping = shutdown.is_cancelled();
            let free = press.limits.concurrency.saturating_sub(publishing.len());
            let room = rest.room(free, publishing.len());
            if room > 0 && !stopping {
                for row in press.ready(reader.as_ref(), room)? {
                    publishing.push(press.publish(row));
                }
            }
            if stopping && publishing.is_empty() {
                return Ok(());
            }
            let nap = press.nap(reader.as_ref(), &rest)?;
            tokio::select! {
                Some(tried) = publishing.next(), if !publishing.is_empty() => match tried {
                    Tried::Recorded(report) => {
                        rest.works();
                        if press.reports.send(Report::Publication(report)).await.is_err() {
                            return Ok(());
                        }
                    }
                    Tried::Broken { lane, reason } => {
                        press.in_flight.settle([lane.as_str()].into_iter());
                        press.broken(&mut rest, reason)?;
                    }
                },
                () = &mut wake => {}
                () = tokio::time::sleep(nap) => {}
                () = shutdown.cancelled(), if !stopping => {}
            }
        }
    }
}

/// What came of one publication.
enum Tried {
    /// It is to be recorded: taken by the broker, or at fault itself.
    Recorded(PublicationReport),
    /// The link is broken; the message waits.
    Broken { lane: String, reason: String },
}

impl Press {
    fn ready(&self, reader: &dyn Reader, room: usize) -> Result<Vec<PublicationRow>, StoreError> {
        let limit = room.min(self.limits.batch_rows_max);
        let mut rows =
            reader.ready_publications(self.clock.now(), limit, &self.in_flight.snapshot())?;
        rows.retain(|row| self.in_flight.take(&row.lane));
        Ok(rows)
    }

    /// How long there is nothing to do but to wait for a signal.
    fn nap(&self, reader: &dyn Reader, rest: &Rest) -> Result<Duration, StoreError> {
        if let Some(left) = rest.left() {
            return Ok(left.min(self.limits.idle_poll));
        }
        let next = reader.next_publication(&self.in_flight.snapshot())?;
        let ahead = next.map(|at| (at - self.clock.now()).to_std().unwrap_or_default());
        // What is due already found no room: a publication that ends makes some.
        Ok(ahead
            .filter(|ahead| !ahead.is_zero())
            .map_or(self.limits.idle_poll, |ahead| ahead.min(self.limits.idle_poll)))
    }

    fn broken(&self, rest: &mut Rest, reason: String) -> Result<(), DispatchError> {
        if self.limits.faults_are_fatal {
            return Err(DispatchError::Broken { way: self.publisher.name(), reason });
        }
        if rest.fault() {
            tracing::warn!(reason, "nothing can be published; everything waits and is tried again");
        }
        Ok(())
    }

    /// Tries once. A message that the broker may have taken is sent again with the same id.
    async fn publish(&self, row: PublicationRow) -> Tried {
        let started = monotonic();
        let outcome = self.publisher.publish(&row.publication).await;
        let (label, at_fault) = match outcome {
            Outcome::Sent { .. } => ("sent", None),
            Outcome::Failed { fault: Fault::Relay, reason, .. } | Outcome::Unknown { reason } => {
                telemetry::count_send("broker", "broken", started.elapsed());
                return Tried::Broken { lane: row.lane, reason };
            }
            Outcome::Failed { reason, .. } => ("retry", Some(reason)),
        };
        telemetry::count_send("broker", label, started.elapsed());
        let retry = at_fault.map(|reason| {
            let (id, key) = (&row.publication.id, &row.publication.routing_key);
            tracing::warn!(id, key, reason, "a message was not published");
            (reason, self.patience.next_at(row.attempts + 1, self.clock.now()))
        });
        Tried::Recorded(PublicationReport { id: row.publication.id, lane: row.lane, retry })
    }
}

impl std::fmt::Debug for Press {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Press").finish_non_exhaustive()
    }
}
