//! What the gate is told of facts and clocks, and what it then holds (SAFE-5, SAFE-11): what cannot be undone, and nothing else.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::account::Account;
use dunlin::engine::decision::{Circumstances, Input, Portfolio, Proofs};
use dunlin::engine::effect::Effect;
use dunlin::engine::gate::{Because, Gates, Patience};
use dunlin::engine::hold::Hold;
use dunlin::engine::id::{AccountId, EventKey, ResourceId};
use dunlin::engine::input::{Body, Event, HoldScope, TerminationMode};
use dunlin::engine::moratorium::{Moratoria, Target};
use dunlin::engine::policy::PolicySet;
use dunlin::engine::step;
use dunlin::policy::Policies;

use super::world::{activated, at, balance, expires, profile, resource};

const EXPIRY: &str = "2026-03-10T04:00:00Z";
/// 00:00 in Shanghai, eight days after.
const RELEASE: &str = "2026-03-17T16:00:00Z";
const PATIENCE: TimeDelta = TimeDelta::seconds(10);

/// Each is waited for in its own time.
const WAITS: Patience = Patience { facts: PATIENCE, admission: TimeDelta::hours(1) };

/// One account in front of gates that a test opens and shuts.
struct Bench {
    policies: PolicySet,
    whole: Portfolio,
    gates: Gates<'static>,
    number: u32,
}

impl Bench {
    fn new(policy: &str, expires_at: Option<&str>) -> Self {
        let account = Account::unknown(AccountId::from("acc"));
        let mut bench = Self {
            policies: Policies::shipped().set,
            whole: Portfolio { account, resources: BTreeMap::new() },
            gates: Gates { patience: WAITS, ..Gates::OPEN },
            number: 0,
        };
        bench.tell("2026-03-01T00:00:00Z", Body::AccountUpdated(profile()));
        bench.tell("2026-03-01T00:00:00Z", activated(policy, expires_at));
        bench
    }

    fn tell(&mut self, time: &str, body: Body) -> Vec<Effect> {
        self.number += 1;
        let key = EventKey { source: "/test".into(), id: self.number.to_string() };
        let event = Event { key, time: at(time), account: "acc".into(), body };
        self.step(at(time), Input::events(&[event]))
    }

    fn wake(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        self.step(now, Input::default())
    }

    fn look(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        self.step(now, Input { gates_moved: true, ..Input::default() })
    }

    fn step(&mut self, now: DateTime<Utc>, input: Input<'_>) -> Vec<Effect> {
        let circumstances = Circumstances { now, proofs: Proofs::Assumed, gates: self.gates };
        let decision = step(self.whole.clone(), input, &self.policies, circumstances);
        self.whole = decision.after;
        decision.effects
    }

    fn phase(&self) -> &str {
        self.whole.resources[&resource()].phase.as_str()
    }

    fn gated(&self) -> Option<(Because, DateTime<Utc>)> {
        self.whole.resources[&resource()].gates().next().map(|gated| (gated.by, gated.due_at))
    }

    fn wakes_at(&self) -> Option<DateTime<Utc>> {
        self.whole.resources[&resource()].wake_at
    }
}

fn held(effects: &[Effect]) -> Vec<&str> {
    let held = effects.iter().filter_map(|effect| match effect {
        Effect::Held(held) => Some(held.because.as_str()),
        _ => None,
    });
    held.collect()
}

/// In the bin since its expiry, with the release due under these gates.
fn due(gates: Gates<'static>) -> Bench {
    let mut bench = Bench::new("tencent-cvm-prepaid", Some(EXPIRY));
    // Facts that may be stale stop nothing that can be taken back.
    bench.gates = Gates { patience: WAITS, clocks_agree: true, ..gates };
    bench.wake(at(EXPIRY));
    assert_eq!(bench.phase(), "recycled");
    bench.gates = Gates { patience: WAITS, ..gates };
    assert_eq!(bench.gated(), None);
    bench
}

fn stale() -> Gates<'static> {
    Gates { complete_until: at(RELEASE) - TimeDelta::microseconds(1), ..Gates::OPEN }
}

fn jumped() -> Gates<'static> {
    Gates { clocks_agree: false, ..Gates::OPEN }
}

#[test]
fn a_release_on_stale_facts_waits_says_so_after_a_while_and_goes_on_once_they_are_complete() {
    let mut bench = due(stale());
    assert!(held(&bench.wake(at(RELEASE))).is_empty(), "most wait for a moment");
    assert_eq!(bench.gated(), Some((Because::Freshness, at(RELEASE))));
    assert_eq!(bench.wakes_at(), Some(at(RELEASE) + PATIENCE));
    assert_eq!(held(&bench.wake(at(RELEASE) + PATIENCE)), ["freshness"]);
    assert!(held(&bench.look(at(RELEASE) + TimeDelta::hours(1))).is_empty(), "said once");
    assert_eq!(bench.phase(), "recycled");
    bench.gates.complete_until = at(RELEASE);
    bench.look(at(RELEASE) + TimeDelta::hours(2));
    assert_eq!((bench.phase(), bench.gated()), ("released", None));
}

#[test]
fn facts_that_are_complete_up_to_the_deadline_hold_nothing() {
    let mut bench = due(Gates { complete_until: at(RELEASE), ..Gates::OPEN });
    bench.wake(at(RELEASE));
    assert_eq!(bench.phase(), "released");
}

#[test]
fn what_comes_meanwhile_counts() {
    let mut bench = due(stale());
    bench.wake(at(RELEASE));
    bench.tell("2026-03-17T16:00:05Z", expires("2026-04-10T04:00:00Z"));
    bench.gates = Gates::OPEN;
    bench.look(at(RELEASE) + PATIENCE);
    assert_eq!((bench.phase(), bench.gated()), ("active", None));
}

#[test]
fn a_clock_that_is_not_trusted_holds_a_release_at_once() {
    let mut bench = due(jumped());
    assert_eq!(held(&bench.wake(at(RELEASE))), ["clock"]);
    assert_eq!(bench.gated(), Some((Because::Clock, at(RELEASE))));
    bench.gates = stale();
    assert_eq!(
        held(&bench.look(at(RELEASE) + TimeDelta::hours(1))),
        ["freshness"],
        "the facts are next"
    );
    assert_eq!(bench.gated(), Some((Because::Freshness, at(RELEASE))));
    bench.gates = Gates::OPEN;
    bench.look(at(RELEASE) + TimeDelta::hours(2));
    assert_eq!(bench.phase(), "released");
}

#[test]
fn what_a_customer_wants_gone_at_once_waits_for_facts_and_clock_as_well() {
    for (gates, because) in [
        (Gates { complete_until: at("2026-03-04T23:59:59Z"), ..Gates::OPEN }, Because::Freshness),
        (jumped(), Because::Clock),
    ] {
        let mut bench = Bench::new("tencent-cvm-postpaid-15d", None);
        bench.tell("2026-03-02T00:00:00Z", balance(100));
        bench.gates = Gates { patience: WAITS, ..gates };
        bench.tell("2026-03-05T00:00:00Z", terminate(TerminationMode::Immediate));
        assert_eq!(bench.phase(), "active", "{because:?}");
        assert_eq!(bench.gated(), Some((because, at("2026-03-05T00:00:00Z"))));
        bench.gates = Gates::OPEN;
        bench.look(at("2026-03-05T00:01:00Z"));
        assert_eq!(bench.phase(), "released", "{because:?}");
        // The bin can be taken back: it waits for neither.
        let mut bench = Bench::new("tencent-cvm-postpaid-15d", None);
        bench.tell("2026-03-02T00:00:00Z", balance(100));
        bench.gates = gates;
        bench.tell("2026-03-05T00:00:00Z", terminate(TerminationMode::Recycle));
        assert_eq!(bench.phase(), "recycled", "{because:?}");
    }
}

fn terminate(mode: TerminationMode) -> Body {
    let resources: Vec<ResourceId> = vec![resource()];
    Body::TerminationRequested { resources, mode }
}

#[test]
fn a_wish_and_the_clocks_own_step_wait_each_for_its_own_facts() {
    let asked = at("2026-03-15T00:00:00Z");
    let mut bench = due(Gates { complete_until: at("2026-03-14T00:00:00Z"), ..Gates::OPEN });
    bench.tell("2026-03-15T00:00:00Z", Body::ReleaseRequested { resource: resource() });
    assert_eq!(bench.wakes_at(), Some(asked + PATIENCE));
    bench.wake(at(RELEASE));
    let gates = bench.whole.resources[&resource()].gates();
    let waits: Vec<_> = gates.map(|gated| (gated.by, gated.due_at)).collect();
    let both = [(Because::Freshness, asked), (Because::Freshness, at(RELEASE))];
    assert_eq!(waits, both, "whoever learns that either is over looks at it");
    bench.gates.complete_until = asked;
    bench.look(at(RELEASE) + TimeDelta::hours(1));
    assert_eq!((bench.phase(), bench.gated()), ("released", None));
}

#[test]
fn a_clock_that_is_not_trusted_stops_nobody_too_early() {
    let mut bench = Bench::new("tencent-cvm-prepaid", Some(EXPIRY));
    bench.gates = jumped();
    assert_eq!(held(&bench.wake(at(EXPIRY))), ["clock"]);
    assert_eq!(bench.phase(), "active");
    bench.gates = Gates::OPEN;
    bench.look(at(EXPIRY) + TimeDelta::minutes(1));
    assert_eq!(bench.phase(), "recycled");
}

#[test]
fn a_return_that_a_moratorium_holds_is_found_again_however_often_it_is_looked_at() {
    let mut moratoria = Moratoria::default();
    let hold = Hold {
        scope: HoldScope::All,
        reason: "flood".into(),
        since: at("2026-03-01T00:00:00Z"),
        until: None,
        key: EventKey { source: "/test".into(), id: "flood".into() },
    };
    moratoria.on(Target::Everything).place("flood".into(), hold);
    let mut bench = Bench::new("tencent-cvm-prepaid", Some(EXPIRY));
    bench.gates = Gates { moratoria: Some(Box::leak(Box::new(moratoria))), ..Gates::OPEN };
    bench.tell("2026-03-02T00:00:00Z", Body::ReturnRequested { resource: resource() });
    for minute in 1..3 {
        bench.look(at("2026-03-02T00:00:00Z") + TimeDelta::minutes(minute));
        assert_eq!(bench.gated().map(|(by, _)| by), Some(Because::Moratorium));
    }
    bench.gates = Gates::OPEN;
    bench.look(at("2026-03-02T01:00:00Z"));
    assert_eq!(bench.phase(), "recycled");
}
