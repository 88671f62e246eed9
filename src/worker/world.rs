//! What the worker knows of the world outside of the accounts: what the gates are told.
//!
//! Decides nothing: the engine's gate does.

use crate::engine::gate::Gates;

/// What is known for the gates.
#[derive(Debug)]
pub(super) struct World;

impl World {
    /// One in which nothing outside is in the way.
    pub(super) fn open() -> Self {
        Self
    }

    /// What the gates are told.
    pub(super) fn gates(&self) -> Gates<'_> {
        Gates::OPEN
    }
}
