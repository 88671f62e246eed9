//! The tasks of the program: named, supervised, joined. The only place where anything is spawned.
//!
//! Knows no task by its work; only which of them may end by itself.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::AppError;
use crate::shutdown::Signals;
use crate::worker::Serve;

/// Whether a task may end before the program is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It runs as long as the program does.
    Whole,
    /// It ends when its input does.
    Input,
    /// It decides when the program is over.
    Worker,
}

/// The running tasks, and the two signals that they listen to.
pub(super) struct Tasks {
    set: JoinSet<Result<(), AppError>>,
    names: HashMap<Id, (&'static str, Life)>,
    signals: JoinSet<()>,
    /// Take nothing new, finish what is in flight.
    pub(super) stop: CancellationToken,
    /// Nothing is in flight any more.
    pub(super) close: CancellationToken,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self {
            set: JoinSet::new(),
            names: HashMap::new(),
            signals: JoinSet::new(),
            stop: CancellationToken::new(),
            close: CancellationToken::new(),
        }
    }

    /// Stops at the first signal; the second one ends the process.
    pub(super) fn listen(&mut self, signals: Signals) {
        self.signals.spawn(signals.run(self.stop.clone()).in_current_span());
    }

    pub(super) fn add(
        &mut self,
        name: &'static str,
        life: Life,
        task: impl Future<Output = Result<(), AppError>> + Send + 'static,
    ) {
        let id = self.set.spawn(task.in_current_span()).id();
        self.names.insert(id, (name, life));
    }

    /// The worker has a thread of its own: its store is synchronous.
    pub(super) fn add_worker(&mut self, worker: Serve) {
        let runtime = tokio::runtime::Handle::current();
        let span = tracing::Span::current();
        let work = move || {
            let _in_span = span.entered();
            runtime.block_on(worker.run()).map_err(AppError::from)
        };
        let id = self.set.spawn_blocking(work).id();
        self.names.insert(id, ("worker", Life::Worker));
    }

    /// Waits until every task has ended; once told to stop, for at most `drain`.
    ///
    /// # Errors
    ///
    /// The first thing that went wrong; then everything else was told to stop.
    pub(super) async fn supervise(mut self, drain: Duration) -> Result<(), AppError> {
        let mut outcome = Ok(());
        let stop = self.stop.clone();
        // From the signal on, not from the last task that ended.
        let too_long = async {
            stop.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        tokio::pin!(too_long);
        loop {
            let ended = tokio::select! {
                ended = self.set.join_next_with_id() => ended,
                () = &mut too_long => return outcome.and(Err(AppError::Drain(drain))),
            };
            let Some(ended) = ended else { return outcome };
            let (id, result) = match ended {
                Ok((id, result)) => (id, result),
                Err(error) => (error.id(), Err(AppError::Died(self.name(error.id()).0))),
            };
            let (name, life) = self.name(id);
            let too_early = life == Life::Whole && !self.stop.is_cancelled();
            let result = if too_early && result.is_ok() {
                Err(AppError::Died(name.clone()))
            } else {
                result
            };
            tracing::debug!(task = name, failed = result.is_err(), "a task ended");
            if result.is_err() || life == Life::Worker {
                self.stop.cancel();
            }
            if life == Life::Worker {
                self.close.cancel();
            }
            outcome = outcome.and(result);
        }
    }

    fn name(&self, id: Id) -> (String, Life) {
        let (name, life) = self.names.get(&id).copied().unwrap_or(("unnamed", Life::Whole));
        (name.to_owned(), life)
    }
}
