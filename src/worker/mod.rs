//! The only place where intake, event, engine and store meet: load, step, commit, acknowledge.
//!
//! One thread, one writer, group commit: whenever it is free it takes everything that waits (events, due wakes, what became
//! of sends) in one transaction, then acknowledges. Idle: one event, no added latency. Loaded: hundreds a sync. It writes the
//! outbox and knows no template and no channel; it never waits for dispatch, which is only woken.

mod bounce;
mod breaker;
mod cache;
mod clocks;
mod commands;
mod freshness;
mod group;
mod look;
mod moratoria;
mod outbox;
mod replay;
mod serve;
mod settings;
mod sources;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod world;

pub use breaker::BreakerSettings;
pub use freshness::Silence;
pub use group::Tally;
pub use replay::Replay;
pub use serve::{Ports, Serve, WorkerHealth};
pub use settings::Settings;
pub use sources::{Freshness, HEARTBEAT, Proof, Rules, Sources};
pub use world::Outlook;

/// Why the worker stopped without being told to. Everything that was not committed is still in the broker.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store failed in a way that deciding on would be guessing.
    #[error("the store failed: {0}")]
    Store(#[from] crate::store::StoreError),
    /// A row of the outbox cannot be written as JSON, or a register cannot be read back.
    #[error("a decision or a register is no JSON: {0}")]
    Encode(#[from] serde_json::Error),
}
