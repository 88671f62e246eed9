//! One account under any policies, decision by decision, with what becomes of its notices: accepted, come back, or nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dunlin::engine::account::Account;
use dunlin::engine::act::Answer;
use dunlin::engine::decision::{Bounced, Circumstances, Input, Portfolio, Proofs, Reason};
use dunlin::engine::effect::Notice;
use dunlin::engine::gate::Gates;
use dunlin::engine::id::EventKey;
use dunlin::engine::input::{Body, Event};
use dunlin::engine::moratorium::Moratoria;
use dunlin::engine::policy::PolicySet;
use dunlin::engine::{scope, step};
use dunlin::simulate::{Decided, in_sight};

use super::world::{Story, activated, at, policy, profile};

pub(super) const START: &str = "2026-03-01T00:00:00Z";
pub(super) const E: &str = "2026-03-10T00:00:00Z";

/// One account, step by step, with what becomes of its notices.
pub(super) struct Life {
    pub(super) policies: PolicySet,
    pub(super) whole: Portfolio,
    pub(super) story: Story,
    pub(super) moratoria: Moratoria,
    /// What the gates are told beside the moratoria.
    pub(super) gates: Gates<'static>,
    /// Everything that went on record.
    pub(super) reasons: Vec<Reason>,
    pub(super) events: usize,
}

impl Life {
    pub(super) fn under(policies: PolicySet) -> Self {
        let whole =
            Portfolio { account: Account::unknown("acc".into()), resources: BTreeMap::new() };
        let mut life = Self {
            policies,
            whole,
            story: Story::default(),
            moratoria: Moratoria::default(),
            gates: Gates::OPEN,
            reasons: Vec::new(),
            events: 0,
        };
        life.tell(START, Body::AccountUpdated(profile()));
        life
    }

    /// Under one policy of the test's own, with a term up to [`E`].
    pub(super) fn of(policy_text: &str) -> Self {
        let mut policies = PolicySet::default();
        policies.insert(policy(policy_text));
        let mut life = Self::under(policies);
        life.tell(START, activated("own", Some(E)));
        life
    }

    pub(super) fn decide(&mut self, now: DateTime<Utc>, events: Vec<Event>, accepted: &[&Notice]) {
        self.decide_on(now, events, (accepted, &[]));
    }

    pub(super) fn decide_on(
        &mut self,
        now: DateTime<Utc>,
        events: Vec<Event>,
        (accepted, bounced): (&[&Notice], &[Bounced<'_>]),
    ) {
        self.conclude(now, Input { events: &events, accepted, bounced, ..Input::default() });
    }

    /// One decision; what it answered to acts.
    pub(super) fn conclude(&mut self, now: DateTime<Utc>, input: Input<'_>) -> Vec<Answer> {
        let events = input.events.to_vec();
        let scope = scope(&self.whole.account, input, &self.policies, now);
        let before = in_sight(&self.whole, &scope, now);
        let gates = Gates { moratoria: Some(&self.moratoria), ..self.gates };
        let circumstances = Circumstances { now, proofs: Proofs::Recorded, gates };
        let decision = step(before, input, &self.policies, circumstances);
        self.whole.account = decision.after.account.clone();
        self.whole.resources.extend(decision.after.resources.clone());
        self.reasons.extend(decision.reasons.iter().cloned());
        let answers = decision.answers.clone();
        self.story.hear(vec![Decided { at: now, account: "acc".into(), events, decision }]);
        answers
    }

    /// Lets everything happen that is due before this instant.
    pub(super) fn live(&mut self, until: &str) {
        let wake = |whole: &Portfolio| {
            let resources = whole.resources.values().filter_map(|resource| resource.wake_at);
            resources.chain(whole.account.wake_at).min()
        };
        while let Some(now) = wake(&self.whole).filter(|now| *now < at(until)) {
            self.decide(now, Vec::new(), &[]);
        }
    }

    /// Looks at everything at this instant, whatever is due.
    pub(super) fn wake(&mut self, time: &str) {
        for resource in self.whole.resources.values_mut() {
            resource.wake_at = Some(at(time));
        }
        self.decide(at(time), Vec::new(), &[]);
    }

    pub(super) fn tell(&mut self, time: &str, body: Body) {
        self.live(time);
        self.events += 1;
        let key = EventKey { source: "/test".into(), id: self.events.to_string() };
        let event = Event { key, time: at(time), account: "acc".into(), body };
        self.decide(at(time), vec![event], &[]);
    }

    /// The `number`th notice of a kind is accepted, counted from 1.
    pub(super) fn accept(&mut self, time: &str, kind: &str, number: usize) {
        self.live(time);
        let notice = self.story.of(kind)[number - 1].clone();
        self.decide(at(time), Vec::new(), &[&notice]);
    }

    /// A message of the `number`th notice of a kind comes back; another was accepted at `still`, or none was.
    pub(super) fn come_back(
        &mut self,
        time: &str,
        (kind, number): (&str, usize),
        still: Option<&str>,
    ) {
        self.live(time);
        let notice = self.story.of(kind)[number - 1].clone();
        let bounced = [Bounced { notice: &notice, still: still.map(at) }];
        self.decide_on(at(time), Vec::new(), (&[], &bounced));
    }

    /// What was decided from an instant on.
    pub(super) fn lines(&mut self, from: &str, until: &str) -> Vec<&str> {
        self.live(until);
        let lines = self.story.lines.iter().map(String::as_str);
        lines.filter(|line| *line >= from).collect()
    }

    /// The date that the latest notice of a kind names for the release.
    pub(super) fn named(&self, kind: &str) -> DateTime<Utc> {
        let notices = self.story.of(kind);
        let promises = &notices.last().expect("it was told").items[0].promises;
        promises.iter().find(|one| one.to.as_str() == "released").expect("it is named").at
    }
}
