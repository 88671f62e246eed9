//! The relay of one channel: takes due deliveries from the outbox, renders, sends, reports.
//!
//! Every recipient and channel on its own: one failing address delays nobody (PRE-7). Never writes to the store.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::in_flight::InFlight;
use super::message::{EmailChannel, EmailMessage, Fault, Outcome, SmsBody, SmsChannel, SmsMessage};
use super::report::{DeliveryReport, Report};
use super::rest::Rest;
use super::retry::{Patience, Verdict};
use crate::clock::{Clock, monotonic};
use crate::engine::policy::Channel;
use crate::render::Renderer;
use crate::store::{AttemptOutcome, Reader, ReadyDelivery, SentMessage, StoreError};
use crate::telemetry;

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
                Some(sent) = sending.next(), if !sending.is_empty() => match sent {
                    Tried::Recorded(report) => {
                        rest.works();
                        desk.health.send_replace(WayHealth::Works);
                        if desk.reports.send(Report::Delivery(*report)).await.is_err() {
                            return Ok(());
                        }
                    }
                    Tried::Broken { delivery, reason } => {
                        desk.in_flight.settle([delivery.as_str()].into_iter());
                        desk.broken(&mut rest, reason)?;
                    }
                },
                () = &mut wake => {}
                () = tokio::time::sleep(nap) => {}
                () = shutdown.cancelled(), if !stopping => {}
            }
        }
    }
}

/// What came of one send.
enum Tried {
    /// It is to be recorded.
    Recorded(Box<DeliveryReport>),
    /// The way out is broken; the message waits, untried.
    Broken { delivery: String, reason: String },
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

    async fn send(&self, row: ReadyDelivery) -> Tried {
        let started = monotonic();
        let (outcome, sent) = match &self.way {
            Way::Email(channel) => self.send_email(channel.as_ref(), &row).await,
            Way::Sms(channel) => self.send_sms(channel.as_ref(), &row).await,
        };
        let resend_unknown = match &self.way {
            Way::Email(_) => true,
            Way::Sms(channel) => channel.is_idempotent(),
        };
        let (attempt, now) = (row.attempts + 1, self.clock.now());
        let (outcome, next_at, receipt) =
            match self.patience.judge(outcome, attempt, resend_unknown, now) {
                Verdict::Record { outcome, next_at, receipt } => (outcome, next_at, receipt),
                Verdict::Rest(reason) => {
                    telemetry::count_send(self.name(), "broken", started.elapsed());
                    return Tried::Broken { delivery: row.id, reason };
                }
            };
        let label = match (outcome, next_at) {
            (AttemptOutcome::Sent, _) => "sent",
            (AttemptOutcome::Unknown, _) => "unknown",
            (AttemptOutcome::Failed, Some(_)) => "retry",
            (AttemptOutcome::Failed, None) => "failed",
        };
        telemetry::count_send(self.name(), label, started.elapsed());
        if label != "sent" {
            let channel = self.name();
            tracing::warn!(
                delivery = row.id,
                channel,
                outcome = label,
                attempt,
                reason = receipt,
                "a notice was not delivered"
            );
        }
        let sent = sent
            .filter(|_| outcome == AttemptOutcome::Sent)
            .map(|sent| SentMessage { sent_at: now, ..sent });
        Tried::Recorded(Box::new(DeliveryReport {
            delivery: row.id,
            notice: row.notice,
            notice_id: row.notice_id,
            channel: self.channel(),
            attempt,
            outcome,
            receipt,
            next_at,
            sent,
        }))
    }

    async fn send_email(
        &self,
        channel: &dyn EmailChannel,
        row: &ReadyDelivery,
    ) -> (Outcome, Option<SentMessage>) {
        let Some((contact, address)) =
            row.notice.contacts.get(row.contact).and_then(|one| Some((one, one.email.as_ref()?)))
        else {
            return (unaddressed(), None);
        };
        let tag = self.renderer.locale_for(contact, row.notice.locale.as_deref());
        let rendered = match self.renderer.render_email(&row.notice, contact, tag) {
            Ok(rendered) => rendered,
            Err(error) => return (unrenderable(&error), None),
        };
        let message = EmailMessage {
            message_id: format!("{}@{}", row.id, self.message_domain),
            to_name: Some(contact.name.clone()),
            to_address: address.clone(),
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            language: rendered.language,
            date: row.notice.at,
            thread: Some(thread_id(&row.notice.episode, &self.message_domain)),
            notice_id: row.notice_id.clone(),
        };
        let outcome = channel.send(&message).await;
        let sent = SentMessage {
            delivery: row.id.clone(),
            channel: Channel::Email,
            subject: Some(message.subject),
            text: message.text,
            html: Some(message.html),
            sent_at: row.created_at,
        };
        (outcome, Some(sent))
    }

    async fn send_sms(
        &self,
        channel: &dyn SmsChannel,
        row: &ReadyDelivery,
    ) -> (Outcome, Option<SentMessage>) {
        let Some((contact, phone)) =
            row.notice.contacts.get(row.contact).and_then(|one| Some((one, one.phone.as_ref()?)))
        else {
            return (unaddressed(), None);
        };
        let tag = self.renderer.locale_for(contact, row.notice.locale.as_deref());
        let rendered = match self.renderer.render_sms(&row.notice, contact, tag) {
            Ok(rendered) => rendered,
            Err(error) => return (unrenderable(&error), None),
        };
        let message = SmsMessage {
            id: row.id.clone(),
            to: phone.clone(),
            body: SmsBody::FreeText(rendered.text.clone()),
            date: row.notice.at,
            language: rendered.language,
            notice_id: row.notice_id.clone(),
        };
        let outcome = channel.send(&message).await;
        let sent = SentMessage {
            delivery: row.id.clone(),
            channel: Channel::Sms,
            subject: None,
            text: rendered.text,
            html: None,
            sent_at: row.created_at,
        };
        (outcome, Some(sent))
    }
}

fn unaddressed() -> Outcome {
    let reason = "the contact has no address for this channel".into();
    Outcome::Failed { fault: Fault::RecipientPermanent, reason, retry_after_secs: None }
}

fn unrenderable(error: &crate::render::RenderError) -> Outcome {
    Outcome::Failed {
        fault: Fault::Message,
        reason: format!("cannot be rendered: {error}"),
        retry_after_secs: None,
    }
}

/// The root that all messages of one episode refer to. It is never sent; an episode names an account and a resource, so it
/// is hashed.
fn thread_id(episode: &str, domain: &str) -> String {
    format!(
        "episode.{}@{domain}",
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, episode.as_bytes()).simple()
    )
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("channel", &self.channel()).finish_non_exhaustive()
    }
}
