//! The chain of an account's decisions: what of a record is hashed, and how. `docs/LEDGER.md` says it for other programs.
//!
//! Pure, and the same for every backend. Every field goes in with its length before it, so that no two records are the same
//! bytes; the name of the format goes first, so that a later one is never taken for this one.

use sha2::{Digest as _, Sha256};

use super::past;
use crate::engine::id::{AccountId, EventKey, ResourceId};

/// SHA-256.
pub type Hash = [u8; 32];

/// The first field of what is hashed for a record.
pub const RECORD: &str = "dunlin-ledger-1";
/// The first field of what is hashed for the beginning of a chain.
pub const GENESIS: &str = "dunlin-ledger-1-genesis";
/// The first field of what is hashed for what a record keeps apart.
pub const TEXT: &str = "dunlin-ledger-1-text";

/// Of a record, everything that its hash is over but the hash before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link<'r> {
    pub(crate) account: &'r AccountId,
    pub(crate) number: u64,
    pub(crate) at: chrono::DateTime<chrono::Utc>,
    pub(crate) causes: &'r [EventKey],
    /// Sorted, each once.
    pub(crate) resources: &'r [ResourceId],
    pub(crate) body: &'r str,
    pub(crate) text_hash: Option<&'r Hash>,
}

/// What the first record of a chain follows on: `before` records of this account are older than the chain.
pub(crate) fn genesis(account: &AccountId, before: u64) -> Hash {
    let mut fields = Fields::of(GENESIS);
    fields.add(account.as_str().as_bytes());
    fields.add_number(before);
    fields.hash()
}

/// The hash of a record that follows on another.
pub(crate) fn hash(previous: &Hash, link: &Link<'_>) -> Hash {
    let mut fields = Fields::of(RECORD);
    fields.add(previous);
    fields.add(link.account.as_str().as_bytes());
    fields.add_number(link.number);
    fields.add_number(past(link.at));
    fields.add_number(link.causes.len());
    for cause in link.causes {
        fields.add(cause.source.as_bytes());
        fields.add(cause.id.as_bytes());
    }
    fields.add_number(link.resources.len());
    for resource in link.resources {
        fields.add(resource.as_str().as_bytes());
    }
    fields.add(link.body.as_bytes());
    fields.add(link.text_hash.map_or(&[][..], <[u8; 32]>::as_slice));
    fields.hash()
}

/// The hash of what is kept apart. Without the salt nobody can try names until one fits.
pub(crate) fn text_hash(salt: &[u8], text: &str) -> Hash {
    let mut fields = Fields::of(TEXT);
    fields.add(salt);
    fields.add(text.as_bytes());
    fields.hash()
}

/// A salt that nobody can guess.
pub(super) fn salt() -> [u8; 16] {
    rand::random()
}

/// Fields, each behind its length in bytes (64 bits, big-endian).
struct Fields(Sha256);

impl Fields {
    fn of(format: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.add(format.as_bytes());
        fields
    }

    fn add(&mut self, field: &[u8]) {
        let length = u64::try_from(field.len()).expect("a field is shorter than the memory");
        self.0.update(length.to_be_bytes());
        self.0.update(field);
    }

    /// In decimal.
    fn add_number(&mut self, number: impl ToString) {
        self.add(number.to_string().as_bytes());
    }

    fn hash(self) -> Hash {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link<'r>(account: &'r AccountId, causes: &'r [EventKey], body: &'r str) -> Link<'r> {
        let at = chrono::DateTime::UNIX_EPOCH;
        Link { account, number: 1, at, causes, resources: &[], body, text_hash: None }
    }

    #[test]
    fn no_two_records_are_the_same_bytes() {
        let account = AccountId::from("a");
        let key = |source: &str, id: &str| EventKey { source: source.into(), id: id.into() };
        let hash = |causes: &[EventKey], body: &str| hash(&[0; 32], &link(&account, causes, body));
        assert_ne!(hash(&[key("ab", "c")], ""), hash(&[key("a", "bc")], ""));
        assert_ne!(hash(&[], "x"), hash(&[key("", "x")], ""));
        assert_eq!(hash(&[key("ab", "c")], "x"), hash(&[key("ab", "c")], "x"));
    }

    #[test]
    fn every_field_counts() {
        let (account, other) = (AccountId::from("a"), AccountId::from("b"));
        let plain = link(&account, &[], "x");
        let resources = ["r".into()];
        let all = [
            hash(&[0; 32], &plain),
            hash(&[1; 32], &plain),
            hash(&[0; 32], &Link { account: &other, ..plain }),
            hash(&[0; 32], &Link { number: 2, ..plain }),
            hash(&[0; 32], &Link { at: plain.at + chrono::TimeDelta::microseconds(1), ..plain }),
            hash(&[0; 32], &Link { resources: &resources, ..plain }),
            hash(&[0; 32], &Link { body: "y", ..plain }),
            hash(&[0; 32], &Link { text_hash: Some(&[0; 32]), ..plain }),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
