//! What an operator writes about RabbitMQ: where it is, what is on it, and every limit of the link.
//!
//! Reads no file and no environment; `settings` does, and embeds this. Opens nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use core::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::{BrokerError, uri};
use crate::backoff::Backoff;

/// `[broker]`: the link to RabbitMQ.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrokerSettings {
    /// `amqps://user:password@host:5671/vhost`. The password percent-encoded. Never logged.
    pub uri: SecretString,
    /// Whether plain `amqp://` may go to a host that is not this machine. Default: no.
    pub allow_plaintext: bool,
    /// A file of PEM certificates to trust beside the system's, for `amqps://`.
    pub ca_file: Option<PathBuf>,
    /// How the connections are called in RabbitMQ's management page; the side is appended.
    pub connection_name: String,
    /// Whether dunlin declares exchanges, queues and bindings, or finds them made by others.
    pub topology: TopologyMode,
    /// `[broker.input]`: where events come from.
    pub input: InputSettings,
    /// `[broker.dead_letter]`: where RabbitMQ puts what it could not deliver.
    pub dead_letter: DeadLetterSettings,
    /// `[broker.output]`: where state changes go.
    pub output: OutputSettings,
    /// `[broker.link]`: the limits of the connections.
    pub link: LinkSettings,
}

/// Who makes the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopologyMode {
    /// dunlin declares everything at each start; what contradicts is refused.
    Declare,
    /// Others made it: dunlin only looks whether exchanges and queues are there. Their arguments (dead letters,
    /// delivery limit) and the bindings are taken on trust.
    Trust,
}

/// `[broker.input]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputSettings {
    /// The durable exchange that events are published to, with the account id as routing key.
    pub exchange: String,
    /// Its type.
    pub exchange_type: InputExchangeType,
    /// For `x-consistent-hash`: hash this header instead of the routing key. Empty: the routing key.
    pub hash_header: String,
    /// The durable quorum queues, each with its binding.
    pub queues: Vec<QueueSettings>,
    /// Unacknowledged deliveries a queue may have with us: 1 to 2000. Bounds memory.
    pub prefetch: u16,
    /// How often RabbitMQ redelivers before it dead-letters: a last resort, dunlin quarantines by itself.
    pub delivery_limit: u32,
    /// Messages that may wait in a queue (and in the dead-letter queue); beyond it, publishers are refused. 0: no limit.
    pub max_length: u64,
    /// One consumer at a time per queue; others stand by. Keeps an account's events in order.
    pub single_active_consumer: bool,
}

/// One input queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueSettings {
    /// Its name.
    pub name: String,
    /// Its binding key: a pattern for `topic`, a weight such as `"1"` for `x-consistent-hash`.
    pub binding: String,
}

/// The type of the input exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputExchangeType {
    /// By pattern: `#` takes everything.
    Topic,
    /// By exact key.
    Direct,
    /// Everything to every queue.
    Fanout,
    /// By hash of the key, so that several queues share the accounts. Needs `rabbitmq_consistent_hash_exchange`.
    #[serde(rename = "x-consistent-hash")]
    ConsistentHash,
}

impl InputExchangeType {
    /// What AMQP calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::ConsistentHash => "x-consistent-hash",
        }
    }
}

/// `[broker.dead_letter]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeadLetterSettings {
    /// The durable fanout exchange.
    pub exchange: String,
    /// The durable quorum queue bound to it. dunlin never reads it; a person does.
    pub queue: String,
}

/// `[broker.output]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputSettings {
    /// The durable topic exchange, with `<type>.<policy>` as routing key.
    pub exchange: String,
    /// Messages sent and not yet confirmed, at most. Also the length of the queue before them.
    pub max_unconfirmed: usize,
    /// Bytes of one message, at most. The broker closes the channel on what it finds too large.
    pub max_body_bytes: usize,
    /// Milliseconds until an unanswered publication counts as unknown and the session ends.
    pub confirm_timeout_ms: u64,
}

/// `[broker.link]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkSettings {
    /// Seconds between heartbeats; after twice as many the peer counts as dead. 5 to 20 is sound.
    pub heartbeat_secs: u16,
    /// Milliseconds for TCP and TLS to connect.
    pub connect_timeout_ms: u64,
    /// Milliseconds for each single question to the broker.
    pub rpc_timeout_ms: u64,
    /// Seconds that the broker may block a connection (memory or disk alarm) before it is opened anew.
    pub blocked_limit_secs: u64,
    /// Seconds between two proofs that the broker still answers on the channel in use.
    pub proof_of_life_secs: u64,
    /// Milliseconds of the shortest wait before connecting again.
    pub reconnect_first_ms: u64,
    /// Milliseconds of the longest wait before connecting again.
    pub reconnect_cap_ms: u64,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        Self {
            uri: "amqp://guest:guest@localhost:5672/%2f".into(),
            allow_plaintext: false,
            ca_file: None,
            connection_name: "dunlin".to_owned(),
            topology: TopologyMode::Declare,
            input: InputSettings::default(),
            dead_letter: DeadLetterSettings::default(),
            output: OutputSettings::default(),
            link: LinkSettings::default(),
        }
    }
}

impl Default for InputSettings {
    fn default() -> Self {
        Self {
            exchange: "billing.events".to_owned(),
            exchange_type: InputExchangeType::Topic,
            hash_header: String::new(),
            queues: vec![QueueSettings {
                name: "dunlin.events".to_owned(),
                binding: "#".to_owned(),
            }],
            prefetch: 1_000,
            delivery_limit: 1_000,
            max_length: 5_000_000,
            single_active_consumer: true,
        }
    }
}

impl Default for DeadLetterSettings {
    fn default() -> Self {
        Self { exchange: "dunlin.dead".to_owned(), queue: "dunlin.dead".to_owned() }
    }
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self {
            exchange: "dunlin.lifecycle".to_owned(),
            max_unconfirmed: 500,
            max_body_bytes: 1_048_576,
            confirm_timeout_ms: 30_000,
        }
    }
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            heartbeat_secs: 10,
            connect_timeout_ms: 5_000,
            rpc_timeout_ms: 10_000,
            blocked_limit_secs: 60,
            proof_of_life_secs: 15,
            reconnect_first_ms: 200,
            reconnect_cap_ms: 10_000,
        }
    }
}

impl LinkSettings {
    pub(crate) fn rpc_timeout(&self) -> Duration {
        Duration::from_millis(self.rpc_timeout_ms)
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff {
            first: Duration::from_millis(self.reconnect_first_ms),
            cap: Duration::from_millis(self.reconnect_cap_ms),
        }
    }
}

/// One mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// The key, below `broker`.
    pub key: String,
    /// What is wrong with it. Never holds a secret.
    pub problem: String,
}

impl From<SettingsProblem> for BrokerError {
    fn from(SettingsProblem { key, problem }: SettingsProblem) -> Self {
        Self::Settings { key: format!("broker.{key}"), problem }
    }
}

impl BrokerSettings {
    /// Every mistake that can be seen without the broker. Empty: none.
    pub fn problems(&self) -> Vec<SettingsProblem> {
        let mut found = Vec::new();
        let mut refuse = |key: String, problem: &str| {
            found.push(SettingsProblem { key, problem: problem.to_owned() });
        };
        let names = [
            ("input.exchange", &self.input.exchange),
            ("output.exchange", &self.output.exchange),
            ("dead_letter.exchange", &self.dead_letter.exchange),
            ("dead_letter.queue", &self.dead_letter.queue),
        ];
        for (key, name) in names {
            if let Some(problem) = name_problem(name) {
                refuse(key.to_owned(), problem);
            }
        }
        if self.input.queues.is_empty() {
            refuse("input.queues".to_owned(), "at least one queue is needed");
        }
        let mut seen = BTreeSet::new();
        let mut bound = BTreeSet::new();
        for (index, queue) in self.input.queues.iter().enumerate() {
            if let Some(problem) = name_problem(&queue.name) {
                refuse(format!("input.queues[{index}].name"), problem);
            }
            if queue.binding.len() > 255 {
                refuse(format!("input.queues[{index}].binding"), "longer than 255 bytes");
            }
            if !seen.insert(&queue.name) {
                refuse(format!("input.queues[{index}].name"), "this queue is listed twice");
            }
            let by_key = self.input.exchange_type != InputExchangeType::ConsistentHash;
            if by_key && !bound.insert(&queue.binding) {
                refuse(
                    format!("input.queues[{index}].binding"),
                    "two queues with one binding: every event would come twice",
                );
            }
        }
        if !(1..=2_000).contains(&self.input.prefetch) {
            refuse("input.prefetch".to_owned(), "must be 1 to 2000; 0 would mean no bound at all");
        }
        self.refuse_zeros(&mut refuse);
        if let Err(problem) = uri::address(self) {
            found.push(problem);
        }
        found
    }

    fn refuse_zeros(&self, refuse: &mut impl FnMut(String, &str)) {
        let limits = [
            ("input.delivery_limit", u64::from(self.input.delivery_limit)),
            ("output.max_unconfirmed", self.output.max_unconfirmed as u64),
            ("output.max_body_bytes", self.output.max_body_bytes as u64),
            ("output.confirm_timeout_ms", self.output.confirm_timeout_ms),
            ("link.heartbeat_secs", u64::from(self.link.heartbeat_secs)),
            ("link.connect_timeout_ms", self.link.connect_timeout_ms),
            ("link.rpc_timeout_ms", self.link.rpc_timeout_ms),
            ("link.blocked_limit_secs", self.link.blocked_limit_secs),
            ("link.proof_of_life_secs", self.link.proof_of_life_secs),
            ("link.reconnect_first_ms", self.link.reconnect_first_ms),
            ("link.reconnect_cap_ms", self.link.reconnect_cap_ms),
        ];
        for (key, _) in limits.into_iter().filter(|(_, value)| *value == 0) {
            refuse(key.to_owned(), "must not be 0");
        }
    }

    /// The first problem, as an error.
    pub(crate) fn checked(&self) -> Result<(), BrokerError> {
        self.problems().into_iter().next().map_or(Ok(()), |problem| Err(problem.into()))
    }
}

fn name_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("must not be empty")
    } else if name.len() > 255 {
        Some("longer than 255 bytes")
    } else if name.starts_with("amq.") {
        Some("names that begin with amq. are the broker's own")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
