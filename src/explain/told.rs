//! Who was told what, and what became of it: notices, deliveries, receipts. The only place that sees addresses; none leaves it
//! unmasked.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Question;
use super::record::{Record, concerns};
use crate::engine::effect::{Effect, Notice};
use crate::engine::id::{NoticeKind, PhaseName};
use crate::engine::input::{Contact, Role};
use crate::engine::policy::Channel;
use crate::engine::resource::Resource;
use crate::event::out;
use crate::mask;
use crate::store::{
    AttemptOutcome, DeliveryRow, DeliveryState, Read, ReceiptRow, Result as Stored,
};

/// Publications of a resource that are listed; more wait only while the broker is away for long.
const UNCONFIRMED_MAX: usize = 100;

/// A notice about the resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its id, as in the header of its e-mails.
    pub id: String,
    /// What it tells.
    pub notice: NoticeKind,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// The dates that it named for this resource.
    pub promised: Vec<Promised>,
    /// One for each contact and channel; none where nobody has an address.
    pub deliveries: Vec<Delivery>,
}

/// A date that a notice named: the step does not come before it (SAFE-9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promised {
    /// The phase that the step enters.
    pub to: PhaseName,
    /// Not before.
    pub at: DateTime<Utc>,
}

/// One notice, one contact, one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// How.
    pub channel: Channel,
    /// To whom, masked.
    pub to: String,
    /// What they are to the account.
    pub role: Role,
    /// `waiting`, `sent`, `failed` or `unknown`.
    pub state: &'static str,
    /// When it is tried next, where it waits and that is known.
    pub next_at: Option<DateTime<Utc>>,
    /// What the other side answered, attempt by attempt.
    pub answers: Vec<Answer>,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// When.
    pub at: DateTime<Utc>,
    /// `sent`, `failed` or `unknown`.
    pub outcome: &'static str,
    /// What the other side said, masked.
    pub said: String,
}

/// A message for the broker that it has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unconfirmed {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was decided.
    pub since: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was not confirmed.
    pub last_error: Option<String>,
}

pub(super) fn told(
    store: &dyn Read,
    resource: &Resource,
    records: &[Record],
    question: &Question,
) -> Stored<Vec<Told>> {
    let mut told = Vec::new();
    for record in records {
        for (index, effect) in record.body.effects.iter().enumerate() {
            let Effect::Notice(recorded) = effect else { continue };
            if !concerns(effect, &resource.id) {
                continue;
            }
            let id = out::notice_id(&recorded.kind, &resource.account, record.body.number, index);
            // The record has no contacts: those are with the notice alone.
            let notice = store.notice(&id)?;
            let deliveries = match &notice {
                Some(notice) => deliveries(store, &id, notice, question)?,
                None => Vec::new(),
            };
            told.push(Told {
                id,
                notice: recorded.kind.clone(),
                at: recorded.at,
                promised: promised(recorded, resource),
                deliveries,
            });
        }
    }
    Ok(told)
}

fn promised(notice: &Notice, resource: &Resource) -> Vec<Promised> {
    let items = notice.items.iter().filter(|item| item.resource == resource.id);
    let promises = items.flat_map(|item| &item.promises);
    promises.map(|one| Promised { to: one.to.clone(), at: one.at }).collect()
}

fn deliveries(
    store: &dyn Read,
    id: &str,
    notice: &Notice,
    question: &Question,
) -> Stored<Vec<Delivery>> {
    let mut deliveries = Vec::new();
    for row in store.deliveries(id)? {
        let all = store.receipts(&row.id)?;
        let known = all.iter().filter(|receipt| receipt.at <= question.at).count();
        let Some(contact) = notice.contacts.get(row.contact) else { continue };
        deliveries.push(delivery(&row, contact, &all[..known], known == all.len(), question));
    }
    Ok(deliveries)
}

/// A delivery with the receipts that there were; whether those are all.
fn delivery(
    row: &DeliveryRow,
    contact: &Contact,
    receipts: &[ReceiptRow],
    are_all: bool,
    question: &Question,
) -> Delivery {
    let state = if are_all { row.state } else { DeliveryState::Pending };
    let is_waiting = state == DeliveryState::Pending;
    Delivery {
        channel: row.channel,
        to: match row.channel {
            Channel::Email => contact.email.as_deref().map(mask::email),
            Channel::Sms => contact.phone.as_deref().map(mask::phone),
        }
        .unwrap_or_else(|| "erased".to_owned()),
        role: contact.role,
        state: match state {
            DeliveryState::Pending => "waiting",
            DeliveryState::Final(outcome) => word(outcome),
        },
        next_at: Some(row.next_at).filter(|_| is_waiting && !question.is_past),
        answers: receipts
            .iter()
            .map(|receipt| Answer {
                at: receipt.at,
                outcome: word(receipt.outcome),
                said: mask::scrubbed(&receipt.receipt),
            })
            .collect(),
    }
}

fn word(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Sent => "sent",
        AttemptOutcome::Failed => "failed",
        AttemptOutcome::Unknown => "unknown",
        AttemptOutcome::Bounced => "bounced",
    }
}

/// What the broker has not confirmed; of a past instant nothing is known of that.
pub(super) fn unconfirmed(
    store: &dyn Read,
    resource: &Resource,
    question: &Question,
) -> Stored<Vec<Unconfirmed>> {
    if question.is_past {
        return Ok(Vec::new());
    }
    let lane = out::lane(&resource.account, Some(&resource.id));
    let waiting = store.waiting_publications(&lane, UNCONFIRMED_MAX)?;
    Ok(waiting
        .into_iter()
        .map(|row| Unconfirmed {
            id: row.publication.id,
            event_type: row.publication.event_type,
            since: row.created_at,
            attempts: row.attempts,
            last_error: row.last_error.map(|error| mask::scrubbed(&error)),
        })
        .collect())
}
