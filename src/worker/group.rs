//! One group: everything that waited, in one transaction. Nothing in it can be split, nothing outside of it matters.
//!
//! Within a group one bad event is set aside alone (quarantine, in the same commit).

mod admit;
mod aside;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::WorkerError;
use super::bounce::CameBack;
use super::breaker::{Breaker, Leave, Steps};
use super::cache::Cache;
use super::outbox::{self, Pen};
use super::settings::Settings;
use super::world::{Kept, World};
use crate::dispatch::report::{DeliveryReport, Report};
use crate::engine::decision::{Bounced, Circumstances, Decision, Input, Proofs, Verdict};
use crate::engine::effect::{Notice, NoticeItem};
use crate::engine::gate::Because;
use crate::engine::id::AccountId;
use crate::engine::input::{Body, Event};
use crate::engine::moratorium::Moratoria;
use crate::engine::policy::PolicySet;
use crate::engine::resource::Resource;
use crate::engine::{scope, step};
use crate::event::{Decoded, Refusal};
use crate::intake::Delivery;
use crate::store::{
    Arrival, Attempt, AttemptOutcome, DeliveryRow, DeliveryState, Receipt, Transaction,
};

/// How many stages of one account can be overtaken at once, one after the other.
const STAGES_MAX: usize = 8;

/// What a group did, for metrics and logs.
#[derive(Debug, Default)]
pub struct Tally {
    /// By event type and outcome (`applied`, `stale`, `parked`, `copy`, `quarantined`).
    pub events: BTreeMap<(&'static str, &'static str), u64>,
    /// By reason.
    pub quarantined: BTreeMap<String, u64>,
    /// Accounts that were looked at because something was due, and how late each was, in seconds.
    pub wakes: Vec<f64>,
    /// By effect.
    pub effects: BTreeMap<&'static str, u64>,
    /// All moratoria as they are now, where the group changed one.
    pub moratoria: Option<Moratoria>,
    /// Fields that no schema knows.
    pub unknown_fields: u64,
    /// Addresses of contacts that are none: those contacts go without.
    pub unusable_addresses: u64,
}

/// A delivery and what it says.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) delivery: Delivery,
    pub(super) decoded: Result<Decoded, Refusal>,
}

/// One transaction in the making.
pub(super) struct Group<'t> {
    pub(super) tx: Box<dyn Transaction + 't>,
    policies: &'t PolicySet,
    pub(super) settings: &'t Settings,
    pub(super) proofs: Proofs,
    pub(super) world: &'t mut World,
    /// Where something may be one of too many.
    breaker: Option<&'t mut Breaker>,
    /// Steps that may come in this group as they are few, by account.
    cleared: BTreeMap<AccountId, Steps>,
    pub(super) cache: Cache,
    /// Where this group has placed or lifted one: all of them, as they are by now.
    pub(super) moratoria: Option<Moratoria>,
    /// Notices that somebody's server took just now, by account, to be decided about in this commit.
    pub(super) accepted: BTreeMap<AccountId, Vec<Arc<Notice>>>,
    /// Notices of which a message came back, by account, to be decided about in this commit.
    pub(super) came_back: BTreeMap<AccountId, Vec<CameBack>>,
    pub(super) tally: Tally,
}

impl<'t> Group<'t> {
    pub(super) fn new(
        tx: Box<dyn Transaction + 't>,
        policies: &'t PolicySet,
        settings: &'t Settings,
        proofs: Proofs,
        world: &'t mut World,
    ) -> Self {
        let (cache, tally) = (Cache::default(), Tally::default());
        Self {
            tx,
            policies,
            settings,
            proofs,
            world,
            breaker: None,
            cleared: BTreeMap::new(),
            cache,
            moratoria: None,
            accepted: BTreeMap::new(),
            came_back: BTreeMap::new(),
            tally,
        }
    }

    /// Takes a delivery into the inbox. Returns its event if it is new and about an account.
    pub(super) fn receive(
        &mut self,
        taken: Taken,
        now: DateTime<Utc>,
    ) -> Result<Option<Received>, WorkerError> {
        let Taken { delivery, decoded } = taken;
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(refusal) => {
                self.refuse(delivery, refusal, now)?;
                return Ok(None);
            }
        };
        let arrival = Arrival {
            key: &decoded.event.key,
            fingerprint: &decoded.fingerprint,
            received_at: now,
            event_type: decoded.event_type,
            account: decoded.event.account.as_str(),
        };
        self.tally.unknown_fields += decoded.unknown_fields as u64;
        self.tally.unusable_addresses += decoded.unusable_addresses as u64;
        let receipt = self.tx.receive(&arrival)?;
        if receipt == Receipt::New {
            self.hear(&decoded.event)?;
        }
        match receipt {
            Receipt::New if matches!(decoded.event.body, Body::Heartbeat) => {
                self.count(decoded.event_type, "applied");
                Ok(None)
            }
            Receipt::New if self.take_moratorium(&decoded.event, None, now)? => {
                self.count(decoded.event_type, "applied");
                Ok(None)
            }
            Receipt::New => {
                let Decoded { event, event_type, .. } = decoded;
                let received = Received { event, event_type, delivery };
                if let Body::NoticeBounced { delivery, reason } = &received.event.body {
                    let (delivery, reason) = (delivery.clone(), reason.clone());
                    self.came_back(received, (&delivery, reason.as_deref()), now)?;
                    return Ok(None);
                }
                Ok(Some(received))
            }
            Receipt::Copy => {
                self.count(decoded.event_type, "copy");
                Ok(None)
            }
            Receipt::Conflict => {
                let reason =
                    "an event with this source and id but another body was taken in before"
                        .to_owned();
                self.set_aside(
                    &decoded.event,
                    decoded.event_type,
                    ("id_conflict", reason),
                    delivery,
                    now,
                )?;
                Ok(None)
            }
        }
    }

    /// Takes note of who said something, and of what heartbeats say of all other facts.
    fn hear(&mut self, event: &Event) -> Result<(), WorkerError> {
        let source = event.key.source.as_str();
        let kept = self.world.heard(source)?;
        self.keep(kept)?;
        if matches!(event.body, Body::Heartbeat) {
            let kept = self.world.heartbeat(source, event.time)?;
            self.keep(kept)?;
        }
        Ok(())
    }

    fn keep(&mut self, kept: Option<Kept>) -> Result<(), WorkerError> {
        if let Some((name, key, fact)) = kept {
            self.tx.put_register(name, &key, &fact)?;
        }
        Ok(())
    }

    /// Decides about events of one account and one instant, in arrival order, and about what is due for it.
    pub(super) fn decide(
        &mut self,
        account: &AccountId,
        received: Vec<Received>,
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        self.decide_on(account, received, false, now)
    }

    fn decide_on(
        &mut self,
        account: &AccountId,
        received: Vec<Received>,
        gates_moved: bool,
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        let events: Vec<Event> = received.iter().map(|one| one.event.clone()).collect();
        let input = Input { events: &events, gates_moved, ..Input::default() };
        let decision = self.conclude(account, input, now)?;
        for (one, verdict) in received.into_iter().zip(&decision.verdicts) {
            match verdict {
                Verdict::Applied => self.count(one.event_type, "applied"),
                Verdict::Stale => self.count(one.event_type, "stale"),
                Verdict::Parked => self.count(one.event_type, "parked"),
                Verdict::Quarantined(reason) => {
                    self.set_aside(
                        &one.event,
                        one.event_type,
                        ("contradiction", reason.clone()),
                        one.delivery,
                        now,
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Decides about what happened to an account and about what is due for it, and writes down what follows. What waited for the
    /// breaker and would be overtaken comes first.
    pub(super) fn conclude(
        &mut self,
        account: &AccountId,
        input: Input<'_>,
        now: DateTime<Utc>,
    ) -> Result<Decision, WorkerError> {
        for _ in 0..STAGES_MAX {
            let Some(leave) = self.overtaken(account, input, now)? else { break };
            let look = Input { gates_moved: true, ..Input::default() };
            self.conclude_with(account, look, Some(leave), now)?;
        }
        self.conclude_with(account, input, None, now)
    }

    fn conclude_with(
        &mut self,
        account: &AccountId,
        input: Input<'_>,
        leave: Option<Leave>,
        now: DateTime<Utc>,
    ) -> Result<Decision, WorkerError> {
        let accepted = self.accepted.remove(account).unwrap_or_default();
        let accepted: Vec<&Notice> = accepted.iter().map(AsRef::as_ref).collect();
        let came_back = self.came_back.remove(account).unwrap_or_default();
        let bounced: Vec<Bounced<'_>> =
            came_back.iter().map(|one| Bounced { notice: &one.notice, still: one.still }).collect();
        let input = Input { accepted: &accepted, bounced: &bounced, ..input };
        let known = self.cache.account(&*self.tx, account)?;
        let scope = scope(known, input, self.policies, now);
        let before = self.cache.portfolio(&*self.tx, account, &scope, now)?;
        let (was, usual) = self.leave(account, &before)?;
        let leave = leave.unwrap_or(usual);
        let circumstances = Circumstances { now, proofs: self.proofs, gates: self.gates(&leave) };
        let decision = step(before, input, self.policies, circumstances);
        if let Some((breaker, was)) = self.breaker.as_deref_mut().zip(was) {
            breaker.note(&mut *self.tx, (was, &decision), (&leave, self.policies), now)?;
        }
        for (event, reason) in &decision.set_aside {
            let body = serde_json::to_vec(event)?;
            let waited = Delivery {
                body,
                content_type: None,
                headers: BTreeMap::new(),
                user_id: None,
                origin: "parked".into(),
                tag: crate::intake::Tag { session: 0, number: 0 },
                mark: None,
            };
            self.set_aside(event, "unknown", ("contradiction", reason.clone()), waited, now)?;
        }
        let mut pen = Pen { tx: &mut *self.tx, settings: self.settings, now };
        outbox::write(&mut pen, account, input, &decision, &mut self.tally)?;
        let changed = decision.resources_changed.iter();
        let changed = changed.filter_map(|id| decision.after.resources.get(id));
        let waits_for_facts =
            changed.flat_map(Resource::gates).any(|gated| gated.by == Because::Freshness);
        if waits_for_facts {
            self.world.waits_for_facts();
        }
        self.cache.apply(account, &decision);
        Ok(decision)
    }

    /// Decides about accounts of which notices were accepted or came back, where nothing else happened to them (SAFE-4).
    pub(super) fn decide_about_notices(&mut self, now: DateTime<Utc>) -> Result<(), WorkerError> {
        while let Some(account) = self.accepted.keys().chain(self.came_back.keys()).next().cloned()
        {
            self.decide(&account, Vec::new(), now)?;
        }
        Ok(())
    }

    /// Decides about accounts for which something is due, at most `limit`; whether there may be more.
    pub(super) fn wake(&mut self, now: DateTime<Utc>, limit: usize) -> Result<bool, WorkerError> {
        let due = self.tx.due_accounts(now, limit)?;
        let more = due.len() == limit;
        if !more {
            self.clear(due.iter().map(|(account, _)| account), now)?;
        }
        for (account, at) in &due {
            let late = (now - *at).num_milliseconds();
            #[expect(clippy::cast_precision_loss, reason = "a lateness for a histogram")]
            self.tally.wakes.push(late as f64 / 1000.0);
            self.decide(account, Vec::new(), now)?;
        }
        self.cleared.clear();
        Ok(more)
    }

    /// Looks again at accounts with a step that waits for this and was due by `until`, in their order after `after`; the last
    /// of them if there may be more.
    pub(super) fn look_at_gate(
        &mut self,
        by: Because,
        until: DateTime<Utc>,
        after: Option<&AccountId>,
        now: DateTime<Utc>,
    ) -> Result<Option<AccountId>, WorkerError> {
        let limit = self.settings.group_max;
        let mut accounts = self.tx.gated_accounts(by, until, after, limit)?;
        for account in &accounts {
            self.decide_on(account, Vec::new(), true, now)?;
        }
        Ok(accounts.pop().filter(|_| accounts.len() + 1 == limit))
    }

    /// Writes down what becomes of a send; `false` if that is refused.
    pub(super) fn report(
        &mut self,
        report: &Report,
        now: DateTime<Utc>,
    ) -> Result<bool, WorkerError> {
        match report {
            Report::Begun(report) => return Ok(self.tx.begin_attempt(&report.delivery, now)?),
            Report::Withdrawn { delivery } => {
                self.tx.withdraw_attempt(delivery)?;
            }
            Report::Publication(report) => {
                match &report.retry {
                    None => self.tx.finish_publication(&report.id)?,
                    Some((reason, next_at)) => {
                        self.tx.retry_publication(&report.id, *next_at, reason)?
                    }
                };
            }
            Report::Delivery(report) => {
                // Sent while it was being erased: who was told, and what, is not to be kept.
                let is_erased = self.tx.is_erased(&report.notice_id)?;
                let erased = is_erased.then(|| report.erased());
                let report = erased.as_ref().unwrap_or(report);
                self.take_proof(report)?;
                let attempt = Attempt {
                    delivery: &report.delivery,
                    outcome: report.outcome,
                    receipt: &report.receipt,
                    at: now,
                    next_at: report.next_at,
                };
                self.tx.record_attempt(&attempt)?;
                if let Some(sent) = &report.sent {
                    self.tx.keep_sent(sent)?;
                }
                let mut pen = Pen { tx: &mut *self.tx, settings: self.settings, now };
                outbox::tell_outcome(&mut pen, report)?;
            }
        }
        Ok(true)
    }

    /// Keeps a notice that somebody's server took for the engine, if its policies ask for proof of that and this is the first
    /// that is known of it. It is decided in the commit that holds the receipt, so that none without the other is durable.
    fn take_proof(&mut self, report: &DeliveryReport) -> Result<(), WorkerError> {
        let asks = |item: &NoticeItem| {
            let policy = self.policies.get(&item.policy);
            policy.is_some_and(|policy| policy.asks_for_proof_of(&report.notice.kind))
        };
        let is_proof = self.proofs == Proofs::Recorded
            && report.outcome == AttemptOutcome::Sent
            && report.notice.items.iter().any(asks);
        if !is_proof {
            return Ok(());
        }
        let sent = DeliveryState::Final(AttemptOutcome::Sent);
        let is_news = |row: &DeliveryRow| match row.id == report.delivery {
            // It came back before its receipt was on record.
            true => row.state == DeliveryState::Pending,
            false => row.state != sent,
        };
        if self.tx.deliveries(&report.notice_id)?.iter().all(is_news) {
            let account = report.notice.account.clone();
            self.accepted.entry(account).or_default().push(Arc::clone(&report.notice));
        }
        Ok(())
    }

    /// Writes what changed so far, for the questions that the store answers.
    pub(super) fn flush(&mut self) -> Result<(), WorkerError> {
        Ok(self.cache.write(&mut *self.tx)?)
    }

    /// When the next thing is due, by what was flushed.
    pub(super) fn next_wake(&self) -> Result<Option<DateTime<Utc>>, WorkerError> {
        Ok(self.tx.next_wake()?)
    }

    /// Writes what changed and makes it durable.
    pub(super) fn commit(mut self) -> Result<Tally, WorkerError> {
        self.flush()?;
        if !self.tally.events.is_empty() || !self.tally.wakes.is_empty() {
            let kept = self.world.clock_to_keep()?;
            self.keep(kept)?;
        }
        self.tx.commit()?;
        self.tally.moratoria = self.moratoria;
        Ok(self.tally)
    }

    /// Forgets what is older than its retention, some rows at a time; whether there may be more.
    pub(super) fn sweep(&mut self, now: DateTime<Utc>) -> Result<bool, WorkerError> {
        let keep = &self.settings.retention;
        let rows = keep.rows_per_sweep;
        let forgotten = [
            self.tx.forget_inbox(now - keep.inbox, rows)?,
            self.tx.forget_sent(now - keep.sent, rows)?,
            self.tx.forget_quarantined(now - keep.quarantine, rows)?,
        ];
        Ok(forgotten.contains(&rows))
    }

    pub(super) fn count(&mut self, event_type: &'static str, outcome: &'static str) {
        *self.tally.events.entry((event_type, outcome)).or_default() += 1;
    }
}

/// An event that is new, with the delivery that brought it.
pub(super) struct Received {
    pub(super) event: Event,
    pub(super) event_type: &'static str,
    pub(super) delivery: Delivery,
}
