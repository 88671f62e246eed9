//! The record of an account: chained decisions that can be verified here and elsewhere, and from which a person can be erased.
//!
//! Writes nothing: the store chains what the worker records ([`crate::store::chain`]). `docs/LEDGER.md` is for operators.

pub mod apart;
pub mod export;
pub mod verify;

/// The text of a hash.
pub(crate) fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
