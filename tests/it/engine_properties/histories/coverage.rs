//! What histories reached: every rule, every pair of phase and event, every way between phases, every answer.
//!
//! Counts only. What must be reached and how often is judged in `reached`.

use std::collections::BTreeMap;

use dunlin::engine::decision::Verdict;
use dunlin::engine::effect::{Effect, Notice, RejectCode, Rejected, Request, Transition};
use dunlin::engine::input::Body;
use dunlin::engine::refund::{Refund, RefundMethod, RefundPart};
use dunlin::engine::resource::Resource;
use serde::Serialize;

use super::history::{EVENT_TYPES, WAKE, kind_of};
use super::seen::{Moment, policy_of, ways};
use super::world::policies;

/// Counts, by name.
pub(super) type Counts = BTreeMap<&'static str, u64>;

/// How often what was reached.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Coverage {
    /// Histories that were drawn and played.
    pub(crate) histories: u64,
    /// Events in them.
    pub(crate) events: u64,
    /// Decisions about them, with those that time alone asked for.
    pub(crate) decisions: u64,
    /// Rules of the specification that were followed.
    pub(crate) rules: Counts,
    /// By policy and phase, how often an event of each type met a resource there.
    #[serde(skip)]
    pub(super) met: Vec<[u64; EVENT_TYPES.len()]>,
    /// By policy, how often each way of `ways` was gone.
    #[serde(skip)]
    pub(super) gone: Vec<u64>,
    /// How often each request was answered with each code.
    #[serde(skip)]
    pub(super) answers: BTreeMap<(Request, RejectCode), u64>,
}

impl Coverage {
    pub(crate) fn new() -> Self {
        let phases = policies().iter().map(|policy| policy.phases.len()).sum();
        let ways = policies().iter().map(|policy| ways(policy).len()).sum();
        Self { met: vec![[0; EVENT_TYPES.len()]; phases], gone: vec![0; ways], ..Self::default() }
    }

    /// Adds what another one counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.events += other.events;
        self.decisions += other.decisions;
        for (rule, count) in &other.rules {
            *self.rules.entry(rule).or_default() += count;
        }
        for (mine, theirs) in self.met.iter_mut().zip(&other.met) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
        self.gone.iter_mut().zip(&other.gone).for_each(|(mine, theirs)| *mine += theirs);
        for (answer, count) in &other.answers {
            *self.answers.entry(*answer).or_default() += count;
        }
    }

    pub(super) fn count(&mut self, moment: &Moment<'_>) {
        self.decisions += 1;
        self.events += moment.events.len() as u64;
        self.count_met(moment);
        for reason in &moment.decision.reasons {
            self.rule(&reason.rule);
        }
        for (event, verdict) in moment.events.iter().zip(&moment.decision.verdicts) {
            if event.time < moment.now
                && *verdict == Verdict::Applied
                && event.body.request().is_none()
            {
                self.rule("SAFE-3");
                if matches!(event.body, Body::BalanceReported { .. }) {
                    self.rule("POST-7");
                }
            }
            if *verdict == Verdict::Parked {
                self.rule("§3 parked");
            }
            if matches!(verdict, Verdict::Quarantined(_)) {
                self.rule("§7 set aside");
            }
            if matches!(&event.body, Body::TerminationRequested { resources, .. } if resources.len() > 1)
            {
                self.rule("TERM-6");
            }
        }
        for effect in &moment.decision.effects {
            self.count_effect(moment, effect);
        }
    }

    /// A rule of the list, by its name; others are of the engine's own words.
    fn rule(&mut self, name: &str) {
        if let Some(rule) = super::reached::RULES.iter().find(|(rule, _)| *rule == name) {
            *self.rules.entry(rule.0).or_default() += 1;
        }
    }

    fn count_met(&mut self, moment: &Moment<'_>) {
        let mut meet = |resource: &Resource, kind: usize| {
            if let Some(row) = row_of(resource) {
                self.met[row][kind] += 1;
            }
        };
        for body in moment.events.iter().map(|event| &event.body) {
            let mut named = body.resources().peekable();
            if named.peek().is_some() {
                named.filter_map(|id| moment.before(id)).for_each(|one| meet(one, kind_of(body)));
            } else {
                moment.whole.resources.values().for_each(|one| meet(one, kind_of(body)));
            }
        }
        if moment.events.is_empty() {
            moment.whole.resources.values().for_each(|one| meet(one, WAKE));
        }
    }

    fn count_effect(&mut self, moment: &Moment<'_>, effect: &Effect) {
        match effect {
            Effect::Transition(change) => self.count_change(moment, change),
            Effect::Renewal(renewal) => {
                let before = moment.before(&renewal.resource).and_then(Resource::expiry);
                if renewal.policy.id.as_str() == "alibaba-ecs-subscription"
                    && before != Some(renewal.starts_at)
                {
                    self.rule("REN-9");
                }
                if !renewal.downgrade.is_empty() {
                    self.rule("DOWN-1");
                }
            }
            Effect::Refund(refund) => self.count_refund(refund),
            Effect::Rejected(rejected) => self.count_answer(rejected),
            Effect::Notice(notice) => self.count_notice(notice),
            Effect::Unreachable { .. } => self.rule("§1 no contact"),
            Effect::ChargeRequested(_) | Effect::ChargeCancelled { .. } | Effect::Held(_) => {}
        }
    }

    fn count_change(&mut self, moment: &Moment<'_>, change: &Transition) {
        let mut first = 0;
        for policy in policies().iter() {
            let ways = ways(policy);
            if policy.key == change.policy {
                let gone = ways.iter().position(|way| {
                    way.from == change.from && way.to == change.to && way.reason == change.reason
                });
                gone.into_iter().for_each(|way| self.gone[first + way] += 1);
            }
            first += ways.len();
        }
        for rule in &change.rules {
            self.rule(rule);
        }
        if change.reason == "terminated" {
            self.rule("TERM-5");
            let asked = moment
                .events
                .iter()
                .any(|event| matches!(event.body, Body::TerminationRequested { .. }));
            if !asked {
                self.rule("TERM-3");
            }
        }
        if change.irreversible {
            self.rule("SAFE-8");
        }
        self.rule("SAFE-10");
        let before = moment.before(&change.resource);
        if before.is_some_and(|before| before.promised.get(&change.to) == Some(&moment.now)) {
            self.rule("SAFE-9");
        }
    }

    fn count_refund(&mut self, refund: &Refund) {
        self.rule("RET-7");
        for term in &refund.terms {
            match (term.what, refund.method) {
                (RefundPart::BandwidthHours, RefundMethod::Unconditional) => self.rule("RET-2"),
                (
                    RefundPart::InstanceHours
                    | RefundPart::InstanceMonths
                    | RefundPart::UnusedUpgrade,
                    RefundMethod::Ordinary,
                ) => {
                    self.rule("RET-4");
                }
                _ => {}
            }
        }
    }

    fn count_answer(&mut self, rejected: &Rejected) {
        *self.answers.entry((rejected.request, rejected.code)).or_default() += 1;
        match (rejected.request, rejected.code) {
            (Request::Return, _) => self.rule("RET-5"),
            (Request::Termination, RejectCode::PastInstant) => self.rule("TERM-3"),
            (_, RejectCode::InArrears) => self.rule("TERM-4"),
            (Request::AutoRenew, RejectCode::BadTerm) => self.rule("REN-8"),
            (_, RejectCode::DowngradeNotAllowed) => self.rule("DOWN-1"),
            (Request::ExpirySync, RejectCode::Expired) => self.rule("SYNC-2"),
            _ => {}
        }
    }

    fn count_notice(&mut self, notice: &Notice) {
        for rule in &notice.rules {
            self.rule(rule);
        }
        if notice.channels.len() > 1 && notice.contacts.len() > 1 {
            self.rule("PRE-7");
        }
        if notice.kind.as_str() == "arrears" && notice.items.len() > 1 {
            self.rule("POST-6");
        }
        if notice.items.len() > 1 {
            self.rule("§7 one notice");
        }
    }
}

/// The row of a resource's policy and phase.
fn row_of(resource: &Resource) -> Option<usize> {
    let mine = policy_of(resource);
    let mut first = 0;
    for policy in policies().iter() {
        if policy.key == mine.key {
            let phase = policy.phases.iter().position(|phase| phase.name == resource.phase)?;
            return Some(first + phase);
        }
        first += policy.phases.len();
    }
    None
}
