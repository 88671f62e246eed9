//! An `EmailMessage` and the sender's settings into RFC 5322 bytes, through lettre's typed headers only.
//!
//! The same message gives the same bytes, always: date, message id and boundary come from it. Sends nothing.

use std::time::SystemTime;

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use super::settings::{EmailSettings, EmailSettingsError};
use crate::dispatch::message::EmailMessage;

/// The part of a message that is the same for all: who sends it.
#[derive(Clone)]
pub struct Sender {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    envelope_from: Address,
    max_message_bytes: usize,
}

/// A message ready for the wire.
pub struct Encoded {
    /// One sender, one recipient.
    pub(super) envelope: Envelope,
    /// The message with CRLF line ends, all ASCII, without the final dot.
    pub(super) bytes: Vec<u8>,
}

impl Encoded {
    /// The message as RFC 5322 bytes, all ASCII.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The envelope recipient.
    pub(super) fn to(&self) -> &Address {
        self.envelope.to().first().expect("built with exactly one recipient")
    }
}

/// Why a message cannot be written down. Names the field, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unencodable {
    /// The recipient's address is not one that this channel can reach (RFC 5321, local part in ASCII).
    #[error("the recipient's address cannot be used in SMTP without SMTPUTF8")]
    Recipient,
    /// A message id that is not `left@right` in printable ASCII.
    #[error("the {0} is not a message id")]
    MessageId(&'static str),
    /// Longer than `email.max_message_bytes`.
    #[error("the message has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// lettre would not build it, or left a byte that is not ASCII.
    #[error("the message cannot be encoded")]
    Encoding,
}

impl Sender {
    /// Checks the sender's addresses once, at start.
    ///
    /// # Errors
    /// The key whose address is not one.
    pub fn new(settings: &EmailSettings) -> Result<Self, EmailSettingsError> {
        let parse = |key, text: &str| address(text).ok_or(EmailSettingsError::Address { key });
        let from = parse("from_address", &settings.from_address)?;
        let envelope_from = match &settings.envelope_from {
            Some(text) => parse("envelope_from", text)?,
            None => from.clone(),
        };
        let reply_to = settings.reply_to.as_deref().map(|text| parse("reply_to", text));
        Ok(Self {
            from: Mailbox::new(settings.from_name.as_deref().map(one_line), from),
            reply_to: reply_to.transpose()?.map(|address| Mailbox::new(None, address)),
            envelope_from,
            max_message_bytes: settings.max_message_bytes,
        })
    }

    /// The domain of `From`, for ids that have to be made here.
    pub(in crate::dispatch) fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// Writes the message down.
    ///
    /// # Errors
    /// What keeps this message from ever being sent by e-mail.
    pub fn encode(&self, message: &EmailMessage) -> Result<Encoded, Unencodable> {
        let to = address(&message.to_address).ok_or(Unencodable::Recipient)?;
        let id = bracketed(&message.message_id).ok_or(Unencodable::MessageId("message_id"))?;
        let envelope = Envelope::new(Some(self.envelope_from.clone()), vec![to.clone()])
            .map_err(|_| Unencodable::Encoding)?;
        let mut builder = Message::builder()
            .envelope(envelope.clone())
            .from(self.from.clone())
            .to(Mailbox::new(message.to_name.as_deref().map(one_line), to))
            .subject(one_line(&message.subject))
            .date(SystemTime::from(message.date))
            .message_id(Some(id))
            .header(AutoSubmitted)
            .header(AutoResponseSuppress)
            .header(ContentLanguage(one_line(&message.language)))
            .header(Notice(one_line(&message.notice_id)));
        if let Some(mailbox) = &self.reply_to {
            builder = builder.reply_to(mailbox.clone());
        }
        if let Some(thread) = &message.thread {
            let root = bracketed(thread).ok_or(Unencodable::MessageId("thread"))?;
            builder = builder.in_reply_to(root.clone()).references(root);
        }
        let built = if message.html.is_empty() {
            builder.singlepart(SinglePart::plain(message.text.clone()))
        } else {
            builder.multipart(alternative(message))
        };
        self.checked(envelope, built.map_err(|_| Unencodable::Encoding)?.formatted())
    }

    fn checked(&self, envelope: Envelope, bytes: Vec<u8>) -> Result<Encoded, Unencodable> {
        // ASCII throughout: no relay on the way needs 8BITMIME or SMTPUTF8.
        if !bytes.is_ascii() {
            return Err(Unencodable::Encoding);
        }
        if bytes.len() > self.max_message_bytes {
            let (bytes, limit) = (bytes.len(), self.max_message_bytes);
            return Err(Unencodable::TooLarge { bytes, limit });
        }
        Ok(Encoded { envelope, bytes })
    }
}

/// Text first, HTML last: readers take the last part that they can show.
fn alternative(message: &EmailMessage) -> MultiPart {
    MultiPart::alternative()
        .boundary(boundary(message))
        .singlepart(SinglePart::plain(message.text.clone()))
        .singlepart(SinglePart::html(message.html.clone()))
}

/// A boundary that the parts cannot contain, since it is a hash of them.
fn boundary(message: &EmailMessage) -> String {
    let mut hash = Sha256::new();
    for part in [&message.message_id, &message.text, &message.html] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    format!("dunlin-{}", hex(&hash.finalize()[..16]))
}

/// Lower-case hexadecimal.
pub(in crate::dispatch) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An address that SMTP takes as it is: an ASCII local part; the domain in its ASCII form.
pub(in crate::dispatch) fn address(text: &str) -> Option<Address> {
    let (local, domain) = text.rsplit_once('@')?;
    let visible = local.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>');
    if !visible {
        return None;
    }
    let domain = match domain.strip_prefix('[') {
        Some(_) => domain.to_owned(),
        None => idna::domain_to_ascii(domain).ok()?,
    };
    Address::new(local, &domain).ok()
}

/// Line breaks and other controls become one space: nothing in a name or a subject starts a new header.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}')
        .filter(|piece| !piece.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `<id>`, if it is an id: printable ASCII with one `@`, and short enough never to be folded.
fn bracketed(id: &str) -> Option<String> {
    let (left, right) = id.split_once('@')?;
    let plain = |part: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.[]:".contains(&b);
        !part.is_empty() && part.bytes().all(allowed)
    };
    (plain(left) && plain(right) && id.len() <= 200).then(|| format!("<{id}>"))
}

/// Declares a header that lettre does not have.
macro_rules! header {
    ($type:ident, $name:literal, |$this:ident| $value:expr) => {
        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn core::error::Error + Send + Sync>> {
                Err(concat!($name, " is written only, never read").into())
            }

            fn display(&self) -> HeaderValue {
                let $this = self;
                HeaderValue::new(Self::name(), $value)
            }
        }
    };
}

/// RFC 3834: a program wrote this by itself; do not answer it by machine.
#[derive(Clone)]
struct AutoSubmitted;
header!(AutoSubmitted, "Auto-Submitted", |_this| "auto-generated".to_owned());

/// The same for Exchange and Outlook.
#[derive(Clone)]
struct AutoResponseSuppress;
header!(AutoResponseSuppress, "X-Auto-Response-Suppress", |_this| "All".to_owned());

#[derive(Clone)]
struct ContentLanguage(String);
header!(ContentLanguage, "Content-Language", |this| this.0.clone());

/// Finds the notice again from a message that a customer forwards.
#[derive(Clone)]
struct Notice(String);
header!(Notice, "X-Dunlin-Notice", |this| this.0.clone());

#[cfg(test)]
pub(in crate::dispatch) mod tests;
