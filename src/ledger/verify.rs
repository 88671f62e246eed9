//! Walks the chain of an account and says the first thing that is wrong with it.
//!
//! Trusts nothing but the place where the chain ends; whoever can rewrite that and every record behind a change is not found
//! out by this alone, but by an end that was kept elsewhere (`docs/LEDGER.md`).

use serde::{Deserialize, Serialize, Serializer};

use crate::engine::id::AccountId;
use crate::store::chain::{self, Hash, Link};
use crate::store::{LedgerHead, LedgerLink, LedgerRow, Read, Result};

/// Records that are read at a time.
const PAGE: usize = 500;

/// What there is to say about the chain of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Whose.
    pub account: AccountId,
    /// Records in the chain, up to the first that is wrong.
    pub records: u64,
    /// Records that are older than the chain: nothing can be said of them but how many there are.
    pub before: u64,
    /// Records whose names and amounts are erased.
    pub erased: u64,
    /// Hash of the last record, to be kept elsewhere.
    #[serde(serialize_with = "as_hex")]
    pub head: Option<Hash>,
    /// The first thing that is wrong.
    pub wrong: Option<Wrong>,
}

/// What is wrong with a chain. Records are named by their numbers in the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wrong {
    /// It says something else than it did.
    #[error("record {record} was changed")]
    Changed {
        /// Which.
        record: u64,
    },
    /// It does not carry the hash of the one before it.
    #[error("record {record} does not follow on the record before it: one of the two was replaced")]
    Replaced {
        /// Which.
        record: u64,
    },
    /// There is none with this number.
    #[error("record {record} is missing")]
    Missing {
        /// Which.
        record: u64,
    },
    /// One that was never chained stands among those that were.
    #[error("a record was inserted behind record {after}")]
    Inserted {
        /// Behind which.
        after: u64,
    },
    /// The end of the chain is gone.
    #[error("the chain ends at record {last} and not at {end}: records at its end are missing")]
    Truncated {
        /// The last that is there.
        last: u64,
        /// The last that there was.
        end: u64,
    },
    /// The place where it ends is not known, or not the one that the records lead to.
    #[error("where the chain ends was changed")]
    End,
    /// Not as many are older than the chain as there were when it began.
    #[error("{found} records are older than the chain and not {expected}")]
    Before {
        /// How many there were.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The account has decided, and nothing is on record.
    #[error("all of its records are missing")]
    Gone,
    /// What is kept apart is not what was.
    #[error("the names and amounts of record {record} were changed")]
    Text {
        /// Of which.
        record: u64,
    },
    /// What is kept apart is gone, and nobody is on record as having erased it.
    #[error("the names and amounts of record {record} are gone, and no erasure is on record")]
    TextGone {
        /// Of which.
        record: u64,
    },
}

fn as_hex<S: Serializer>(hash: &Option<Hash>, serializer: S) -> Result<S::Ok, S::Error> {
    hash.as_ref().map(|hash| super::hex(hash)).serialize(serializer)
}

/// Walks the chain of one account, some records at a time.
///
/// # Errors
///
/// If the store cannot be read.
pub fn verify(store: &dyn Read, account: &AccountId) -> Result<Verified> {
    let head = store.ledger_head(account)?;
    let mut walk = Walk::new(account, head);
    let mut after = None;
    loop {
        let page = store.ledger(account, after, PAGE)?;
        for row in &page {
            if let Err(wrong) = walk.next(row) {
                return Ok(walk.over(Some(wrong)));
            }
        }
        after = page.last().map(|row| row.decision.id);
        if page.len() < PAGE {
            break;
        }
    }
    let has_decided = store.account(account)?.is_some_and(|row| row.value.decisions > 0);
    let wrong = walk.end(has_decided).err();
    Ok(walk.over(wrong))
}

/// How far the chain was followed.
struct Walk<'a> {
    account: &'a AccountId,
    /// Where it ends.
    head: Option<LedgerHead>,
    /// Hash of the last record, and its number.
    last: (Hash, u64),
    /// Records that are older.
    before: u64,
    erased: u64,
    /// The first and the last record whose text is gone.
    gone: Option<(u64, u64)>,
    /// The last record of an erasure.
    erasure: u64,
}

impl<'a> Walk<'a> {
    fn new(account: &'a AccountId, head: Option<LedgerHead>) -> Self {
        let before = head.unwrap_or_default().before;
        let last = (chain::genesis(account, before), 0);
        Self { account, head, last, before: 0, erased: 0, gone: None, erasure: 0 }
    }

    fn next(&mut self, row: &LedgerRow) -> Result<(), Wrong> {
        let Some(link) = &row.link else {
            self.before += 1;
            return if self.last.1 == 0 {
                Ok(())
            } else {
                Err(Wrong::Inserted { after: self.last.1 })
            };
        };
        let number = self.last.1 + 1;
        if link.number > number {
            return Err(Wrong::Missing { record: number });
        }
        if link.number < number {
            return Err(Wrong::Inserted { after: self.last.1 });
        }
        if link.hash != hash(row, link) {
            return Err(Wrong::Changed { record: number });
        }
        if link.previous != self.last.0 {
            return Err(Wrong::Replaced { record: number });
        }
        self.last = (link.hash, number);
        self.look_at_text(row, link)
    }

    fn look_at_text(&mut self, row: &LedgerRow, link: &LedgerLink) -> Result<(), Wrong> {
        let record = link.number;
        match (&row.text, link.text_hash) {
            (None, None) => {}
            (Some(text), Some(hash)) if chain::text_hash(&text.salt, &text.text) == hash => {}
            (Some(_), _) => return Err(Wrong::Text { record }),
            (None, Some(_)) => {
                self.erased += 1;
                self.gone = Some((self.gone.map_or(record, |(first, _)| first), record));
            }
        }
        if is_erasure(&row.decision.body) {
            self.erasure = record;
        }
        Ok(())
    }

    fn end(&self, has_decided: bool) -> Result<(), Wrong> {
        let (hash, last) = self.last;
        let Some(head) = self.head else {
            return match (last, self.before, has_decided) {
                (0, 0, false) => Ok(()),
                (0, 0, true) => Err(Wrong::Gone),
                _ => Err(Wrong::End),
            };
        };
        if self.before != head.before {
            return Err(Wrong::Before { expected: head.before, found: self.before });
        }
        if last < head.number {
            return Err(Wrong::Truncated { last, end: head.number });
        }
        if last > head.number || head.hash.is_some_and(|end| end != hash) {
            return Err(Wrong::End);
        }
        match self.gone {
            // What an erasure leaves out is older than its own record.
            Some((_, gone)) if self.erasure < gone => Err(Wrong::TextGone { record: gone }),
            _ => Ok(()),
        }
    }

    fn over(&self, wrong: Option<Wrong>) -> Verified {
        Verified {
            account: self.account.clone(),
            records: self.last.1,
            before: self.before,
            erased: self.erased,
            head: (self.last.1 > 0).then_some(self.last.0),
            wrong,
        }
    }
}

/// The hash of a record as it stands.
fn hash(row: &LedgerRow, link: &LedgerLink) -> Hash {
    let decision = &row.decision;
    chain::hash(
        &link.previous,
        &Link {
            account: &decision.account,
            number: link.number,
            at: decision.at,
            causes: &decision.causes,
            resources: &row.resources,
            body: &decision.body,
            text_hash: link.text_hash.as_ref(),
        },
    )
}

/// Whether a record says that the person of its account was erased.
fn is_erasure(body: &str) -> bool {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        erased: bool,
    }
    serde_json::from_str(body).is_ok_and(|body: Body| body.erased)
}
