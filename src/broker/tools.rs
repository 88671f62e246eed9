//! What `dunlin event` does with the broker: publishes a file of events, shows what dunlin publishes.
//!
//! For people and local runs. Reconnects nothing: a lost link is an error that they see.

use std::path::{Path, PathBuf};

use core::pin::pin;
use core::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use serde_json::{Map, Value};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio_util::sync::CancellationToken;

use super::confirm::{Outgoing, Verdict, Window};
use super::link::Link;
use super::shift::{Shift, time};
use super::{BrokerError, BrokerHealth, BrokerSettings, Side, ensure};

/// Messages that `tail` may have unacknowledged.
const TAIL_PREFETCH: u16 = 100;

/// What `publish_file` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Events that the broker confirmed.
    pub events: u64,
}

/// One message that dunlin published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its routing key, `<type>.<policy>`.
    pub routing_key: String,
    /// Its body, a structured-mode CloudEvent.
    pub body: Vec<u8>,
}

/// Publishes a file of CloudEvents, one JSON object a line, to the input exchange: in order, in structured mode,
/// persistent, mandatory, confirmed, with the account (`subject`, or else `data.account`) as routing key. Empty lines
/// are skipped.
///
/// With `shift_to`, every event is moved in time by one constant such that the earliest happens then, and ids get a
/// suffix, so that dunlin does not take them for copies of an earlier run.
///
/// # Errors
/// [`BrokerError::File`] for a line that is no event, before anything was sent; [`BrokerError::Refused`] when the
/// broker did not take one; others when it cannot be reached.
pub async fn publish_file(
    settings: &BrokerSettings,
    path: &Path,
    shift_to: Option<DateTime<Utc>>,
) -> Result<Published, BrokerError> {
    settings.checked()?;
    let earliest = check_file(settings, path).await?;
    let shift = match (shift_to, earliest) {
        (Some(now), Some(earliest)) => Some(Shift::new(earliest, now)),
        _ => None,
    };
    let link = Link::open(settings, Side::Tool).await?;
    ensure(&link, settings, Side::Tool).await?;
    let exchange = ShortString::from(settings.input.exchange.as_str());
    let limit = Duration::from_millis(settings.output.confirm_timeout_ms);
    let mut window = Window::open(&link, exchange, limit).await?;
    let health = BrokerHealth::default();
    let mut broken = pin!(link.broken(Side::Tool, health, &settings.link));
    let mut lines = Events::open(path).await?;
    let mut run = Run::default();
    while run.refused.is_none() {
        let room = window.len() < settings.output.max_unconfirmed;
        tokio::select! {
            biased;
            error = &mut broken => return Err(error),
            Some((line, verdict)) = window.next(), if window.len() > 0 => run.judge(line, verdict),
            event = lines.next(), if room => {
                let Some(mut event) = event? else { break };
                if let Some(shift) = &shift {
                    shift.apply(&mut event.fields);
                    event.text = Value::Object(event.fields.clone()).to_string();
                }
                window.publish(event.line, outgoing(path, event)?);
            }
        }
    }
    while let Some((line, verdict)) = window.next().await {
        run.judge(line, verdict);
    }
    link.close().await;
    let Run { confirmed, refused } = run;
    match refused {
        None => Ok(Published { events: confirmed }),
        Some((line, reason)) => {
            Err(BrokerError::Refused { path: path.to_owned(), line, reason, confirmed })
        }
    }
}

/// Hands every message that dunlin publishes under `pattern` (`#`: all) to `on_message`, until `stop`. Through a queue
/// of its own, which is gone afterwards; what was published before is not seen.
///
/// # Errors
/// When the broker cannot be reached, refuses, or is lost.
pub async fn tail(
    settings: &BrokerSettings,
    pattern: &str,
    mut on_message: impl FnMut(Seen),
    stop: CancellationToken,
) -> Result<(), BrokerError> {
    settings.checked()?;
    let key = ShortString::try_new(pattern).map_err(|_| BrokerError::Settings {
        key: "pattern".to_owned(),
        problem: "longer than 255 bytes".to_owned(),
    })?;
    let link = Link::open(settings, Side::Tool).await?;
    ensure(&link, settings, Side::Publish).await?;
    let channel = link.channel().await?;
    let none = FieldTable::default;
    let own = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let queue = link.rpc("making a queue", channel.queue_declare("".into(), own, none())).await?;
    let exchange = ShortString::from(settings.output.exchange.as_str());
    let options = QueueBindOptions::default();
    let binding = channel.queue_bind(queue.name().clone(), exchange, key, options, none());
    link.rpc("binding a queue", binding).await?;
    let qos = channel.basic_qos(TAIL_PREFETCH, BasicQosOptions::default());
    link.rpc("setting the prefetch", qos).await?;
    let options = BasicConsumeOptions::default();
    let consuming = channel.basic_consume(queue.name().clone(), "".into(), options, none());
    let mut consumer = link.rpc("starting a consumer", consuming).await?;
    while let Some(next) = stop.run_until_cancelled(consumer.next()).await {
        let message = next
            .ok_or_else(|| BrokerError::lost("tail", "the broker cancelled the consumer"))?
            .map_err(|error| BrokerError::lost("tail", error))?;
        link.rpc("acknowledging", message.acker.ack(BasicAckOptions::default())).await?;
        on_message(Seen { routing_key: message.routing_key.to_string(), body: message.data });
    }
    link.close().await;
    Ok(())
}

/// One run of `publish_file`.
#[derive(Default)]
struct Run {
    confirmed: u64,
    /// The first line that was not taken, and why.
    refused: Option<(u64, String)>,
}

impl Run {
    fn judge(&mut self, line: u64, verdict: Verdict) {
        let reason = match verdict {
            Verdict::Confirmed => {
                self.confirmed += 1;
                return;
            }
            Verdict::Unroutable => {
                "no queue is bound to the input exchange for this account".to_owned()
            }
            Verdict::Nacked => "the broker refused it: the queue is full?".to_owned(),
            Verdict::Lost(reason) => reason,
        };
        if self.refused.as_ref().is_none_or(|(first, _)| line < *first) {
            self.refused = Some((line, reason));
        }
    }
}

/// Reads the whole file once, so that nothing is sent of one with a mistake in it. Answers its earliest `time`.
async fn check_file(
    settings: &BrokerSettings,
    path: &Path,
) -> Result<Option<DateTime<Utc>>, BrokerError> {
    let mut lines = Events::open(path).await?;
    let mut earliest: Option<DateTime<Utc>> = None;
    while let Some(event) = lines.next().await? {
        if event.text.len() > settings.output.max_body_bytes {
            return Err(file(path, event.line, "larger than broker.output.max_body_bytes"));
        }
        earliest = [earliest, time(&event.fields)].into_iter().flatten().min();
        outgoing(path, event)?;
    }
    Ok(earliest)
}

fn outgoing(path: &Path, event: Event) -> Result<Outgoing, BrokerError> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let Event { line, text: body, fields } = event;
    let account = match fields.get("subject") {
        Some(subject) => text(Some(subject)),
        None => text(fields.get("data").and_then(|data| data.get("account"))),
    };
    let short = |field: &str, value: String| {
        let problem = format!("{field} is longer than 255 bytes");
        ShortString::try_new(value).map_err(|_| file(path, line, &problem))
    };
    Ok(Outgoing {
        id: short("id", text(fields.get("id")))?,
        event_type: short("type", text(fields.get("type")))?,
        routing_key: short("subject", account)?,
        body: body.into_bytes(),
        mandatory: true,
    })
}

/// One line of a file.
struct Event {
    line: u64,
    /// As it stands there: what is not moved in time is sent untouched.
    text: String,
    fields: Map<String, Value>,
}

/// The events of a file, with their lines.
struct Events {
    path: PathBuf,
    line: u64,
    lines: Lines<BufReader<File>>,
}

impl Events {
    async fn open(path: &Path) -> Result<Self, BrokerError> {
        let opened = File::open(path).await.map_err(|error| file(path, 0, &error.to_string()))?;
        Ok(Self { path: path.to_owned(), line: 0, lines: BufReader::new(opened).lines() })
    }

    /// Dropping this future loses nothing.
    async fn next(&mut self) -> Result<Option<Event>, BrokerError> {
        loop {
            let read = self.lines.next_line().await;
            self.line += 1;
            let text = read.map_err(|error| file(&self.path, self.line, &error.to_string()))?;
            let Some(text) = text else { return Ok(None) };
            if text.trim().is_empty() {
                continue;
            }
            let fields = serde_json::from_str(&text).map_err(|error| {
                // serde's words tell where; the text of the line itself is not repeated.
                let (column, kind) = (error.column(), error.classify());
                file(
                    &self.path,
                    self.line,
                    &format!("not a JSON object ({kind:?} at column {column})"),
                )
            })?;
            return Ok(Some(Event { line: self.line, text, fields }));
        }
    }
}

fn file(path: &Path, line: u64, problem: &str) -> BrokerError {
    BrokerError::File { path: path.to_owned(), line, problem: problem.to_owned() }
}
