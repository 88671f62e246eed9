//! Effects to rows: what a decision wants done is written beside the state that it changed, in the same commit.
//!
//! Ids derive from the account, the number of the decision and the index of the effect: writing it again writes the same rows
//! (SAFE-2). Renders nothing, sends nothing.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::WorkerError;
use super::group::Tally;
use super::settings::Settings;
use crate::dispatch::report::DeliveryReport;
use crate::engine::act::What;
use crate::engine::decision::{Decision, Input};
use crate::engine::effect::{Effect, Notice};
use crate::engine::id::{AccountId, EventKey, ResourceId};
use crate::engine::input::Contact;
use crate::engine::policy::Channel;
use crate::event::out::{self, NoticeOutcome, OutContext, lane};
use crate::ledger::apart;
use crate::store::{AttemptOutcome, NewDecision, NewDelivery, NewPublication, Transaction};

/// Where a decision is written to.
pub(super) struct Pen<'p> {
    pub(super) tx: &'p mut dyn Transaction,
    /// Of the worker: what it calls itself, and the channels that there are.
    pub(super) settings: &'p Settings,
    pub(super) now: DateTime<Utc>,
}

/// Writes the effects and the record of a decision.
pub(super) fn write(
    pen: &mut Pen<'_>,
    account: &AccountId,
    input: Input<'_>,
    decision: &Decision,
    tally: &mut Tally,
) -> Result<(), WorkerError> {
    for (index, effect) in decision.effects.iter().enumerate() {
        *tally.effects.entry(label(effect)).or_default() += 1;
        if pen.settings.shadow {
            // What is not written cannot go out, not even later.
            continue;
        }
        let context = OutContext {
            account,
            source: &pen.settings.source,
            at: pen.now,
            decision: decision.number,
            index,
        };
        if let Some(publication) = out::publication(effect, &context) {
            let lane = lane(account, subject(effect));
            pen.tx.push_publication(&NewPublication { publication, lane, created_at: pen.now })?;
        }
        if let Effect::Notice(notice) = effect {
            write_notice(pen, notice, &context)?;
        }
    }
    if !decision.effects.is_empty() || !decision.reasons.is_empty() {
        record(pen, account, input, decision)?;
    }
    Ok(())
}

/// A notice and one delivery for each contact and channel that has an address (PRE-7).
fn write_notice(
    pen: &mut Pen<'_>,
    notice: &Notice,
    context: &OutContext<'_>,
) -> Result<(), WorkerError> {
    let id = out::notice_id(&notice.kind, context.account, context.decision, context.index);
    let channels: Vec<Channel> =
        notice.channels.iter().copied().filter(|one| pen.settings.channels.contains(one)).collect();
    let mut deliveries = Vec::new();
    for (position, person) in notice.contacts.iter().enumerate() {
        let reachable = channels.iter().filter(|channel| address(person, **channel).is_some());
        let before = deliveries.len();
        for channel in reachable {
            let id = derived(&format!("{id}/{position}/{channel:?}"));
            deliveries.push(NewDelivery {
                id,
                contact: position,
                channel: *channel,
                next_at: notice.due_at(*channel).max(pen.now),
            });
        }
        if deliveries.len() == before {
            tracing::warn!(
                notice = id,
                position,
                "somebody has no address for a channel that there is, and is not told"
            );
        }
    }
    // Where nobody has any address at all the engine has said so already.
    let addressed = |person: &Contact| {
        notice.channels.iter().any(|channel| address(person, *channel).is_some())
    };
    if deliveries.is_empty() && notice.contacts.iter().any(addressed) {
        tell_nobody(pen, notice, context)?;
    }
    pen.tx.push_notice(&id, notice, &deliveries)?;
    Ok(())
}

/// Publishes that nobody can be told at all.
fn tell_nobody(
    pen: &mut Pen<'_>,
    notice: &Notice,
    context: &OutContext<'_>,
) -> Result<(), WorkerError> {
    let effect = Effect::Unreachable {
        notice: notice.kind.clone(),
        resources: notice.items.iter().map(|item| item.resource.clone()).collect(),
        reason: "no contact has an address for a channel that there is".into(),
    };
    if let Some(publication) = out::publication(&effect, context) {
        let lane = lane(context.account, None);
        pen.tx.push_publication(&NewPublication { publication, lane, created_at: pen.now })?;
    }
    Ok(())
}

fn address(contact: &Contact, channel: Channel) -> Option<&String> {
    match channel {
        Channel::Email => contact.email.as_ref(),
        Channel::Sms => contact.phone.as_ref(),
    }
}

/// The record of a decision (SAFE-12). Notices go in without their contacts, and names apart.
fn record(
    pen: &mut Pen<'_>,
    account: &AccountId,
    input: Input<'_>,
    decision: &Decision,
) -> Result<(), WorkerError> {
    let acts = input.acts.iter().map(|act| act.key.clone());
    let causes: Vec<EventKey> =
        input.events.iter().map(|event| event.key.clone()).chain(acts).collect();
    let mut resources: Vec<ResourceId> = decision.effects.iter().flat_map(about).cloned().collect();
    resources.extend(decision.reasons.iter().filter_map(|reason| reason.resource.clone()));
    resources.sort_unstable();
    resources.dedup();
    let (reasons, effects, apart) = apart::split(&decision.reasons, &decision.effects);
    let mut body = json!({ "number": decision.number, "reasons": reasons, "effects": effects });
    if pen.settings.shadow {
        body["shadow"] = true.into();
    }
    if input.acts.iter().any(|act| act.what == What::Erase) {
        body["erased"] = true.into();
    }
    let body = body.to_string();
    let text = apart.map(|apart| serde_json::to_string(&apart)).transpose()?;
    pen.tx.append_decision(&NewDecision {
        account,
        at: pen.now,
        causes: &causes,
        resources: &resources,
        body: &body,
        text: text.as_deref(),
    })?;
    Ok(())
}

/// Publishes what became of a delivery, once that is final.
pub(super) fn tell_outcome(pen: &mut Pen<'_>, report: &DeliveryReport) -> Result<(), WorkerError> {
    let failure = match (report.outcome, report.next_at) {
        (AttemptOutcome::Sent, _) => None,
        (_, Some(_)) => return Ok(()),
        (AttemptOutcome::Failed, None) => Some(report.receipt.clone()),
        (AttemptOutcome::Bounced, None) => Some(format!("it came back: {}", report.receipt)),
        (AttemptOutcome::Unknown, None) => {
            Some(format!("nobody can tell whether it arrived: {}", report.receipt))
        }
    };
    let resources: Vec<ResourceId> =
        report.notice.items.iter().map(|item| item.resource.clone()).collect();
    let outcome = NoticeOutcome {
        delivery: &report.delivery,
        notice: &report.notice.kind,
        channel: report.channel,
        resources: &resources,
        attempt: report.attempt,
        failure: failure.as_deref(),
    };
    let account = &report.notice.account;
    let publication = out::notice_outcome(account, &pen.settings.source, pen.now, &outcome);
    let lane = lane(account, None);
    pen.tx.push_publication(&NewPublication { publication, lane, created_at: pen.now })?;
    Ok(())
}

fn subject(effect: &Effect) -> Option<&ResourceId> {
    match effect {
        Effect::Notice(_) | Effect::Unreachable { .. } => None,
        other => about(other).next(),
    }
}

fn about(effect: &Effect) -> impl Iterator<Item = &ResourceId> {
    let (one, items, many): (Option<&ResourceId>, &[_], &[ResourceId]) = match effect {
        Effect::Transition(one) => (Some(&one.resource), &[], &[]),
        Effect::ChargeRequested(one) => (Some(&one.resource), &[], &[]),
        Effect::ChargeCancelled { resource, .. } => (Some(resource), &[], &[]),
        Effect::Renewal(one) => (Some(&one.resource), &[], &[]),
        Effect::Refund(one) => (Some(&one.resource), &[], &[]),
        Effect::Rejected(one) => (one.resource.as_ref(), &[], &[]),
        Effect::Held(one) => (Some(&one.resource), &[], &[]),
        Effect::Notice(notice) => (None, &notice.items, &[]),
        Effect::Unreachable { resources, .. } => (None, &[], resources),
    };
    one.into_iter().chain(items.iter().map(|item| &item.resource)).chain(many)
}

fn label(effect: &Effect) -> &'static str {
    match effect {
        Effect::Transition(_) => "transition",
        Effect::ChargeRequested(_) => "charge_requested",
        Effect::ChargeCancelled { .. } => "charge_cancelled",
        Effect::Renewal(_) => "renewal",
        Effect::Refund(_) => "refund",
        Effect::Rejected(_) => "rejected",
        Effect::Held(_) => "held",
        Effect::Notice(_) => "notice",
        Effect::Unreachable { .. } => "unreachable",
    }
}

fn derived(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}
