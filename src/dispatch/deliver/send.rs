//! One message: rendered for its recipient, handed over, and what came of it judged.
//!
//! Over a channel that cannot tell a repeat, a message is handed over only once it is on record that it will be: what a crash
//! leaves without an outcome is found by the next start and never sent again (SAFE-2).

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::{Desk, Way};
use crate::clock::monotonic;
use crate::dispatch::message::{
    EmailChannel, EmailMessage, Fault, Outcome, SmsBody, SmsChannel, SmsMessage,
};
use crate::dispatch::report::{BegunReport, DeliveryReport, Report};
use crate::dispatch::retry::Verdict;
use crate::engine::policy::Channel;
use crate::render::RenderError;
use crate::store::{AttemptOutcome, ReadyDelivery, SentMessage};
use crate::telemetry;

/// The receipt of a message over which an earlier dunlin died.
const CUT_OFF: &str = "dunlin stopped while this was being sent";

/// What came of one send.
pub(in crate::dispatch) enum Tried {
    /// It is to be recorded.
    Recorded {
        /// What is to be recorded.
        report: Box<DeliveryReport>,
        /// Whether the channel was asked at all, and so shows that it works.
        was_handed_over: bool,
    },
    /// The way out is broken; the message waits, untried.
    Broken {
        /// Which delivery.
        delivery: String,
        /// It is on record as begun, which has to be taken back.
        had_begun: bool,
        /// Why.
        reason: String,
    },
    /// It must not be sent now; the outbox knows why.
    Refused {
        /// Which delivery.
        delivery: String,
    },
    /// Nobody is there to record anything any more.
    Over,
}

/// How an attempt ended, before it is judged.
struct Attempted {
    outcome: Outcome,
    /// What was handed over, and how long that took; nothing if it never came to that.
    handed_over: Option<(SentMessage, Duration)>,
}

impl Desk {
    pub(super) async fn send(&self, row: ReadyDelivery) -> Tried {
        if row.begun_at.is_some() {
            return self.cut_off(row);
        }
        let attempted = match &self.way {
            Way::Email(channel) => Ok(self.send_email(channel.as_ref(), &row).await),
            Way::Sms(channel) => self.send_sms(channel.as_ref(), &row).await,
        };
        let Attempted { outcome, handed_over } = match attempted {
            Ok(attempted) => attempted,
            Err(tried) => return tried,
        };
        let (sent, took) = handed_over.unzip();
        let (was_handed_over, took) = (sent.is_some(), took.unwrap_or_default());
        let now = self.clock.now();
        let (outcome, next_at, receipt) =
            match self.patience.judge(outcome, row.attempts + 1, self.can_tell_repeats(), now) {
                Verdict::Record { outcome, next_at, receipt } => (outcome, next_at, receipt),
                Verdict::Rest(reason) => {
                    telemetry::count_send(self.name(), "broken", took);
                    let had_begun = was_handed_over && !self.can_tell_repeats();
                    return Tried::Broken { delivery: row.id, had_begun, reason };
                }
            };
        let sent = sent
            .filter(|_| outcome == AttemptOutcome::Sent)
            .map(|sent| SentMessage { sent_at: now, ..sent });
        let report = self.report(row, outcome, next_at, receipt, sent);
        self.count(&report, took);
        Tried::Recorded { report: Box::new(report), was_handed_over }
    }

    /// An earlier dunlin died over it, and nobody can tell how far it came. What it was sent over could not tell a repeat, so
    /// it is over, whatever the channel is now.
    fn cut_off(&self, row: ReadyDelivery) -> Tried {
        let report = self.report(row, AttemptOutcome::Unknown, None, CUT_OFF.to_owned(), None);
        self.count(&report, Duration::ZERO);
        Tried::Recorded { report: Box::new(report), was_handed_over: false }
    }

    fn report(
        &self,
        row: ReadyDelivery,
        outcome: AttemptOutcome,
        next_at: Option<DateTime<Utc>>,
        receipt: String,
        sent: Option<SentMessage>,
    ) -> DeliveryReport {
        DeliveryReport {
            delivery: row.id,
            notice: row.notice,
            notice_id: row.notice_id,
            channel: self.channel(),
            attempt: row.attempts + 1,
            outcome,
            receipt,
            next_at,
            sent,
        }
    }

    /// Counts an attempt, and says so where nobody was told.
    fn count(&self, report: &DeliveryReport, took: Duration) {
        let outcome = match (report.outcome, report.next_at) {
            (AttemptOutcome::Sent, _) => "sent",
            (AttemptOutcome::Unknown, _) => "unknown",
            (AttemptOutcome::Failed, Some(_)) => "retry",
            (AttemptOutcome::Failed, None) | (AttemptOutcome::Bounced, _) => "failed",
        };
        let channel = self.name();
        telemetry::count_send(channel, outcome, took);
        if report.outcome != AttemptOutcome::Sent {
            let DeliveryReport { delivery, attempt, receipt: reason, .. } = report;
            tracing::warn!(
                delivery,
                channel,
                outcome,
                attempt,
                reason,
                "a notice was not delivered"
            );
        }
    }

    /// Whether the other side drops a second copy, so that an unknown outcome may be followed by another attempt. A mailbox
    /// shows by the `Message-ID` that two copies are one message.
    fn can_tell_repeats(&self) -> bool {
        match &self.way {
            Way::Email(_) => true,
            Way::Sms(channel) => channel.is_idempotent(),
        }
    }

    /// Puts on record that an attempt is made; only then may it be.
    async fn begin(&self, row: &ReadyDelivery) -> Result<(), Tried> {
        let (durable, committed) = oneshot::channel();
        let (delivery, due_at) = (row.id.clone(), row.notice.due_at(self.channel()));
        let report = Report::Begun(BegunReport { delivery, due_at, durable });
        if self.reports.send(report).await.is_err() {
            return Err(Tried::Over);
        }
        committed.await.map_err(|_| Tried::Refused { delivery: row.id.clone() })
    }

    async fn send_email(&self, channel: &dyn EmailChannel, row: &ReadyDelivery) -> Attempted {
        let Some((contact, address)) =
            row.notice.contacts.get(row.contact).and_then(|one| Some((one, one.email.as_ref()?)))
        else {
            return unaddressed();
        };
        let tag = self.renderer.locale_for(contact, row.notice.locale.as_deref());
        let rendered = match self.renderer.render_email(&row.notice, contact, tag) {
            Ok(rendered) => rendered,
            Err(error) => return unrenderable(&error),
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
        let started = monotonic();
        let outcome = channel.send(&message).await;
        let sent = SentMessage {
            delivery: row.id.clone(),
            channel: Channel::Email,
            subject: Some(message.subject),
            text: message.text,
            html: Some(message.html),
            sent_at: row.created_at,
        };
        Attempted { outcome, handed_over: Some((sent, started.elapsed())) }
    }

    async fn send_sms(
        &self,
        channel: &dyn SmsChannel,
        row: &ReadyDelivery,
    ) -> Result<Attempted, Tried> {
        let Some((contact, phone)) =
            row.notice.contacts.get(row.contact).and_then(|one| Some((one, one.phone.as_ref()?)))
        else {
            return Ok(unaddressed());
        };
        let tag = self.renderer.locale_for(contact, row.notice.locale.as_deref());
        let rendered = match self.renderer.render_sms(&row.notice, contact, tag) {
            Ok(rendered) => rendered,
            Err(error) => return Ok(unrenderable(&error)),
        };
        let message = SmsMessage {
            id: row.id.clone(),
            to: phone.clone(),
            body: SmsBody::FreeText(rendered.text.clone()),
            date: row.notice.at,
            language: rendered.language,
            notice_id: row.notice_id.clone(),
        };
        if !channel.is_idempotent() {
            self.begin(row).await?;
        }
        let started = monotonic();
        let outcome = channel.send(&message).await;
        let sent = SentMessage {
            delivery: row.id.clone(),
            channel: Channel::Sms,
            subject: None,
            text: rendered.text,
            html: None,
            sent_at: row.created_at,
        };
        Ok(Attempted { outcome, handed_over: Some((sent, started.elapsed())) })
    }
}

fn unaddressed() -> Attempted {
    not_handed_over(
        Fault::RecipientPermanent,
        "the contact has no address for this channel".to_owned(),
    )
}

fn unrenderable(error: &RenderError) -> Attempted {
    not_handed_over(Fault::Message, format!("cannot be rendered: {error}"))
}

fn not_handed_over(fault: Fault, reason: String) -> Attempted {
    let outcome = Outcome::Failed { fault, reason, retry_after_secs: None };
    Attempted { outcome, handed_over: None }
}

/// The root that all messages of one episode refer to. It is never sent; an episode names an account and a resource, so it
/// is hashed.
fn thread_id(episode: &str, domain: &str) -> String {
    format!(
        "episode.{}@{domain}",
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, episode.as_bytes()).simple()
    )
}
