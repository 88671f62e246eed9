//! The relay to the broker: takes due publications from the outbox, at most one a lane, publishes, reports.
//!
//! What is returned as unroutable stays in the outbox; `/readyz` names the missing binding. Never writes to the store.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::deliver::{DispatchError, Limits};
use super::in_flight::InFlight;
use super::message::{Fault, Outcome, Publisher};
use super::relay::{self, Outlet, Then, Ties};
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
        relay::run(self.reader, &self.press, shutdown).await
    }
}

/// What came of one publication.
pub(super) enum Tried {
    /// It is to be recorded: taken by the broker, or at fault itself.
    Recorded(PublicationReport),
    /// The link is broken; the message waits.
    Broken { lane: String, reason: String },
}

impl Press {
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

impl Outlet for Press {
    type Row = PublicationRow;
    type Tried = Tried;

    fn ties(&self) -> Ties<'_> {
        Ties {
            clock: self.clock.as_ref(),
            in_flight: &self.in_flight,
            committed: &self.committed,
            limits: &self.limits,
        }
    }

    /// Its lane: the next of it waits until this one is confirmed and that is durable.
    fn name(row: &PublicationRow) -> &str {
        &row.lane
    }

    fn ready(
        &self,
        reader: &dyn Reader,
        now: DateTime<Utc>,
        limit: usize,
        in_hand: &HashSet<String>,
    ) -> Result<Vec<PublicationRow>, StoreError> {
        reader.ready_publications(now, limit, in_hand)
    }

    fn next(
        &self,
        reader: &dyn Reader,
        in_hand: &HashSet<String>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        reader.next_publication(in_hand)
    }

    fn attempt(&self, row: PublicationRow) -> impl Future<Output = Tried> + Send {
        self.publish(row)
    }

    async fn conclude(&self, tried: Tried, rest: &mut Rest) -> Result<Then, DispatchError> {
        match tried {
            Tried::Recorded(report) => {
                rest.works();
                let sent = self.reports.send(Report::Publication(report)).await;
                Ok(if sent.is_ok() { Then::Next } else { Then::End })
            }
            Tried::Broken { lane, reason } => {
                self.in_flight.settle([lane.as_str()].into_iter());
                self.broken(rest, reason)?;
                Ok(Then::GiveBack)
            }
        }
    }
}

impl std::fmt::Debug for Press {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Press").finish_non_exhaustive()
    }
}
