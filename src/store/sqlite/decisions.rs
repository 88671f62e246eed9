//! Decision records and the texts of policies: what was decided, and by which words.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::codec::{At, Json, failed, int, json, version};
use super::ledger;
use crate::engine::id::{AccountId, PolicyId, PolicyKey, ResourceId};
use crate::store::{
    DecisionQuery, DecisionRow, NewDecision, PolicyRow, Result, past, policy_changed,
};

pub(super) fn append(c: &Connection, decision: &NewDecision<'_>) -> Result<i64> {
    let failed = failed("recording a decision");
    let causes = json("the causes of a decision", &decision.causes)?;
    let account = decision.account.as_str();
    let resources: BTreeSet<&ResourceId> = decision.resources.iter().collect();
    let new = ledger::link(c, decision, resources.iter().copied())?;
    let id = c
        .prepare_cached(
            "INSERT INTO decisions (account, at, causes, body, number, previous, hash, text_hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .and_then(|mut insert| {
            let link = &new.link;
            insert.insert((
                account,
                past(decision.at),
                causes,
                decision.body,
                version(link.number),
                link.previous.as_slice(),
                link.hash.as_slice(),
                link.text_hash.as_ref().map(<[u8; 32]>::as_slice),
            ))
        })
        .map_err(failed)?;
    let mut link = c
        .prepare_cached(
            "INSERT INTO decision_resources (account, resource, decision) VALUES (?1, ?2, ?3)",
        )
        .map_err(failed)?;
    for resource in resources {
        link.execute((account, resource.as_str(), id)).map_err(failed)?;
    }
    ledger::keep(c, decision, id, &new)?;
    Ok(id)
}

pub(super) const OF_ACCOUNT: &str = "SELECT d.id, d.account, d.at, d.causes, d.body, t.text
         FROM decisions d LEFT JOIN decision_texts t ON t.decision = d.id
         WHERE d.account = ?1 AND d.id < ?2 ORDER BY d.id DESC LIMIT ?3";
pub(super) const OF_RESOURCE: &str = "SELECT d.id, d.account, d.at, d.causes, d.body, t.text
         FROM decision_resources r JOIN decisions d ON d.id = r.decision
         LEFT JOIN decision_texts t ON t.decision = d.id
         WHERE r.account = ?1 AND r.decision < ?2 AND r.resource = ?4
         ORDER BY r.decision DESC LIMIT ?3";

pub(super) fn list(c: &Connection, query: &DecisionQuery<'_>) -> Result<Vec<DecisionRow>> {
    let (account, before) = (query.account.as_str(), query.before.unwrap_or(i64::MAX));
    match query.resource {
        None => c.prepare_cached(OF_ACCOUNT).and_then(|mut select| {
            select.query_map((account, before, int(query.limit)), read)?.collect()
        }),
        Some(resource) => c.prepare_cached(OF_RESOURCE).and_then(|mut select| {
            let page = (account, before, int(query.limit), resource.as_str());
            select.query_map(page, read)?.collect()
        }),
    }
    .map_err(failed("reading decisions"))
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<DecisionRow> {
    Ok(DecisionRow {
        id: row.get(0)?,
        account: AccountId::new(row.get::<_, String>(1)?),
        at: row.get::<_, At>(2)?.0,
        causes: row.get::<_, Json<_>>(3)?.0,
        body: row.get(4)?,
        text: row.get(5)?,
    })
}

pub(super) fn remember_policy(c: &Connection, policy: &PolicyRow) -> Result<bool> {
    let failed = failed("remembering a policy");
    let key = (policy.key.id.as_str(), policy.key.version);
    let known: Option<([u8; 32], String)> = c
        .prepare_cached("SELECT hash, text FROM policies WHERE id = ?1 AND version = ?2")
        .and_then(|mut select| {
            select.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(failed)?;
    match known {
        Some((_, text)) if text == policy.text => Ok(false),
        Some((hash, _)) => Err(policy_changed(&policy.key, &hash, &policy.hash)),
        None => c
            .prepare_cached(
                "INSERT INTO policies (id, version, hash, text, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut insert| {
                let hash = policy.hash.as_slice();
                insert.execute((key.0, key.1, hash, &policy.text, past(policy.at)))
            })
            .map(|_| true)
            .map_err(failed),
    }
}

pub(super) fn policies(c: &Connection) -> Result<Vec<PolicyRow>> {
    c.prepare_cached("SELECT id, version, hash, text, at FROM policies ORDER BY id, version")
        .and_then(|mut select| {
            let rows = select.query_map([], |row| {
                Ok(PolicyRow {
                    key: PolicyKey {
                        id: PolicyId::new(row.get::<_, String>(0)?),
                        version: row.get(1)?,
                    },
                    hash: row.get(2)?,
                    text: row.get(3)?,
                    at: row.get::<_, At>(4)?.0,
                })
            })?;
            rows.collect()
        })
        .map_err(failed("reading the policies"))
}
