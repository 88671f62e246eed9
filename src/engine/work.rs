//! A decision in the making: the state that is changed and the effects and reasons that pile up.
//!
//! Keeps the books; knows no rule but one: how a change of phase is written down.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::account::Account;
use super::act::Answer;
use super::breaker::{Intent, Kind};
use super::decision::{Circumstances, Decision, Portfolio, Proofs, Reason, Verdict};
use super::effect::{Effect, Held, RejectCode, Rejected, Request, Transition};
use super::gate::{self, Because, Gates, Wanted};
use super::id::{EventKey, NoticeKind, PhaseName, ResourceId};
use super::input::{Attachment, Event};
use super::notice::{self, Draft};
use super::policy::{Cause, NoticeTrigger, Outcome, PhaseClass, Policy, PolicySet};
use super::refund::Refund;
use super::resource::{HeldStep, Resource};

/// A decision in the making.
pub(super) struct Work<'a> {
    /// The lifecycles.
    pub(super) policies: &'a PolicySet,
    /// The clock.
    pub(super) now: DateTime<Utc>,
    /// What counts as proof that somebody was told.
    pub(super) proofs: Proofs,
    /// What the gates are told.
    pub(super) gates: Gates<'a>,
    /// The account as it is by now.
    pub(super) account: Account,
    /// The resources as they are by now.
    pub(super) resources: BTreeMap<ResourceId, Resource>,
    /// Notices of this instant, one a kind.
    pub(super) drafts: BTreeMap<NoticeKind, Draft>,
    /// Facts that had waited and are wrong.
    pub(super) set_aside: Vec<(Event, String)>,
    /// The event that is being applied.
    pub(super) cause: Option<EventKey>,
    effects: Vec<Effect>,
    /// Where among them the last change of each resource is.
    changes: BTreeMap<ResourceId, usize>,
    reasons: Vec<Reason>,
    intents: BTreeMap<(ResourceId, PhaseName), Intent>,
    /// Since when resources ask to be admitted, for what somebody wished and for what the clock wants.
    pub(super) asked_since: BTreeMap<(ResourceId, bool), DateTime<Utc>>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        before: Portfolio,
        policies: &'a PolicySet,
        circumstances: Circumstances<'a>,
    ) -> Self {
        let Circumstances { now, proofs, gates } = circumstances;
        Self {
            policies,
            now,
            proofs,
            gates,
            account: before.account,
            resources: before.resources,
            drafts: BTreeMap::new(),
            set_aside: Vec::new(),
            cause: None,
            effects: Vec::new(),
            changes: BTreeMap::new(),
            reasons: Vec::new(),
            intents: BTreeMap::new(),
            asked_since: BTreeMap::new(),
        }
    }

    /// The lifecycle of a resource. `None` if the worker lost it: then nothing is done to the resource.
    pub(super) fn policy_of(&self, resource: &Resource) -> Option<&'a Policy> {
        self.policies.get(&resource.policy)
    }

    /// A resource and its lifecycle.
    pub(super) fn known(&self, id: &ResourceId) -> Option<(&Resource, &'a Policy)> {
        let resource = self.resources.get(id)?;
        Some((resource, self.policy_of(resource)?))
    }

    /// Wants something done. A new term is told to whom the policy says, whoever decided it.
    pub(super) fn push(&mut self, effect: Effect) {
        if let Effect::Renewal(renewal) = &effect {
            notice::announce(self, &renewal.resource, &NoticeTrigger::Renewed);
        }
        self.effects.push(effect);
    }

    /// The last change of a resource's phase in this decision.
    pub(super) fn last_change(&self, id: &ResourceId) -> Option<&Transition> {
        match self.effects.get(*self.changes.get(id)?) {
            Some(Effect::Transition(transition)) => Some(transition),
            _ => None,
        }
    }

    /// What is paid back for a resource that this decision takes back.
    pub(super) fn refund_of(&self, id: &ResourceId) -> Option<&Refund> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Refund(refund) if refund.resource == *id => Some(refund),
            _ => None,
        })
    }

    /// Writes down why.
    pub(super) fn because(
        &mut self,
        rule: &str,
        resource: Option<&ResourceId>,
        because: impl Into<String>,
    ) {
        self.because_said(rule, resource, (because.into(), None));
    }

    /// The same, with what a person said about it.
    pub(super) fn because_said(
        &mut self,
        rule: &str,
        resource: Option<&ResourceId>,
        (because, said): (String, Option<String>),
    ) {
        self.reasons.push(Reason {
            rule: rule.into(),
            resource: resource.cloned(),
            because,
            said,
            event: self.cause.clone(),
            at: self.now,
        });
    }

    /// Whether a step may happen now.
    pub(super) fn verdict(&self, resource: &Resource, step: Wanted<'_>) -> gate::Verdict {
        gate::ask(&self.account, resource, step, self.gates, self.now)
    }

    /// Asks for a step to be admitted (SAFE-6).
    pub(super) fn ask(&mut self, id: &ResourceId, wanted: Wanted<'_>) {
        let Some(resource) = self.resources.get(id) else { return };
        let new = Intent {
            resource: id.clone(),
            policy: resource.policy.id.clone(),
            to: wanted.to.clone(),
            kind: if wanted.irreversible { Kind::Release } else { Kind::Stop },
            due_at: wanted.due_at,
        };
        // A customer and the clock may want the same: it is one step, and the graver of the two.
        let known = self.intents.entry((id.clone(), wanted.to.clone())).or_insert(new);
        known.due_at = known.due_at.min(wanted.due_at);
        if wanted.irreversible {
            known.kind = Kind::Release;
        }
    }

    /// Answers a request with no.
    pub(super) fn reject(
        &mut self,
        resource: Option<&ResourceId>,
        request: Request,
        code: RejectCode,
        reason: impl Into<String>,
    ) {
        let policy =
            resource.and_then(|id| self.resources.get(id)).map(|known| known.policy.clone());
        self.push(Effect::Rejected(Rejected {
            resource: resource.cloned(),
            policy,
            request,
            code,
            reason: reason.into(),
        }));
    }

    /// Moves a resource to another phase and tells provisioning.
    pub(super) fn transition(&mut self, id: &ResourceId, change: Change<'_>) {
        let now = self.now;
        let policy = self.known(id).map(|(_, policy)| policy);
        let Some(resource) = self.resources.get_mut(id) else { return };
        let from = core::mem::replace(&mut resource.phase, change.to.clone());
        resource.entered_at = now;
        resource.entered_by = change.cause;
        let class = policy.map_or(PhaseClass::Gone, |policy| policy.class(change.to));
        let is_own = !matches!(change.cause, Cause::Clock | Cause::Recovery);
        // A release was asked for out of the bin: what was renewed out of it is not meant any more.
        let is_moot = resource.asked.as_ref().is_some_and(|asked| asked.cause == Cause::Request);
        if is_own || is_over(class) || is_moot {
            resource.asked = None;
        }
        // What a customer asked for and a hold keeps waiting goes on waiting when the account pays.
        if resource.asked.is_none() || change.cause == Cause::Clock {
            resource.forget_held();
        }
        resource.put_off = None;
        resource.sequence += 1;
        let detached = if change.cause == Cause::Recovery || change.cause == Cause::Request {
            core::mem::take(&mut resource.detached)
        } else {
            let detached = belongings(resource, &change.outcome.detach);
            resource.detached.extend(
                detached
                    .iter()
                    .filter(|one| !resource.detached.contains(one))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            detached
        };
        let transition = Transition {
            resource: id.clone(),
            policy: resource.policy.clone(),
            sequence: resource.sequence,
            decision: 0,
            from,
            to: change.to.clone(),
            reason: change.reason.into(),
            rules: change.rules.to_vec(),
            actions: change.outcome.actions.clone(),
            detached,
            destroyed: belongings(resource, &change.outcome.destroy),
            retained: belongings(resource, &change.outcome.retain),
            retained_billable: belongings(resource, &change.outcome.retain_billable),
            hints: change.hints.to_vec(),
            irreversible: change.irreversible,
            effective_at: now,
        };
        let rule = change.rules.first().map_or("", String::as_str);
        let because = alloc::format!("{} -> {}: {}", transition.from, transition.to, change.reason);
        self.because(rule, Some(id), because);
        self.changes.insert(id.clone(), self.effects.len());
        self.push(Effect::Transition(transition));
        if let Some(trigger) = told_by(change.cause) {
            notice::announce(self, id, &trigger);
        }
    }

    /// Says once that a step is due and held; whether it was said just now.
    pub(super) fn hold(&mut self, id: &ResourceId, to: &PhaseName, because: Because) -> bool {
        let now = self.now;
        let word = because.word();
        let Some(resource) = self.resources.get_mut(id) else { return false };
        if !resource.hold(HeldStep { to: to.clone(), since: now, because }) {
            return false;
        }
        let policy = resource.policy.clone();
        self.because(because.rule(), Some(id), alloc::format!("{to} is due and held: {word}"));
        self.push(Effect::Held(Held {
            resource: id.clone(),
            policy,
            to: to.clone(),
            because: word.into(),
            since: now,
        }));
        true
    }

    /// Closes the books: what changed, what is to be done, in the order of a trace.
    pub(super) fn finish(
        mut self,
        before: &Portfolio,
        (verdicts, answers): (Vec<Verdict>, Vec<Answer>),
    ) -> Decision {
        self.effects.sort_by(|a, b| order(a).cmp(&order(b)));
        if !self.effects.is_empty() {
            self.account.decisions += 1;
        }
        let number = self.account.decisions;
        for effect in &mut self.effects {
            if let Effect::Transition(transition) = effect {
                transition.decision = number;
            }
        }
        let differs = |(id, resource): &(&ResourceId, &Resource)| {
            before.resources.get(*id) != Some(*resource)
        };
        Decision {
            account_changed: self.account != before.account,
            resources_changed: self
                .resources
                .iter()
                .filter(differs)
                .map(|(id, _)| id.clone())
                .collect(),
            after: Portfolio { account: self.account, resources: self.resources },
            number,
            verdicts,
            answers,
            effects: self.effects,
            reasons: self.reasons,
            intents: self.intents.into_values().collect(),
            set_aside: self.set_aside,
        }
    }
}

/// A change of phase.
pub(super) struct Change<'c> {
    pub(super) to: &'c PhaseName,
    pub(super) cause: Cause,
    pub(super) reason: &'c str,
    pub(super) rules: &'c [String],
    pub(super) outcome: &'c Outcome,
    pub(super) hints: &'c [String],
    pub(super) irreversible: bool,
}

/// What a change of phase sets off, if it turns out true. What the clock did is told by the step itself, what a system
/// outside did by nobody.
fn told_by(cause: Cause) -> Option<NoticeTrigger> {
    match cause {
        Cause::Recovery | Cause::Request => Some(NoticeTrigger::Restored),
        Cause::Termination => Some(NoticeTrigger::Terminated),
        Cause::Return => Some(NoticeTrigger::Returned),
        Cause::Start | Cause::Clock | Cause::Removed | Cause::Import => None,
    }
}

/// Whether a phase is one that clocks do not bring a resource out of for the better: the bin, or the end.
pub(super) fn is_over(class: PhaseClass) -> bool {
    matches!(class, PhaseClass::Retained | PhaseClass::Gone)
}

/// What a resource has of these kinds: by id where that is known, else the kind alone, since it may have one.
pub(super) fn belongings(resource: &Resource, kinds: &[String]) -> Vec<Attachment> {
    let traits = &resource.traits;
    let mut found = Vec::new();
    for kind in kinds {
        let attached = traits.attachments.iter().flatten().filter(|one| one.kind == *kind).cloned();
        let disks = traits.disks.iter().flatten().filter(|disk| disk_kind(disk.elastic) == kind);
        let disks = disks.map(|disk| Attachment { kind: kind.clone(), id: Some(disk.id.clone()) });
        let known: Vec<_> = attached.chain(disks).collect();
        let listed = if kind == disk_kind(true) || kind == disk_kind(false) {
            traits.disks.is_some()
        } else {
            traits.attachments.is_some()
        };
        if known.is_empty() && !listed {
            found.push(Attachment { kind: kind.clone(), id: None });
        }
        found.extend(known);
    }
    found
}

fn disk_kind(elastic: bool) -> &'static str {
    if elastic { "elastic_disk" } else { "disk" }
}

/// The order of a trace at one instant (spec §5).
fn order(effect: &Effect) -> (u8, Option<&ResourceId>) {
    match effect {
        Effect::Transition(one) => (0, Some(&one.resource)),
        Effect::ChargeRequested(one) => (1, Some(&one.resource)),
        Effect::ChargeCancelled { resource, .. } => (2, Some(resource)),
        Effect::Renewal(one) => (3, Some(&one.resource)),
        Effect::Refund(one) => (4, Some(&one.resource)),
        Effect::Rejected(one) => (5, one.resource.as_ref()),
        Effect::Held(one) => (6, Some(&one.resource)),
        Effect::Notice(one) => (7, one.items.first().map(|item| &item.resource)),
        Effect::Unreachable { resources, .. } => (8, resources.first()),
    }
}
