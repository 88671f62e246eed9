//! SIGTERM and SIGINT as a cancellation token. The first asks everybody to finish, the second ends the process at once.
//!
//! Decides nothing about how long finishing may take: that is `worker.drain_timeout_secs`, kept by `app`.

use std::io;
use std::pin::pin;

use futures_util::{Stream, StreamExt, stream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// What a process exits with after a signal, less the signal's number; shells expect that.
const SIGNAL_EXIT_BASE: i32 = 128;

/// A signal that asks to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: the supervisor.
    Terminate,
}

impl StopSignal {
    /// The exit status of a process that this signal ended.
    pub fn exit_code(self) -> i32 {
        let number = match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
        };
        SIGNAL_EXIT_BASE + number
    }
}

/// The signals of this process, from the moment of registration on.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Registers the handlers. From here on the signals no longer end the process by themselves, so do it first thing,
    /// and keep [`Signals::run`] running.
    ///
    /// # Errors
    /// If the system refuses the handler.
    pub fn register() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Cancels `shutdown` at the first signal; at the second one the process exits. Never returns before that: whoever
    /// runs it drops it when everything else has stopped.
    pub async fn run(self, shutdown: CancellationToken) {
        relay(self.into_stream(), &shutdown, |code| std::process::exit(code)).await;
    }

    fn into_stream(self) -> impl Stream<Item = StopSignal> {
        stream::unfold(self, |mut signals| async {
            let received = tokio::select! {
                got = signals.interrupt.recv() => got.map(|()| StopSignal::Interrupt),
                got = signals.terminate.recv() => got.map(|()| StopSignal::Terminate),
            };
            received.map(|stop| (stop, signals))
        })
    }
}

async fn relay(
    signals: impl Stream<Item = StopSignal>,
    shutdown: &CancellationToken,
    exit: impl FnOnce(i32),
) {
    let mut signals = pin!(signals);
    if let Some(stop) = signals.next().await {
        info!(signal = ?stop, "stopping: finishing what is in flight");
        shutdown.cancel();
    }
    if let Some(stop) = signals.next().await {
        warn!(signal = ?stop, "stopping at once, on a second signal");
        exit(stop.exit_code());
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn the_first_signal_asks_and_only_the_second_exits() {
        let shutdown = CancellationToken::new();
        let mut exited = None;
        relay(stream::iter([StopSignal::Terminate]), &shutdown, |code| exited = Some(code)).await;
        assert!(shutdown.is_cancelled());
        assert_eq!(exited, None);

        let twice = stream::iter([StopSignal::Terminate, StopSignal::Interrupt]);
        relay(twice, &shutdown, |code| exited = Some(code)).await;
        assert_eq!(exited, Some(130));
    }

    #[tokio::test]
    async fn a_real_sigterm_cancels_the_token() {
        let signals = Signals::register().expect("registered");
        let shutdown = CancellationToken::new();
        let pid = std::process::id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(killed.success());
        tokio::select! {
            () = signals.run(shutdown.clone()) => {}
            () = shutdown.cancelled() => {}
        }
    }
}
