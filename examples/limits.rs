//! What the parts of dunlin can do without dunlin, for `scripts/bench`: a publisher, and bare consumers beside the worker.
//!
//! `consume` only acknowledges. `commit` does the worker's I/O for events that change nothing but a row, `effects` that of
//! events with one decision and one publication each. None of them decides, retries or reconnects.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, PublisherConfirm,
};
use rusqlite::Transaction;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str = "usage:
  limits publish URI EXCHANGE FILE          JSON lines, routed by subject, with confirms
  limits consume URI QUEUE COUNT            acknowledges 200 at a time
  limits bind URI EXCHANGE QUEUE            a quorum queue for all that is published there; keeps the last 1000
  limits prepare DB ACCOUNTS BYTES          a store with rows of so many bytes
  limits commit URI QUEUE COUNT DB          as the worker, for events that change only an account
  limits effects URI QUEUE COUNT DB EXCHANGE BYTES    and with one decision and one publication of so many bytes each";

/// Deliveries before an acknowledgement; also what dunlin asks for.
const PREFETCH: u16 = 1000;
/// Deliveries in one acknowledgement, where nothing else says how many.
const ACK_EVERY: usize = 200;
/// Deliveries in one transaction, as dunlin's `store.group_max_events`.
const GROUP_MAX: usize = 500;
/// Publications without their confirm.
const FILL_UNCONFIRMED: usize = 2000;
/// The same, for what a decision says; as dunlin's `broker.output.max_unconfirmed`.
const UNCONFIRMED: usize = 500;

/// No more tables and indexes than the job needs.
const SCHEMA: &str = "
    PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE IF NOT EXISTS inbox (source TEXT, id TEXT, fingerprint BLOB, received_at INTEGER, PRIMARY KEY (source, id))
        WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS accounts (id TEXT UNIQUE, version INTEGER, state TEXT);
    CREATE TABLE IF NOT EXISTS resources (account TEXT UNIQUE, version INTEGER, state TEXT);
    CREATE TABLE IF NOT EXISTS decisions (id INTEGER PRIMARY KEY, account TEXT, at INTEGER, body TEXT);
    CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, body TEXT);";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (events, seconds) = match arguments[..] {
        ["publish", uri, exchange, file] => publish(uri, exchange, file).await?,
        ["consume", uri, queue, count] => consume(uri, queue, count.parse()?).await?,
        ["bind", uri, exchange, queue] => bind(uri, exchange, queue).await?,
        ["prepare", db, accounts, bytes] => prepare(db, accounts.parse()?, bytes.parse()?)?,
        ["commit", uri, queue, count, db] => work(uri, queue, count.parse()?, db, None).await?,
        ["effects", uri, queue, count, db, exchange, bytes] => {
            let says = Says { exchange: exchange.to_owned(), body: "x".repeat(bytes.parse()?) };
            work(uri, queue, count.parse()?, db, Some(says)).await?
        }
        _ => return Err(USAGE.into()),
    };
    println!(r#"{{"events":{events},"seconds":{seconds:.6}}}"#);
    Ok(())
}

async fn open(uri: &str) -> Result<(Connection, Channel)> {
    let connection = Connection::connect(uri, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

/// What every program of this file reads of an event.
#[derive(Deserialize)]
struct Head<'a> {
    id: &'a str,
    source: &'a str,
    subject: &'a str,
}

fn persistent() -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/cloudevents+json".into())
        .with_delivery_mode(2)
}

async fn publish(uri: &str, exchange: &str, file: &str) -> Result<(usize, f64)> {
    let text = std::fs::read_to_string(file)?;
    let (connection, channel) = open(uri).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let started = Instant::now();
    let mut waiting = VecDeque::new();
    let mut events = 0;
    for line in text.lines() {
        let account = serde_json::from_str::<Head<'_>>(line)?.subject;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (exchange, key) = (exchange.into(), account.into());
        let confirm =
            channel.basic_publish(exchange, key, options, line.as_bytes(), persistent()).await?;
        waiting.push_back(confirm);
        events += 1;
        if waiting.len() >= FILL_UNCONFIRMED
            && let Some(oldest) = waiting.pop_front()
        {
            accepted(&oldest.await?)?;
        }
    }
    for confirm in waiting {
        accepted(&confirm.await?)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    connection.close(200, "done".into()).await?;
    Ok((events, seconds))
}

fn accepted(confirm: &lapin::Confirmation) -> Result<()> {
    match confirm {
        lapin::Confirmation::Ack(None) => Ok(()),
        other => Err(format!("not taken: {other:?}").into()),
    }
}

async fn consumer(channel: &Channel, queue: &str) -> Result<Consumer> {
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    Ok(channel.basic_consume(queue.into(), "".into(), options, arguments).await?)
}

async fn next(consumer: &mut Consumer) -> Result<Delivery> {
    Ok(consumer.next().await.ok_or("the consumer was cancelled")??)
}

async fn acknowledge(delivery: &lapin::Acker) -> Result<()> {
    delivery.ack(BasicAckOptions { multiple: true }).await?;
    Ok(())
}

/// From the first delivery to the last acknowledgement.
async fn consume(uri: &str, queue: &str, count: usize) -> Result<(usize, f64)> {
    let (connection, channel) = open(uri).await?;
    let mut consumer = consumer(&channel, queue).await?;
    let mut delivery = next(&mut consumer).await?;
    let started = Instant::now();
    for taken in 1..=count {
        if taken % ACK_EVERY == 0 || taken == count {
            acknowledge(&delivery.acker).await?;
        }
        if taken < count {
            delivery = next(&mut consumer).await?;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    connection.close(200, "done".into()).await?;
    Ok((count, seconds))
}

async fn bind(uri: &str, exchange: &str, queue: &str) -> Result<(usize, f64)> {
    let (connection, channel) = open(uri).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(1000));
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments).await?;
    let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(queue.into(), exchange.into(), "#".into(), options, arguments).await?;
    connection.close(200, "done".into()).await?;
    Ok((0, 0.0))
}

fn prepare(db: &str, accounts: usize, bytes: usize) -> Result<(usize, f64)> {
    let started = Instant::now();
    let mut connection = rusqlite::Connection::open(db)?;
    connection.execute_batch(SCHEMA)?;
    let tx = connection.transaction()?;
    let state = "x".repeat(bytes);
    for table in ["accounts", "resources"] {
        let mut insert = tx.prepare(&format!("INSERT INTO {table} VALUES (?1, 1, ?2)"))?;
        for account in 0..accounts {
            insert.execute((format!("acc-{account:07}"), &state))?;
        }
    }
    tx.commit()?;
    Ok((accounts, started.elapsed().as_secs_f64()))
}

/// What is said of each event.
struct Says {
    exchange: String,
    body: String,
}

/// What the thread with the store is told.
enum Told {
    Came(Box<Delivery>),
    Confirmed(Vec<i64>),
}

/// What it answers after a commit.
struct Committed {
    last: Option<lapin::Acker>,
    published: Vec<i64>,
    events: usize,
    confirmed: usize,
}

/// From the first delivery to the last acknowledgement, or to the removal of the last confirmed publication.
async fn work(
    uri: &str,
    queue: &str,
    count: usize,
    db: &str,
    says: Option<Says>,
) -> Result<(usize, f64)> {
    let mut store = rusqlite::Connection::open(db)?;
    store.execute_batch(SCHEMA)?;
    let (tell, told) = channel();
    let (answer, mut answers) = unbounded_channel();
    let body = says.as_ref().map(|says| says.body.clone());
    let thread =
        std::thread::spawn(move || -> Result<()> { commits(&mut store, told, answer, body) });
    let (publish, publications) = unbounded_channel();
    let publishing = says.is_some();
    let mut relaying = JoinSet::new();
    if let Some(says) = says {
        relaying.spawn(relay(uri.to_owned(), says, publications, tell.clone()));
    }
    let (connection, channel) = open(uri).await?;
    let mut consumer = consumer(&channel, queue).await?;
    let first = next(&mut consumer).await?;
    let started = Instant::now();
    tell.send(Told::Came(Box::new(first)))?;
    let (mut events, mut confirmed) = (0, 0);
    while events < count || (publishing && confirmed < count) {
        tokio::select! {
            Some(delivery) = consumer.next() => tell.send(Told::Came(Box::new(delivery?)))?,
            Some(committed) = answers.recv() => {
                events += committed.events;
                confirmed += committed.confirmed;
                if let Some(last) = committed.last {
                    acknowledge(&last).await?;
                }
                if publishing && !committed.published.is_empty() {
                    publish.send(committed.published)?;
                }
            }
            Some(ended) = relaying.join_next() => return Err(format!("the relay ended: {ended:?}").into()),
            else => return Err("the thread with the store ended".into()),
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    connection.close(200, "done".into()).await?;
    drop((tell, publish));
    let ended = tokio::task::spawn_blocking(move || thread.join()).await?;
    ended.map_err(|_| "the thread with the store panicked")??;
    Ok((count, seconds))
}

/// Takes whatever waits as one group, as dunlin does.
fn commits(
    store: &mut rusqlite::Connection,
    told: Receiver<Told>,
    answer: UnboundedSender<Committed>,
    body: Option<String>,
) -> Result<()> {
    while let Ok(first) = told.recv() {
        let mut done = Committed { last: None, published: vec![], events: 0, confirmed: 0 };
        let tx = store.transaction()?;
        let mut next = Some(first);
        while let Some(one) = next.take() {
            match one {
                Told::Came(delivery) => {
                    done.published.extend(event(&tx, &delivery.data, body.as_deref())?);
                    done.last = Some(delivery.acker);
                    done.events += 1;
                }
                Told::Confirmed(ids) => {
                    for id in &ids {
                        tx.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([id])?;
                    }
                    done.confirmed += ids.len();
                }
            }
            if done.events < GROUP_MAX {
                next = told.try_recv().ok();
            }
        }
        tx.commit()?;
        if answer.send(done).is_err() {
            break;
        }
    }
    Ok(())
}

/// Everything that the worker writes for one event. Returns the id of what is to be published.
fn event(tx: &Transaction<'_>, data: &[u8], body: Option<&str>) -> Result<Option<i64>> {
    let head: Head<'_> = serde_json::from_slice(data)?;
    let fingerprint = Sha256::digest(data);
    let is_new = tx
        .prepare_cached("INSERT INTO inbox VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?
        .execute((head.source, head.id, fingerprint.as_slice(), 1_700_000_000_i64))?;
    if is_new == 0 {
        return Ok(None);
    }
    load_and_store(tx, "accounts", "id", head.subject)?;
    let Some(body) = body else { return Ok(None) };
    load_and_store(tx, "resources", "account", head.subject)?;
    tx.prepare_cached("INSERT INTO decisions (account, at, body) VALUES (?1, ?2, ?3)")?
        .execute((head.subject, 1_700_000_000_i64, body))?;
    Ok(Some(tx.prepare_cached("INSERT INTO outbox (body) VALUES (?1)")?.insert([body])?))
}

fn load_and_store(tx: &Transaction<'_>, table: &str, key: &str, id: &str) -> Result<()> {
    let (version, state): (i64, String) = tx
        .prepare_cached(&format!("SELECT version, state FROM {table} WHERE {key} = ?1"))?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let update = format!("UPDATE {table} SET version = ?2 + 1, state = ?3 WHERE {key} = ?1");
    tx.prepare_cached(&update)?.execute((id, version, state))?;
    Ok(())
}

/// Publishes what was committed and tells the store what was confirmed.
async fn relay(
    uri: String,
    says: Says,
    mut ids: UnboundedReceiver<Vec<i64>>,
    tell: Sender<Told>,
) -> Result<()> {
    let (_connection, channel) = open(&uri).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut waiting = VecDeque::new();
    loop {
        let mut confirmed = Vec::new();
        let group = if waiting.is_empty() { ids.recv().await } else { ids.try_recv().ok() };
        // With nothing more to publish, everything on its way is waited for.
        let window = if group.is_some() { UNCONFIRMED } else { 1 };
        for id in group.into_iter().flatten() {
            settle(&mut waiting, UNCONFIRMED, &mut confirmed).await?;
            let (exchange, key) = (says.exchange.as_str().into(), "lifecycle.bench".into());
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let body = says.body.as_bytes();
            let confirm = channel.basic_publish(exchange, key, options, body, persistent()).await?;
            waiting.push_back((id, confirm));
        }
        settle(&mut waiting, window, &mut confirmed).await?;
        if !confirmed.is_empty() {
            tell.send(Told::Confirmed(confirmed))?;
        } else if waiting.is_empty() {
            return Ok(());
        }
    }
}

/// Waits for the oldest until fewer than `window` are on their way.
async fn settle(
    waiting: &mut VecDeque<(i64, PublisherConfirm)>,
    window: usize,
    confirmed: &mut Vec<i64>,
) -> Result<()> {
    while waiting.len() >= window
        && let Some((id, confirm)) = waiting.pop_front()
    {
        accepted(&confirm.await?)?;
        confirmed.push(id);
    }
    Ok(())
}
