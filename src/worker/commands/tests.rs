//! Commands of operators on their way into the engine: with their answer or not at all, once, in order.

use super::super::tests::{Bench, POLICY, at, on_each_store};
use chrono::TimeDelta;

use crate::engine::gate::Because;
use crate::engine::input::HoldScope;
use crate::engine::moratorium;
use crate::order::{About, LiftHold, Order, PlaceHold, Target, TellAgain, Told};
use crate::store::{Command, CommandState, NewCommand};
use crate::worker::world::World;

impl Bench {
    pub(super) fn give(&mut self, order: &Order) -> i64 {
        let (kind, body) = order.written().unwrap();
        self.give_raw(&kind, &body)
    }

    fn give_raw(&mut self, kind: &str, body: &str) -> i64 {
        // Each later than the one before, as people type them.
        self.given += 1;
        let at = at(1) + TimeDelta::seconds(self.given);
        let mut tx = self.store.begin().unwrap();
        let id = tx.give_command(&NewCommand { at, by: "ann", kind, body }).unwrap();
        tx.commit().unwrap();
        id
    }

    /// One group takes what waits; in the commit, unless dunlin dies before it.
    pub(super) fn obey(&mut self, hours: i64, survives: bool) {
        let mut group = self.group();
        assert!(!group.obey(at(hours), 9).unwrap());
        group.flush().unwrap();
        while group.look_further(at(hours)).unwrap() {}
        if survives && let Some(moratoria) = group.commit().unwrap().moratoria {
            self.world.keep(moratoria);
        }
    }

    pub(super) fn command(&self, id: i64) -> Command {
        self.store.reader().unwrap().command(id).unwrap().unwrap()
    }
}

fn place(target: Target) -> Order {
    Order::PlaceHold(PlaceHold {
        target,
        id: Some("h".into()),
        reason: "a dispute".into(),
        scope: HoldScope::Release,
        until: None,
    })
}

fn ins() -> Target {
    Target::Resource("acc".into(), "ins".into())
}

#[test]
fn a_command_and_its_answer_are_durable_together_or_not_at_all() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let id = bench.give(&place(ins()));
        bench.obey(2, false);
        assert_eq!(bench.command(id).state, CommandState::Waiting);
        assert_eq!(bench.resource().holds.in_force(at(2)).count(), 0);
        // It died with it. The next one takes it.
        bench.obey(3, true);
        assert_eq!(bench.command(id).state, CommandState::Done);
        assert_eq!(bench.resource().holds.in_force(at(3)).count(), 1);
        let decisions = bench.decisions();
        bench.obey(4, true);
        assert_eq!(bench.decisions(), decisions, "once");
        assert_eq!(bench.command(id).done_at, Some(at(3)));
    });
}

#[test]
fn commands_are_taken_in_the_order_in_which_they_were_given() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        bench.give(&place(Target::Account("acc".into())));
        let lift = |target, id: Option<&str>| {
            let id = id.map(str::to_owned);
            Order::LiftHold(LiftHold { target, id, reason: "over".into() })
        };
        let elsewhere = bench.give(&lift(ins(), None));
        let other = bench.give(&lift(Target::Account("acc".into()), Some("other")));
        bench.obey(2, true);
        assert_eq!(bench.command(elsewhere).state, CommandState::Refused, "nothing holds it");
        let answer = bench.command(other).answer.unwrap();
        assert_eq!(answer, "no hold other is in force there; there is h");
        let right = bench.give(&lift(Target::Account("acc".into()), Some("h")));
        bench.obey(3, true);
        assert_eq!(bench.command(right).state, CommandState::Done);
        let account = bench.store.reader().unwrap().account(&"acc".into()).unwrap().unwrap();
        assert_eq!(account.value.holds.in_force(at(3)).count(), 0);
    });
}

#[test]
fn what_cannot_be_carried_out_is_refused_and_changes_nothing() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let before = (bench.resource(), bench.decisions());
        let elsewhere = [
            place(Target::Resource("acc".into(), "other".into())),
            place(Target::Resource("other".into(), "ins".into())),
            place(Target::Account("other".into())),
        ];
        let mut ids = elsewhere.map(|order| bench.give(&order)).to_vec();
        ids.push(bench.give_raw("hold.forget", "{}"));
        ids.push(bench.give_raw("hold.place", "not JSON"));
        let last = bench.give(&place(ins()));
        bench.obey(2, false);
        assert_eq!((bench.resource(), bench.decisions()), before);
        bench.obey(2, true);
        for id in ids {
            let refused = bench.command(id);
            assert_eq!(refused.state, CommandState::Refused, "{refused:?}");
        }
        assert_eq!(
            bench.command(last).state,
            CommandState::Done,
            "the others do not suffer for it"
        );
        let account = bench.store.reader().unwrap().account(&"other".into()).unwrap();
        assert!(account.is_none(), "nobody is made up");
    });
}

#[test]
fn a_moratorium_is_durable_with_its_answer_outlives_a_restart_and_lets_go_when_it_is_lifted() {
    on_each_store(|store| {
        let text = POLICY.replace("proof = { notices = [\"stopped\"], lead = \"1d\" }\n", "");
        let mut bench = Bench::stopped(store, &text);
        let everything = || Target::Moratorium(moratorium::Target::Everything);
        let id = bench.give(&place(everything()));
        bench.obey(2, false);
        assert_eq!(bench.command(id).state, CommandState::Waiting);
        bench.obey(2, true);
        assert_eq!(bench.command(id).state, CommandState::Done);
        bench.world = World::of_replay(bench.store.reader().unwrap().as_ref()).unwrap();
        bench.wake(at(48));
        let held = bench.resource().held.map(|held| held.because);
        assert_eq!(held, Some(Because::Moratorium));
        let lift = LiftHold { target: everything(), id: None, reason: "over".into() };
        let lift = bench.give(&Order::LiftHold(lift));
        bench.obey(50, true);
        assert_eq!(bench.command(lift).state, CommandState::Done);
        assert_eq!(bench.resource().phase.as_str(), "released", "in the commit that lifted it");
    });
}

#[test]
fn an_approval_and_what_it_lets_go_are_durable_with_its_answer_or_not_at_all() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        bench.wake(at(48));
        let about =
            || About { account: "acc".into(), resource: "ins".into(), reason: "phoned".into() };
        let id = bench.give(&Order::ApproveRelease(about()));
        bench.obey(49, false);
        assert_eq!(bench.command(id).state, CommandState::Waiting);
        assert_eq!(bench.resource().phase.as_str(), "stopped");
        let decisions = bench.decisions();
        bench.obey(50, true);
        assert_eq!(bench.command(id).state, CommandState::Done);
        assert_eq!(bench.resource().phase.as_str(), "released");
        assert_eq!(bench.decisions(), decisions + 1, "on record");
        let again = bench.give(&Order::ApproveRelease(about()));
        bench.obey(51, true);
        assert_eq!(bench.command(again).state, CommandState::Refused);
    });
}

#[test]
fn what_is_told_again_is_a_new_notice_to_everybody() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let first = bench.waiting();
        let resend = |notice| Order::TellAgain(TellAgain { notice, reason: "lost".into() });
        let by_kind = Told::Last("acc".into(), "ins".into(), "stopped".into());
        let ids = [
            bench.give(&resend(Told::Id(first[0].notice_id.clone()))),
            bench.give(&resend(by_kind)),
            bench.give(&resend(Told::Id("never".into()))),
        ];
        bench.obey(2, true);
        let states = ids.map(|id| bench.command(id).state);
        let (done, refused) = (CommandState::Done, CommandState::Refused);
        assert_eq!(states, [done, done, refused]);
        let notices: std::collections::BTreeSet<_> =
            bench.waiting().into_iter().map(|delivery| delivery.notice_id).collect();
        assert_eq!((notices.len(), bench.waiting().len()), (3, 3 * first.len()));
    });
}
