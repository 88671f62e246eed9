//! The chain of an account as JSON lines, with everything that it takes to verify it without dunlin (`docs/LEDGER.md`).
//!
//! Names and amounts are left out unless they are asked for: an erasure does not reach what was exported.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;

use super::hex;
use crate::engine::id::AccountId;
use crate::store::{LedgerRow, Read, StoreError, chain};

/// Records that are read at a time.
const PAGE: usize = 500;

/// Why an export ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output cannot be written.
    #[error("the export cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Writes where the chain ends, then every record, oldest first, one JSON object a line.
///
/// # Errors
///
/// If the store cannot be read or `out` cannot be written.
pub fn export(
    store: &dyn Read,
    account: &AccountId,
    with_texts: bool,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let head = store.ledger_head(account)?.unwrap_or_default();
    let first = json!({
        "format": chain::RECORD, "account": account, "before": head.before, "number": head.number,
        "hash": head.hash.map(|hash| hex(&hash)),
    });
    writeln!(out, "{first}")?;
    let mut after = None;
    loop {
        let page = store.ledger(account, after, PAGE)?;
        for row in &page {
            writeln!(out, "{}", line(row, with_texts))?;
        }
        after = page.last().map(|row| row.decision.id);
        if page.len() < PAGE {
            return Ok(out.flush()?);
        }
    }
}

fn line(row: &LedgerRow, with_texts: bool) -> serde_json::Value {
    let decision = &row.decision;
    let link = row.link.as_ref();
    let text = row.text.as_ref().filter(|_| with_texts);
    json!({
        "number": link.map(|link| link.number),
        "at": instant(decision.at),
        "at_micros": decision.at.timestamp_micros(),
        "causes": decision.causes,
        "resources": row.resources,
        // As text: other programs need not write JSON as this one does.
        "body": decision.body,
        "text_hash": link.and_then(|link| link.text_hash).map(|hash| hex(&hash)),
        "previous": link.map(|link| hex(&link.previous)),
        "hash": link.map(|link| hex(&link.hash)),
        "text": text.map(|text| Said { salt: hex(&text.salt), text: &text.text }),
    })
}

/// What is kept apart, where it is asked for.
#[derive(Serialize)]
struct Said<'r> {
    salt: String,
    text: &'r str,
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
