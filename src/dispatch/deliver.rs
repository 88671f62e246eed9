//! The relay of one channel: takes due deliveries from the outbox, renders, sends, reports.
//!
//! Every recipient and channel on its own: one failing address delays nobody (PRE-7). Never writes to the store. How one
//! message is made and handed over is in `send`.

mod send;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::send::Tried;
use super::in_flight::InFlight;
use super::message::{EmailChannel, SmsChannel};
use super::relay::{self, Outlet, Then, Ties};
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
    /// The most rows read at once, and the most that are read ahead of their turn; never more than some times `concurrency`.
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
        relay::run(self.reader, &self.desk, shutdown).await
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

impl Outlet for Desk {
    type Row = ReadyDelivery;
    type Tried = Tried;

    fn ties(&self) -> Ties<'_> {
        Ties {
            clock: self.clock.as_ref(),
            in_flight: &self.in_flight,
            committed: &self.committed,
            limits: &self.limits,
        }
    }

    fn name(row: &ReadyDelivery) -> &str {
        &row.id
    }

    fn ready(
        &self,
        reader: &dyn Reader,
        now: DateTime<Utc>,
        limit: usize,
        in_hand: &HashSet<String>,
    ) -> Result<Vec<ReadyDelivery>, StoreError> {
        reader.ready_deliveries(now, self.channel(), limit, in_hand)
    }

    fn next(
        &self,
        reader: &dyn Reader,
        in_hand: &HashSet<String>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        reader.next_delivery(self.channel(), in_hand)
    }

    fn attempt(&self, row: ReadyDelivery) -> impl Future<Output = Tried> + Send {
        self.send(row)
    }

    async fn conclude(&self, tried: Tried, rest: &mut Rest) -> Result<Then, DispatchError> {
        let is_heard = match tried {
            Tried::Recorded { report, was_handed_over } => {
                if was_handed_over {
                    rest.works();
                    self.health.send_replace(WayHealth::Works);
                }
                self.reports.send(Report::Delivery(*report)).await.is_ok()
            }
            Tried::Broken { delivery, had_begun, reason } => {
                let is_heard = if had_begun {
                    self.reports.send(Report::Withdrawn { delivery }).await.is_ok()
                } else {
                    self.in_flight.settle([delivery.as_str()].into_iter());
                    true
                };
                self.broken(rest, reason)?;
                return Ok(if is_heard { Then::GiveBack } else { Then::End });
            }
            Tried::Refused { delivery } => {
                self.in_flight.settle([delivery.as_str()].into_iter());
                return Ok(Then::LookAgain);
            }
            Tried::Over => false,
        };
        Ok(if is_heard { Then::Next } else { Then::End })
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("channel", &self.channel()).finish_non_exhaustive()
    }
}
