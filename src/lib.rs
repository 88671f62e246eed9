//! dunlin: billing events in, warnings and state changes out.
//!
//! ```text
//! RabbitMQ ─▶ intake ─▶ event ─▶ worker ─▶ engine ─▶ store ──(outbox)──▶ dispatch ─▶ e-mail · SMS · RabbitMQ
//!             bytes     meaning            decision  one commit          at least once
//!                                  ▲                    │
//!                                  └──── due wakes ◀────┘
//! ```
//!
//! The modules in the order in which data flows through them. `docs/ARCHITECTURE.md` says why they are cut this way.

extern crate alloc;

pub mod app;
pub mod backoff;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod dispatch;
pub mod embedded;
pub mod engine;
pub mod event;
pub mod explain;
pub mod http;
pub mod intake;
pub mod ledger;
mod mask;
pub mod order;
pub mod policy;
pub mod reach;
pub mod render;
pub mod settings;
pub mod shadow;
pub mod shutdown;
pub mod simulate;
pub mod store;
pub mod telemetry;
pub mod timeline;
pub mod worker;
