//! From a committed outbox row to the mail server, the SMS gateway and the broker, at least once.
//!
//! Knows no event and never calls the engine: what became of a send goes back to the worker as an input.

pub mod email;
pub mod message;
pub mod sms;
