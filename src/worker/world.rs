//! What the worker knows of the world outside of the accounts: what the gates are told.
//!
//! Decides nothing: the engine's gate does.

use super::WorkerError;
use crate::engine::gate::Gates;
use crate::engine::moratorium::Moratoria;
use crate::store::{self, Read};

/// What is known for the gates.
#[derive(Debug, Default)]
pub(super) struct World {
    moratoria: Moratoria,
}

impl World {
    /// One in which nothing outside is in the way.
    #[cfg(test)]
    pub(super) fn open() -> Self {
        Self::default()
    }

    /// The world as the store has it.
    pub(super) fn load(store: &dyn Read) -> Result<Self, WorkerError> {
        Ok(Self { moratoria: store::moratoria(store)? })
    }

    /// What the gates are told; of moratoria what a group has changed, if it did.
    pub(super) fn gates<'w>(&'w self, changed: Option<&'w Moratoria>) -> Gates<'w> {
        Gates { moratoria: Some(changed.unwrap_or(&self.moratoria)), ..Gates::OPEN }
    }

    /// What is in force for a policy, a region or everything.
    pub(super) fn moratoria(&self) -> &Moratoria {
        &self.moratoria
    }

    /// Takes over what a group made durable.
    pub(super) fn keep(&mut self, moratoria: Moratoria) {
        self.moratoria = moratoria;
    }
}
