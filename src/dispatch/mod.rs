//! From a committed outbox row to the mail server, the SMS gateway and the broker, at least once.
//!
//! Knows no event and never calls the engine: what became of a send goes back to the worker as an input. One relay for each
//! way out, so that a dead one delays nobody else.

mod ahead;
pub mod deliver;
pub mod email;
pub mod in_flight;
pub mod jsonl;
pub mod message;
pub mod publications;
pub mod publish;
pub mod publish_file;
mod relay;
pub mod report;
mod rest;
pub mod retry;
pub mod sms;
