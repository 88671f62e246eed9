//! A text to a gateway that cannot tell a repeat goes out at most once, whenever dunlin dies (SAFE-2).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod life;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dunlin::dispatch::message::{Fault, Outcome};
use dunlin::store::AttemptOutcome::{Failed, Sent, Unknown};
use dunlin::store::{AttemptOutcome, DeliveryState, PublicationRow, Read};
use serde_json::Value;

use life::{Answer, Gateway, RETRY_SECONDS, World};

fn failed(fault: Fault) -> Answer {
    Answer::Is(Outcome::Failed { fault, reason: "no".to_owned(), retry_after_secs: None })
}

fn states(reader: &dyn Read) -> Vec<DeliveryState> {
    reader.deliveries("n1").unwrap().into_iter().map(|row| row.state).collect()
}

fn all_are(reader: &dyn Read, outcome: AttemptOutcome) -> bool {
    states(reader).into_iter().all(|state| state == DeliveryState::Final(outcome))
}

fn receipts(reader: &dyn Read, text: &str) -> Vec<(AttemptOutcome, String)> {
    let rows = reader.receipts(text).unwrap();
    rows.into_iter().map(|row| (row.outcome, row.receipt)).collect()
}

/// What dunlin publishes first about texts: type and reason.
fn published(reader: &dyn Read) -> Vec<(String, String)> {
    let later = "2100-01-01T00:00:00Z".parse().unwrap();
    let rows = reader.ready_publications(later, 99, &HashSet::new()).unwrap();
    let told = |row: PublicationRow| {
        let event: Value = serde_json::from_slice(&row.publication.body).unwrap();
        let reason = event["data"]["reason"].as_str().unwrap_or_default().to_owned();
        (row.publication.event_type, reason)
    };
    rows.into_iter().map(told).collect()
}

#[tokio::test(start_paused = true)]
async fn a_text_is_handed_over_only_once_it_is_on_record_that_it_will_be() {
    let world = World::with_texts(3);
    let gateway = Arc::new(Gateway::new(false, []));
    world.live_until(&gateway, "all are sent", |reader| all_are(reader, Sent)).await;
    assert!(gateway.marks().iter().all(Option::is_some), "{:?}", gateway.marks());
    let reader = world.reader();
    assert!(reader.deliveries("n1").unwrap().iter().all(|row| row.begun_at.is_none()));
    assert_eq!(receipts(reader.as_ref(), "t1"), [(Sent, "taken".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_text_over_which_dunlin_died_is_unknown_and_never_sent_again() {
    // Neither by the same gateway nor by another that could tell a repeat: it never saw the first copy.
    for can_tell_repeats in [false, true] {
        let world = World::with_texts(1);
        let first = Arc::new(Gateway::new(false, [Answer::Never]));
        world.live_until(&first, "it is handed over", |_| !first.handed().is_empty()).await;
        let next = Arc::new(Gateway::new(can_tell_repeats, []));
        for _ in 0..2 {
            world.live_until(&next, "it is given up", |reader| all_are(reader, Unknown)).await;
        }
        assert_eq!(next.handed(), [""; 0]);
        let reader = world.reader();
        let stopped = "dunlin stopped while this was being sent";
        assert_eq!(receipts(reader.as_ref(), "t1"), [(Unknown, stopped.to_owned())]);
        let reason = format!("nobody can tell whether it arrived: {stopped}");
        assert_eq!(published(reader.as_ref()), [("lifecycle.notice.failed".to_owned(), reason)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_when_dunlin_died_is_sent_by_the_next_start() {
    let world = World::with_texts(12);
    let first = Arc::new(Gateway::new(false, (0..8).map(|_| Answer::Never)));
    world.live_until(&first, "eight are handed over", |_| first.handed().len() == 8).await;
    let next = Arc::new(Gateway::new(false, []));
    let all_over = |reader: &dyn Read| reader.backlog().unwrap().deliveries == 0;
    world.live_until(&next, "the rest is over", all_over).await;
    let all: Vec<String> = [first.handed(), next.handed()].concat();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (12, 12), "{all:?}");
    let unknown = DeliveryState::Final(Unknown);
    let reader = world.reader();
    assert_eq!(states(reader.as_ref()).iter().filter(|state| **state == unknown).count(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_can_tell_repeats_needs_no_mark_and_is_asked_again() {
    let world = World::with_texts(1);
    let first = Arc::new(Gateway::new(true, [Answer::Never]));
    world.live_until(&first, "it is handed over", |_| !first.handed().is_empty()).await;
    let next = Arc::new(Gateway::new(true, []));
    world.live_until(&next, "it is sent", |reader| all_are(reader, Sent)).await;
    assert_eq!([first.handed(), next.handed()].concat(), ["t1", "t1"]);
    assert_eq!([first.marks(), next.marks()].concat(), [None, None]);
}

#[tokio::test(start_paused = true)]
async fn a_known_failure_ends_the_attempt_and_the_next_one_begins_anew() {
    let world = World::with_texts(1);
    let answers = [failed(Fault::RecipientTransient), Answer::Never];
    let gateway = Arc::new(Gateway::new(false, answers));
    world.live_until(&gateway, "it is tried twice", |_| gateway.handed().len() == 2).await;
    let [Some(first), Some(second)] = gateway.marks()[..] else {
        panic!("both are on record: {:?}", gateway.marks());
    };
    assert!((second - first).num_seconds() >= RETRY_SECONDS, "{first} {second}");
    let next = Arc::new(Gateway::new(false, []));
    world.live_until(&next, "it is given up", |reader| all_are(reader, Unknown)).await;
    assert_eq!(next.handed(), [""; 0]);
    let outcomes: Vec<_> =
        world.reader().receipts("t1").unwrap().iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [Failed, Unknown]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_the_gateway_is_broken_costs_no_text() {
    let world = World::with_texts(3);
    let gateway = Arc::new(Gateway::new(false, (0..99).map(|_| failed(Fault::Relay))));
    let none_is_begun = |reader: &dyn Read| {
        let rows = reader.deliveries("n1").unwrap();
        gateway.handed().len() >= 5 && rows.iter().all(|row| row.begun_at.is_none())
    };
    world.live_until(&gateway, "what was not sent is taken back", none_is_begun).await;
    let next = Arc::new(Gateway::new(false, []));
    world.live_until(&next, "all are sent", |reader| all_are(reader, Sent)).await;
    assert_eq!(next.handed().len(), 3);
    assert_eq!(receipts(world.reader().as_ref(), "t1"), [(Sent, "taken".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn texts_that_begin_together_share_a_commit() {
    let world = World::with_texts(8);
    let gateway = Arc::new(Gateway::new(false, (0..8).map(|_| Answer::Never)));
    world.live_until(&gateway, "all are handed over", |_| gateway.handed().len() == 8).await;
    let commits = world.commits.load(Ordering::Relaxed);
    assert!(commits < 8, "not one for each: {commits}");
}
