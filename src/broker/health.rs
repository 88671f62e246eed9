//! What the rest of the program may know about the broker: for `/readyz` and `/metrics`.
//!
//! Decides nothing; whoever reads it does.

use std::collections::BTreeSet;
use std::sync::Arc;

use metrics::{counter, gauge};
use tokio::sync::watch;

/// How many unroutable routing keys are remembered by name.
const UNROUTABLE_KEYS: usize = 32;

/// Which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Deliveries in, acknowledgements out.
    Consume,
    /// State changes out.
    Publish,
    /// Markers into the input queues.
    Mark,
    /// A command that a person runs.
    Tool,
}

impl Side {
    /// The value of the metric label `side`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Consume => "consume",
            Self::Publish => "publish",
            Self::Mark => "mark",
            Self::Tool => "tool",
        }
    }
}

/// One connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideState {
    /// Whether a session is up: connected, topology checked, consuming or ready to publish.
    pub connected: bool,
    /// The current or last session, counted from 1; 0 before the first.
    pub session: u64,
    /// Sessions that were up and were lost.
    pub reconnects: u64,
    /// Whether the broker has blocked the connection (memory or disk alarm).
    pub blocked: bool,
    /// Why the last session ended or could not begin. Empty while connected.
    pub last_error: String,
}

/// Both connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerState {
    /// The consuming connection.
    pub consume: SideState,
    /// The publishing connection.
    pub publish: SideState,
    /// Routing keys of mandatory messages that came back and have not been routed since: the missing bindings.
    pub unroutable: BTreeSet<String>,
}

/// A handle on the state of the broker. Clones share it.
#[derive(Debug, Clone)]
pub struct BrokerHealth(Arc<watch::Sender<BrokerState>>);

impl Default for BrokerHealth {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(BrokerState::default())))
    }
}

impl BrokerHealth {
    /// The state now.
    pub fn snapshot(&self) -> BrokerState {
        self.0.borrow().clone()
    }

    /// Wakes whoever waits for a change.
    pub fn subscribe(&self) -> watch::Receiver<BrokerState> {
        self.0.subscribe()
    }

    fn change(&self, side: Side, change: impl FnOnce(&mut SideState)) {
        self.0.send_modify(|state| match side {
            Side::Consume => change(&mut state.consume),
            Side::Publish => change(&mut state.publish),
            Side::Mark | Side::Tool => {}
        });
    }

    pub(crate) fn up(&self, side: Side, session: u64) {
        gauge!("dunlin_broker_connected", "side" => side.label()).set(1.0);
        self.change(side, |state| {
            state.connected = true;
            state.session = session;
            state.blocked = false;
            state.last_error.clear();
        });
    }

    /// The session `session` ended, or could not begin.
    pub(crate) fn down(&self, side: Side, session: u64, why: &str) {
        gauge!("dunlin_broker_connected", "side" => side.label()).set(0.0);
        gauge!("dunlin_broker_blocked", "side" => side.label()).set(0.0);
        self.change(side, |state| {
            if state.connected {
                counter!("dunlin_broker_reconnects_total", "side" => side.label()).increment(1);
                state.reconnects += 1;
            }
            state.connected = false;
            state.session = session;
            state.blocked = false;
            why.clone_into(&mut state.last_error);
        });
    }

    pub(crate) fn blocked(&self, side: Side, blocked: bool) {
        gauge!("dunlin_broker_blocked", "side" => side.label()).set(if blocked {
            1.0
        } else {
            0.0
        });
        self.change(side, |state| state.blocked = blocked);
    }

    pub(crate) fn unroutable(&self, routing_key: &str) {
        self.0.send_if_modified(|state| {
            state.unroutable.len() < UNROUTABLE_KEYS
                && state.unroutable.insert(routing_key.to_owned())
        });
    }

    pub(crate) fn routed(&self, routing_key: &str) {
        self.0.send_if_modified(|state| state.unroutable.remove(routing_key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_session_that_was_up_counts_as_a_reconnect() {
        let health = BrokerHealth::default();
        health.down(Side::Consume, 1, "refused");
        assert_eq!(health.snapshot().consume.reconnects, 0);
        health.up(Side::Consume, 2);
        health.down(Side::Consume, 2, "gone");
        let state = health.snapshot();
        assert_eq!((state.consume.reconnects, state.consume.session), (1, 2));
        assert!(!state.consume.connected && state.consume.last_error == "gone");
        assert_eq!(state.publish, SideState::default());
    }

    #[test]
    fn a_missing_binding_is_named_until_a_message_gets_through() {
        let health = BrokerHealth::default();
        health.unroutable("a.b");
        assert!(health.snapshot().unroutable.contains("a.b"));
        health.routed("other");
        assert!(health.snapshot().unroutable.contains("a.b"));
        health.routed("a.b");
        assert!(health.snapshot().unroutable.is_empty());
    }

    #[test]
    fn the_list_of_missing_bindings_is_bounded() {
        let health = BrokerHealth::default();
        (0..100).for_each(|n| health.unroutable(&format!("key.{n}")));
        assert_eq!(health.snapshot().unroutable.len(), UNROUTABLE_KEYS);
    }
}
