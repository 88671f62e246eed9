//! The loop, in the relay to the broker: the test plays the broker and the worker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::clock::ManualClock;
use crate::dispatch::message::{Fault, Outcome, Publication, Publisher};
use crate::dispatch::publications::{Press, Publications};
use crate::dispatch::report::Report;
use crate::dispatch::retry::Patience;
use crate::store::counted::Counted;
use crate::store::memory::{MemoryDisk, MemoryStore};
use crate::store::{self, NewPublication, Store};

/// Longer than any test lives: whoever waits for it has missed a signal.
const IDLE_POLL: Duration = Duration::from_secs(3600);

/// A broker that confirms when the test says so.
#[derive(Default)]
struct Broker {
    /// What it was given and has not answered, in order.
    unconfirmed: Mutex<Vec<(String, oneshot::Sender<Outcome>)>>,
    /// Everything that it was ever given.
    given: Mutex<Vec<String>>,
}

impl Broker {
    fn unconfirmed(&self) -> Vec<String> {
        self.unconfirmed.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    fn given(&self) -> Vec<String> {
        self.given.lock().unwrap().clone()
    }

    /// Answers the one at this place.
    fn answer(&self, place: usize, outcome: Outcome) {
        let (_, answer) = self.unconfirmed.lock().unwrap().remove(place);
        answer.send(outcome).expect("the relay waits for it");
    }

    fn confirm(&self, place: usize) {
        self.answer(place, Outcome::Sent { receipt: "confirmed".to_owned() });
    }
}

impl Publisher for Broker {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BoxFuture<'a, Outcome> {
        let (answer, confirmed) = oneshot::channel();
        self.given.lock().unwrap().push(publication.id.clone());
        self.unconfirmed.lock().unwrap().push((publication.id.clone(), answer));
        Box::pin(async move { confirmed.await.expect("the broker lives as long as the test") })
    }

    fn name(&self) -> &'static str {
        "played"
    }
}

/// The relay, between a store and a broker that the test plays.
struct Stage {
    store: MemoryStore,
    broker: Arc<Broker>,
    in_flight: Arc<InFlight>,
    committed: Arc<Notify>,
    reports: mpsc::Receiver<Report>,
    shutdown: CancellationToken,
    asked: Arc<AtomicUsize>,
    relay: BoxFuture<'static, Result<(), DispatchError>>,
}

impl Stage {
    fn new(concurrency: usize, batch_rows_max: usize, reports_max: usize) -> Self {
        let store = MemoryStore::open(&MemoryDisk::default(), store::Limits::default()).unwrap();
        let (broker, asked) = (Arc::<Broker>::default(), Arc::<AtomicUsize>::default());
        let (reports_in, reports) = mpsc::channel(reports_max);
        let (in_flight, committed) = (Arc::<InFlight>::default(), Arc::<Notify>::default());
        let press = Press {
            clock: Arc::new(ManualClock::new(DateTime::UNIX_EPOCH)),
            publisher: Arc::clone(&broker) as Arc<dyn Publisher>,
            reports: reports_in,
            in_flight: Arc::clone(&in_flight),
            committed: Arc::clone(&committed),
            patience: Patience { retry_after: vec![Duration::from_secs(1)], attempts_max: 3 },
            limits: Limits {
                concurrency,
                batch_rows_max,
                idle_poll: IDLE_POLL,
                faults_are_fatal: false,
            },
        };
        let reader = Box::new(Counted::new(store.reader().unwrap(), Arc::clone(&asked)));
        let shutdown = CancellationToken::new();
        // The test polls it without ever giving way to a runtime that would give it a new budget.
        let relay = Publications { reader, press }.run(shutdown.clone());
        let relay = Box::pin(tokio::task::unconstrained(relay));
        Self { store, broker, in_flight, committed, reports, shutdown, asked, relay }
    }

    /// Decides so many messages for each of so many lanes, `lane.number`, and commits them.
    fn decide(&mut self, lanes: usize, each: usize) {
        let mut transaction = self.store.begin().unwrap();
        for number in 0..each {
            for lane in 0..lanes {
                let publication = Publication {
                    id: format!("{lane:03}.{number}"),
                    event_type: "t".to_owned(),
                    routing_key: "t.p".to_owned(),
                    body: Vec::new(),
                    mandatory: true,
                };
                let (lane, created_at) = (format!("{lane:03}"), DateTime::UNIX_EPOCH);
                transaction
                    .push_publication(&NewPublication { publication, lane, created_at })
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
        self.committed.notify_waiters();
    }

    /// Lets the relay go on until it waits for somebody. Whether it is over.
    async fn turn(&mut self) -> bool {
        std::future::poll_fn(|context| Poll::Ready(self.relay.as_mut().poll(context).is_ready()))
            .await
    }

    /// The worker: commits everything that was reported. How much that was.
    fn commit(&mut self) -> usize {
        let mut reports = Vec::new();
        while let Ok(report) = self.reports.try_recv() {
            reports.push(report);
        }
        let mut transaction = self.store.begin().unwrap();
        for report in &reports {
            let Report::Publication(report) = report else { panic!("of publications only") };
            assert!(transaction.finish_publication(&report.id).unwrap());
        }
        transaction.commit().unwrap();
        self.in_flight.settle(reports.iter().filter_map(Report::settles));
        self.committed.notify_waiters();
        reports.len()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn lane(id: &str) -> &str {
    id.split_once('.').expect("lane.number").0
}

#[tokio::test(start_paused = true)]
async fn a_lane_has_one_message_under_way_and_its_order_also_when_read_ahead() {
    let mut stage = Stage::new(4, 3, 100);
    stage.decide(5, 4);
    let mut durable = 0;
    for round in 0.. {
        assert!(!stage.turn().await);
        // What is confirmed and not yet committed holds its lane as well.
        let open = stage.broker.unconfirmed();
        let lanes: BTreeSet<_> = open.iter().map(|id| lane(id)).collect();
        assert_eq!(lanes.len(), open.len(), "{open:?}");
        match open.len() {
            0 if durable == 20 => break,
            0 => {}
            // Now the first, now the last.
            count => stage.broker.confirm(if round % 2 == 0 { 0 } else { count - 1 }),
        }
        if round % 3 == 2 {
            assert!(!stage.turn().await);
            durable += stage.commit();
        }
        assert!(round < 200, "it stands still: {:?}", stage.broker.given());
    }
    let mut by_lane: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in stage.broker.given() {
        by_lane.entry(lane(&id).to_owned()).or_default().push(id);
    }
    for (lane, given) in by_lane {
        let once_and_in_order: Vec<_> = (0..4).map(|number| format!("{lane}.{number}")).collect();
        assert_eq!(given, once_and_in_order);
    }
}

#[tokio::test(start_paused = true)]
async fn how_often_the_outbox_is_read_follows_the_batches_and_not_the_messages() {
    let mut reads = Vec::new();
    for (messages, concurrency, batch) in [(40, 4, 10), (400, 40, 100)] {
        let mut stage = Stage::new(concurrency, batch, messages + 1);
        stage.decide(messages, 1);
        for _ in 0..messages {
            assert!(!stage.turn().await);
            stage.broker.confirm(0);
        }
        assert!(!stage.turn().await);
        assert_eq!(stage.commit(), messages);
        assert!(!stage.turn().await);
        reads.push(stage.asked());
    }
    assert_eq!(reads[0], reads[1], "ten times the messages in as many batches");
    assert!(reads[0] <= 4 + 4, "{reads:?}");
}

#[tokio::test(start_paused = true)]
async fn a_look_brings_some_times_what_may_be_under_way_and_no_more() {
    let mut stage = Stage::new(2, 500, 100);
    stage.decide(100, 1);
    stage.turn().await;
    assert_eq!((stage.broker.unconfirmed().len(), stage.in_flight.len()), (2, 8));
}

#[tokio::test(start_paused = true)]
async fn no_more_is_in_hand_than_under_way_and_one_batch() {
    let mut stage = Stage::new(4, 10, 100);
    stage.decide(100, 1);
    stage.turn().await;
    assert_eq!((stage.broker.unconfirmed().len(), stage.in_flight.len()), (4, 10));
    for confirmed in 1..=30 {
        stage.broker.confirm(0);
        stage.turn().await;
        assert!(stage.in_flight.len() <= confirmed + 4 + 10, "{}", stage.in_flight.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_while_a_report_waits_is_no_lost_signal() {
    let started = monotonic();
    let mut stage = Stage::new(2, 10, 1);
    stage.decide(2, 1);
    stage.turn().await;
    stage.broker.confirm(0);
    stage.broker.confirm(0);
    // The second report finds no room: the relay waits in the middle of a round.
    stage.turn().await;
    stage.decide(3, 1);
    stage.reports.try_recv().expect("the first was reported");
    stage.turn().await;
    assert_eq!(stage.broker.given(), ["000.0", "001.0", "002.0"]);
    assert_eq!(monotonic(), started, "nobody had to wait for it");
}

#[tokio::test(start_paused = true)]
async fn a_broken_way_gives_back_what_was_read_ahead_and_one_message_is_the_probe() {
    let mut stage = Stage::new(4, 10, 100);
    stage.decide(20, 1);
    stage.turn().await;
    let broken = || Outcome::Failed {
        fault: Fault::Relay,
        reason: "no link".to_owned(),
        retry_after_secs: None,
    };
    for _ in 0..4 {
        stage.broker.answer(0, broken());
    }
    stage.turn().await;
    assert!(stage.in_flight.is_empty(), "all of it is in the outbox");
    assert_eq!(stage.broker.unconfirmed(), [""; 0], "it rests");
    for seconds in [1, 2] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        stage.turn().await;
        assert_eq!(stage.broker.unconfirmed(), ["000.0"], "the oldest is the probe");
        if seconds == 1 {
            stage.broker.answer(0, broken());
            stage.turn().await;
        }
    }
    stage.broker.confirm(0);
    stage.turn().await;
    assert_eq!(stage.broker.unconfirmed(), ["001.0", "002.0", "003.0", "004.0"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_under_way_and_sends_nothing_that_was_read_ahead() {
    let mut stage = Stage::new(2, 10, 100);
    stage.decide(10, 1);
    stage.turn().await;
    stage.shutdown.cancel();
    assert!(!stage.turn().await);
    stage.broker.confirm(0);
    assert!(!stage.turn().await, "the other is under way");
    stage.broker.confirm(0);
    assert!(stage.turn().await);
    assert_eq!(stage.broker.given(), ["000.0", "001.0"]);
    assert_eq!(stage.commit(), 2, "both are reported");
}
