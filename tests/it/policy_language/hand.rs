//! The operator's hand: each act supplies what one rule lacks, is answered, is on record with who and why, and reaches no further.

use dunlin::engine::act::{Act, What};
use dunlin::engine::decision::Input;
use dunlin::engine::id::EventKey;
use dunlin::engine::input::{Body, Event, Flag, HoldScope, Order, OrderKind};
use dunlin::engine::moratorium::Target;
use dunlin::policy::Policies;

use super::life::Life;
use super::proof::{DUE, LATER, POLICY};
use super::world::{activated, at, renewed, resource, story};

const HELD: &str = "2026-03-17T00:00:00Z held released: proof";

impl Life {
    pub(super) fn act(&mut self, time: &str, what: What) -> Result<String, String> {
        self.live(time);
        let key = EventKey { source: "/dunlin/commands".into(), id: "7".into() };
        let act = Act { key, by: "ann".into(), reason: "ticket 4711".into(), what };
        let decided = |life: &Self| {
            let resource = &life.whole.resources[&resource()];
            (resource.hand.clone(), resource.promised.clone(), life.story.notices.len())
        };
        let before = decided(self);
        let input = Input { acts: &[act], ..Input::default() };
        let answer = self.conclude(at(time), input).remove(0);
        if answer.is_err() {
            assert_eq!(before, decided(self), "refused: {answer:?}");
        }
        answer
    }

    fn approve(&mut self, time: &str) -> Result<String, String> {
        self.act(time, What::ApproveRelease(resource()))
    }

    fn extend(&mut self, time: &str, until: &str) -> Result<String, String> {
        self.act(time, What::Extend(resource(), at(until)))
    }

    /// The `number`th notice of a kind is told again, counted from 1.
    fn resend(&mut self, time: &str, kind: &str, number: usize) -> Result<String, String> {
        self.live(time);
        let notice = self.story.of(kind)[number - 1].clone();
        self.act(time, What::TellAgain(notice))
    }

    fn hold(&mut self, time: &str, scope: HoldScope) {
        let hold = Some("h".to_owned());
        let reason = "a dispute".to_owned();
        let body =
            Body::HoldPlaced { resource: Some(resource()), hold, reason, scope, until: None };
        self.tell(time, body);
    }

    fn moratorium(&mut self, time: &str, body: Body) {
        let key = EventKey { source: "/test".into(), id: time.into() };
        let event = Event { key, time: at(time), account: "".into(), body };
        assert!(self.moratoria.take(&event).is_some());
        self.conclude(at(time), Input { gates_moved: true, ..Input::default() });
    }

    fn is_on_record(&self, rule: &str, said: &str) -> bool {
        let signed = |said: &str| said.contains("by ann") && said.contains("ticket 4711");
        let mut of_rule = self.reasons.iter().filter(|reason| reason.rule == rule);
        of_rule.any(|reason| {
            let words = reason.because.clone() + reason.said.as_deref().unwrap_or_default();
            signed(&words) && words.contains(said)
        })
    }
}

fn said(life: &mut Life, from: &str) -> Vec<String> {
    life.lines(from, LATER).into_iter().map(str::to_owned).collect()
}

#[test]
fn an_approved_release_goes_on_though_nobody_was_told() {
    let mut life = Life::of(POLICY);
    life.approve("2026-03-20T00:00:00Z").expect("it is held for proof alone");
    assert_eq!(said(&mut life, DUE), [HELD, "2026-03-20T00:00:00Z stopped -> released"]);
    assert!(life.is_on_record("SAFE-4", "released is approved without proof"));
}

#[test]
fn a_release_is_approved_only_while_it_is_held_for_proof() {
    let mut life = Life::of(POLICY);
    for early in ["2026-03-05T00:00:00Z", "2026-03-16T23:59:59Z"] {
        assert!(life.approve(early).unwrap_err().contains("no release of ins-1 is due"), "{early}");
    }
    life.live("2026-03-18T00:00:00Z");
    life.accept("2026-03-18T00:00:00Z", "warning", 1);
    let told = life.approve("2026-03-18T01:00:00Z").unwrap_err();
    assert!(told.contains("somebody was told"), "{told}");
    assert_eq!(life.lines(DUE, LATER).last(), Some(&"2026-03-18T20:00:00Z stopped -> released"));
    let over = life.approve("2026-06-02T00:00:00Z").unwrap_err();
    assert!(over.contains("final"), "{over}");
}

#[test]
fn an_approval_overrides_no_hold_and_no_moratorium() {
    let mut life = Life::of(POLICY);
    life.hold("2026-03-12T00:00:00Z", HoldScope::Release);
    let refused = life.approve("2026-03-20T00:00:00Z").unwrap_err();
    assert!(refused.contains("held by a hold"), "{refused}");
    let lifted = Body::HoldLifted { resource: Some(resource()), hold: None };
    life.tell("2026-03-21T00:00:00Z", lifted);
    // Approved, and held again in the same instant before it could go.
    let placed = Body::MoratoriumPlaced {
        target: Target::Everything,
        moratorium: None,
        reason: "a flood".into(),
        scope: HoldScope::Release,
        until: None,
    };
    life.moratorium("2026-03-21T00:00:01Z", placed);
    let refused = life.approve("2026-03-22T00:00:00Z").unwrap_err();
    assert!(refused.contains("held by a moratorium"), "{refused}");
    assert!(!said(&mut life, DUE).iter().any(|line| line.contains("->")));
}

#[test]
fn an_approval_ends_with_its_episode() {
    // What notices named while proof was missing still binds: approved, it waits for that date.
    let mut life = Life::of(POLICY);
    life.resend("2026-03-17T00:00:01Z", "warning", 1).expect("it is still true");
    life.approve("2026-03-17T00:00:02Z").expect("nobody was told yet");
    let renewal = "2026-03-17T01:00:00Z";
    life.tell(renewal, renewed(1));
    life.live(LATER);
    let hand = &life.whole.resources[&resource()].hand;
    assert!(hand.approved.is_empty());
    let next = said(&mut life, renewal);
    assert!(next.iter().any(|line| line.ends_with("held released: proof")), "{next:?}");
    assert!(!next.iter().any(|line| line.ends_with("-> released")), "{next:?}");
}

#[test]
fn what_was_put_off_does_not_come_before_that_and_notices_name_the_new_date() {
    let mut life = Life::of(POLICY);
    life.extend("2026-03-12T00:00:00Z", "2026-03-25T00:00:00Z").expect("later than the 17th");
    life.live("2026-03-22T00:00:01Z");
    assert_eq!(life.named("warning"), at("2026-03-25T00:00:00Z"));
    life.accept("2026-03-22T00:00:02Z", "warning", 1);
    let expected = [
        "2026-03-22T00:00:00Z warning",
        "2026-03-24T00:00:00Z warning",
        "2026-03-25T00:00:00Z stopped -> released",
    ];
    assert_eq!(said(&mut life, "2026-03-12T00:00:01Z"), expected);
    assert!(life.is_on_record("SAFE-9", "released does not come before 2026-03-25T00:00:00Z"));
}

#[test]
fn putting_off_shortens_nothing_and_the_later_date_wins() {
    let mut life = Life::of(POLICY);
    let (first, second) = ("2026-03-25T00:00:00Z", "2026-03-20T00:00:00Z");
    life.extend("2026-03-12T00:00:00Z", first).expect("later");
    let shorter = life.extend("2026-03-12T01:00:00Z", second).unwrap_err();
    assert!(shorter.contains("nothing is shortened"), "{shorter}");
    let past = life.extend("2026-03-12T02:00:00Z", "2026-03-12T01:00:00Z").unwrap_err();
    assert!(past.contains("past"), "{past}");
    life.extend("2026-03-12T03:00:00Z", "2026-03-28T00:00:00Z").expect("later still");
    life.live("2026-03-25T00:00:01Z");
    life.accept("2026-03-25T00:00:02Z", "warning", 1);
    assert_eq!(life.lines(first, LATER).last(), Some(&"2026-03-28T00:00:00Z stopped -> released"));
}

#[test]
fn the_first_step_that_takes_something_away_is_put_off_and_none_before_it_is_due() {
    let mut life = Life::of(POLICY);
    life.extend("2026-03-05T00:00:00Z", "2026-03-13T00:00:00Z").expect("later than E");
    assert_eq!(
        said(&mut life, "2026-03-01T00:00:00Z")[0],
        "2026-03-13T00:00:00Z active -> stopped"
    );
}

#[test]
fn what_was_told_is_told_again_as_it_is_now_and_counts_as_proof() {
    let mut life = Life::of(POLICY);
    life.tell("2026-03-16T12:00:00Z", Body::AccountUpdated(moved()));
    life.resend("2026-03-18T00:00:00Z", "warning", 2).expect("it is still true");
    let again = life.story.of("warning").last().copied().expect("told again").clone();
    assert_eq!(again.at, at("2026-03-18T00:00:00Z"));
    assert_eq!(again.contacts[0].email.as_deref(), Some("bo@example.com"), "the contacts of now");
    assert_eq!(life.named("warning"), at("2026-03-18T20:00:00Z"), "a date that can be kept");
    assert!(life.is_on_record("SAFE-4", "warning of 2026-03-16T00:00:00Z is told again"));
    let number = life.story.of("warning").len();
    life.accept("2026-03-18T00:00:05Z", "warning", number);
    let last = life.lines(DUE, LATER).last().map(|line| (*line).to_owned());
    assert_eq!(last.as_deref(), Some("2026-03-18T20:00:05Z stopped -> released"));
}

fn moved() -> dunlin::engine::input::Profile {
    let mut profile = super::world::profile();
    profile.contacts[0].email = Some("bo@example.com".into());
    profile
}

#[test]
fn what_is_not_true_any_more_is_not_told_again() {
    let mut life = Life::of(POLICY);
    life.live("2026-03-14T00:00:01Z");
    life.tell("2026-03-15T00:00:00Z", renewed(1));
    let over = life.resend("2026-03-15T01:00:00Z", "warning", 1).unwrap_err();
    assert!(over.contains("the trouble is over"), "{over}");
    let mut life = Life::of(POLICY);
    life.approve("2026-03-18T00:00:00Z").expect("it is held for proof alone");
    let released = life.resend("2026-03-19T00:00:00Z", "warning", 1).unwrap_err();
    assert!(released.contains("final"), "{released}");
}

#[test]
fn a_suspicious_return_is_let_through_and_the_other_rules_answer_it() {
    let start = "2026-03-01T00:00:00Z";
    let bought = |flag: Flag| {
        let Body::ResourceActivated(mut body) =
            activated("tencent-cvm-prepaid", Some("2026-04-01T00:00:00Z"))
        else {
            panic!()
        };
        body.traits.flags = vec![flag];
        body.purchased_at = Some(at(start));
        body.orders = vec![Order {
            id: "o".into(),
            kind: OrderKind::New,
            cash: 100.into(),
            revenue: 0.into(),
            complimentary: 0.into(),
            vouchers: 0.into(),
            starts_at: at(start),
            term_days: 31,
        }];
        let mut life = Life::under(Policies::shipped().set);
        life.tell(start, Body::ResourceActivated(body));
        life
    };
    let ask = || Body::ReturnRequested { resource: resource() };
    let mut life = bought(Flag::Suspicious);
    life.tell("2026-03-02T00:00:00Z", ask());
    life.act("2026-03-02T01:00:00Z", What::AllowReturn(resource())).expect("it was suspicious");
    life.tell("2026-03-02T02:00:00Z", ask());
    let lines = said(&mut life, "2026-03-02T00:00:00Z");
    assert_eq!(lines[0], "2026-03-02T00:00:00Z rejected Suspicious");
    assert_eq!(lines[1], "2026-03-02T02:00:00Z active -> recycled");
    assert!(life.is_on_record("RET-5", "not refused as suspicious"));
    assert_eq!(life.whole.resources[&resource()].hand.return_allowed, None, "once");
    // Too old it stays.
    let mut life = bought(Flag::Suspicious);
    life.act("2026-03-02T01:00:00Z", What::AllowReturn(resource())).expect("it is suspicious");
    life.tell("2026-03-20T00:00:00Z", ask());
    assert_eq!(life.lines("2026-03-20T00:00:00Z", "2026-03-20T00:00:01Z").len(), 1);
    assert!(life.story.lines.last().is_some_and(|line| line.ends_with("rejected TooOld")));
    let mut life = bought(Flag::ConvertedFromPostpaid);
    let other = life.act("2026-03-02T01:00:00Z", What::AllowReturn(resource())).unwrap_err();
    assert!(other.contains("suspicious"), "{other}");
}

#[test]
fn a_moratorium_holds_what_it_covers_names_itself_on_record_and_lets_go_when_it_is_lifted() {
    let placed = |target, until: Option<&str>| Body::MoratoriumPlaced {
        target,
        moratorium: Some("m".into()),
        reason: "a flood".into(),
        scope: HoldScope::All,
        until: until.map(at),
    };
    let early = "2026-03-05T00:00:00Z";
    let mut life = Life::of(POLICY);
    life.live(early);
    life.moratorium(early, placed(Target::Policy("own".into()), None));
    life.live("2026-03-20T00:00:00Z");
    let names = |one: &&dunlin::engine::decision::Reason| {
        one.rule == "SAFE-7"
            && one.because == "moratorium m on policy own"
            && one.said.as_deref() == Some(": a flood")
    };
    assert_eq!(life.reasons.iter().filter(names).count(), 1, "once");
    let lifted = Body::MoratoriumLifted { target: Target::Policy("own".into()), moratorium: None };
    life.moratorium("2026-03-20T00:00:00Z", lifted);
    let lines = said(&mut life, early);
    assert_eq!(lines[0], "2026-03-10T00:00:00Z held stopped: moratorium");
    assert_eq!(lines[1], "2026-03-20T00:00:00Z active -> stopped");
    // At its end it lets go by itself; one for others holds nothing.
    let mut life = Life::of(POLICY);
    life.live(early);
    life.moratorium(early, placed(Target::Region("south".into()), None));
    life.moratorium(early, placed(Target::Everything, Some("2026-03-11T00:00:00Z")));
    assert_eq!(said(&mut life, early)[1], "2026-03-11T00:00:00Z active -> stopped");
}

#[test]
fn simulate_heeds_a_moratorium_among_its_events() {
    let target = || Target::Policy("own".into());
    let placed = Body::MoratoriumPlaced {
        target: target(),
        moratorium: None,
        reason: "a flood".into(),
        scope: HoldScope::All,
        until: None,
    };
    let lifted = Body::MoratoriumLifted { target: target(), moratorium: None };
    let told = [
        ("2026-03-01T00:00:00Z", activated("own", Some("2026-03-10T00:00:00Z"))),
        ("2026-03-05T00:00:00Z", placed),
        ("2026-03-12T00:00:00Z", lifted),
    ];
    let story = story(POLICY, &told, "2026-03-13T00:00:00Z");
    let held = "2026-03-10T00:00:00Z held stopped: moratorium";
    assert_eq!(story.lines[..2], [held, "2026-03-12T00:00:00Z active -> stopped"]);
}

#[test]
fn a_hold_by_order_is_on_record_with_who_and_why() {
    let mut life = Life::of(POLICY);
    let body = Body::HoldPlaced {
        resource: Some(resource()),
        hold: Some("pause".into()),
        reason: "ticket 4711".into(),
        scope: HoldScope::All,
        until: None,
    };
    let key = EventKey { source: "/dunlin/commands".into(), id: "7".into() };
    let time = "2026-03-05T00:00:00Z";
    let event = Event { key, time: at(time), account: "acc".into(), body };
    life.act(time, What::Fact(event)).expect("it is known");
    assert!(life.is_on_record("SAFE-7", "order"));
    // Notices go on.
    let lines = said(&mut life, time);
    assert_eq!(lines, ["2026-03-10T00:00:00Z held stopped: hold"]);
}
