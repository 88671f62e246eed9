//! Runs a story through the engine and writes down what it decides about the one resource.
//!
//! Goes from one instant at which something happens or is due to the next; decides nothing itself.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::words;
use super::world::{self, ACCOUNT, RESOURCE};
use super::{Answer, Entry, Given, Move, Stay, Story, Timeline, TimelineError, What};
use crate::engine::decision::Verdict;
use crate::engine::effect::{ChargeRequest, Effect, Transition};
use crate::engine::id::EventKey;
use crate::engine::input::Event;
use crate::engine::policy::{Clock, PhaseClass, Policy, PolicySet};
use crate::engine::resource::Resource;
use crate::simulate::{Decided, Simulation};

/// After this the pipeline answers a charge request, or after half of its window.
const ANSWERED_AFTER: TimeDelta = TimeDelta::hours(1);
/// How far a timeline looks where nobody says: longer than any lifecycle keeps data.
const HORIZON: TimeDelta = TimeDelta::days(400);
/// The most instants that are looked at.
const INSTANTS_MAX: usize = 100_000;

/// What happens to one resource under `policy`, by the engine's own decisions.
///
/// # Errors
///
/// If a given event cannot be understood or contradicts the story, or the story has no end.
pub fn collect(policy: &Policy, story: &Story) -> Result<Timeline, TimelineError> {
    let mut policies = PolicySet::default();
    policies.insert(policy.clone());
    let mut run = Run::new(policy, story, &policies)?;
    for _ in 0..INSTANTS_MAX {
        let Some(at) = run.next_instant() else { return Ok(run.timeline) };
        run.live_through(at)?;
        if run.is_over() {
            return Ok(run.timeline);
        }
    }
    Err(TimelineError::TooLong(INSTANTS_MAX))
}

struct Run<'a> {
    policy: &'a Policy,
    answer: Answer,
    simulation: Simulation<'a>,
    /// The customer's events and the answers, by time.
    planned: VecDeque<Event>,
    /// What was given, by time; the last one comes first.
    given: Vec<(DateTime<Utc>, &'a Given)>,
    until: DateTime<Utc>,
    ends_by_itself: bool,
    passed: Option<DateTime<Utc>>,
    last_charge: Option<String>,
    timeline: Timeline,
}

impl<'a> Run<'a> {
    fn new(
        policy: &'a Policy,
        story: &'a Story,
        policies: &'a PolicySet,
    ) -> Result<Self, TimelineError> {
        let planned = world::events(policy, story).ok_or(TimelineError::OutOfRange)?;
        let mut given = Vec::new();
        for one in &story.given {
            let at = one.at(words::letter(policy.clock), story.anchor, policy.zone)?;
            let begun = planned.first().is_none_or(|event| event.time < at);
            if !begun {
                let reason = "it lies before the resource began".to_owned();
                return Err(TimelineError::Event { event: one.text().to_owned(), reason });
            }
            given.push((at, one));
        }
        given.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let last = given.first().map_or(story.anchor, |(at, _)| story.anchor.max(*at));
        let horizon = last.checked_add_signed(HORIZON).ok_or(TimelineError::OutOfRange)?;
        Ok(Self {
            policy,
            answer: story.answer,
            simulation: Simulation::new(policies),
            planned: planned.into(),
            given,
            until: story.until.unwrap_or(horizon),
            ends_by_itself: story.until.is_none(),
            passed: None,
            last_charge: None,
            timeline: empty(policy, story),
        })
    }

    /// The next instant at which something happens or is due, if it is not too late.
    fn next_instant(&self) -> Option<DateTime<Utc>> {
        let account = self.simulation.account(&ACCOUNT.into());
        let wakes = account.into_iter().flat_map(|portfolio| {
            let resources = portfolio.resources.values().filter_map(|one| one.wake_at);
            resources.chain(portfolio.account.wake_at)
        });
        let due = wakes.filter(|at| self.passed.is_none_or(|passed| passed < *at)).min();
        let planned = self.planned.front().map(|event| event.time);
        let given = self.given.last().map(|(at, _)| *at);
        [due, planned, given].into_iter().flatten().min().filter(|at| *at <= self.until)
    }

    /// What happened at `at` first, then what is due.
    fn live_through(&mut self, at: DateTime<Utc>) -> Result<(), TimelineError> {
        let mut given = Vec::new();
        while let Some(event) = self.planned.pop_front_if(|event| event.time <= at) {
            let decided = self.simulation.read(event);
            self.hear(decided, &[])?;
        }
        while let Some((_, one)) = self.given.pop_if(|(time, _)| *time <= at) {
            let number = self.given.len();
            let refused = |reason| TimelineError::Event { event: one.text().to_owned(), reason };
            let event = one.event(at, number, self.last_charge.as_deref()).map_err(refused)?;
            given.push((event.key.clone(), one));
            self.note(at, What::Given(one.text().to_owned()));
            let decided = self.simulation.read(event);
            self.hear(decided, &given)?;
        }
        let decided = self.simulation.run_until(at);
        self.hear(decided, &given)?;
        self.passed = Some(at);
        Ok(())
    }

    fn hear(
        &mut self,
        decided: Vec<Decided>,
        given: &[(EventKey, &Given)],
    ) -> Result<(), TimelineError> {
        for one in decided {
            refuse_contradictions(&one, given)?;
            for effect in one.decision.effects {
                self.take_down(one.at, effect);
            }
        }
        Ok(())
    }

    fn note(&mut self, at: DateTime<Utc>, what: What) {
        self.timeline.entries.push(Entry { at, what });
    }

    fn take_down(&mut self, at: DateTime<Utc>, effect: Effect) {
        let what = match effect {
            Effect::Transition(change) => self.moved(at, change),
            Effect::ChargeRequested(request) => {
                self.answer(at, &request);
                self.last_charge = Some(request.charge);
                What::Charge {
                    attempt: request.attempt,
                    of: request.of,
                    until: request.not_after,
                    tenders: request.tenders,
                }
            }
            Effect::ChargeCancelled { reason, .. } => What::ChargeCancelled { reason },
            Effect::Renewal(renewal) => What::Renewal {
                starts_at: renewal.starts_at,
                expires_at: renewal.expires_at,
                months: renewal.months,
            },
            Effect::Refund(refund) => What::Refund { amount: refund.amount, payout: refund.payout },
            Effect::Rejected(rejected) => {
                What::Rejected { request: rejected.request, code: rejected.code }
            }
            Effect::Held(held) => What::Held { to: held.to, because: held.because },
            Effect::Notice(notice) => What::Notice {
                kind: notice.kind,
                channels: notice.channels,
                waiting: notice.not_before,
            },
            // The notice itself is told; the story's contact has every address.
            Effect::Unreachable { .. } => return,
        };
        self.note(at, what);
    }

    fn moved(&mut self, at: DateTime<Utc>, change: Transition) -> What {
        let class = self.policy.class(&change.to);
        self.timeline.stays.push(Stay { phase: change.to.clone(), class, since: Some(at) });
        What::Phase(Box::new(Move {
            back: class < self.policy.class(&change.from),
            from: change.from,
            to: change.to,
            actions: change.actions,
            detached: change.detached,
            destroyed: change.destroyed,
            retained: change.retained,
            retained_billable: change.retained_billable,
            hints: change.hints,
            irreversible: change.irreversible,
        }))
    }

    fn answer(&mut self, at: DateTime<Utc>, request: &ChargeRequest) {
        self.timeline.answer = Some(self.answer);
        let paid = match self.answer {
            Answer::Refused => false,
            Answer::Paid => true,
            Answer::Never => return,
        };
        let after = ANSWERED_AFTER.min((request.not_after - at) / 2);
        let Some(time) = at.checked_add_signed(after) else { return };
        let index = self.planned.partition_point(|event| event.time <= time);
        self.planned.insert(index, world::answer(&request.charge, time, paid));
    }

    /// Whether nothing is left to tell: it is gone, or it works again and nothing else was given.
    fn is_over(&self) -> bool {
        if !self.ends_by_itself || !self.given.is_empty() {
            return false;
        }
        let Some(resource) = self.resource() else { return false };
        let recovered = self.timeline.entries.iter().any(|entry| match &entry.what {
            What::Renewal { .. } => true,
            What::Phase(change) => change.back,
            What::Given(_)
            | What::Charge { .. }
            | What::ChargeCancelled { .. }
            | What::Refund { .. }
            | What::Rejected { .. }
            | What::Held { .. }
            | What::Notice { .. } => false,
        });
        match self.policy.class(&resource.phase) {
            PhaseClass::Gone => true,
            PhaseClass::Working => recovered,
            PhaseClass::Unpaid | PhaseClass::Suspended | PhaseClass::Retained => false,
        }
    }

    fn resource(&self) -> Option<&Resource> {
        self.simulation.account(&ACCOUNT.into())?.resources.get(&RESOURCE.into())
    }
}

fn empty(policy: &Policy, story: &Story) -> Timeline {
    let phase = policy.initial().clone();
    let class = policy.class(&phase);
    let renews = match policy.clock {
        Clock::Expiry => Some(story.auto_renew),
        Clock::Arrears => None,
    };
    Timeline {
        policy: policy.key.clone(),
        title: policy.title.clone(),
        zone: policy.zone,
        clock: policy.clock,
        anchor: story.anchor,
        auto_renew: renews,
        answer: None,
        stays: vec![Stay { phase, class, since: None }],
        entries: Vec::new(),
    }
}

/// A given event that the engine sets aside is a mistake of the story.
fn refuse_contradictions(
    decided: &Decided,
    given: &[(EventKey, &Given)],
) -> Result<(), TimelineError> {
    for (event, verdict) in decided.events.iter().zip(&decided.decision.verdicts) {
        let reason = match verdict {
            Verdict::Applied | Verdict::Stale => continue,
            Verdict::Parked => format!("there is only `{RESOURCE}` of `{ACCOUNT}`"),
            Verdict::Quarantined(reason) => reason.clone(),
        };
        let named = given.iter().find(|(key, _)| *key == event.key);
        let event = named.map_or_else(|| event.key.id.clone(), |(_, one)| one.text().to_owned());
        return Err(TimelineError::Event { event, reason });
    }
    Ok(())
}
