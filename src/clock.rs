//! The one place where time is read. Everything else is told what time it is.
//!
//! Does not sleep and does not schedule.

mod watch;

use std::sync::Mutex;

use chrono::{DateTime, Utc};

pub use self::watch::{Seen, Watch};

/// A point on the machine's monotonic clock: for measuring waits, never for deciding about a customer.
/// Under a paused tokio runtime it stands still with it.
pub fn monotonic() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// A source of the current instant (UTC).
pub trait Clock: Send + Sync {
    /// The current instant, to the microsecond, as the store keeps it.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's wall clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the clock is read")]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}

/// A clock that stands still until it is told otherwise: simulation and tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves the clock to `to`, also backwards.
    pub fn set(&self, to: DateTime<Utc>) {
        *self.0.lock().expect("no holder of this lock can panic") = to;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("no holder of this lock can panic")
    }
}
