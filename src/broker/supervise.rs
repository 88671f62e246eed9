//! When to open the next session: counts attempts, waits, keeps the health up to date. Opens nothing itself.

use core::time::Duration;

use tokio::time::{Instant, sleep};

use super::{BrokerError, BrokerHealth, Side};
use crate::backoff::Backoff;
use crate::clock::monotonic;

/// The life of one side, over all its sessions.
pub(crate) struct Supervisor {
    side: Side,
    health: BrokerHealth,
    backoff: Backoff,
    session: u64,
    attempt: u32,
    up_since: Option<Instant>,
    ever_up: bool,
}

impl Supervisor {
    /// Before the first session.
    pub(crate) fn new(side: Side, health: BrokerHealth, backoff: Backoff) -> Self {
        Self { side, health, backoff, session: 0, attempt: 0, up_since: None, ever_up: false }
    }

    /// The number of the next session, from 1.
    pub(crate) fn begin(&mut self) -> u64 {
        self.session += 1;
        self.up_since = None;
        self.session
    }

    /// The session is ready for its work.
    pub(crate) fn up(&mut self) {
        self.up_since = Some(monotonic());
        self.ever_up = true;
        self.health.up(self.side, self.session);
        tracing::info!(side = self.side.label(), session = self.session, "connected to the broker");
    }

    /// The session was closed on purpose.
    pub(crate) fn closed(&self) {
        self.health.down(self.side, self.session, "closed");
    }

    /// The session ended or could not begin. Answers how long to wait before the next.
    ///
    /// # Errors
    /// The error itself where trying again is of no use: a contradiction, before any session was up. Later ones are
    /// retried, since somebody is at work on the broker.
    pub(crate) fn ended(&mut self, error: BrokerError) -> Result<Duration, BrokerError> {
        self.health.down(self.side, self.session, &error.to_string());
        if error.is_contradiction() && !self.ever_up {
            return Err(error);
        }
        // A session that held for a while starts the count anew; one that flaps does not.
        if self.up_since.is_some_and(|since| since.elapsed() >= self.backoff.cap) {
            self.attempt = 0;
        }
        let delay = self.backoff.delay(self.attempt, rand::random());
        self.attempt = self.attempt.saturating_add(1);
        let retry_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        let (side, session) = (self.side.label(), self.session);
        tracing::warn!(side, session, retry_ms, %error, "no broker session");
        Ok(delay)
    }

    /// Waits.
    pub(crate) async fn wait(delay: Duration) {
        sleep(delay).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supervisor() -> Supervisor {
        let backoff = Backoff { first: Duration::from_millis(1), cap: Duration::from_secs(10) };
        Supervisor::new(Side::Consume, BrokerHealth::default(), backoff)
    }

    fn contradiction() -> BrokerError {
        let text = String::new;
        BrokerError::Topology { object: text(), broker_says: text(), advice: text() }
    }

    #[test]
    fn a_contradiction_is_final_at_the_start_and_retried_later() {
        let mut fresh = supervisor();
        fresh.begin();
        assert!(fresh.ended(BrokerError::lost("x", "y")).is_ok());
        fresh.begin();
        assert!(fresh.ended(contradiction()).is_err());

        let mut seasoned = supervisor();
        seasoned.begin();
        seasoned.up();
        assert!(seasoned.ended(BrokerError::lost("x", "y")).is_ok());
        seasoned.begin();
        assert!(seasoned.ended(contradiction()).is_ok());
    }

    #[test]
    fn only_a_session_that_held_starts_the_back_off_anew() {
        let mut supervisor = supervisor();
        for _ in 0..20 {
            supervisor.begin();
            supervisor.up();
            assert!(supervisor.ended(BrokerError::lost("x", "y")).is_ok());
        }
        assert_eq!(supervisor.attempt, 20);
        supervisor.begin();
        supervisor.up();
        supervisor.up_since = monotonic().checked_sub(supervisor.backoff.cap);
        assert!(supervisor.ended(BrokerError::lost("x", "y")).is_ok());
        assert_eq!(supervisor.attempt, 1);
    }
}
