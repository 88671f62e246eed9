//! `src/engine` built without the standard library, the proof that it is a pure function. Holds nothing of its own.

#![no_std]

extern crate alloc;

#[path = "../../src/engine/mod.rs"]
pub mod engine;
