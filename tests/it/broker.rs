//! The link to RabbitMQ, against a real one: what is acknowledged, what comes back, what is confirmed, and what is
//! refused.

use std::collections::BTreeSet;
use std::time::Duration;

use dunlin::broker::{
    BrokerError, BrokerHealth, BrokerSettings, BrokerState, QueueSettings, TopologyMode, verify,
};
use dunlin::dispatch::message::{Fault, Outcome, Publication, Publisher};
use dunlin::dispatch::publish::{BrokerPublisher, publisher};
use dunlin::intake::{Delivery, Intake, Tag};
use futures_util::future::join_all;
use lapin::options::{QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use secrecy::ExposeSecret;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::proxy::Proxy;
use crate::support::rabbit::{Node, settings, shared};

mod intake;
mod outage;
mod publish;
mod tools;
mod topology;

/// No signal of these tests takes as long; a test that waits for it has failed.
const LIMIT: Duration = Duration::from_secs(60);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"))
}

/// An intake at work.
struct Running {
    deliveries: mpsc::Receiver<Delivery>,
    acks: Option<mpsc::Sender<Tag>>,
    health: BrokerHealth,
    shutdown: CancellationToken,
    tasks: JoinSet<Result<(), BrokerError>>,
}

impl Running {
    fn start(settings: &BrokerSettings) -> Self {
        let (to, deliveries) = mpsc::channel(16);
        let (acks, acked) = mpsc::channel(16);
        let (health, shutdown) = (BrokerHealth::default(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        let intake = Intake::new(settings.clone(), to, acked, health.clone());
        tasks.spawn(intake.run(shutdown.clone()));
        Self { deliveries, acks: Some(acks), health, shutdown, tasks }
    }

    async fn next(&mut self) -> Delivery {
        soon("a delivery", self.deliveries.recv()).await.expect("the intake runs")
    }

    async fn take(&mut self, count: usize) -> Vec<Delivery> {
        let mut taken = Vec::new();
        while taken.len() < count {
            taken.push(self.next().await);
        }
        taken
    }

    async fn ack(&self, tag: Tag) {
        self.acks.as_ref().expect("open").send(tag).await.expect("the intake runs");
    }

    /// Stops it in order; answers what it still handed over.
    async fn stop(mut self) -> Vec<Delivery> {
        self.shutdown.cancel();
        let mut rest = Vec::new();
        while let Some(delivery) = soon("the end of the deliveries", self.deliveries.recv()).await {
            rest.push(delivery);
        }
        self.acks = None;
        self.result().await.expect("a good end");
        rest
    }

    async fn result(&mut self) -> Result<(), BrokerError> {
        soon("the end of the intake", self.tasks.join_next())
            .await
            .expect("a task")
            .expect("no panic")
    }
}

/// A publisher at work.
struct Publishing {
    handle: BrokerPublisher,
    health: BrokerHealth,
    shutdown: CancellationToken,
    tasks: JoinSet<Result<(), BrokerError>>,
}

impl Publishing {
    async fn start(settings: &BrokerSettings) -> Self {
        let (health, shutdown) = (BrokerHealth::default(), CancellationToken::new());
        let (handle, task) = publisher(settings.clone(), health.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(task.run(shutdown.clone()));
        until(&health, "the publisher is up", |state| state.publish.connected).await;
        Self { handle, health, shutdown, tasks }
    }

    async fn publish(&self, id: &str, routing_key: &str) -> Outcome {
        let publication = publication(id, routing_key);
        soon("an outcome", self.handle.publish(&publication)).await
    }

    async fn stop(mut self) {
        self.shutdown.cancel();
        let ended = soon("the end of the publisher", self.tasks.join_next()).await;
        ended.expect("a task").expect("no panic").expect("a good end");
    }
}

async fn until(health: &BrokerHealth, what: &str, so: impl FnMut(&BrokerState) -> bool) {
    let mut changes = health.subscribe();
    let reached = soon(what, changes.wait_for(so)).await;
    drop(reached.expect("the health outlives the test"));
}

fn publication(id: &str, routing_key: &str) -> Publication {
    Publication {
        id: id.to_owned(),
        event_type: "lifecycle.resource.changed".to_owned(),
        routing_key: routing_key.to_owned(),
        body: id.as_bytes().to_vec(),
        mandatory: true,
    }
}

fn sent() -> Outcome {
    Outcome::Sent { receipt: "confirmed".to_owned() }
}

fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|d| String::from_utf8_lossy(&d.body).into_owned()).collect()
}

/// Settings under names of the test's own on the shared node.
fn own(prefix: &str) -> BrokerSettings {
    settings(shared().port, prefix)
}

/// A foreign client's channel.
async fn client(settings: &BrokerSettings) -> (Connection, Channel) {
    let uri = settings.uri.expose_secret();
    let properties = ConnectionProperties::default();
    let connection =
        soon("a client", Connection::connect(uri, properties)).await.expect("a broker");
    let channel = connection.create_channel().await.expect("a channel");
    (connection, channel)
}

/// Publishes to the input exchange, through dunlin's own publisher pointed at it, and sees each confirmed.
async fn feed(settings: &BrokerSettings, ids: impl IntoIterator<Item = String>) {
    let mut settings = settings.clone();
    settings.output.exchange.clone_from(&settings.input.exchange);
    let publishing = Publishing::start(&settings).await;
    let publications: Vec<_> = ids.into_iter().map(|id| publication(&id, "account-1")).collect();
    let outcomes = join_all(publications.iter().map(|one| publishing.handle.publish(one))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == sent()), "{outcomes:?}");
    publishing.stop().await;
}

fn names(range: core::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("e-{n}")).collect()
}

/// Binds a reader's queue to the output exchange.
async fn listen(settings: &BrokerSettings, channel: &Channel, queue: &str, key: &str) {
    let none = FieldTable::default;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(queue.into(), durable, none()).await.expect("a queue");
    let exchange = settings.output.exchange.as_str().into();
    let options = QueueBindOptions::default();
    channel
        .queue_bind(queue.into(), exchange, key.into(), options, none())
        .await
        .expect("a binding");
}
