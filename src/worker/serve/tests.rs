//! The loop beside a world outside that the test plays: sources that are silent, queues that are long, a clock that jumps (SAFE-5,
//! SAFE-11), and who may say what.
//!
//! Time is tokio's, paused: it goes on by itself when all wait. The wall clock follows it, until a test sets it.

use std::sync::Mutex;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::sources::{Freshness, Proof, Rules, Sources};
use super::*;
use crate::engine::resource::Resource;
use crate::intake::{Pen, marks};
use crate::store::Limits;
use crate::store::memory::{MemoryDisk, MemoryStore};

/// Stopped at E, released a minute later.
const POLICY: &str = include_str!("own.toml");

/// Seconds after the beginning at which the term of every resource ends, and at which its release is due.
const EXPIRY: i64 = 100;
const RELEASE: i64 = 160;

/// More simulated time than any play takes.
const IN_VAIN: Duration = Duration::from_secs(3600);

fn beginning() -> DateTime<Utc> {
    "2026-03-10T00:00:00Z".parse().unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    beginning() + TimeDelta::seconds(seconds)
}

/// A wall clock that goes with tokio's time, and can be set.
struct WallClock {
    started: Instant,
    set: Mutex<TimeDelta>,
}

impl Clock for WallClock {
    fn now(&self) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(self.started.elapsed()).unwrap();
        beginning() + passed + *self.set.lock().unwrap()
    }
}

/// What plays with the worker.
struct Play {
    clock: Arc<WallClock>,
    store: Box<dyn Reader>,
    deliveries: Option<mpsc::Sender<Delivery>>,
    /// Dispatch, which has nothing to say.
    _reports: mpsc::Sender<Report>,
    acks: mpsc::Receiver<Tag>,
    pen: Pen,
    health: watch::Receiver<WorkerHealth>,
    /// Tells the events of one run from those of another.
    run: i64,
    made: u64,
    sent: u64,
}

/// A worker on this disk, which begins so many seconds after the beginning.
fn worker(disk: &MemoryDisk, freshness: Freshness, seconds: i64, queues: usize) -> (Serve, Play) {
    let mut policies = PolicySet::default();
    policies.insert(crate::policy::parse("own.toml", POLICY).unwrap().0);
    let store = MemoryStore::open(disk, Limits::default()).unwrap();
    let reader = store.reader().unwrap();
    let set = Mutex::new(TimeDelta::seconds(seconds));
    let clock = Arc::new(WallClock { started: monotonic(), set });
    let (to_worker, deliveries) = mpsc::channel(64);
    let (to_reports, reports) = mpsc::channel(1);
    let (acks, acked) = mpsc::channel(64);
    let (health, seen) = watch::channel(WorkerHealth::default());
    let (marks, pen) = marks(queues);
    pen.session.send_replace(Some(1));
    let ports = Ports {
        deliveries,
        reports,
        acks,
        marks: Some(marks),
        in_flight: Arc::default(),
        committed: Arc::default(),
        health,
    };
    let settings = Settings { group_max: 3, freshness, ..Settings::default() };
    let serve =
        Serve::new(Box::new(store), Arc::new(policies), settings, clock.clone(), ports, None)
            .unwrap();
    let play = Play {
        clock,
        store: reader,
        deliveries: Some(to_worker),
        _reports: to_reports,
        acks: acked,
        pen,
        health: seen,
        run: seconds,
        made: 0,
        sent: 0,
    };
    (serve, play)
}

/// Runs the play until it is over.
async fn on<P: Future<Output = Play>>(serve: Serve, play: P) -> Play {
    tokio::select! {
        ended = serve.run() => panic!("the worker ended: {ended:?}"),
        play = tokio::time::timeout(IN_VAIN, play) => play.expect("what was waited for comes"),
    }
}

impl Play {
    async fn deliver(&mut self, delivery: Delivery) {
        self.sent += 1;
        let tag = Tag { session: 1, number: self.sent };
        let to = self.deliveries.as_ref().unwrap();
        to.send(Delivery { tag, ..delivery }).await.unwrap();
        while self.acks.recv().await.unwrap() != tag {}
    }

    /// Several at once, which one commit holds.
    async fn deliver_together(&mut self, all: Vec<Delivery>) {
        for delivery in all {
            self.sent += 1;
            let tag = Tag { session: 1, number: self.sent };
            self.deliveries.as_ref().unwrap().try_send(Delivery { tag, ..delivery }).unwrap();
        }
        while self.acks.recv().await.unwrap().number != self.sent {}
    }

    /// An event of a source, as it happens now; returns once it is committed.
    async fn says(&mut self, source: &str, kind: &str, data: Value) {
        let time = self.clock.now();
        self.says_at(source, kind, time, data).await;
    }

    async fn says_at(&mut self, source: &str, kind: &str, time: DateTime<Utc>, data: Value) {
        let event = self.event(source, kind, time, &data);
        self.deliver(event).await;
    }

    fn event(&mut self, source: &str, kind: &str, time: DateTime<Utc>, data: &Value) -> Delivery {
        self.made += 1;
        let body = json!({ "specversion": "1.0", "id": format!("{}-{}", self.run, self.made), "source": source,
            "type": format!("billing.{kind}"), "subject": data["account"], "time": time.to_rfc3339(),
            "data": data });
        let body = body.to_string().into_bytes();
        Delivery { body, mark: None, ..Delivery::of(Mark::End) }
    }

    async fn heartbeat(&mut self, source: &str, seconds: i64) {
        self.says_at(source, "heartbeat", at(seconds), json!({})).await;
    }

    /// Resources, each of an account of its own, of which `source` tells.
    async fn begin(&mut self, source: &str, ids: &[&str]) {
        for id in ids {
            self.says(
                source,
                "account.updated",
                json!({ "account": id, "currency": "CNY", "contacts": [] }),
            )
            .await;
            let resource = json!({ "account": id, "resource": id, "policy": "own",
                "expires_at": at(EXPIRY).to_rfc3339() });
            self.says(source, "resource.activated", resource).await;
        }
    }

    /// The next marker that the worker asks for comes out of each of so many queues.
    async fn marker_comes_back(&mut self, queues: usize) {
        let number = self.pen.wanted.recv().await.unwrap().number;
        for queue in 0..queues {
            self.deliver(Delivery::of(Mark::Read { queue, number })).await;
        }
    }

    fn asks_for_a_marker(&mut self) -> bool {
        self.pen.wanted.try_recv().is_ok()
    }

    /// Lets time go on to this many seconds after the beginning, and whatever is due then happen.
    async fn until(&self, seconds: i64) {
        let ahead = at(seconds) - self.clock.now();
        tokio::time::sleep(ahead.to_std().unwrap() + Duration::from_millis(5)).await;
    }

    /// Waits until the loop has come round so often.
    async fn rounds(&self, count: usize) {
        let mut health = self.health.clone();
        health.mark_unchanged();
        for _ in 0..count {
            health.changed().await.unwrap();
        }
    }

    fn set_clock(&self, seconds: i64) {
        *self.clock.set.lock().unwrap() += TimeDelta::seconds(seconds);
    }

    fn resource(&self, id: &str) -> Resource {
        self.store.find_resource(&id.into()).unwrap().remove(0)
    }

    fn phase(&self, id: &str) -> String {
        self.resource(id).phase.to_string()
    }

    /// What holds it, by what was said; else what it waits for.
    fn waits_for(&self, id: &str) -> String {
        let resource = self.resource(id);
        let said = resource.held.map(|held| format!("{} (said)", held.because.word()));
        said.or_else(|| resource.gated.map(|gated| gated.by.word().to_owned())).unwrap_or_default()
    }

    fn quarantined(&self) -> Vec<(String, String)> {
        let rows = self.store.quarantined(None, 9).unwrap().into_iter();
        rows.map(|row| (row.message.code, row.message.field.unwrap_or_default())).collect()
    }
}

fn queue_only() -> Freshness {
    let sources = Sources { default: Proof::QueueOnly, ..Sources::default() };
    Freshness { sources, ..Freshness::default() }
}

#[tokio::test(start_paused = true)]
async fn a_release_waits_for_a_heartbeat_past_its_deadline_and_for_a_marker_after_that() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, Freshness::default(), 0, 1);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.until(EXPIRY).await;
        assert_eq!(play.phase("ins"), "stopped", "what can be taken back waits for nothing");
        play.until(RELEASE).await;
        assert_eq!(play.waits_for("ins"), "freshness", "most wait for a moment: nobody is told");
        play.until(RELEASE + 10).await;
        assert_eq!(play.waits_for("ins"), "freshness (said)");
        play.heartbeat("/billing", RELEASE - 1).await;
        play.rounds(3).await;
        assert!(!play.asks_for_a_marker(), "it could let nothing go");
        play.heartbeat("/billing", RELEASE).await;
        let number = play.pen.wanted.recv().await.unwrap().number;
        play.rounds(3).await;
        assert_eq!(play.phase("ins"), "stopped", "facts may lie in the queue before the marker");
        play.deliver(Delivery::of(Mark::Stale)).await;
        assert_eq!(play.phase("ins"), "stopped", "that was somebody else's");
        play.deliver(Delivery::of(Mark::Read { queue: 0, number })).await;
        assert_eq!(play.phase("ins"), "released");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_lies_in_a_queue_before_the_marker_still_counts() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, Freshness::default(), 0, 2);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.until(RELEASE).await;
        play.heartbeat("/billing", RELEASE).await;
        let number = play.pen.wanted.recv().await.unwrap().number;
        play.deliver(Delivery::of(Mark::Read { queue: 0, number })).await;
        assert_eq!(play.phase("ins"), "stopped", "there are two queues");
        let renewal = json!({ "account": "ins", "resource": "ins", "months": 1 });
        play.says_at("/billing", "renewal.requested", at(RELEASE - 5), renewal).await;
        play.deliver(Delivery::of(Mark::Read { queue: 1, number })).await;
        play.rounds(3).await;
        assert_eq!(play.phase("ins"), "active");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_one_commit_holds_with_the_marker_and_came_before_it_counts_too() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, queue_only(), 0, 1);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.until(RELEASE).await;
        let number = play.pen.wanted.recv().await.unwrap().number;
        // Decided one after the other, since they happened at two instants.
        let report = json!({ "account": "ins", "balance": "1.00", "currency": "CNY" });
        let renewal = json!({ "account": "ins", "resource": "ins", "months": 1 });
        let report = play.event("/billing", "balance.changed", at(RELEASE - 6), &report);
        let renewal = play.event("/billing", "renewal.requested", at(RELEASE - 5), &renewal);
        let marker = Delivery::of(Mark::Read { queue: 0, number });
        play.deliver_together(vec![report, renewal, marker]).await;
        assert_eq!(play.phase("ins"), "active");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn queue_only_that_is_spelled_out_needs_the_marker_alone() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, queue_only(), 0, 1);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.until(RELEASE).await;
        assert_eq!(play.waits_for("ins"), "freshness");
        play.marker_comes_back(1).await;
        assert_eq!(play.phase("ins"), "released");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_source_that_was_ever_heard_is_waited_for_also_by_the_next_run() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, Freshness::default(), 0, 1);
    let first = on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.says("/legal", "hold.lifted", json!({ "account": "ins" })).await;
        play.heartbeat("/billing", 1).await;
        play.until(RELEASE).await;
        play
    })
    .await;
    drop(first);
    let (serve, mut play) = worker(&disk, Freshness::default(), RELEASE, 1);
    on(serve, async {
        play.heartbeat("/billing", RELEASE).await;
        play.rounds(3).await;
        assert!(!play.asks_for_a_marker(), "/legal has said nothing so far");
        play.heartbeat("/legal", RELEASE).await;
        play.marker_comes_back(1).await;
        assert_eq!(play.phase("ins"), "released");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_let_go_is_looked_at_page_by_page_and_nobody_is_left_out() {
    let disk = MemoryDisk::default();
    // So long that no wake comes to the help of who is left out.
    let freshness = Freshness { patience: IN_VAIN, ..queue_only() };
    let (serve, mut play) = worker(&disk, freshness, 0, 1);
    let ids = ["a", "b", "c", "d", "e"];
    on(serve, async {
        play.begin("/billing", &ids).await;
        play.until(RELEASE).await;
        assert!(ids.iter().all(|id| play.waits_for(id) == "freshness"));
        play.marker_comes_back(1).await;
        play.rounds(4).await;
        assert!(ids.iter().all(|id| play.phase(id) == "released"));
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_input_lets_everything_go() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, Freshness::default(), 0, 1);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.until(RELEASE).await;
        assert_eq!(play.waits_for("ins"), "freshness");
        play.deliver(Delivery::of(Mark::End)).await;
        assert_eq!(play.phase("ins"), "released");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_forward_releases_nothing_until_every_source_says_the_same() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, Freshness::default(), 0, 1);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.until(EXPIRY).await;
        play.heartbeat("/billing", EXPIRY).await;
        play.set_clock(7200);
        play.rounds(3).await;
        assert_eq!(play.waits_for("ins"), "clock (said)", "at once");
        assert_eq!(
            play.health.borrow().outlook.as_ref().unwrap().clock_off.unwrap().num_hours(),
            2
        );
        // The source's clock did not jump.
        play.heartbeat("/billing", EXPIRY + 20).await;
        play.rounds(3).await;
        assert_eq!(play.waits_for("ins"), "clock (said)");
        let now = play.clock.now();
        play.says_at("/billing", "heartbeat", now, json!({})).await;
        play.marker_comes_back(1).await;
        assert_eq!(play.phase("ins"), "released");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumped_and_is_back_is_trusted_and_what_it_showed_meanwhile_is_not() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, queue_only(), 0, 1);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.until(EXPIRY).await;
        play.set_clock(7200);
        play.rounds(3).await;
        assert_eq!(play.waits_for("ins"), "clock (said)");
        assert!(!play.asks_for_a_marker(), "nobody could say when it was written");
        play.set_clock(-7200);
        play.until(RELEASE).await;
        assert_ne!(play.phase("ins"), "released");
        play.marker_comes_back(1).await;
        assert_eq!(play.phase("ins"), "released");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_start_with_a_clock_behind_what_was_seen_before_releases_nothing() {
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, queue_only(), RELEASE + 500, 1);
    let first = on(serve, async {
        play.says("/billing", "heartbeat", json!({})).await;
        play
    })
    .await;
    drop(first);
    let (serve, mut play) = worker(&disk, queue_only(), 0, 1);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        play.until(RELEASE + 490).await;
        assert_eq!(play.waits_for("ins"), "clock (said)");
        play.until(RELEASE + 501).await;
        play.marker_comes_back(1).await;
        assert_eq!(play.phase("ins"), "released");
        play
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_source_may_not_say_is_set_aside_and_counts_for_nothing() {
    let rules = Rules {
        types: Some(vec!["billing.hold.*".into(), "billing.heartbeat".into()]),
        users: Some(vec!["legal".into()]),
        ..Rules::default()
    };
    let billing = Rules { freshness: Some(Proof::QueueOnly), ..Rules::default() };
    let sources = Sources {
        listed: [("/legal".to_owned(), rules), ("/billing".to_owned(), billing)].into(),
        only_listed: true,
        ..Sources::default()
    };
    let disk = MemoryDisk::default();
    let (serve, mut play) = worker(&disk, Freshness { sources, ..Freshness::default() }, 0, 1);
    on(serve, async {
        play.begin("/billing", &["ins"]).await;
        let renewal = json!({ "account": "ins", "resource": "ins", "months": 1 });
        play.says("/legal", "renewal.requested", renewal.clone()).await;
        play.says("/nobody", "renewal.requested", renewal).await;
        // Without a login it vouches for nothing.
        play.heartbeat("/legal", 1).await;
        play.until(RELEASE).await;
        let set_aside = |field: &str| ("not_allowed".to_owned(), field.to_owned());
        let all = ["user_id", "/source", "/type"].map(set_aside);
        assert_eq!(play.quarantined(), all);
        assert_eq!(play.waits_for("ins"), "freshness", "and what is allowed goes on");
        assert!(!play.asks_for_a_marker());
        let known: Vec<String> =
            play.store.registers("source").unwrap().into_iter().map(|(source, _)| source).collect();
        assert_eq!(known, ["/billing"]);
        play
    })
    .await;
}
