//! A dunlin beside the system in charge: it takes in the same events, decides and records, and sends nothing.
//!
//! ```text
//! dunlin run --mode shadow ─▶ store (says "shadow") ─▶ dunlin shadow diff ─▶ dunlin shadow hand-over ─▶ dunlin run
//! ```
//!
//! What is not sent is not written: the worker leaves the outbox alone, so that nothing is there to go out later.

pub mod diff;
pub mod mode;
pub mod theirs;
