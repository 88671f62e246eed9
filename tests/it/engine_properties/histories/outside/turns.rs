//! How gates close and open: heartbeats and clocks, moratoria, and who admits what.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::gate::Admitted;
use dunlin::engine::id::{AccountId, EventKey, PolicyId};
use dunlin::engine::input::{Body, Event, HoldScope};
use dunlin::engine::moratorium::Target;

use super::super::history::POLICIES;
use super::{Outside, Step, Turn};

impl Outside {
    /// Lets a gate turn; whether that is a reason to look at what is gated.
    pub(super) fn turned(&mut self, now: DateTime<Utc>, turn: Turn) -> bool {
        match turn {
            Turn::Heartbeats => {
                let before = self.silent_since;
                self.silent_since = match before {
                    None => Some(now - TimeDelta::minutes(self.chance.pick(&[0, 60, 4000]))),
                    // Some of what is missing comes, and then no more.
                    Some(since) if self.chance.percent(30) => {
                        let missing = (now - since).num_seconds().max(0);
                        Some(since + TimeDelta::seconds(self.chance.between(0, missing)))
                    }
                    Some(_) => None,
                };
                self.in_a_while(now, Turn::Heartbeats);
                before.is_some() || self.looks_at_closing
            }
            Turn::Clocks => {
                self.clocks_agree = !self.clocks_agree;
                self.in_a_while(now, Turn::Clocks);
                self.clocks_agree || self.looks_at_closing
            }
            Turn::Moratoria => {
                let body = if self.chance.percent(45) { self.lifted() } else { self.placed(now) };
                self.say(now, body);
                self.in_a_while(now, Turn::Moratoria);
                true
            }
            Turn::Admit(step) => {
                let mut some = vec![step];
                if self.chance.percent(40) {
                    some.extend(self.asked.iter().cloned());
                }
                let known = some.into_iter().filter(|step| self.asked.contains(step));
                let known: Vec<Step> = known.collect();
                for step in &known {
                    self.asked.remove(step);
                    self.admitted.insert(step.clone());
                }
                !known.is_empty()
            }
            Turn::Cross => {
                let held = self.chance.percent(50);
                self.crossing = self.fell.map(|since| Admitted { since, held }).or(self.crossing);
                self.fell.is_some()
            }
            Turn::Accepted(_) | Turn::Bounced(_) | Turn::Hand => false,
        }
    }

    /// How long whoever admits something takes; `None`: for ever.
    pub(super) fn wait(&mut self) -> Option<TimeDelta> {
        let seconds = [(5, 1), (3, 900), (3, 20_000), (2, 300_000), (1, 1_000_000), (1, 0)];
        let seconds = self.chance.weighted(&seconds);
        (seconds > 0).then(|| TimeDelta::seconds(self.chance.between(1, seconds)))
    }

    /// A step asks to be admitted.
    pub(super) fn asks_for(&mut self, step: Step, now: DateTime<Utc>) {
        if self.admitted.contains(&step) || !self.asked.insert(step.clone()) {
            return;
        }
        if let Some(wait) = self.wait() {
            self.put(now + wait, Turn::Admit(step));
        }
    }

    fn target(&mut self) -> Target {
        match self.chance.below(3) {
            0 => Target::Everything,
            1 => Target::Policy(PolicyId::from(self.chance.pick(&POLICIES))),
            _ => Target::Region(self.chance.pick(&["north", "south"]).into()),
        }
    }

    fn name(&mut self) -> Option<String> {
        self.chance.percent(50).then(|| format!("m-{}", self.chance.below(2)))
    }

    fn placed(&mut self, now: DateTime<Utc>) -> Body {
        let scope = self.chance.pick(&[HoldScope::Release, HoldScope::All]);
        let hours = self.chance.pick(&[-1, 0, 2, 20, 60, 300]);
        let until = self.chance.percent(60).then(|| now + TimeDelta::hours(hours));
        let (target, moratorium) = (self.target(), self.name());
        Body::MoratoriumPlaced { target, moratorium, reason: "a case".into(), scope, until }
    }

    fn lifted(&mut self) -> Body {
        Body::MoratoriumLifted { target: self.target(), moratorium: self.name() }
    }

    fn say(&mut self, time: DateTime<Utc>, body: Body) {
        let id = format!("m-{}", self.said.len());
        let key = EventKey { source: "/billing".into(), id };
        let event = Event { key, time, account: AccountId::from(""), body };
        self.moratoria.take(&event);
        self.said.push(event);
    }

    pub(super) fn lift_all(&mut self, now: DateTime<Utc>) {
        let targets: Vec<Target> = self.moratoria.iter().map(|(one, _)| one.clone()).collect();
        for target in targets {
            self.say(now, Body::MoratoriumLifted { target, moratorium: None });
        }
    }
}
