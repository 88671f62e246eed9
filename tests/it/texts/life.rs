//! A dunlin in small: the real worker and the real relay of texts on a store in memory, before a gateway that the test plays.
//!
//! Dropping both in the middle is the crash; the disk stays. Time is tokio's, paused: it goes on by itself when all wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::clock::{Clock, monotonic};
use dunlin::dispatch::deliver::{Deliver, Desk, Limits, Way, WayHealth};
use dunlin::dispatch::message::{Outcome, SmsChannel, SmsMessage};
use dunlin::dispatch::retry::Patience;
use dunlin::engine::effect::Notice;
use dunlin::engine::policy::{Channel, PolicySet};
use dunlin::policy::Policies;
use dunlin::render::samples::samples;
use dunlin::render::{self, Brand, Renderer, Templates};
use dunlin::store::memory::{MemoryDisk, MemoryStore};
use dunlin::store::{self, NewDelivery, Read, Reader, Result, Store, Transaction};
use dunlin::worker::{Ports, Serve, Settings, WorkerHealth};
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Wait before the second attempt.
pub(super) const RETRY_SECONDS: i64 = 30;
/// More simulated time than anything here takes: what comes later never comes.
const IN_VAIN: Duration = Duration::from_secs(3600);

/// What the gateway does with the next text.
#[derive(Debug)]
pub(super) enum Answer {
    Is(Outcome),
    /// Nothing: the test lets dunlin die meanwhile.
    Never,
}

/// A gateway that writes down what it is handed, and what was on record by then.
pub(super) struct Gateway {
    can_tell_repeats: bool,
    answers: Mutex<VecDeque<Answer>>,
    record: Box<Mutex<Option<Box<dyn Reader>>>>,
    handed: Mutex<Vec<(String, Option<DateTime<Utc>>)>>,
    asked: Notify,
}

impl Gateway {
    /// Gives these answers, then takes every text.
    pub(super) fn new(can_tell_repeats: bool, answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            can_tell_repeats,
            answers: Mutex::new(answers.into_iter().collect()),
            record: Box::default(),
            handed: Mutex::default(),
            asked: Notify::new(),
        }
    }

    /// The texts that it was handed, in order, with repeats.
    pub(super) fn handed(&self) -> Vec<String> {
        self.handed.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    /// For each of them, when the attempt had begun by what was durable at that moment.
    pub(super) fn marks(&self) -> Vec<Option<DateTime<Utc>>> {
        self.handed.lock().unwrap().iter().map(|(_, mark)| *mark).collect()
    }
}

impl SmsChannel for Gateway {
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Outcome> {
        let record = self.record.lock().unwrap();
        let rows = record.as_ref().expect("dunlin lives").deliveries("n1").unwrap();
        let row = rows.into_iter().find(|row| row.id == message.id).expect("it is in the outbox");
        self.handed.lock().unwrap().push((message.id.clone(), row.begun_at));
        self.asked.notify_waiters();
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            match answer {
                None => Outcome::Sent { receipt: "taken".to_owned() },
                Some(Answer::Is(outcome)) => outcome,
                Some(Answer::Never) => std::future::pending().await,
            }
        })
    }

    fn name(&self) -> &'static str {
        "played"
    }

    fn is_idempotent(&self) -> bool {
        self.can_tell_repeats
    }
}

/// Tokio's time as a wall clock.
struct Wall(Instant);

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(monotonic() - self.0).expect("a test is short");
        DateTime::from_timestamp(1_800_000_000, 0).expect("in range") + passed
    }
}

/// Counts the commits of the store in it.
struct Counted(MemoryStore, Arc<AtomicUsize>);

impl Store for Counted {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.begin()
    }

    fn wind_up(&mut self) -> Result<()> {
        self.0.wind_up()
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        self.0.reader()
    }
}

/// The shipped policies, and a notice as one of them makes it.
static SHIPPED: LazyLock<(PolicySet, Notice)> = LazyLock::new(|| {
    let policies = Policies::shipped().set;
    let notice = samples(&policies).remove(0).notice;
    (policies, notice)
});

/// What outlives a dunlin: its disk, and time.
pub(super) struct World {
    disk: MemoryDisk,
    clock: Arc<dyn Clock>,
    policies: Arc<PolicySet>,
    renderer: Arc<Renderer>,
    pub(super) commits: Arc<AtomicUsize>,
}

impl World {
    /// A notice `n1` is due to be texted to so many people, as `t1`, `t2`, …
    pub(super) fn with_texts(count: usize) -> Self {
        let (policies, mut notice) = SHIPPED.clone();
        let mut person = notice.contacts.remove(0);
        person.phone = Some("+8613800138000".to_owned());
        notice.contacts = vec![person; count];
        let brand = Brand {
            name: "Example".to_owned(),
            console_url: "https://console.example.com".to_owned(),
            support: None,
        };
        let renderer =
            Renderer::new(Templates::shipped(), "en", brand, render::Limits::default()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(Wall(monotonic()));
        let disk = MemoryDisk::default();
        let mut store = MemoryStore::open(&disk, store::Limits::default()).unwrap();
        let texts: Vec<_> = (0..count)
            .map(|contact| NewDelivery {
                id: format!("t{}", contact + 1),
                contact,
                channel: Channel::Sms,
                next_at: clock.now(),
            })
            .collect();
        let mut transaction = store.begin().unwrap();
        transaction.push_notice("n1", &notice, &texts).unwrap();
        transaction.commit().unwrap();
        drop(store);
        Self {
            disk,
            clock,
            policies: Arc::new(policies),
            renderer: Arc::new(renderer),
            commits: Arc::default(),
        }
    }

    /// What is on the disk.
    pub(super) fn reader(&self) -> Box<dyn Reader> {
        MemoryStore::open(&self.disk, store::Limits::default()).unwrap().reader().unwrap()
    }

    /// Lets a dunlin live until something is so; then kills it. Asked after each commit and each call of the gateway.
    pub(super) async fn live_until(
        &self,
        gateway: &Arc<Gateway>,
        what: &str,
        is_so: impl Fn(&dyn Read) -> bool,
    ) {
        let store = MemoryStore::open(&self.disk, store::Limits::default()).unwrap();
        *gateway.record.lock().unwrap() = Some(store.reader().unwrap());
        let reader = store.reader().unwrap();
        let (relay, ports) = self.parts(&store, Arc::clone(gateway));
        let committed = Arc::clone(&ports.committed);
        let (policies, clock) = (Arc::clone(&self.policies), Arc::clone(&self.clock));
        let store = Box::new(Counted(store, Arc::clone(&self.commits)));
        let worker = Serve::new(store, policies, Settings::default(), clock, ports, None).unwrap();
        let watching = async {
            loop {
                let (wake, asked) = (committed.notified(), gateway.asked.notified());
                tokio::pin!(wake, asked);
                wake.as_mut().enable();
                asked.as_mut().enable();
                if is_so(reader.as_ref()) {
                    return;
                }
                tokio::select! { () = &mut wake => {} () = &mut asked => {} }
            }
        };
        let never = CancellationToken::new();
        tokio::select! {
            () = watching => {}
            ended = worker.run() => panic!("the worker ended: {ended:?}"),
            ended = relay.run(never) => panic!("the relay ended: {ended:?}"),
            () = tokio::time::sleep(IN_VAIN) => panic!("in vain: {what}"),
        }
        *gateway.record.lock().unwrap() = None;
    }

    fn parts(&self, store: &dyn Store, gateway: Arc<Gateway>) -> (Deliver, Ports) {
        let (reports, from_relay) = mpsc::channel(100);
        let (in_flight, committed) = (Arc::default(), Arc::<Notify>::default());
        let desk = Desk {
            clock: Arc::clone(&self.clock),
            renderer: Arc::clone(&self.renderer),
            message_domain: "example.com".to_owned(),
            way: Way::Sms(gateway),
            reports,
            in_flight: Arc::clone(&in_flight),
            committed: Arc::clone(&committed),
            health: watch::channel(WayHealth::default()).0,
            patience: Patience {
                retry_after: vec![Duration::from_secs(RETRY_SECONDS.unsigned_abs())],
                attempts_max: 5,
            },
            limits: Limits {
                concurrency: 8,
                batch_rows_max: 100,
                idle_poll: Duration::from_secs(5),
                faults_are_fatal: false,
            },
        };
        let relay = Deliver { reader: store.reader().unwrap(), desk };
        let ports = Ports {
            marks: None,
            deliveries: mpsc::channel(1).1,
            reports: from_relay,
            acks: mpsc::channel(1).0,
            in_flight,
            committed,
            health: watch::channel(WorkerHealth::default()).0,
        };
        (relay, ports)
    }
}
