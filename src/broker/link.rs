//! One connection for one session: opened under a deadline, watched, and torn down for good.
//!
//! Does not reconnect (`supervise` does) and declares nothing (`topology` does).

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use core::future::Future;
use core::time::Duration;

use futures_util::stream::StreamExt;
use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties, Event, ExchangeKind};
use tokio::time::{sleep, timeout};

use super::settings::{BrokerSettings, LinkSettings};
use super::{BrokerError, BrokerHealth, Side, uri};

/// How long a polite goodbye may take before the socket is shut, in milliseconds.
const CLOSE_MS: u64 = 1_000;

/// One open connection. Dropping it shuts the socket, so that no thread of a dead session lingers.
pub(crate) struct Link {
    connection: Connection,
    _socket: ShutOnDrop,
    rpc_timeout: Duration,
}

/// A second handle on the connection's socket: lapin has no way to abandon a connection whose peer is silent.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Option<TcpStream>>>);

/// Shuts the socket when the session ends, or when the attempt to open one is given up.
struct ShutOnDrop(Socket);

impl Drop for ShutOnDrop {
    fn drop(&mut self) {
        let mut held = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = held.take() {
            // An error means that it is closed already, which is what we want.
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

impl Link {
    /// Connects and logs in. Every step has a deadline.
    pub(crate) async fn open(settings: &BrokerSettings, side: Side) -> Result<Self, BrokerError> {
        let address = uri::address(settings)?;
        let failed =
            |reason: String| BrokerError::Connect { address: address.shown.clone(), reason };
        let tls = tls(settings).await?;
        let name = format!("{} {}", settings.connection_name, side.label());
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime =
            lapin::runtime::default_runtime().map_err(|error| failed(error.to_string()))?;

        let socket = Socket::default();
        let guard = ShutOnDrop(socket.clone());
        let connect_timeout = Duration::from_millis(settings.link.connect_timeout_ms);
        let connecting = Connection::connector(
            address.uri.clone(),
            runtime,
            async move |uri: AMQPUri, runtime| {
                let connecting = uri.connect_with_config_async(tls.as_ref(), &runtime);
                // lapin heeds the URI's connection_timeout only where it connects without async.
                let stream = timeout(connect_timeout, connecting)
                    .await
                    .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
                let handle = match &stream {
                    AsyncTcpStream::Plain(plain) => plain.get_ref().as_fd().try_clone_to_owned()?,
                    AsyncTcpStream::Rustls(tls) => {
                        tls.get_ref().0.get_ref().as_fd().try_clone_to_owned()?
                    }
                    _ => return Err(std::io::Error::from(std::io::ErrorKind::Unsupported).into()),
                };
                *socket.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle.into());
                Ok(stream)
            },
            properties,
        );
        let rpc_timeout = settings.link.rpc_timeout();
        let connection = timeout(connect_timeout + rpc_timeout, connecting)
            .await
            .map_err(|_| failed("no answer to the login in time".to_owned()))?
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { connection, _socket: guard, rpc_timeout })
    }

    /// Opens a channel.
    pub(crate) async fn channel(&self) -> Result<Channel, BrokerError> {
        self.rpc("opening a channel", self.connection.create_channel()).await
    }

    /// Runs one question to the broker under the deadline.
    pub(crate) async fn rpc<T>(
        &self,
        step: &'static str,
        question: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, BrokerError> {
        rpc(self.rpc_timeout, step, question).await
    }

    /// Says goodbye, briefly.
    pub(crate) async fn close(self) {
        let closing = self.connection.close(200, "bye".into());
        // Whatever comes of it, the socket is shut next.
        drop(timeout(Duration::from_millis(CLOSE_MS), closing).await);
    }

    /// Resolves when the connection reports that it is broken, or was blocked for longer than the limit.
    pub(crate) fn broken(
        &self,
        side: Side,
        health: BrokerHealth,
        settings: &LinkSettings,
    ) -> impl Future<Output = BrokerError> + Send + 'static {
        let mut events = Box::pin(self.connection.events_listener());
        let limit = Duration::from_secs(settings.blocked_limit_secs);
        async move {
            loop {
                match events.next().await {
                    Some(Event::Error(error)) => return BrokerError::lost("connection", error),
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(side = side.label(), %reason, "the broker blocks the connection");
                        health.blocked(side, true);
                        let unblocked = async {
                            loop {
                                match events.next().await {
                                    Some(Event::ConnectionUnblocked) => return None,
                                    Some(Event::Error(error)) => return Some(error.to_string()),
                                    Some(_) => {}
                                    None => return Some("closed".to_owned()),
                                }
                            }
                        };
                        match timeout(limit, unblocked).await {
                            Ok(None) => health.blocked(side, false),
                            Ok(Some(reason)) => return BrokerError::lost("connection", reason),
                            Err(_) => return BrokerError::lost("blocked by the broker", reason),
                        }
                    }
                    Some(_) => {}
                    None => return BrokerError::lost("connection", "closed"),
                }
            }
        }
    }

    /// Whether the broker blocks this connection now.
    pub(crate) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Asks again and again for something that must be there, on the channel in use; resolves when the answer fails.
    pub(crate) fn proof_of_life(
        &self,
        channel: Channel,
        subject: Subject,
        settings: &LinkSettings,
    ) -> impl Future<Output = BrokerError> + Send + 'static {
        let status = self.connection.status().clone();
        let every = Duration::from_secs(settings.proof_of_life_secs);
        let limit = self.rpc_timeout;
        async move {
            loop {
                sleep(every).await;
                // While blocked, nothing is written, not even the question; another limit watches over that.
                if status.blocked() {
                    continue;
                }
                match rpc(limit, "proof of life", subject.look(&channel)).await {
                    Ok(()) => {}
                    Err(BrokerError::Deadline { .. }) if status.blocked() => {}
                    Err(error) => return error,
                }
            }
        }
    }
}

/// Something on the broker that can be looked at without changing it.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// An exchange of this name.
    Exchange(String),
    /// A queue of this name.
    Queue(String),
}

impl Subject {
    /// Looks whether it is there; the channel is closed by the broker if it is not.
    pub(crate) async fn look(&self, channel: &Channel) -> lapin::Result<()> {
        match self {
            Self::Exchange(name) => {
                let passive = ExchangeDeclareOptions { passive: true, ..Default::default() };
                let kind = ExchangeKind::Direct;
                channel
                    .exchange_declare(name.as_str().into(), kind, passive, FieldTable::default())
                    .await
            }
            Self::Queue(name) => {
                let passive = QueueDeclareOptions { passive: true, ..Default::default() };
                let looked =
                    channel.queue_declare(name.as_str().into(), passive, FieldTable::default());
                looked.await.map(drop)
            }
        }
    }
}

/// Runs one question to the broker under a deadline: lapin has none.
pub(crate) async fn rpc<T>(
    limit: Duration,
    step: &'static str,
    question: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    timeout(limit, question)
        .await
        .map_err(|_| BrokerError::Deadline { step, limit_ms: limit.as_millis() })?
        .map_err(|error| BrokerError::lost(step, error))
}

async fn tls(settings: &BrokerSettings) -> Result<OwnedTLSConfig, BrokerError> {
    let Some(path) = &settings.ca_file else { return Ok(OwnedTLSConfig::default()) };
    let cert_chain =
        tokio::fs::read_to_string(path).await.map_err(|error| BrokerError::Settings {
            key: "broker.ca_file".to_owned(),
            problem: format!("cannot read {}: {error}", path.display()),
        })?;
    Ok(OwnedTLSConfig { identity: None, cert_chain: Some(cert_chain) })
}
