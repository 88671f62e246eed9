//! What can go wrong with the broker. Carries no credentials, no body and no address of a person.

use std::path::PathBuf;

use lapin::ErrorKind;

/// Why something with the broker did not work.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The settings cannot be used; see [`super::BrokerSettings::problems`] for all of them at once.
    #[error("{key}: {problem}")]
    Settings {
        /// The key, below `broker`.
        key: String,
        /// What is wrong with its value, without the value where it may hold a secret.
        problem: String,
    },
    /// No session could be opened.
    #[error("cannot connect to the broker at {address}: {reason}")]
    Connect {
        /// Host, port and virtual host.
        address: String,
        /// What the network or the broker answered.
        reason: String,
    },
    /// The broker holds something else than the settings ask for; retrying does not help.
    #[error("{object}: the broker says \"{broker_says}\". {advice}")]
    Topology {
        /// Which exchange or queue.
        object: String,
        /// The broker's own words.
        broker_says: String,
        /// What a person can do about it.
        advice: String,
    },
    /// The broker did not answer in time.
    #[error("{step}: no answer from the broker within {limit_ms} ms")]
    Deadline {
        /// What was being done.
        step: &'static str,
        /// The limit, in milliseconds.
        limit_ms: u128,
    },
    /// The session ended.
    #[error("{step}: {reason}")]
    Lost {
        /// What was being done.
        step: &'static str,
        /// What was seen.
        reason: String,
    },
    /// A file of events cannot be published.
    #[error("{}, line {line}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 where the whole file is meant.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The broker did not take an event of a file.
    #[error("{}, line {line}: {reason}; {confirmed} events of this run were confirmed", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why.
        reason: String,
        /// How many events of this run the broker confirmed.
        confirmed: u64,
    },
}

impl BrokerError {
    pub(crate) fn lost(step: &'static str, reason: impl ToString) -> Self {
        Self::Lost { step, reason: reason.to_string() }
    }

    /// Whether only a person can repair it, so that trying again at once is of no use.
    pub fn is_contradiction(&self) -> bool {
        matches!(self, Self::Topology { .. } | Self::Settings { .. })
    }
}

/// The AMQP reply code and text, if the broker itself refused.
pub(crate) fn reply(error: &lapin::Error) -> Option<(u16, String)> {
    match error.kind() {
        ErrorKind::ProtocolError(reply) => Some((reply.get_id(), reply.get_message().to_string())),
        _ => None,
    }
}
