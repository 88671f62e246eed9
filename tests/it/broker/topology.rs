//! What the broker must hold, and how a contradiction is told.

use super::*;

#[tokio::test]
async fn a_queue_with_other_arguments_is_refused_by_name() {
    let settings = own("mismatch");
    let (_connection, channel) = client(&settings).await;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    let name = settings.input.queues[0].name.as_str();
    channel.queue_declare(name.into(), durable, FieldTable::default()).await.expect("a queue");

    let refused = Running::start(&settings).result().await.expect_err("refused");
    assert!(refused.is_contradiction(), "{refused}");
    let told = refused.to_string();
    for part in ["\"mismatch.events\"", "inequivalent arg", "broker.input"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[tokio::test]
async fn an_exchange_of_another_type_is_refused_by_name() {
    let settings = own("wrongtype");
    let (_connection, channel) = client(&settings).await;
    let durable = lapin::options::ExchangeDeclareOptions { durable: true, ..Default::default() };
    let (name, none) = (settings.output.exchange.as_str().into(), FieldTable::default());
    channel.exchange_declare(name, ExchangeKind::Fanout, durable, none).await.expect("an exchange");

    let (_, task) = publisher(settings, BrokerHealth::default());
    let refused = soon("a refusal", task.run(CancellationToken::new())).await.expect_err("refused");
    let told = refused.to_string();
    assert!(told.contains("\"wrongtype.out\"") && told.contains("broker.output"), "{told}");
}

#[tokio::test]
async fn trusted_topology_must_be_there() {
    let mut settings = own("trusted");
    settings.topology = TopologyMode::Trust;
    let told = verify(&settings).await.expect_err("nothing is there").to_string();
    assert!(told.contains("\"trusted.in\"") && told.contains("trust"), "{told}");
    settings.topology = TopologyMode::Declare;
    verify(&settings).await.expect("declared");
    settings.topology = TopologyMode::Trust;
    verify(&settings).await.expect("there now");
}

#[tokio::test]
async fn a_consistent_hash_exchange_is_declared_where_the_plugin_is() {
    let mut settings = own("hashed");
    settings.input.exchange_type = dunlin::broker::InputExchangeType::ConsistentHash;
    settings.input.hash_header = "account".to_owned();
    settings.input.queues[0].binding = "1".to_owned();
    verify(&settings).await.expect("the plugin is on");
    verify(&settings).await.expect("and again");
}

#[tokio::test]
async fn tls_needs_a_certificate_that_somebody_vouches_for_under_the_right_name() {
    // The first test of the process to ask for TLS installs the provider; the others find it there.
    let _installed_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let node = shared();
    let mut settings = own("tls");
    settings.uri = format!("amqps://guest:guest@localhost:{}/%2f", node.tls_port).into();
    let refused = verify(&settings).await.expect_err("nobody vouches");
    assert!(refused.to_string().contains("invalid peer certificate"), "{refused}");

    settings.ca_file = Some(node.certificate());
    verify(&settings).await.expect("vouched for");

    settings.uri = format!("amqps://guest:guest@127.0.0.1:{}/%2f", node.tls_port).into();
    let refused = verify(&settings).await.expect_err("another name");
    assert!(refused.to_string().contains("invalid peer certificate"), "{refused}");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_the_password() {
    let mut settings = own("login");
    settings.uri = format!("amqp://guest:hunter2@127.0.0.1:{}/%2f", shared().port).into();
    let told = verify(&settings).await.expect_err("refused").to_string();
    assert!(told.contains("ACCESS_REFUSED") && !told.contains("hunter2"), "{told}");
}
