//! The sessions that wait for the next message, and the permits that bound how many exist.
//!
//! A session is owned by the send that uses it and comes back only when that send says so: one that is
//! dropped half-way takes its connection with it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Up to `size` things, of which the idle ones are kept here.
pub(super) struct Pool<T> {
    permits: Semaphore,
    idle: Mutex<Vec<T>>,
}

impl<T> Pool<T> {
    /// An empty pool. At least one connection, whatever `size` says.
    pub(super) fn new(size: usize) -> Self {
        let size = size.clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Semaphore::new(size), idle: Mutex::new(Vec::new()) }
    }

    /// Waits for the right to use one. `None`: the wait took too long.
    pub(super) async fn permit(&self, wait: Duration) -> Option<SemaphorePermit<'_>> {
        timeout(wait, self.permits.acquire()).await.ok()?.ok()
    }

    /// The one used last, if any waits: the others grow old and are closed.
    pub(super) fn take(&self) -> Option<T> {
        self.lock().pop()
    }

    /// Leaves one for the next message. The permit is proof that there is room.
    pub(super) fn give_back(&self, item: T, _permit: &SemaphorePermit<'_>) {
        self.lock().push(item);
    }

    /// Takes out all that `is_old` picks.
    pub(super) fn take_old(&self, is_old: impl Fn(&T) -> bool) -> Vec<T> {
        self.lock().extract_if(.., |item| is_old(item)).collect()
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<T>> {
        // No holder runs code that can leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
