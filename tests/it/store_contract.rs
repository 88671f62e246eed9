//! The contract of a store: one suite, every backend. What holds here is what the worker and dispatch rely on.
//!
//! A claim is a function over a [`Backend`]; `contract!` runs it against each. What only SQLite can do or get wrong is in
//! `store_contract/file.rs`. Killing processes is the torture test's business; here a crash is a drop.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod commands;
mod file;
mod gates;
mod intents;
mod ledger;
mod notices;
mod outbox;
mod record;
mod samples;
mod state;
mod transactions;

use dunlin::store::memory::{MemoryDisk, MemoryStore};
use dunlin::store::sqlite::SqliteStore;
use dunlin::store::{Limits, Result, Store, Transaction};

/// Something that outlives its stores.
trait Backend {
    /// Opens what is there.
    fn try_open(&self, limits: Limits) -> Result<Box<dyn Store>>;

    /// Opens what is there with the usual limits.
    fn open(&self) -> Box<dyn Store> {
        self.try_open(Limits::default()).expect("nothing is wrong with it")
    }
}

#[derive(Default)]
struct InMemory(MemoryDisk);

impl Backend for InMemory {
    fn try_open(&self, limits: Limits) -> Result<Box<dyn Store>> {
        Ok(Box::new(MemoryStore::open(&self.0, limits)?))
    }
}

struct InFile(tempfile::TempDir);

impl Default for InFile {
    fn default() -> Self {
        Self(tempfile::tempdir().expect("there is room for a folder"))
    }
}

impl InFile {
    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("dunlin.db")
    }
}

impl Backend for InFile {
    fn try_open(&self, limits: Limits) -> Result<Box<dyn Store>> {
        Ok(Box::new(SqliteStore::open(&self.path(), limits)?))
    }
}

/// Does it in a transaction of its own.
fn commit<R>(store: &mut dyn Store, work: impl FnOnce(&mut dyn Transaction) -> R) -> R {
    let mut transaction = store.begin().expect("no transaction is open");
    let answer = work(transaction.as_mut());
    transaction.commit().expect("nothing is wrong with the disk");
    answer
}

/// Runs every claim of a file against every backend.
macro_rules! contract {
    ($($claim:ident),+ $(,)?) => {
        mod in_memory {
            $(#[test]
            fn $claim() {
                super::$claim(&crate::store_contract::InMemory::default());
            })+
        }
        mod in_sqlite {
            $(#[test]
            fn $claim() {
                super::$claim(&crate::store_contract::InFile::default());
            })+
        }
    };
}
use contract;
