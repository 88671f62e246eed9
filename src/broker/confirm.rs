//! Publications on one channel and what the broker said to each.
//!
//! One task owns a window, and with it its channel: lapin gives a confirm to the wrong publication when two tasks
//! publish on clones of one channel. Retries nothing.
//!
//! A message that nobody is bound for comes back, and is then confirmed all the same. lapin hands a returned message
//! to whichever publication is confirmed next, which need not be the one that it belongs to. So a return is matched by
//! its own `message_id`, and a confirm is believed only after a *fence*: whoever took our return was resolved before
//! us, so once everything that had been resolved by then was looked at, no return of ours can still be hidden.

use std::collections::{HashMap, VecDeque};

use core::future::{Future, ready};
use core::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::time::timeout;

use super::BrokerError;
use super::link::Link;

/// The content type of a structured-mode CloudEvent.
const CLOUDEVENT: &str = "application/cloudevents+json; charset=utf-8";
/// AMQP's `delivery_mode` of a message that survives a restart.
const PERSISTENT: u8 = 2;

/// One message on its way out.
pub(crate) struct Outgoing {
    pub(crate) id: ShortString,
    pub(crate) event_type: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) body: Vec<u8>,
    pub(crate) mandatory: bool,
}

/// What the broker said to one publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It took responsibility, and a queue was bound.
    Confirmed,
    /// It came back: no queue is bound.
    Unroutable,
    /// It was refused.
    Nacked,
    /// Nobody can tell; the session is over.
    Lost(String),
}

/// The publications in flight on one channel, each under a key of the caller's.
pub(crate) struct Window<K> {
    channel: Channel,
    exchange: ShortString,
    limit: Duration,
    flights: FuturesUnordered<BoxFuture<'static, Landing<K>>>,
    judge: Judge<K>,
    open: usize,
}

enum Landing<K> {
    Answer { key: K, id: ShortString, answer: Result<Heard, String> },
    Fence,
}

/// What lapin resolved one publication with.
struct Heard {
    acked: bool,
    /// The `message_id` of a message that came back: of this one or of another.
    returned: Option<ShortString>,
}

impl Heard {
    fn from(confirmation: Confirmation) -> Result<Self, String> {
        let (acked, returned) = match confirmation {
            Confirmation::Ack(returned) => (true, returned),
            Confirmation::Nack(returned) => (false, returned),
            Confirmation::NotRequested => {
                return Err("the channel was not in confirm mode".to_owned());
            }
        };
        let returned = returned.and_then(|message| message.properties.message_id().clone());
        Ok(Self { acked, returned })
    }
}

impl<K: Send + 'static> Window<K> {
    /// A window over a fresh channel in confirm mode. Each publication is answered within `limit`.
    pub(crate) async fn open(
        link: &Link,
        exchange: ShortString,
        limit: Duration,
    ) -> Result<Self, BrokerError> {
        let channel = link.channel().await?;
        let select = channel.confirm_select(ConfirmSelectOptions::default());
        link.rpc("asking for confirms", select).await?;
        let (flights, judge) = (FuturesUnordered::new(), Judge::default());
        Ok(Self { channel, exchange, limit, flights, judge, open: 0 })
    }

    /// The channel, to prove that it lives. Not to publish on.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Publications without a verdict.
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    /// Sends a message. In the order of the calls: new flights are polled first come, first served, and lapin numbers
    /// and queues a message at the first poll.
    pub(crate) fn publish(&mut self, key: K, message: Outgoing) {
        let (channel, exchange, limit) = (self.channel.clone(), self.exchange.clone(), self.limit);
        let flight = async move {
            let Outgoing { id, event_type, routing_key, body, mandatory } = message;
            let options = BasicPublishOptions { mandatory, immediate: false };
            let properties = BasicProperties::default()
                .with_delivery_mode(PERSISTENT)
                .with_content_type(CLOUDEVENT.into())
                .with_message_id(id.clone())
                .with_type(event_type)
                .with_app_id("dunlin".into());
            let sent = channel.basic_publish(exchange, routing_key, options, &body, properties);
            let answer = match timeout(limit, confirmed(sent)).await {
                Ok(Ok(confirmation)) => Heard::from(confirmation),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("no confirm within {} ms", limit.as_millis())),
            };
            Landing::Answer { key, id, answer }
        };
        self.open += 1;
        self.flights.push(flight.boxed());
    }

    /// The next verdict; `None` when nothing is in flight. Dropping this future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<(K, Verdict)> {
        loop {
            if let Some(verdict) = self.judge.verdicts.pop_front() {
                self.open -= 1;
                return Some(verdict);
            }
            let raise_fence = match self.flights.next().await? {
                Landing::Answer { key, id, answer } => self.judge.hear(key, id, answer),
                Landing::Fence => self.judge.fence(),
            };
            if raise_fence {
                self.flights.push(ready(Landing::Fence).boxed());
            }
        }
    }
}

async fn confirmed(
    sent: impl Future<Output = lapin::Result<lapin::PublisherConfirm>>,
) -> lapin::Result<Confirmation> {
    sent.await?.await
}

/// Believes confirms, but not too early. Does no I/O.
struct Judge<K> {
    /// Heard since the fence was raised.
    heard: Vec<(K, ShortString, bool)>,
    /// Heard before the fence was raised.
    fenced: Vec<(K, ShortString, bool)>,
    fence_raised: bool,
    /// Messages that came back and were not judged yet.
    returned: HashMap<ShortString, u32>,
    verdicts: VecDeque<(K, Verdict)>,
}

impl<K> Default for Judge<K> {
    fn default() -> Self {
        Self {
            heard: Vec::new(),
            fenced: Vec::new(),
            fence_raised: false,
            returned: HashMap::new(),
            verdicts: VecDeque::new(),
        }
    }
}

impl<K> Judge<K> {
    /// Hears an answer. `true`: a fence is to be raised.
    fn hear(&mut self, key: K, id: ShortString, answer: Result<Heard, String>) -> bool {
        match answer {
            Ok(Heard { acked, returned }) => {
                if let Some(returned) = returned {
                    *self.returned.entry(returned).or_default() += 1;
                }
                self.heard.push((key, id, acked));
                self.raise()
            }
            Err(reason) => {
                self.verdicts.push_back((key, Verdict::Lost(reason)));
                false
            }
        }
    }

    /// The fence was reached: what was heard before it is judged. `true`: another is to be raised.
    fn fence(&mut self) -> bool {
        for (key, id, acked) in core::mem::take(&mut self.fenced) {
            let verdict = match self.returned.get_mut(&id) {
                Some(times) => {
                    *times -= 1;
                    if *times == 0 {
                        self.returned.remove(&id);
                    }
                    Verdict::Unroutable
                }
                None if acked => Verdict::Confirmed,
                None => Verdict::Nacked,
            };
            self.verdicts.push_back((key, verdict));
        }
        self.fence_raised = false;
        !self.heard.is_empty() && self.raise()
    }

    fn raise(&mut self) -> bool {
        if self.fence_raised {
            return false;
        }
        self.fence_raised = true;
        self.fenced = core::mem::take(&mut self.heard);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(judge: &mut Judge<u8>) -> Vec<(u8, Verdict)> {
        judge.verdicts.drain(..).collect()
    }

    fn ack(returned: Option<&str>) -> Result<Heard, String> {
        Ok(Heard { acked: true, returned: returned.map(Into::into) })
    }

    #[test]
    fn a_return_that_lapin_gave_to_another_publication_still_finds_its_own() {
        let mut judge = Judge::default();
        assert!(judge.hear(1, "a".into(), ack(None)));
        assert!(!judge.hear(2, "b".into(), ack(Some("a"))));
        assert!(verdicts(&mut judge).is_empty());
        assert!(judge.fence());
        assert_eq!(verdicts(&mut judge), [(1, Verdict::Unroutable)]);
        assert!(!judge.fence());
        assert_eq!(verdicts(&mut judge), [(2, Verdict::Confirmed)]);
    }

    #[test]
    fn a_return_that_comes_long_before_its_confirm_is_remembered() {
        let mut judge = Judge::default();
        judge.hear(2, "b".into(), ack(Some("a")));
        judge.fence();
        judge.hear(1, "a".into(), ack(None));
        judge.fence();
        assert_eq!(verdicts(&mut judge), [(2, Verdict::Confirmed), (1, Verdict::Unroutable)]);
        judge.hear(3, "a".into(), ack(None));
        judge.fence();
        assert_eq!(verdicts(&mut judge), [(3, Verdict::Confirmed)]);
    }

    #[test]
    fn only_a_plain_ack_is_a_success() {
        let mut judge = Judge::default();
        judge.hear(1, "a".into(), Heard::from(Confirmation::NotRequested));
        judge.hear(2, "b".into(), Err("gone".to_owned()));
        judge.hear(3, "c".into(), Heard::from(Confirmation::Nack(None)));
        judge.hear(4, "d".into(), Heard::from(Confirmation::Ack(None)));
        judge.fence();
        judge.fence();
        let verdicts = verdicts(&mut judge);
        assert!(matches!(&verdicts[..2], [(1, Verdict::Lost(_)), (2, Verdict::Lost(_))]));
        assert_eq!(verdicts[2..], [(3, Verdict::Nacked), (4, Verdict::Confirmed)]);
    }
}
