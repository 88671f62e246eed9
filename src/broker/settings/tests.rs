//! What the settings of the broker refuse.

use super::*;

fn keys(settings: &BrokerSettings) -> Vec<String> {
    settings.problems().into_iter().map(|problem| problem.key).collect()
}

#[test]
fn the_defaults_can_be_used() {
    assert_eq!(keys(&BrokerSettings::default()), [""; 0]);
    let empty: BrokerSettings = toml::from_str("").expect("every key has a default");
    assert_eq!(empty.input, InputSettings::default());
}

#[test]
fn an_unbounded_prefetch_is_refused() {
    let mut settings = BrokerSettings::default();
    settings.input.prefetch = 0;
    assert_eq!(keys(&settings), ["input.prefetch"]);
    settings.input.prefetch = 2_001;
    assert_eq!(keys(&settings), ["input.prefetch"]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let mut settings =
        BrokerSettings { uri: "amqp://far.example.com".into(), ..Default::default() };
    settings.input.exchange.clear();
    settings.output.exchange = "amq.topic".to_owned();
    settings.dead_letter.queue = "q".repeat(256);
    settings.link.rpc_timeout_ms = 0;
    assert_eq!(
        keys(&settings),
        ["input.exchange", "output.exchange", "dead_letter.queue", "link.rpc_timeout_ms", "uri"]
    );
}

#[test]
fn two_queues_that_take_the_same_events_are_refused() {
    let queue = |name: &str, binding: &str| QueueSettings {
        name: name.to_owned(),
        binding: binding.to_owned(),
    };
    let mut settings = BrokerSettings::default();
    settings.input.queues = vec![queue("a", "#"), queue("b", "#")];
    assert_eq!(keys(&settings), ["input.queues[1].binding"]);
    settings.input.exchange_type = InputExchangeType::ConsistentHash;
    assert_eq!(keys(&settings), [""; 0]);
    settings.input.queues = vec![queue("a", "1"), queue("a", "1")];
    assert_eq!(keys(&settings), ["input.queues[1].name"]);
    settings.input.queues.clear();
    assert_eq!(keys(&settings), ["input.queues"]);
}

#[test]
fn unknown_keys_are_refused_and_known_ones_read() {
    assert!(toml::from_str::<BrokerSettings>("prefetch = 5").is_err());
    let read: BrokerSettings = toml::from_str(
        r#"
        topology = "trust"
        [input]
        exchange_type = "x-consistent-hash"
        queues = [{ name = "e-0", binding = "1" }, { name = "e-1", binding = "1" }]
        [link]
        heartbeat_secs = 5
        "#,
    )
    .expect("valid");
    assert_eq!(read.topology, TopologyMode::Trust);
    assert_eq!((read.input.queues.len(), read.link.heartbeat_secs), (2, 5));
}

#[test]
fn debug_output_hides_the_uri() {
    let settings =
        BrokerSettings { uri: "amqp://u:hunter2@localhost".into(), ..Default::default() };
    assert!(!format!("{settings:?}").contains("hunter2"));
}
