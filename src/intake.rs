//! Raw deliveries and what becomes of them. Does not decode: bytes in, acknowledgements out.
//!
//! A delivery has three ends: acknowledged because the commit that holds it returned (accepted and quarantined alike),
//! or left, by losing the session or the process, and then it comes again. Nothing is ever sent back to the queue as a
//! way to retry.

mod mark;

use std::collections::BTreeMap;

use core::future::{Future, pending};
use core::pin::pin;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::StreamExt;
use lapin::Acker;
use lapin::message::Delivery as Incoming;
use lapin::options::BasicAckOptions;
use metrics::counter;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::broker::consume::{Arrival, Consumers};
use crate::broker::ledger::Ledger;
use crate::broker::link::{Link, rpc};
use crate::broker::mark::{Token, read as read_mark};
use crate::broker::supervise::Supervisor;
use crate::broker::{BrokerError, BrokerHealth, BrokerSettings, Side, ensure, properties};

pub use self::mark::{Mark, Marks, Pen, Wanted, marks};

/// Deliveries taken from the link in a row before anything else is looked at.
const BURST: usize = 64;

/// One message as it came: from the broker, a file or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The body, untouched.
    pub body: Vec<u8>,
    /// AMQP `content_type`, if any.
    pub content_type: Option<String>,
    /// AMQP headers whose values are text, numbers or timestamps, as text.
    pub headers: BTreeMap<String, String>,
    /// The broker's validated `user_id`, if the publisher set one.
    pub user_id: Option<String>,
    /// Where it came from, for people: a queue and its delivery tag, or a file and its line.
    pub origin: String,
    /// What to acknowledge once the commit has returned.
    pub tag: Tag,
    /// What it says instead of an event: then the body is not looked at.
    pub mark: Option<Mark>,
}

impl Delivery {
    /// One that came from no queue, says only this, and is acknowledged to nobody.
    pub fn of(mark: Mark) -> Self {
        Self {
            body: Vec::new(),
            content_type: None,
            headers: BTreeMap::new(),
            user_id: None,
            origin: String::new(),
            tag: Tag { session: 0, number: 0 },
            mark: Some(mark),
        }
    }
}

/// Names a delivery within one broker session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Counts sessions: an acknowledgement never crosses into a later one.
    pub session: u64,
    /// Counts the deliveries of the session in the order of their hand-over, over all queues; or the line of a file.
    pub number: u64,
}

/// Takes deliveries from RabbitMQ and acknowledges them when told.
#[derive(Debug)]
pub struct Intake {
    settings: BrokerSettings,
    deliveries: Option<mpsc::Sender<Delivery>>,
    acks: mpsc::Receiver<Tag>,
    health: BrokerHealth,
    /// Whose markers are known again.
    token: Option<Token>,
    /// Told which session consumes.
    consuming: Option<watch::Sender<Option<u64>>>,
}

impl Intake {
    /// Deliveries go to `deliveries`, in order and no faster than they are taken. A tag on `acks` acknowledges that
    /// delivery *and every one handed over before it* in its session; one of an earlier session does nothing.
    pub fn new(
        settings: BrokerSettings,
        deliveries: mpsc::Sender<Delivery>,
        acks: mpsc::Receiver<Tag>,
        health: BrokerHealth,
    ) -> Self {
        let deliveries = Some(deliveries);
        Self { settings, deliveries, acks, health, token: None, consuming: None }
    }

    /// The same, which knows the markers of `token` again and tells `consuming` which session they must be written in.
    #[must_use]
    pub fn marked(self, token: Token, consuming: watch::Sender<Option<u64>>) -> Self {
        Self { token: Some(token), consuming: Some(consuming), ..self }
    }

    fn consumes(&self, session: Option<u64>) {
        if let Some(consuming) = &self.consuming {
            consuming.send_replace(session);
        }
    }

    /// Consumes until `shutdown`, over any number of sessions. Then cancels the consumers, hands over what has come
    /// already, ends the stream of deliveries, and goes on acknowledging until the sender of `acks` is dropped: that
    /// is what ends this. Nobody taking deliveries any more counts as `shutdown`.
    ///
    /// # Errors
    /// Only what a person must repair: settings that cannot be used, or a topology that contradicts them at the start.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), BrokerError> {
        self.settings.checked()?;
        let backoff = self.settings.link.backoff();
        let mut supervisor = Supervisor::new(Side::Consume, self.health.clone(), backoff);
        while !shutdown.is_cancelled() && self.deliveries.as_ref().is_some_and(|to| !to.is_closed())
        {
            let ended = self.session(&mut supervisor, &shutdown).await;
            self.consumes(None);
            let delay = match ended {
                Ok(()) => break,
                Err(error) => supervisor.ended(error)?,
            };
            let waiting = discarding(&mut self.acks, Supervisor::wait(delay));
            shutdown.run_until_cancelled(waiting).await;
        }
        // Without a session nothing can be acknowledged; but the worker may still be at its last commits.
        self.deliveries = None;
        while self.acks.recv().await.is_some() {}
        Ok(())
    }

    /// One session. `Ok`: ended on purpose.
    async fn session(
        &mut self,
        supervisor: &mut Supervisor,
        shutdown: &CancellationToken,
    ) -> Result<(), BrokerError> {
        let session = supervisor.begin();
        let settings = &self.settings;
        let opening = async {
            let link = Link::open(settings, Side::Consume).await?;
            ensure(&link, settings, Side::Consume).await?;
            let consumers = Consumers::start(&link, settings).await?;
            Ok::<_, BrokerError>((link, consumers))
        };
        let opening = discarding(&mut self.acks, opening);
        let Some(opened) = shutdown.run_until_cancelled(opening).await else { return Ok(()) };
        let (link, mut consumers) = opened?;
        supervisor.up();
        self.consumes(Some(session));

        let mut broken = pin!(link.broken(Side::Consume, self.health.clone(), &settings.link));
        let mut proof = pin!(consumers.proof_of_life(&link, settings));
        let mut desk = Desk::new(session, settings, self.deliveries.clone(), self.token);
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                error = &mut broken => return Err(error),
                error = &mut proof => return Err(error),
                acked = landed(desk.acking.as_mut()) => {
                    acked?;
                    desk.acking = None;
                    desk.acknowledge();
                }
                tag = self.acks.recv() => {
                    let Some(tag) = tag else { break };
                    desk.committed(tag);
                    while let Ok(tag) = self.acks.try_recv() {
                        desk.committed(tag);
                    }
                    desk.acknowledge();
                }
                () = shutdown.cancelled(), if !stopping => {
                    stopping = true;
                    self.deliveries = None;
                    consumers.cancel(&link).await?;
                }
                room = room(desk.deliveries.as_ref()), if desk.waiting.is_some() => {
                    match (room, desk.waiting.take()) {
                        (Some(room), Some(delivery)) => drop(room.send(delivery)),
                        _ => desk.deliveries = None,
                    }
                }
                arrival = consumers.stream.next(), if desk.is_free() => {
                    desk.receive_burst(arrival, &mut consumers, stopping)?;
                }
            }
        }
        desk.finish().await?;
        supervisor.closed();
        link.close().await;
        Ok(())
    }
}

/// What is going on in one session.
struct Desk {
    session: u64,
    token: Option<Token>,
    settings: BrokerSettings,
    /// `None`: nothing more is handed over.
    deliveries: Option<mpsc::Sender<Delivery>>,
    /// Taken from the broker, but there is no room for it yet.
    waiting: Option<Delivery>,
    ledger: Ledger<Acker>,
    /// The highest number committed and not yet acknowledged.
    committed: Option<u64>,
    /// The acknowledgements on their way.
    acking: Option<BoxFuture<'static, Result<(), BrokerError>>>,
}

impl Desk {
    fn new(
        session: u64,
        settings: &BrokerSettings,
        deliveries: Option<mpsc::Sender<Delivery>>,
        token: Option<Token>,
    ) -> Self {
        Self {
            session,
            token,
            settings: settings.clone(),
            deliveries,
            waiting: None,
            ledger: Ledger::new(settings.input.queues.len()),
            committed: None,
            acking: None,
        }
    }

    fn is_free(&self) -> bool {
        self.waiting.is_none() && self.deliveries.is_some()
    }

    /// Takes what lies ready, up to a bound, so that a full link costs one round of the loop and not one a message.
    fn receive_burst(
        &mut self,
        first: Option<Arrival>,
        consumers: &mut Consumers,
        stopping: bool,
    ) -> Result<(), BrokerError> {
        burst(
            first,
            || consumers.stream.next().now_or_never(),
            |arrival| {
                match arrival {
                    Some((queue, Some(incoming))) => {
                        let incoming =
                            incoming.map_err(|error| BrokerError::lost("consuming", error))?;
                        self.receive(queue, incoming);
                    }
                    // The broker cancels a consumer when the queue goes; lapin then ends the stream without a word.
                    Some((_, None)) if !stopping => {
                        return Err(BrokerError::lost(
                            "consuming",
                            "the broker cancelled the consumer",
                        ));
                    }
                    Some((_, None)) => {}
                    None => self.deliveries = None,
                }
                Ok(self.is_free())
            },
        )
    }

    fn receive(&mut self, queue: usize, incoming: Incoming) {
        counter!("dunlin_broker_deliveries_total").increment(1);
        let name = self.settings.input.queues.get(queue).map_or("", |queue| queue.name.as_str());
        let origin = format!("{name} #{}", incoming.delivery_tag);
        let number = self.ledger.hand_over(queue, incoming.acker);
        let properties = &incoming.properties;
        let mark = read_mark((properties, &incoming.data), queue, self.token, self.session);
        let delivery = Delivery {
            content_type: properties.content_type().as_ref().map(ToString::to_string),
            headers: properties::headers(properties.headers().as_ref()),
            user_id: properties.user_id().as_ref().map(ToString::to_string),
            body: incoming.data,
            origin,
            tag: Tag { session: self.session, number },
            mark,
        };
        let Some(to) = &self.deliveries else { return };
        match to.try_send(delivery) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(delivery)) => self.waiting = Some(delivery),
            Err(mpsc::error::TrySendError::Closed(_)) => self.deliveries = None,
        }
    }

    /// Notes a commit; one of another session is none of ours.
    fn committed(&mut self, tag: Tag) {
        if tag.session == self.session {
            self.committed = self.committed.max(Some(tag.number));
        }
    }

    /// Sends what was committed, unless acknowledgements are on their way: then the next go out together.
    fn acknowledge(&mut self) {
        if self.acking.is_some() {
            return;
        }
        let Some(number) = self.committed.take() else { return };
        let (ackers, settled) = self.ledger.settle(number);
        if ackers.is_empty() {
            return;
        }
        let limit = self.settings.link.rpc_timeout();
        self.acking = Some(
            async move {
                for acker in ackers {
                    let sent = acker.ack(BasicAckOptions { multiple: true });
                    // `false` means that it was not sent: the channel is gone.
                    if !rpc(limit, "acknowledging", sent).await? {
                        return Err(BrokerError::lost("acknowledging", "the channel is closed"));
                    }
                }
                counter!("dunlin_broker_acks_total").increment(settled);
                Ok(())
            }
            .boxed(),
        );
    }

    async fn finish(mut self) -> Result<(), BrokerError> {
        if let Some(acking) = self.acking.take() {
            acking.await?;
        }
        self.acknowledge();
        match self.acking.take() {
            Some(acking) => acking.await,
            None => Ok(()),
        }
    }
}

/// Hands over `first` and what `next` has ready after it, up to [`BURST`], as long as `take` has room for another. Never asks
/// for one that it does not hand over: that one would be covered by the acknowledgement of a later one, and lost.
fn burst<T>(
    first: T,
    mut next: impl FnMut() -> Option<T>,
    mut take: impl FnMut(T) -> Result<bool, BrokerError>,
) -> Result<(), BrokerError> {
    let mut has_room = take(first)?;
    for _ in 1..BURST {
        if !has_room {
            break;
        }
        let Some(arrival) = next() else { break };
        has_room = take(arrival)?;
    }
    Ok(())
}

/// Resolves when the acknowledgements on their way were sent; never, if none are.
async fn landed(
    acking: Option<&mut BoxFuture<'static, Result<(), BrokerError>>>,
) -> Result<(), BrokerError> {
    match acking {
        Some(acking) => acking.await,
        None => pending().await,
    }
}

/// Resolves when there is room for one delivery, or `None` when nobody takes any.
async fn room(to: Option<&mpsc::Sender<Delivery>>) -> Option<mpsc::OwnedPermit<Delivery>> {
    to?.clone().reserve_owned().await.ok()
}

/// Runs `future`; acknowledgements of a session that is gone must not fill up the channel meanwhile.
async fn discarding<T>(acks: &mut mpsc::Receiver<Tag>, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            done = &mut future => return done,
            tag = acks.recv(), if open => open = tag.is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
