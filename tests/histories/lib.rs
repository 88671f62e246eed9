//! What `run.rs` needs of dunlin, under its name: the engine, the policies and the simulated clock. Holds nothing of its own.

extern crate alloc;

#[path = "../../src/engine/mod.rs"]
pub mod engine;
#[path = "../../src/policy/mod.rs"]
pub mod policy;
#[path = "../../src/simulate.rs"]
pub mod simulate;
