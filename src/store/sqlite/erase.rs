//! Erasure: what a person can be told by goes out of every table that keeps something of an account.
//!
//! Rows that are deleted are overwritten (`secure_delete`). Copies that SQLite left where it moved rows, the write-ahead log and
//! backups are the operator's (docs/OPERATIONS.md).

use rusqlite::Connection;

use super::codec::{Json, failed, json};
use crate::engine::effect::Notice;
use crate::engine::id::AccountId;
use crate::store::{ERASED, Result, erased};

pub(super) fn is_erased(c: &Connection, notice: &str) -> Result<bool> {
    c.prepare_cached("SELECT 1 FROM notices WHERE id = ?1 AND erased = 1")
        .and_then(|mut select| select.exists([notice]))
        .map_err(failed("looking for an erased notice"))
}

/// Deliveries of an account.
const OF_ACCOUNT: &str =
    "SELECT d.id FROM notices n JOIN deliveries d ON d.notice = n.id WHERE n.account = ?1";

pub(super) fn erase(c: &Connection, account: &AccountId) -> Result<()> {
    let overwriting = |on: bool| {
        c.pragma_update(None, "secure_delete", on).map_err(failed("choosing how to delete"))
    };
    // Only here: it costs every other delete.
    overwriting(true)?;
    let erased = erase_rows(c, account);
    overwriting(false)?;
    erased
}

fn erase_rows(c: &Connection, account: &AccountId) -> Result<()> {
    let failed = failed("erasing an account");
    notices(c, account)?;
    let run = |sql: &str| c.execute(sql, (account.as_str(), ERASED)).map(drop).map_err(failed);
    run(&format!(
        "UPDATE deliveries SET begun_at = NULL, last_error = ?2,
             state = CASE state WHEN 'pending' THEN 'failed' ELSE state END
         WHERE id IN ({OF_ACCOUNT})"
    ))?;
    run(&format!("UPDATE receipts SET receipt = ?2 WHERE delivery IN ({OF_ACCOUNT})"))?;
    run(&format!("DELETE FROM sent_messages WHERE delivery IN ({OF_ACCOUNT}) AND ?2 IS NOT NULL"))?;
    run("UPDATE quarantine SET body = x'', headers = '{}' WHERE account = ?1 AND ?2 IS NOT NULL")?;
    run("DELETE FROM decision_texts
         WHERE decision IN (SELECT id FROM decisions WHERE account = ?1) AND ?2 IS NOT NULL")?;
    run("UPDATE commands SET body = json_replace(body, '$.reason', ?2)
         WHERE state <> 'waiting' AND json_valid(body)
             AND EXISTS (SELECT 1 FROM json_tree(commands.body) WHERE atom = ?1)")
}

fn notices(c: &Connection, account: &AccountId) -> Result<()> {
    let failed = failed("erasing the notices of an account");
    let rows: Vec<(String, Notice)> = c
        .prepare_cached("SELECT id, body FROM notices WHERE account = ?1 AND erased = 0")
        .and_then(|mut select| {
            let rows = select.query_map([account.as_str()], |row| {
                Ok((row.get(0)?, row.get::<_, Json<Notice>>(1)?.0))
            })?;
            rows.collect()
        })
        .map_err(failed)?;
    let mut write = c
        .prepare_cached("UPDATE notices SET body = ?2, erased = 1 WHERE id = ?1")
        .map_err(failed)?;
    for (id, notice) in rows {
        let body = json("a notice", &erased(&notice))?;
        write.execute((id, body)).map_err(failed)?;
    }
    Ok(())
}
