//! The engine: a pure function from what is known and what happened to what is to be done.
//!
//! No async, no clock, no randomness, no files, no log, no database: time, ids and facts come in as arguments. That lets
//! one engine serve the worker, `simulate`, the property tests and `explain`. `tests/engine-alone` builds this folder
//! without the standard library, so that it stays so.

pub mod account;
pub mod act;
pub mod breaker;
pub mod calendar;
pub mod decision;
pub mod effect;
pub mod hold;
pub mod hours;
pub mod id;
pub mod input;
pub mod ledger;
pub mod money;
pub mod moratorium;
pub mod policy;
pub mod refund;
pub mod resource;

mod activation;
mod arrears;
mod charge;
mod clockwork;
mod deadline;
mod downgrade;
mod erasure;
mod expiry_sync;
mod fact;
pub mod forecast;
pub mod gate;
mod notice;
mod proof;
mod request;
mod returns;
pub mod runway;
mod slot;
mod step;
mod takeover;
mod term;
mod version;
mod wake;
mod work;

pub use fact::PARKED_MAX;
pub use step::{scope, step};
