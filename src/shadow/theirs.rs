//! What the system in charge did, as it tells it: lines of a trace, or state changes as CloudEvents.
//!
//! Reads `transition` and `notice`; what else a trace has is passed over and counted.

use std::collections::BTreeMap;
use std::io::BufRead;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::diff::{Did, Subject};
use crate::engine::id::AccountId;

/// The longest line, in bytes.
const LINE_MAX: usize = 1024 * 1024;

/// What it did, by account.
#[derive(Debug, Default)]
pub struct Theirs {
    /// By account, in any order.
    pub did: BTreeMap<AccountId, Vec<Did>>,
    /// Lines of kinds that are not compared.
    pub passed_over: u64,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TheirsError {
    /// It cannot be read.
    #[error("line {line}: {source}")]
    Read {
        /// From 1.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no line of a trace.
    #[error(
        "line {line} is neither a line of a trace ({{\"at\",\"kind\":\"transition\",\"account\",\"resource\",\"to\"}}, or a notice) \
         nor a lifecycle.resource.changed: {reason}"
    )]
    Line {
        /// From 1.
        line: u64,
        /// Why, without what it says.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Trace {
    Transition {
        at: DateTime<Utc>,
        account: String,
        resource: String,
        to: String,
    },
    Notice {
        at: DateTime<Utc>,
        account: String,
        notice: String,
        resources: Vec<String>,
    },
    #[serde(other)]
    Else,
}

#[derive(Deserialize)]
struct CloudEvent {
    #[serde(rename = "type")]
    event_type: String,
    time: Option<DateTime<Utc>>,
    data: Option<Changed>,
}

#[derive(Deserialize)]
struct Changed {
    account: String,
    resource: String,
    to: String,
    effective_at: Option<DateTime<Utc>>,
}

/// Reads everything.
///
/// # Errors
///
/// The first line that makes no sense.
pub fn read(mut input: impl BufRead) -> Result<Theirs, TheirsError> {
    let mut theirs = Theirs::default();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let limit = u64::try_from(LINE_MAX).unwrap_or(u64::MAX);
        let mut bounded = std::io::Read::take(&mut input, limit);
        let read = bounded.read_until(b'\n', &mut text);
        if read.map_err(|source| TheirsError::Read { line, source })? == 0 {
            break;
        }
        if text.len() == LINE_MAX {
            return Err(TheirsError::Line { line, reason: "it is too long".to_owned() });
        }
        if !text.trim_ascii().is_empty() {
            let said = one(&text).map_err(|reason| TheirsError::Line { line, reason })?;
            theirs.add(said);
        }
    }
    Ok(theirs)
}

impl Theirs {
    fn add(&mut self, said: Option<(AccountId, Vec<Did>)>) {
        match said {
            Some((account, did)) => self.did.entry(account).or_default().extend(did),
            None => self.passed_over += 1,
        }
    }
}

fn one(line: &[u8]) -> Result<Option<(AccountId, Vec<Did>)>, String> {
    // What serde says of a mistake may quote the value.
    let place = |error: &serde_json::Error| format!("{:?} error", error.classify());
    let value: serde_json::Value = serde_json::from_slice(line).map_err(|error| place(&error))?;
    if value.get("type").is_some() {
        return cloud_event(value)
            .map_err(|error| place(&error))?
            .map_or_else(|| Err("it has neither effective_at nor time".to_owned()), Ok);
    }
    let trace: Trace = serde_json::from_value(value).map_err(|error| place(&error))?;
    Ok(match trace {
        Trace::Transition { at, account, resource, to } => {
            let subject = Subject::Transition { resource: resource.as_str().into(), to };
            Some((AccountId::new(account), vec![Did { subject, at }]))
        }
        Trace::Notice { at, account, notice, resources } => {
            let told = |resource: String| {
                let resource = resource.as_str().into();
                Did { subject: Subject::Notice { resource, notice: notice.clone() }, at }
            };
            Some((AccountId::new(account), resources.into_iter().map(told).collect()))
        }
        Trace::Else => None,
    })
}

type Said = Option<(AccountId, Vec<Did>)>;

/// `None`: it does not say when.
fn cloud_event(value: serde_json::Value) -> Result<Option<Said>, serde_json::Error> {
    let event: CloudEvent = match value.get("type").and_then(serde_json::Value::as_str) {
        Some("lifecycle.resource.changed") => serde_json::from_value(value)?,
        _ => return Ok(Some(None)),
    };
    debug_assert_eq!(event.event_type, "lifecycle.resource.changed");
    let Some(data) = event.data else { return Ok(Some(None)) };
    let Some(at) = data.effective_at.or(event.time) else { return Ok(None) };
    let resource = data.resource.as_str().into();
    let did = Did { subject: Subject::Transition { resource, to: data.to }, at };
    Ok(Some(Some((AccountId::new(data.account), vec![did]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_and_cloud_events_are_read_and_other_kinds_passed_over() {
        let text = r#"{"at":"2026-03-05T08:20:00Z","kind":"transition","account":"a","resource":"r","from":"active","to":"recycled"}

{"at":"2026-03-05T08:20:00Z","kind":"notice","account":"a","notice":"expired","resources":["r","s"]}
{"at":"2026-03-05T08:20:00Z","kind":"charge","account":"a","resource":"r","attempt":1}
{"specversion":"1.0","type":"lifecycle.resource.changed","time":"2026-03-06T00:00:00Z","data":{"account":"b","resource":"x","from":"active","to":"stopped"}}
{"specversion":"1.0","type":"lifecycle.charge.requested","time":"2026-03-06T00:00:00Z","data":{}}
"#;
        let theirs = read(text.as_bytes()).unwrap();
        assert_eq!(theirs.did[&"a".into()].len(), 3);
        assert_eq!(theirs.did[&"b".into()].len(), 1);
        assert_eq!(theirs.passed_over, 2);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named_and_not_quoted() {
        let text = "\n{\"at\":\"gu@a.example\",\"kind\":\"transition\",\"account\":\"a\"}\n";
        let refused = read(text.as_bytes()).unwrap_err().to_string();
        assert!(refused.starts_with("line 2 is neither"), "{refused}");
        assert!(!refused.contains("gu@"), "{refused}");
    }
}
