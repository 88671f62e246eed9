//! Exchanges, queues and bindings: declared or looked for, and refused with plain words where the broker has others.
//!
//! Deletes and changes nothing that exists.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ErrorKind, ExchangeKind};

use super::error::reply;
use super::link::{Link, Subject};
use super::settings::{BrokerSettings, InputExchangeType, TopologyMode};
use super::{BrokerError, Side};

const DURABLE_EXCHANGE: ExchangeDeclareOptions = ExchangeDeclareOptions {
    passive: false,
    durable: true,
    auto_delete: false,
    internal: false,
    nowait: false,
};
const DURABLE_QUEUE: QueueDeclareOptions = QueueDeclareOptions {
    passive: false,
    durable: true,
    exclusive: false,
    auto_delete: false,
    nowait: false,
};
const STRATEGY: &str = "x-dead-letter-strategy";

/// Connects, declares or looks for everything, and leaves: for `dunlin check` and before the start.
///
/// # Errors
/// [`BrokerError::Topology`] names what contradicts; others tell why the broker could not be asked.
pub async fn verify(settings: &BrokerSettings) -> Result<(), BrokerError> {
    settings.checked()?;
    let link = Link::open(settings, Side::Tool).await?;
    let outcome = ensure(&link, settings, Side::Tool).await;
    link.close().await;
    outcome
}

/// Makes sure of what this side needs; [`Side::Tool`] needs all of it.
pub(crate) async fn ensure(
    link: &Link,
    settings: &BrokerSettings,
    side: Side,
) -> Result<(), BrokerError> {
    if settings.topology == TopologyMode::Trust {
        return look_for(link, settings, side).await;
    }
    if side != Side::Publish {
        dead_letters(link, settings).await?;
        input(link, settings).await?;
    }
    if side != Side::Consume {
        let output = &settings.output.exchange;
        exchange(link, output, ExchangeKind::Topic, FieldTable::default(), "output").await?;
    }
    Ok(())
}

async fn look_for(link: &Link, settings: &BrokerSettings, side: Side) -> Result<(), BrokerError> {
    let mut wanted = Vec::new();
    if side != Side::Publish {
        wanted.push(Subject::Exchange(settings.input.exchange.clone()));
        wanted.extend(settings.input.queues.iter().map(|queue| Subject::Queue(queue.name.clone())));
    }
    if side != Side::Consume {
        wanted.push(Subject::Exchange(settings.output.exchange.clone()));
    }
    for subject in wanted {
        let channel = link.channel().await?;
        let object = match &subject {
            Subject::Exchange(name) => format!("exchange {name:?}"),
            Subject::Queue(name) => format!("queue {name:?}"),
        };
        let looked = link.rpc_checked("looking for the topology", subject.look(&channel)).await?;
        looked.map_err(|error| {
            refused(
                &object,
                &error,
                "broker.topology is \"trust\", so it must be there before dunlin starts",
            )
        })?;
    }
    Ok(())
}

async fn dead_letters(link: &Link, settings: &BrokerSettings) -> Result<(), BrokerError> {
    let dead = &settings.dead_letter;
    let none = FieldTable::default();
    exchange(link, &dead.exchange, ExchangeKind::Fanout, none, "dead_letter").await?;
    let arguments = queue_arguments(settings, &[]);
    let channel = link.channel().await?;
    declare(link, &channel, &dead.queue, arguments).await?.map_err(|error| {
        refused(&format!("queue {:?}", dead.queue), &error, &queue_advice("dead_letter"))
    })?;
    bind(link, &dead.queue, &dead.exchange, "").await
}

async fn input(link: &Link, settings: &BrokerSettings) -> Result<(), BrokerError> {
    let input = &settings.input;
    let mut arguments = FieldTable::default();
    if !input.hash_header.is_empty() {
        arguments.insert("hash-header".into(), text(&input.hash_header));
    }
    exchange(link, &input.exchange, kind(input.exchange_type), arguments, "input").await?;
    for queue in &input.queues {
        input_queue(link, settings, &queue.name).await?;
        bind(link, &queue.name, &input.exchange, &queue.binding).await?;
    }
    Ok(())
}

/// Declares an input queue, at-least-once where the broker has it.
async fn input_queue(
    link: &Link,
    settings: &BrokerSettings,
    name: &str,
) -> Result<(), BrokerError> {
    let dead = ("x-dead-letter-exchange", text(&settings.dead_letter.exchange));
    let limit = ("x-delivery-limit", number(u64::from(settings.input.delivery_limit)));
    let single = ("x-single-active-consumer", AMQPValue::Boolean(true));
    let mut extra = vec![dead, limit, (STRATEGY, text("at-least-once"))];
    if settings.input.single_active_consumer {
        extra.push(single);
    }
    let channel = link.channel().await?;
    let mut answer = declare(link, &channel, name, queue_arguments(settings, &extra)).await?;
    if answer.as_ref().is_err_and(lacks_at_least_once) {
        tracing::warn!(
            queue = name,
            "this broker has no at-least-once dead-lettering (RabbitMQ 3.10 has it): a message that runs into the \
             delivery limit while the broker fails may be lost on its way to the dead-letter queue"
        );
        extra.retain(|(key, _)| *key != STRATEGY);
        let channel = link.channel().await?;
        answer = declare(link, &channel, name, queue_arguments(settings, &extra)).await?;
    }
    answer.map_err(|error| refused(&format!("queue {name:?}"), &error, &queue_advice("input")))
}

/// An older broker does not know the argument at all; a queue with another strategy is "inequivalent" instead.
fn lacks_at_least_once(error: &lapin::Error) -> bool {
    reply(error).is_some_and(|(_, text)| text.contains(STRATEGY) && !text.contains("inequivalent"))
}

fn queue_arguments(settings: &BrokerSettings, extra: &[(&str, AMQPValue)]) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    if settings.input.max_length > 0 {
        arguments.insert("x-max-length".into(), number(settings.input.max_length));
    }
    for (key, value) in extra {
        arguments.insert((*key).into(), value.clone());
    }
    arguments
}

async fn exchange(
    link: &Link,
    name: &str,
    kind: ExchangeKind,
    arguments: FieldTable,
    section: &str,
) -> Result<(), BrokerError> {
    let channel = link.channel().await?;
    let declaring = channel.exchange_declare(name.into(), kind, DURABLE_EXCHANGE, arguments);
    let answer = link.rpc_checked("declaring an exchange", declaring).await?;
    answer.map_err(|error| {
        let advice = format!(
            "Set broker.{section} to what is there, or delete the exchange if nothing else uses it; an exchange type \
             that is not known needs its plugin on the broker"
        );
        refused(&format!("exchange {name:?}"), &error, &advice)
    })?;
    link.rpc("closing a channel", channel.close(200, "done".into())).await
}

async fn declare(
    link: &Link,
    channel: &Channel,
    name: &str,
    arguments: FieldTable,
) -> Result<Result<(), lapin::Error>, BrokerError> {
    let declaring = async {
        channel.queue_declare(name.into(), DURABLE_QUEUE, arguments).await?;
        channel.close(200, "done".into()).await
    };
    link.rpc_checked("declaring a queue", declaring).await
}

async fn bind(link: &Link, queue: &str, exchange: &str, key: &str) -> Result<(), BrokerError> {
    let channel = link.channel().await?;
    let options = QueueBindOptions::default();
    let none = FieldTable::default();
    let binding = channel.queue_bind(queue.into(), exchange.into(), key.into(), options, none);
    link.rpc_checked("binding a queue", binding).await?.map_err(|error| {
        let object = format!("binding of queue {queue:?} to exchange {exchange:?}");
        refused(&object, &error, "dunlin's user needs the right to bind there")
    })?;
    link.rpc("closing a channel", channel.close(200, "done".into())).await
}

impl Link {
    /// As [`Link::rpc`], but hands back what the broker itself refused.
    async fn rpc_checked<T>(
        &self,
        step: &'static str,
        question: impl Future<Output = lapin::Result<T>>,
    ) -> Result<Result<T, lapin::Error>, BrokerError> {
        self.rpc(step, async {
            match question.await {
                Ok(answer) => Ok(Ok(answer)),
                Err(error) if is_refusal(&error) => Ok(Err(error)),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

/// What only a person can change: refused, forbidden, locked, missing, not supported.
fn is_refusal(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(_))
        && reply(error).is_some_and(|(code, _)| matches!(code, 403..=406 | 503 | 530 | 540))
}

fn refused(object: &str, error: &lapin::Error, advice: &str) -> BrokerError {
    let (code, text) = reply(error).unwrap_or_else(|| (0, error.to_string()));
    let advice = match code {
        403 => "Give dunlin's user the rights to configure, write and read it, or set broker.topology = \"trust\" if \
                others make it"
            .to_owned(),
        _ => advice.to_owned(),
    };
    BrokerError::Topology { object: object.to_owned(), broker_says: text, advice }
}

fn queue_advice(section: &str) -> String {
    format!(
        "The queue was made with other arguments, which RabbitMQ cannot change: empty and delete it, or set \
         broker.{section} to what it has, or choose another name"
    )
}

fn kind(exchange_type: InputExchangeType) -> ExchangeKind {
    match exchange_type {
        InputExchangeType::Topic => ExchangeKind::Topic,
        InputExchangeType::Direct => ExchangeKind::Direct,
        InputExchangeType::Fanout => ExchangeKind::Fanout,
        InputExchangeType::ConsistentHash => ExchangeKind::Custom(exchange_type.name().to_owned()),
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

fn number(value: u64) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(value).unwrap_or(i64::MAX))
}
