//! What a channel is handed and what it answers. Plain data; no transport, no template.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

/// One e-mail to one recipient, rendered.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailMessage {
    /// Without angle brackets, derived from the delivery: a repeated send carries the same one (SAFE-2).
    pub message_id: String,
    /// Display name of the recipient, if known.
    pub to_name: Option<String>,
    /// Address of the recipient, checked at intake.
    pub to_address: String,
    /// Subject line, one line.
    pub subject: String,
    /// The `text/plain` part.
    pub text: String,
    /// The `text/html` part. Empty: the message is `text/plain` alone, as e-mail-to-SMS gateways want it.
    pub html: String,
    /// The `Date` header: frozen with the delivery, so that a repeated send is the same message, byte for byte.
    pub date: DateTime<Utc>,
    /// BCP 47 tag of the language it was rendered in, for `Content-Language`.
    pub language: String,
    /// The synthetic root of this episode's thread, without angle brackets, for `References` and `In-Reply-To`.
    pub thread: Option<String>,
    /// Id of the notice, for `X-Dunlin-Notice`. No personal data.
    pub notice_id: String,
}

/// One text to one phone number, rendered.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsMessage {
    /// Id of the delivery: the idempotency key where a gateway takes one.
    pub id: String,
    /// E.164, checked at intake.
    pub to: String,
    /// What to say.
    pub body: SmsBody,
    /// BCP 47 tag of the language it was rendered in.
    pub language: String,
    /// When the delivery was decided: frozen with it, so that a repeated send says the same.
    pub date: DateTime<Utc>,
    /// Id of the notice. No personal data.
    pub notice_id: String,
}

/// What an SMS says: most gateways take text, some only a template that they registered, and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsBody {
    /// Rendered text.
    FreeText(String),
    /// A template registered with the gateway, and its parameters by name, in the template's order.
    Registered {
        /// The gateway's id of the template.
        template: String,
        /// Name and value of each parameter.
        params: Vec<(String, String)>,
    },
}

/// One message to the broker: a state change or an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// CloudEvents id; also the AMQP `message_id`.
    pub id: String,
    /// CloudEvents type, as the AMQP `type`.
    pub event_type: String,
    /// `<type>.<policy>`.
    pub routing_key: String,
    /// A structured-mode CloudEvent.
    pub body: Vec<u8>,
    /// Whether an unroutable message must come back and stay in the outbox.
    pub mandatory: bool,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server took responsibility: a final 2xx, a gateway's receipt, a publisher confirm.
    Sent {
        /// What the other side answered, without personal data.
        receipt: String,
    },
    /// Provably not sent. No address in `reason`.
    Failed {
        /// Who is to blame, which decides what happens next.
        fault: Fault,
        /// What the other side answered, without personal data.
        reason: String,
        /// The other side asked for at least this delay, in seconds.
        retry_after_secs: Option<u64>,
    },
    /// Nobody can tell whether it was taken: the connection broke after the message was handed over.
    Unknown {
        /// What was seen, without personal data.
        reason: String,
    },
}

/// Who is to blame for a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This recipient, for good (RCPT 5xx, number unknown).
    RecipientPermanent,
    /// This recipient, for now (greylisting, mailbox full).
    RecipientTransient,
    /// The relay, its login or our own settings: nobody's mail goes out, no recipient is blamed.
    Relay,
    /// This message cannot be sent by this channel at all (too large, not encodable).
    Message,
}

/// A way to send e-mail.
pub trait EmailChannel: Send + Sync {
    /// Tries once. Never retries by itself; every wait has a deadline.
    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Outcome>;
    /// A short name for logs and metrics.
    fn name(&self) -> &'static str;
}

/// A way to send texts.
pub trait SmsChannel: Send + Sync {
    /// Tries once. Never retries by itself; every wait has a deadline.
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Outcome>;
    /// A short name for logs and metrics.
    fn name(&self) -> &'static str;
    /// Whether the gateway drops a second message with the same id, also after a restart of either side. If not, each attempt
    /// is on record before it is made, and one of unknown outcome is never followed by another (SAFE-2).
    fn is_idempotent(&self) -> bool;
}

/// A way to publish state changes.
pub trait Publisher: Send + Sync {
    /// Tries once; resolves when the broker confirmed, refused or returned the message, or the link broke.
    fn publish<'a>(&'a self, publication: &'a Publication) -> BoxFuture<'a, Outcome>;
    /// A short name for logs and metrics.
    fn name(&self) -> &'static str;
}

impl core::fmt::Debug for EmailMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EmailMessage").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for SmsMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SmsMessage").field("id", &self.id).finish_non_exhaustive()
    }
}
