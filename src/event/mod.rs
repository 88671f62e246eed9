//! Bytes to engine inputs, and engine effects to CloudEvents: the only place that knows the wire form of either.
//!
//! Pure: no I/O, no clock. Parses, does not validate twice: what comes out of [`decode`] is well-formed, and what is not
//! goes back as a [`Refusal`] that names the field and never repeats its value.

mod account;
mod asyncapi;
mod balance;
mod bounce;
mod charge;
mod envelope;
mod fingerprint;
mod heartbeat;
mod hold;
mod json;
mod kinds;
mod moratorium;
pub mod out;
mod read;
mod refusal;
mod renewal;
mod resource;
mod returns;
mod scalar;
mod schema;
mod sync;
mod termination;
pub mod trace;
mod usage;

pub use asyncapi::{Exchanges, asyncapi};
pub use kinds::{EVENT_TYPES, event_type_label};
pub use refusal::{Refusal, RefusalCode};
pub use schema::schemas;

use crate::engine::id::AccountId;
use crate::engine::input::Event;
use crate::intake::Delivery;
use kinds::Read;
use refusal::{Identity, Trouble};

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest body, in bytes.
    pub body_bytes: usize,
    /// Deepest nesting; the outermost object counts as 1.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 256 * 1024, depth: 32 }
    }
}

/// An event that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// What the engine is told.
    pub event: Event,
    /// Its CloudEvents type, one of [`EVENT_TYPES`].
    pub event_type: &'static str,
    /// Tells whether a second event with the same key is a copy: over all that means something, whatever the mode, the
    /// order of keys and the white space.
    pub fingerprint: [u8; 32],
    /// How many fields of `data` are not in the schema. They were ignored.
    pub unknown_fields: usize,
    /// How many addresses of contacts are harmless but no addresses: those contacts go without.
    pub unusable_addresses: usize,
}

/// Understands one delivery.
///
/// # Errors
///
/// A [`Refusal`] where it is not a CloudEvent of spec §3, with what could be read of its identity.
#[expect(clippy::result_large_err, reason = "rare, and stored whole where it happens")]
pub fn decode(delivery: &Delivery, limits: &Limits) -> Result<Decoded, Refusal> {
    let mut identity = Identity::default();
    open_and_read(delivery, limits, &mut identity).map_err(|trouble| trouble.refuse(identity))
}

fn open_and_read(
    delivery: &Delivery,
    limits: &Limits,
    identity: &mut Identity,
) -> Result<Decoded, Trouble> {
    let envelope = envelope::open(delivery, limits, identity)?;
    let read = kinds::read(&envelope.event_type, &envelope.data)?;
    let Read { event_type, account, body, unknown_fields, unusable_addresses } = read;
    let account = whose(envelope.subject.as_ref(), account)?;
    let fingerprint = fingerprint::of(&envelope, &account);
    let event = Event { key: envelope.key, time: envelope.time, account, body };
    Ok(Decoded { event, event_type, fingerprint, unknown_fields, unusable_addresses })
}

/// The account that an event is about. A heartbeat and a moratorium are about none: an empty id.
fn whose(subject: Option<&AccountId>, account: Option<AccountId>) -> Result<AccountId, Trouble> {
    match (subject, account) {
        (Some(subject), Some(account)) if *subject != account => Err(Trouble::new(
            RefusalCode::Schema,
            "/subject",
            "expected the same account as in /data/account",
        )),
        (_, Some(account)) => Ok(account),
        (Some(subject), None) => Ok(subject.clone()),
        (None, None) => Ok(AccountId::new("")),
    }
}

#[cfg(test)]
mod tests;
