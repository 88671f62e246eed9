//! Commands of operators on their way into the engine: with their answer or not at all, once, in order.

use super::super::tests::{Bench, POLICY, at, on_each_store};
use crate::engine::input::HoldScope;
use crate::order::{LiftHold, Order, PlaceHold, Target};
use crate::store::{Command, CommandState, NewCommand};

impl Bench {
    pub(super) fn give(&mut self, order: &Order) -> i64 {
        let (kind, body) = order.written().unwrap();
        self.give_raw(&kind, &body)
    }

    fn give_raw(&mut self, kind: &str, body: &str) -> i64 {
        let mut tx = self.store.begin().unwrap();
        let id = tx.give_command(&NewCommand { at: at(1), by: "ann", kind, body }).unwrap();
        tx.commit().unwrap();
        id
    }

    /// One group takes what waits; in the commit, unless dunlin dies before it.
    pub(super) fn obey(&mut self, hours: i64, survives: bool) {
        let mut group = self.group();
        assert!(!group.obey(at(hours), 9).unwrap());
        if survives {
            group.commit().unwrap();
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
        let lift = LiftHold { target: ins(), id: None, reason: "over".into() };
        let lift = bench.give(&Order::LiftHold(lift));
        bench.obey(2, true);
        assert_eq!(bench.command(lift).state, CommandState::Done);
        let account = bench.store.reader().unwrap().account(&"acc".into()).unwrap().unwrap();
        assert_eq!(account.value.holds.in_force(at(2)).count(), 1, "another target");
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
