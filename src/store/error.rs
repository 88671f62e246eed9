//! What can go wrong in a store, in words that hold for every backend.

use std::path::PathBuf;

/// Why the store refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else stored it in between: load it again and decide again.
    #[error("{what} {id} is not at version {expected} any more")]
    Conflict {
        /// `account` or `resource`.
        what: &'static str,
        /// Which.
        id: String,
        /// The version that the write was made for.
        expected: u64,
    },
    /// A policy version never changes its text.
    #[error(
        "policy {id} version {version} was used with another text before; give the changed text a new version"
    )]
    PolicyChanged {
        /// Which policy.
        id: String,
        /// Which version.
        version: u32,
        /// Hash of the text that was used, in hexadecimal.
        known: String,
        /// Hash of the text that is given now, in hexadecimal.
        given: String,
    },
    /// A row names another one that is not there: a mistake of the caller.
    #[error("there is no {what} {id}")]
    Missing {
        /// What kind of row.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// A row cannot be read back. Never says what is in it: that may be personal.
    #[error("what is stored cannot be read back while {during}: {reason}")]
    Corrupt {
        /// What was being done.
        during: &'static str,
        /// Why.
        reason: String,
    },
    /// A value cannot be written.
    #[error("{what} cannot be written as JSON")]
    Encode {
        /// What kind of row.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// Another process writes to this store.
    #[error("{path} is in use by another dunlin ({holder}); two of them must not write to one store", path = path.display())]
    Owned {
        /// The store.
        path: PathBuf,
        /// What the lock says about its holder.
        holder: String,
    },
    /// The file cannot be opened or created.
    #[error("{path} cannot be opened", path = path.display())]
    Open {
        /// The store.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store was written by a newer dunlin.
    #[error(
        "the store has schema version {found}, this dunlin knows up to {known}: run a newer dunlin, or restore a backup"
    )]
    TooNew {
        /// In the store.
        found: u32,
        /// In the program.
        known: u32,
    },
    /// A reader does not migrate.
    #[error(
        "the store has schema version {found}, this dunlin needs {known}: start `dunlin run` once, it migrates the store"
    )]
    TooOld {
        /// In the store.
        found: u32,
        /// In the program.
        known: u32,
    },
    /// The migration to this program's schema failed; the store is as before.
    #[error("the store cannot be migrated")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store does not give the durability that dunlin promises.
    #[error("the store runs with {setting} = {found}, dunlin needs {needed}")]
    Unsafe {
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it has to be.
        needed: String,
    },
    /// Writing to the disk failed. What was written is unknown: the process has to end, and to start from the disk.
    #[error("the disk failed under the store while {during}; this process must not go on")]
    Disk {
        /// What was being done.
        during: &'static str,
        /// What the backend said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The disk is full; nothing of the transaction was written.
    #[error("the disk is full (while {during})")]
    Full {
        /// What was being done.
        during: &'static str,
    },
    /// Anything else that the backend says.
    #[error("the store failed while {during}")]
    Backend {
        /// What was being done.
        during: &'static str,
        /// What the backend said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether nothing can be known about the store any more: the process ends, it does not retry.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Disk { .. } | Self::Corrupt { .. } | Self::Unsafe { .. })
    }
}
