//! The chain of each account's decisions: where it ends, its links, and what is kept apart from them.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::codec::{Count, Json, failed, int, version};
use super::decisions;
use crate::engine::id::{AccountId, ResourceId};
use crate::store::chain::{self, Link};
use crate::store::{LedgerHead, LedgerLink, LedgerRow, LedgerText, NewDecision, Result};

/// A link to be stored with a decision, and the salt of what is kept apart.
pub(super) struct NewLink {
    pub(super) link: LedgerLink,
    salt: Option<[u8; 16]>,
}

/// The link of a decision that is about to be recorded.
pub(super) fn link<'r>(
    c: &Connection,
    decision: &NewDecision<'_>,
    resources: impl Iterator<Item = &'r ResourceId>,
) -> Result<NewLink> {
    let head = head(c, decision.account)?.unwrap_or_default();
    let previous = head.hash.unwrap_or_else(|| chain::genesis(decision.account, head.before));
    let salt = decision.text.map(|_| chain::salt());
    let text_hash =
        decision.text.zip(salt.as_ref()).map(|(text, salt)| chain::text_hash(salt, text));
    let number = head.number + 1;
    let resources: Vec<ResourceId> = resources.cloned().collect();
    let hash = chain::hash(
        &previous,
        &Link {
            account: decision.account,
            number,
            at: decision.at,
            causes: decision.causes,
            resources: &resources,
            body: decision.body,
            text_hash: text_hash.as_ref(),
        },
    );
    Ok(NewLink { link: LedgerLink { number, previous, hash, text_hash }, salt })
}

/// Keeps where the chain ends now, and what goes apart.
pub(super) fn keep(
    c: &Connection,
    decision: &NewDecision<'_>,
    id: i64,
    new: &NewLink,
) -> Result<()> {
    let failed = failed("chaining a decision");
    c.prepare_cached(
        "INSERT INTO ledger_heads (account, number, hash, before) VALUES (?1, ?2, ?3, 0)
         ON CONFLICT (account) DO UPDATE SET number = excluded.number, hash = excluded.hash",
    )
    .and_then(|mut write| {
        let head = (decision.account.as_str(), version(new.link.number), new.link.hash.as_slice());
        write.execute(head)
    })
    .map_err(failed)?;
    if let (Some(text), Some(salt)) = (decision.text, &new.salt) {
        c.prepare_cached("INSERT INTO decision_texts (decision, salt, text) VALUES (?1, ?2, ?3)")
            .and_then(|mut insert| insert.execute((id, salt.as_slice(), text)))
            .map_err(failed)?;
    }
    Ok(())
}

pub(super) fn head(c: &Connection, account: &AccountId) -> Result<Option<LedgerHead>> {
    c.prepare_cached(HEAD)
        .and_then(|mut select| {
            let row = |row: &Row<'_>| {
                Ok(LedgerHead {
                    number: row.get::<_, Count>(0)?.0,
                    hash: row.get(1)?,
                    before: row.get::<_, Count>(2)?.0,
                })
            };
            select.query_row([account.as_str()], row).optional()
        })
        .map_err(failed("looking for the end of a chain"))
}

pub(super) const HEAD: &str = "SELECT number, hash, before FROM ledger_heads WHERE account = ?1";
pub(super) const ROWS: &str =
    "SELECT d.id, d.account, d.at, d.causes, d.body, t.text, d.number, d.previous, d.hash,
             d.text_hash, t.salt,
             (SELECT json_group_array(resource) FROM
                 (SELECT resource FROM decision_resources r WHERE r.decision = d.id ORDER BY resource))
         FROM decisions d LEFT JOIN decision_texts t ON t.decision = d.id
         WHERE d.account = ?1 AND d.id > ?2 ORDER BY d.id LIMIT ?3";

pub(super) fn rows(
    c: &Connection,
    account: &AccountId,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<LedgerRow>> {
    c.prepare_cached(ROWS)
        .and_then(|mut select| {
            let page = (account.as_str(), after.unwrap_or(i64::MIN), int(limit));
            select.query_map(page, read)?.collect()
        })
        .map_err(failed("reading a chain"))
}

fn read(row: &Row<'_>) -> rusqlite::Result<LedgerRow> {
    let number = row.get::<_, Option<Count>>(6)?;
    let link = match number {
        Some(number) => Some(LedgerLink {
            number: number.0,
            previous: row.get(7)?,
            hash: row.get(8)?,
            text_hash: row.get(9)?,
        }),
        None => None,
    };
    let decision = decisions::read(row)?;
    let salt: Option<Vec<u8>> = row.get(10)?;
    let text = salt.zip(decision.text.clone()).map(|(salt, text)| LedgerText { salt, text });
    let resources = row.get::<_, Json<Vec<ResourceId>>>(11)?.0;
    Ok(LedgerRow { decision, resources, link, text })
}

/// Walks the ids of three tables at once, one step along an index for each account.
pub(super) fn account_ids(
    c: &Connection,
    after: Option<&AccountId>,
    limit: usize,
) -> Result<Vec<AccountId>> {
    // No text lies between one and the same with a zero behind it.
    let behind = |id: &AccountId| format!("{id}\0");
    let walk = || -> rusqlite::Result<Vec<AccountId>> {
        let mut next = c.prepare_cached(NEXT_ACCOUNT)?;
        let mut found: Vec<AccountId> = Vec::new();
        let mut from = after.map(behind).unwrap_or_default();
        while found.len() < limit
            && let Some(id) = next.query_row([&from], |row| row.get::<_, Option<String>>(0))?
        {
            let id = AccountId::new(id);
            from = behind(&id);
            found.push(id);
        }
        Ok(found)
    };
    walk().map_err(failed("walking the accounts"))
}

pub(super) const NEXT_ACCOUNT: &str = "SELECT min(id) FROM (
         SELECT (SELECT min(id) FROM accounts WHERE id >= ?1) AS id
         UNION ALL SELECT (SELECT min(account) FROM decisions WHERE account >= ?1)
         UNION ALL SELECT (SELECT min(account) FROM ledger_heads WHERE account >= ?1))";
