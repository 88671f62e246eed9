//! What a notice says of a resource beyond dates: the sum of a return, what is lost and kept, what to look at, what is charged next.

use dunlin::engine::effect::NoticeItem;
use dunlin::engine::input::{Attachment, Body, Order, OrderKind, RenewMode};
use dunlin::engine::refund::{Payout, RefundMethod, Tenders};
use rust_decimal::Decimal;

use super::world::{
    Story, activated, at, balance, renewed, renewing, resource, shipped_story, story,
};

const PREPAID: &str = include_str!("../../../config/policies/recommended-prepaid.toml");
const ECS: &str = include_str!("../../../config/policies/alibaba-ecs-subscription.toml");
const START: &str = "2026-03-02T00:00:00Z";

fn ids(list: &[Attachment]) -> Vec<&str> {
    list.iter().filter_map(|one| one.id.as_deref()).collect()
}

/// Destroyed, kept, kept and may cost.
fn fate(item: &NoticeItem) -> [Vec<&str>; 3] {
    [&item.destroyed, &item.retained, &item.retained_billable].map(|list| ids(list))
}

/// Bought for a month: a hundred in cash, twenty-eight from the complimentary account.
fn bought() -> Body {
    let Body::ResourceActivated(mut activation) =
        activated("recommended-prepaid", Some("2026-04-01T00:00:00Z"))
    else {
        panic!("it is an activation");
    };
    activation.traits.hourly_price = Some(Decimal::new(5, 1));
    activation.orders = vec![Order {
        id: "order-1".into(),
        kind: OrderKind::New,
        cash: Decimal::from(100),
        revenue: Decimal::ZERO,
        complimentary: Decimal::from(28),
        vouchers: Decimal::ZERO,
        starts_at: at(START),
        term_days: 30,
    }];
    Body::ResourceActivated(activation)
}

#[test]
fn a_return_is_told_with_its_sum_and_how_it_is_paid() {
    let told = [
        (START, bought()),
        ("2026-03-03T00:00:00Z", Body::ReturnRequested { resource: resource() }),
    ];
    let refund = |text: &str| {
        let story = story(text, &told, "2026-03-04T00:00:00Z");
        story.of("returned")[0].items[0].refund.clone().expect("it was returned")
    };
    let whole = refund(PREPAID);
    assert_eq!((whole.method, whole.amount.amount), (RefundMethod::Unconditional, 128.into()));
    let tenders =
        Tenders { cash: 100.into(), revenue: Decimal::ZERO, complimentary: Decimal::from(28) };
    assert_eq!(whole.payout, Payout::Tenders(tenders));

    // A day was used, at half a yuan an hour.
    let rest = refund(&PREPAID.replace("unconditional = 1", "unconditional = 0"));
    assert_eq!((rest.method, rest.amount.amount), (RefundMethod::Ordinary, 116.into()));
    let valid_until = at("2028-03-03T00:00:00Z");
    assert_eq!(rest.payout, Payout::Voucher { valid_until });
}

#[test]
fn nothing_but_a_return_has_a_sum() {
    let told = [
        (START, bought()),
        ("2026-03-03T00:00:00Z", Body::ReturnRequested { resource: resource() }),
    ];
    let story = story(PREPAID, &told, "2026-03-20T00:00:00Z");
    let others: Vec<_> =
        story.notices.iter().filter(|one| one.kind.as_str() != "returned").collect();
    assert!(!others.is_empty() && others.iter().all(|one| one.items[0].refund.is_none()));
}

#[test]
fn a_release_is_warned_of_with_what_it_destroys_and_keeps() {
    let told = [(START, activated("recommended-prepaid", Some("2026-03-10T00:00:00Z")))];
    let story = story(PREPAID, &told, "2026-04-10T00:00:00Z");
    let warnings = story.of("release-warning");
    assert_eq!(warnings.len(), 3);
    for notice in warnings.into_iter().chain(story.of("reclaimed")) {
        assert_eq!(fate(&notice.items[0]), [vec!["d-1"], vec!["d-2"], vec!["eip-1"]]);
    }
    for kind in ["expiry-warning", "expired", "stopped"] {
        let item = &story.of(kind)[0].items[0];
        assert_eq!(fate(item), [(); 3].map(|()| Vec::<&str>::new()), "{kind}");
    }
}

#[test]
fn an_end_that_is_scheduled_is_told_with_what_it_will_destroy_and_keep() {
    let told = [
        (START, balance(100)),
        (START, activated("recommended-postpaid", None)),
        (
            "2026-03-03T00:00:00Z",
            Body::TerminationScheduled { resource: resource(), at: at("2026-03-10T00:00:00Z") },
        ),
    ];
    let story = shipped_story(&told, "2026-03-11T00:00:00Z");
    let scheduled = &story.of("termination-scheduled")[0].items[0];
    assert_eq!(fate(scheduled), [vec!["d-1"], vec!["d-2"], vec!["eip-1"]]);
    assert!(!scheduled.stops_billing, "nothing happened yet");
    let terminated = &story.of("terminated")[0].items[0];
    assert_eq!(fate(terminated), fate(scheduled));
    assert!(terminated.stops_billing);
}

const POSTPAID: &str = include_str!("../../../config/policies/recommended-postpaid.toml");

#[test]
fn a_schedule_is_not_mistaken_for_a_change_of_the_same_instant() {
    let day = "2026-03-05T00:00:00Z";
    let schedule =
        Body::TerminationScheduled { resource: resource(), at: at("2026-03-10T00:00:00Z") };
    let told = [
        (START, balance(100)),
        (START, activated("recommended-postpaid", None)),
        ("2026-03-03T00:00:00Z", balance(-1)),
        (day, schedule),
        (day, balance(100)),
    ];
    let story = story(POSTPAID, &told, "2026-03-06T00:00:00Z");
    assert_eq!(story.when("restored"), [day]);
    let scheduled = &story.of("termination-scheduled")[0].items[0];
    assert_eq!(fate(scheduled), [vec!["d-1"], vec!["d-2"], vec!["eip-1"]]);
}

#[test]
fn what_runs_on_a_balance_has_no_renewal_price() {
    let Body::ResourceActivated(mut activation) = activated("recommended-postpaid", None) else {
        panic!("it is an activation");
    };
    activation.traits.price = Some(128.into());
    let told = [
        (START, balance(100)),
        (START, Body::ResourceActivated(activation)),
        ("2026-03-03T00:00:00Z", balance(-1)),
    ];
    let story = story(POSTPAID, &told, "2026-03-30T00:00:00Z");
    assert!(
        story.notices.len() > 4 && story.notices.iter().all(|one| one.items[0].price.is_none())
    );
}

#[test]
fn what_a_customer_ended_was_not_detached_by_steps_that_it_never_took() {
    let stop = "actions = [\"shutdown\", \"stop_billing\"]\nnotice = \"stopped\"";
    assert!(POSTPAID.contains(stop));
    let text = POSTPAID.replace(stop, &format!("detach = [\"load_balancer\"]\n{stop}"));
    let mode = dunlin::engine::input::TerminationMode::Recycle;
    let told = [
        (START, balance(100)),
        (START, activated("recommended-postpaid", None)),
        ("2026-03-03T00:00:00Z", Body::TerminationRequested { resources: vec![resource()], mode }),
    ];
    let story = story(&text, &told, "2026-03-04T00:00:00Z");
    assert!(story.of("terminated")[0].items[0].detached.is_empty());
}

#[test]
fn only_what_a_change_does_to_billing_is_told() {
    let told = [(START, activated("recommended-prepaid", Some("2026-03-10T00:00:00Z")))];
    let story = story(PREPAID, &told, "2026-04-10T00:00:00Z");
    let of = |kind: &str| story.of(kind)[0].items[0].stops_billing;
    assert!(of("stopped"));
    assert!(!of("expired") && !of("release-warning") && !of("reclaimed"));
}

#[test]
fn what_to_look_at_is_told_once_it_works_again() {
    let back = "from = \"stopped\"\nto = \"active\"\nwhen = \"renewed\"\n";
    assert!(PREPAID.contains(back));
    let text = PREPAID.replace(back, &format!("{back}hints = [\"check_network_settings\"]\n"));
    let told = [
        (START, activated("recommended-prepaid", Some("2026-03-10T00:00:00Z"))),
        ("2026-03-12T00:00:00Z", renewed(1)),
    ];
    let story = story(&text, &told, "2026-03-13T00:00:00Z");
    for kind in ["restored", "renewed"] {
        assert_eq!(story.of(kind)[0].items[0].hints, ["check_network_settings"], "{kind}");
    }
    for kind in ["expired", "stopped"] {
        assert!(story.of(kind)[0].items[0].hints.is_empty(), "{kind}");
    }
}

/// A term of `ECS` that ends at 08:00 local on the 20th, with the answers to its charges: when, and of which attempt.
fn refused(text: &str, answers: &[(&'static str, u32)], until: &str) -> Story {
    let expiry = Some("2026-03-20T00:00:00Z");
    let mut told = vec![(START, renewing("alibaba-ecs-subscription", expiry, RenewMode::Auto))];
    told.extend(answers.iter().map(|(when, attempt)| {
        let charge = format!("ins-1:20260320T000000Z:{attempt}");
        (*when, Body::ChargeFailed { resource: resource(), charge, reason: None })
    }));
    story(text, &told, until)
}

/// Attempt, and when the next one is, of every `charge-failed`.
fn attempts(story: &Story) -> Vec<(Option<u32>, Option<String>)> {
    let items = story.of("charge-failed").into_iter().map(|notice| &notice.items[0]);
    let next =
        |item: &NoticeItem| item.next_attempt_at.map(|at| at.format("%Y-%m-%dT%H:%MZ").to_string());
    items.map(|item| (item.attempt, next(item))).collect()
}

#[test]
fn a_refused_charge_is_told_with_the_next_attempt_or_that_there_is_none() {
    let answers = [
        ("2026-03-17T01:00:00Z", 1),
        ("2026-03-19T01:00:00Z", 2),
        ("2026-03-20T01:00:00Z", 3),
        ("2026-03-26T01:00:00Z", 4),
        ("2026-04-03T01:00:00Z", 5),
    ];
    let next = |text: &str| Some(text.to_owned());
    assert_eq!(
        attempts(&refused(ECS, &answers, "2026-04-03T02:00:00Z")),
        [
            (Some(1), next("2026-03-19T00:00Z")),
            (Some(2), next("2026-03-20T00:00Z")),
            (Some(3), next("2026-03-26T00:00Z")),
            (Some(4), next("2026-04-03T00:00Z")),
            (Some(5), None),
        ]
    );
}

#[test]
fn an_attempt_without_an_answer_is_still_the_next_one() {
    let late = [("2026-03-19T01:00:00Z", 1)];
    let told = attempts(&refused(ECS, &late, "2026-03-19T02:00:00Z"));
    assert_eq!(told, [(Some(1), Some("2026-03-19T00:00Z".to_owned()))]);
}

#[test]
fn no_attempt_is_promised_for_a_phase_that_has_none() {
    let text =
        ECS.replace("phases = [\"active\", \"grace\"]\ntenders", "phases = [\"active\"]\ntenders");
    assert_ne!(text, ECS);
    let second = [("2026-03-19T01:00:00Z", 2)];
    let told = attempts(&refused(&text, &second, "2026-03-19T02:00:00Z"));
    assert_eq!(told, [(Some(2), None)], "the third is due with the end of the term");
}
