//! Markers: dunlin's own messages in its input queues, which come back out of them (SAFE-5).
//!
//! Written over a connection of their own: a broker that is short of memory stops reading from whoever publishes, and the
//! acknowledgements must not wait behind that. Whoever may not write to the default exchange loses this connection and no other.

use core::fmt;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation};
use metrics::counter;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::{BrokerError, BrokerSettings, Side};
use crate::intake::{Mark, Wanted};

/// AMQP `type` of a marker.
const TYPE: &str = "dunlin.marker";
/// AMQP's `delivery_mode` of a message that survives a restart, as everything in a quorum queue does.
const PERSISTENT: u8 = 2;
const STEP: &str = "writing a marker";

/// Tells the markers of this process from those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(u128);

impl Token {
    /// One that no other process has.
    pub fn new() -> Self {
        Self(rand::random())
    }

    fn name(self, Wanted { session, number }: Wanted) -> String {
        format!("{self}-{session}-{number}")
    }
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What a message of the queue with this index marks; `None` if it is no marker but something to be decoded. A marker is empty:
/// whatever has a body is never passed over.
pub(crate) fn read(
    (properties, data): (&BasicProperties, &[u8]),
    queue: usize,
    token: Option<Token>,
    session: u64,
) -> Option<Mark> {
    let kind = properties.kind().as_ref();
    if !data.is_empty() || kind.is_none_or(|kind| kind.as_str() != TYPE) {
        return None;
    }
    let number = properties.message_id().as_ref().and_then(|id| {
        let number = id.as_str().rsplit('-').next()?.parse().ok()?;
        let own = token?.name(Wanted { session, number });
        (own == id.as_str()).then_some(number)
    });
    Some(number.map_or(Mark::Stale, |number| Mark::Read { queue, number }))
}

/// The task that writes markers.
#[derive(Debug)]
pub struct MarkTask {
    settings: BrokerSettings,
    token: Token,
    wanted: mpsc::Receiver<Wanted>,
}

impl MarkTask {
    /// Writes what is asked for on `wanted`, under `token`.
    pub fn new(settings: BrokerSettings, token: Token, wanted: mpsc::Receiver<Wanted>) -> Self {
        Self { settings, token, wanted }
    }

    /// Writes markers until `shutdown`. What cannot be written is asked for again by whoever waits for it.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut open = None;
        while let Some(Some(wanted)) = shutdown.run_until_cancelled(self.wanted.recv()).await {
            let written = shutdown.run_until_cancelled(self.write(&mut open, wanted)).await;
            let outcome = match written {
                None => break,
                Some(Ok(())) => "written",
                Some(Err(error)) => {
                    open = None;
                    tracing::warn!(
                        %error,
                        "no marker could be written into the input queues: releases wait (dunlin's user needs the right to \
                         write to the default exchange, amq.default)"
                    );
                    "failed"
                }
            };
            counter!("dunlin_markers_total", "outcome" => outcome).increment(1);
        }
        shutdown.cancelled().await;
    }

    async fn write(
        &self,
        open: &mut Option<(Link, Channel)>,
        wanted: Wanted,
    ) -> Result<(), BrokerError> {
        if open.is_none() {
            let link = Link::open(&self.settings, Side::Mark).await?;
            let channel = link.channel().await?;
            let select = channel.confirm_select(ConfirmSelectOptions::default());
            link.rpc("asking for confirms", select).await?;
            *open = Some((link, channel));
        }
        let Some((link, channel)) = open else { return Ok(()) };
        let name = self.token.name(wanted);
        for queue in &self.settings.input.queues {
            let properties = BasicProperties::default()
                .with_delivery_mode(PERSISTENT)
                .with_type(TYPE.into())
                .with_message_id(name.as_str().into())
                .with_app_id("dunlin".into());
            let options = BasicPublishOptions { mandatory: true, immediate: false };
            let to = queue.name.as_str().into();
            let confirmed = async {
                channel.basic_publish("".into(), to, options, &[], properties).await?.await
            };
            match link.rpc(STEP, confirmed).await? {
                Confirmation::Ack(None) => {}
                Confirmation::Ack(Some(_)) => {
                    return Err(BrokerError::lost(
                        STEP,
                        format!("there is no queue {:?}", queue.name),
                    ));
                }
                Confirmation::Nack(_) => {
                    return Err(BrokerError::lost(
                        STEP,
                        format!("the queue {:?} is full", queue.name),
                    ));
                }
                Confirmation::NotRequested => {
                    return Err(BrokerError::lost(STEP, "the channel was not in confirm mode"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: u64 = 3;

    fn seen(kind: &str, id: &str, data: &[u8], token: Token) -> Option<Mark> {
        let properties =
            BasicProperties::default().with_type(kind.into()).with_message_id(id.into());
        read((&properties, data), 1, Some(token), HERE)
    }

    #[test]
    fn a_marker_of_this_process_and_session_is_known_again_and_any_other_says_nothing() {
        let token = Token::new();
        let own = token.name(Wanted { session: HERE, number: 7 });
        assert_eq!(seen(TYPE, &own, b"", token), Some(Mark::Read { queue: 1, number: 7 }));
        let earlier = token.name(Wanted { session: HERE - 1, number: 7 });
        let other = Token::new().name(Wanted { session: HERE, number: 7 });
        for stale in [earlier.as_str(), &other, "", "7", "x-3-y"] {
            assert_eq!(seen(TYPE, stale, b"", token), Some(Mark::Stale), "{stale}");
        }
    }

    #[test]
    fn what_has_a_body_or_another_type_is_an_event_whatever_it_is_called() {
        let token = Token::new();
        let own = token.name(Wanted { session: HERE, number: 7 });
        assert_eq!(seen(TYPE, &own, b"{}", token), None);
        assert_eq!(seen("billing.balance.changed", &own, b"", token), None);
        assert_eq!(read((&BasicProperties::default(), b""), 0, Some(token), HERE), None);
    }
}
