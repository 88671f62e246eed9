//! What was decided about a resource: the records, and the part of each that is about it, in words.

use serde::{Deserialize, Serialize};

use chrono::{DateTime, Utc};

use super::{ExplainError, InForce};
use crate::engine::decision::Reason;
use crate::engine::effect::{Effect, Request, Transition};
use crate::engine::id::{EventKey, ResourceId};
use crate::engine::input::Attachment;
use crate::engine::resource::Resource;
use crate::ledger::apart;
use crate::policy::words::counted;
use crate::store::{DecisionQuery, DecisionRow, Read, Result as Stored};

/// Records that are read at a time.
const PAGE: usize = 200;

/// A decision as it is recorded.
pub(super) struct Record {
    pub(super) row: DecisionRow,
    pub(super) body: Body,
}

#[derive(Deserialize)]
pub(super) struct Body {
    pub(super) number: u64,
    pub(super) reasons: Vec<Reason>,
    pub(super) effects: Vec<Effect>,
}

/// A decision, as far as it is about the resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// When.
    pub at: DateTime<Utc>,
    /// Number of the account's decision.
    pub number: u64,
    /// The events that caused it; none where the clock did.
    pub caused_by: Vec<Caused>,
    /// Why, rule by rule.
    pub because: Vec<Because>,
    /// What was done.
    pub did: Vec<Did>,
}

/// An event that caused something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caused {
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `id`.
    pub id: String,
    /// CloudEvents `type`; `None` once the event is forgotten.
    #[serde(rename = "type")]
    pub event_type: Option<String>,
}

/// One step of the reasoning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Because {
    /// The rule.
    pub rule: String,
    /// What was concluded from which facts.
    pub because: String,
    /// What was done says the same.
    #[serde(skip)]
    pub is_said: bool,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Did {
    /// Which kind of thing.
    pub kind: &'static str,
    /// What, in words.
    pub what: String,
    /// The rules that ask for it, where it names them.
    pub rules: Vec<String>,
    /// Details, one an entry.
    pub details: Vec<String>,
}

/// Every record about a resource, oldest first.
pub(super) fn all(store: &dyn Read, resource: &Resource) -> Result<Vec<Record>, ExplainError> {
    let (mut records, mut before) = (Vec::new(), None);
    loop {
        let query = DecisionQuery {
            account: &resource.account,
            resource: Some(&resource.id),
            before,
            limit: PAGE,
        };
        let page = store.decisions(&query)?;
        before = page.last().map(|row| row.id);
        let is_last = page.len() < PAGE;
        for row in page {
            let mut body: Body = serde_json::from_str(&row.body)
                .map_err(|source| ExplainError::Record { decision: row.id, source })?;
            apart::rejoin(&mut body.reasons, row.text.as_deref());
            records.push(Record { row, body });
        }
        if is_last {
            records.reverse();
            return Ok(records);
        }
    }
}

/// The part of each record that is about the resource.
pub(super) fn decided(
    store: &dyn Read,
    id: &ResourceId,
    records: &[Record],
) -> Stored<Vec<Decided>> {
    records.iter().map(|record| one(store, id, record)).collect()
}

fn one(store: &dyn Read, id: &ResourceId, record: &Record) -> Stored<Decided> {
    let body = &record.body;
    let effects = || body.effects.iter().filter(|effect| concerns(effect, id));
    let reasons: Vec<&Reason> = body
        .reasons
        .iter()
        .filter(|reason| match &reason.resource {
            Some(about) => about == id,
            None => effects().any(|effect| says(effect, &reason.because)),
        })
        .collect();
    let mut keys: Vec<&EventKey> = reasons.iter().filter_map(|one| one.event.as_ref()).collect();
    if keys.is_empty() {
        // What follows from the facts of an instant is not laid to one of its events.
        keys.extend(&record.row.causes);
    }
    keys.dedup();
    let said_by = |effect: &Effect| -> Vec<String> {
        let said = reasons.iter().filter(|reason| says(effect, &reason.because));
        said.map(|reason| reason.rule.clone()).collect()
    };
    Ok(Decided {
        at: record.row.at,
        number: body.number,
        caused_by: keys.into_iter().map(|key| caused(store, key)).collect::<Stored<_>>()?,
        because: reasons
            .iter()
            .map(|reason| Because {
                rule: reason.rule.clone(),
                because: reason.because.clone() + reason.said.as_deref().unwrap_or_default(),
                is_said: effects().any(|effect| says(effect, &reason.because)),
            })
            .collect(),
        did: effects().map(|effect| did(effect, &said_by(effect))).collect(),
    })
}

/// An event with its type, if that is still known.
pub(super) fn caused(store: &dyn Read, key: &EventKey) -> Stored<Caused> {
    let event_type = store.received(key)?.map(|received| received.event_type);
    Ok(Caused { source: key.source.clone(), id: key.id.clone(), event_type })
}

/// Holds with the types of their events.
pub(super) fn named(store: &dyn Read, holds: Vec<InForce>) -> Stored<Vec<InForce>> {
    let name = |hold: InForce| {
        let key = EventKey { source: hold.event.source.clone(), id: hold.event.id.clone() };
        Ok(InForce { event: caused(store, &key)?, ..hold })
    };
    holds.into_iter().map(name).collect()
}

/// Whether an effect is about the resource.
pub(super) fn concerns(effect: &Effect, id: &ResourceId) -> bool {
    match effect {
        Effect::Transition(one) => one.resource == *id,
        Effect::ChargeRequested(one) => one.resource == *id,
        Effect::ChargeCancelled { resource, .. } => resource == id,
        Effect::Renewal(one) => one.resource == *id,
        Effect::Refund(one) => one.resource == *id,
        Effect::Rejected(one) => one.resource.as_ref() == Some(id),
        Effect::Held(one) => one.resource == *id,
        Effect::Notice(notice) => notice.items.iter().any(|item| item.resource == *id),
        Effect::Unreachable { resources, .. } => resources.contains(id),
    }
}

/// Whether a reason says no more than the effect does.
fn says(effect: &Effect, because: &str) -> bool {
    match effect {
        Effect::Transition(one) => because == format!("{} -> {}: {}", one.from, one.to, one.reason),
        Effect::Held(one) => because == format!("{} is due and held: {}", one.to, one.because),
        Effect::Notice(one) => because.starts_with(&format!("{} about ", one.kind)),
        Effect::ChargeRequested(one) => because == format!("attempt {} is due", one.attempt),
        Effect::ChargeCancelled { .. }
        | Effect::Renewal(_)
        | Effect::Refund(_)
        | Effect::Rejected(_)
        | Effect::Unreachable { .. } => false,
    }
}

/// What an effect did, and the rules that ask for it: its own, or those of the reason that says it.
fn did(effect: &Effect, rules_of_reason: &[String]) -> Did {
    let none = Vec::new;
    let (kind, what, rules, details) = match effect {
        Effect::Transition(one) => {
            let what = format!("{} → {}: {}", one.from, one.to, one.reason);
            ("transition", what, one.rules.clone(), consequences(one))
        }
        Effect::ChargeRequested(one) => {
            let what = format!("charge attempt {} of {} is asked for", one.attempt, one.of);
            ("charge_requested", what, none(), none())
        }
        Effect::ChargeCancelled { charge, reason, .. } => (
            "charge_cancelled",
            format!("charge {charge} is called back: {reason}"),
            none(),
            none(),
        ),
        Effect::Renewal(one) => {
            let months = counted(i64::from(one.months), "month");
            let what = format!("new term of {months}, to {}", stamp(one.expires_at));
            ("renewal", what, none(), none())
        }
        Effect::Refund(one) => {
            let what = format!("refund of {} {}", one.amount.amount, one.amount.currency);
            ("refund", what, none(), none())
        }
        Effect::Rejected(one) => {
            let what = format!("{} is not followed: {}", request(one.request), one.reason);
            ("rejected", what, none(), none())
        }
        Effect::Held(one) => {
            ("held", format!("{} is due and held: {}", one.to, one.because), none(), none())
        }
        Effect::Notice(one) => {
            let count = counted(i64::try_from(one.items.len()).unwrap_or(i64::MAX), "resource");
            ("notice", format!("told {}, about {count}", one.kind), one.rules.clone(), none())
        }
        Effect::Unreachable { notice, reason, .. } => {
            ("unreachable", format!("nobody can be told {notice}: {reason}"), none(), none())
        }
    };
    let rules = if rules.is_empty() { rules_of_reason.to_vec() } else { rules };
    Did { kind, what, rules, details }
}

fn consequences(change: &Transition) -> Vec<String> {
    // On the way back it names what was detached, and does not come back by itself.
    let is_back = matches!(change.reason.as_str(), "renewed" | "balance_recovered" | "restored");
    let detached = if is_back { "to be configured again" } else { "detached" };
    let mut details: Vec<String> = [
        ("does", change.actions.join(", ")),
        (detached, kinds(&change.detached)),
        ("destroyed", kinds(&change.destroyed)),
        ("kept", kinds(&change.retained)),
        ("kept, and may cost", kinds(&change.retained_billable)),
        ("to look at", change.hints.join(", ")),
    ]
    .into_iter()
    .filter(|(_, things)| !things.is_empty())
    .map(|(verb, things)| format!("{verb}: {things}"))
    .collect();
    details.extend(change.irreversible.then(|| "cannot be undone".to_owned()));
    details
}

fn kinds(things: &[Attachment]) -> String {
    let name = |thing: &Attachment| match &thing.id {
        Some(id) => format!("{} {id}", thing.kind),
        None => thing.kind.clone(),
    };
    things.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A request, as people call it.
fn request(request: Request) -> &'static str {
    match request {
        Request::Renewal => "a renewal",
        Request::Termination => "a termination",
        Request::Restore => "a restore",
        Request::Release => "a release",
        Request::Return => "a return",
        Request::ExpirySync => "a synchronised expiry",
        Request::AutoRenew => "a change of auto-renewal",
        Request::Charge => "the outcome of a charge",
    }
}
