//! The relay of one channel: takes due deliveries from the outbox, renders, sends, reports.
//!
//! Every recipient and channel on its own: one failing address delays nobody (PRE-7). Never writes to the store. How one
//! message is made and handed over is in `send`.

mod send;

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::send::Tried;
use super::in_flight::InFlight;
use super::message::{EmailChannel, SmsChannel};
use super::report::Report;
use super::rest::Rest;
use super::retry::Patience;
use crate::clock::Clock;
use crate::engine::policy::Channel;
use crate::render::Renderer;
use crate::store::{Reader, ReadyDelivery, StoreError};

/// A way to tell somebody.
#[derive(Clone)]
pub enum Way {
    /// By e-mail.
    Email(Arc<dyn EmailChannel>),
    /// By text.
    Sms(Arc<dyn SmsChannel>),
}

/// Limits of one relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most sends in flight.
    pub concurrency: usize,
    /// The most rows read at once.
    pub batch_rows_max: usize,
    /// The longest that a row waits if the signal for it was lost.
    pub idle_poll: Duration,
    /// In a replay nobody is there to mend a way out: the first fault ends it, and what waits is sent by the next run.
    pub faults_are_fatal: bool,
}

/// Whether a way out works, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WayHealth {
    /// Nothing was sent yet.
    #[default]
    Untried,
    /// The last send went out.
    Works,
    /// It does not work, for this reason. No personal data.
    Broken(String),
}

/// Why a relay ended.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The outbox cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The way out is broken, and nobody is there to mend it.
    #[error("{way}: {reason}; what waits is sent by the next run")]
    Broken {
        /// Which way.
        way: &'static str,
        /// Why.
        reason: String,
    },
}

/// The relay of one channel.
pub struct Deliver {
    /// The outbox. Stays with the loop: the sends in flight do not touch it.
    pub reader: Box<dyn Reader>,
    /// Everything that a send needs.
    pub desk: Desk,
}

/// What a relay sends with.
pub struct Desk {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The templates.
    pub renderer: Arc<Renderer>,
    /// Domain of the `Message-ID`s.
    pub message_domain: String,
    /// The way out.
    pub way: Way,
    /// Where outcomes go.
    pub reports: mpsc::Sender<Report>,
    /// What is in hand; the worker clears it.
    pub in_flight: Arc<InFlight>,
    /// Told after each commit.
    pub committed: Arc<Notify>,
    /// Whether it works, for `/readyz`.
    pub health: watch::Sender<WayHealth>,
    /// When to try again.
    pub patience: Patience,
    /// Limits.
    pub limits: Limits,
}

impl Deliver {
    /// Sends until told to stop, then waits for what is in flight.
    ///
    /// # Errors
    ///
    /// If the outbox cannot be read, or, in a replay, if the way out is broken.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), DispatchError> {
        let Self { reader, desk } = self;
        let committed = Arc::clone(&desk.committed);
        let mut sending = FuturesUnordered::new();
        let mut rest = Rest::default();
        loop {
            // Registered before looking: a commit in between wakes this round, it is not lost.
            let wake = committed.notified();
            tokio::pin!(wake);
            wake.as_mut().enable();
            // Read once: a stop between two looks would be seen by neither.
            let stopping = shutdown.is_cancelled();
            let free = desk.limits.concurrency.saturating_sub(sending.len());
            let room = rest.room(free, sending.len());
            if room > 0 && !stopping {
                for row in desk.ready(reader.as_ref(), room)? {
                    sending.push(desk.send(row));
                }
            }
            if stopping && sending.is_empty() {
                return Ok(());
            }
            let nap = desk.nap(reader.as_ref(), &rest)?;
            tokio::select! {
                Some(tried) = sending.next(), if !sending.is_empty() => {
                    if !desk.conclude(tried, &mut rest).await? {
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

impl Desk {
    fn channel(&self) -> Channel {
        match self.way {
            Way::Email(_) => Channel::Email,
            Way::Sms(_) => Channel::Sms,
        }
    }

    fn name(&self) -> &'static str {
        match self.channel() {
            Channel::Email => "email",
            Channel::Sms => "sms",
        }
    }

    fn ready(&self, reader: &dyn Reader, room: usize) -> Result<Vec<ReadyDelivery>, StoreError> {
        let limit = room.min(self.limits.batch_rows_max);
        let held = self.in_flight.snapshot();
        let mut rows = reader.ready_deliveries(self.clock.now(), self.channel(), limit, &held)?;
        rows.retain(|row| self.in_flight.take(&row.id));
        Ok(rows)
    }

    /// How long there is nothing to do but to wait for a signal.
    fn nap(&self, reader: &dyn Reader, rest: &Rest) -> Result<Duration, StoreError> {
        if let Some(left) = rest.left() {
            return Ok(left.min(self.limits.idle_poll));
        }
        let next = reader.next_delivery(self.channel(), &self.in_flight.snapshot())?;
        let ahead = next.map(|at| (at - self.clock.now()).to_std().unwrap_or_default());
        // What is due already found no room: a send that ends makes some.
        Ok(ahead
            .filter(|ahead| !ahead.is_zero())
            .map_or(self.limits.idle_poll, |ahead| ahead.min(self.limits.idle_poll)))
    }

    /// Hands on what came of a send; `false` once nobody is there to record it.
    async fn conclude(&self, tried: Tried, rest: &mut Rest) -> Result<bool, DispatchError> {
        match tried {
            Tried::Recorded { report, was_handed_over } => {
                if was_handed_over {
                    rest.works();
                    self.health.send_replace(WayHealth::Works);
                }
                Ok(self.reports.send(Report::Delivery(*report)).await.is_ok())
            }
            Tried::Broken { delivery, had_begun, reason } => {
                let goes_on = if had_begun {
                    self.reports.send(Report::Withdrawn { delivery }).await.is_ok()
                } else {
                    self.in_flight.settle([delivery.as_str()].into_iter());
                    true
                };
                self.broken(rest, reason)?;
                Ok(goes_on)
            }
            Tried::Refused { delivery } => {
                self.in_flight.settle([delivery.as_str()].into_iter());
                Ok(true)
            }
            Tried::Over => Ok(false),
        }
    }

    fn broken(&self, rest: &mut Rest, reason: String) -> Result<(), DispatchError> {
        if self.limits.faults_are_fatal {
            return Err(DispatchError::Broken { way: self.name(), reason });
        }
        if rest.fault() {
            tracing::warn!(
                channel = self.name(),
                reason,
                "the way out is broken; everything waits and is tried again"
            );
            self.health.send_replace(WayHealth::Broken(reason));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("channel", &self.channel()).finish_non_exhaustive()
    }
}
