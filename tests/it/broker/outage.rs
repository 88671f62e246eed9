//! Links that are cut or fall silent, brokers that are killed or take no messages: what is noticed, and what is kept.

use super::*;

#[tokio::test]
async fn what_was_not_acknowledged_comes_back_after_a_lost_session_and_a_stale_tag_does_nothing() {
    let node = shared();
    let mut proxy = Proxy::to(node.port).await;
    let direct = settings(node.port, "stale");
    verify(&direct).await.expect("a topology");
    feed(&direct, names(0..3)).await;

    let mut running = Running::start(&settings(proxy.port, "stale"));
    let before = running.take(3).await;
    proxy.cut();
    let after = running.take(3).await;
    assert_eq!(bodies(&after), names(0..3));
    assert!(after[0].tag.session > before[0].tag.session);
    assert_eq!(running.health.snapshot().consume.reconnects, 1);

    running.ack(before[2].tag).await;
    running.ack(Tag { session: before[0].tag.session, number: u64::MAX }).await;
    running.ack(after[0].tag).await;
    assert!(running.stop().await.is_empty());

    let mut next = Running::start(&direct);
    assert_eq!(bodies(&next.take(2).await), names(1..3));
    next.stop().await;
}

#[tokio::test]
async fn a_link_that_falls_silent_is_noticed_and_replaced() {
    let node = shared();
    let mut proxy = Proxy::to(node.port).await;
    let mut through = settings(proxy.port, "silent");
    // So slow that the proof of life alone can notice in time.
    through.link.heartbeat_secs = 60;
    through.link.proof_of_life_secs = 1;
    through.link.rpc_timeout_ms = 1_000;
    through.link.connect_timeout_ms = 500;
    verify(&through).await.expect("a topology");
    let running = Running::start(&through);
    let publishing = Publishing::start(&through).await;
    until(&running.health, "consuming", |state| state.consume.connected).await;

    proxy.silence();
    until(&running.health, "the silence is noticed", |state| !state.consume.connected).await;
    until(&publishing.health, "the silence is noticed", |state| !state.publish.connected).await;
    proxy.cut();
    until(&running.health, "consuming again", |state| state.consume.connected).await;
    until(&publishing.health, "publishing again", |state| state.publish.connected).await;
    running.stop().await;
    publishing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_and_restarted_broker_loses_nothing() {
    let mut node = tokio::task::spawn_blocking(Node::start).await.expect("a node");
    let settings = settings(node.port, "killed");
    verify(&settings).await.expect("a topology");
    feed(&settings, names(0..300)).await;

    let mut running = Running::start(&settings);
    let publishing = Publishing::start(&settings).await;
    let taken = running.take(100).await;
    running.ack(taken[49].tag).await;
    let mut node = tokio::task::spawn_blocking(move || {
        node.await_registered("killed.events");
        node.kill();
        node
    })
    .await
    .expect("killed");
    until(&running.health, "the loss is seen", |state| !state.consume.connected).await;
    until(&publishing.health, "the loss is seen", |state| !state.publish.connected).await;
    let outcome = publishing.publish("while-down", "k").await;
    assert!(matches!(outcome, Outcome::Failed { fault: Fault::Relay, .. }), "{outcome:?}");

    let node = tokio::task::spawn_blocking(move || {
        node.boot();
        node
    })
    .await
    .expect("restarted");
    // The acknowledgement may or may not have arrived before the kill; everything after it must come again.
    let wanted: BTreeSet<_> = names(50..300).into_iter().collect();
    let mut seen = BTreeSet::new();
    while !wanted.is_subset(&seen) {
        let delivery = running.next().await;
        if delivery.tag.session > taken[0].tag.session {
            seen.insert(String::from_utf8_lossy(&delivery.body).into_owned());
            running.ack(delivery.tag).await;
        }
    }
    until(&publishing.health, "publishing again", |state| state.publish.connected).await;
    let (_connection, channel) = client(&settings).await;
    listen(&settings, &channel, "killed.reader", "#").await;
    assert_eq!(publishing.publish("after", "k").await, sent());
    running.stop().await;
    publishing.stop().await;
    drop(node);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_takes_no_messages_fails_publications_and_then_recovers() {
    let node = tokio::task::spawn_blocking(Node::start).await.expect("a node");
    let mut settings = settings(node.port, "blocked");
    settings.output.confirm_timeout_ms = 1_000;
    settings.link.blocked_limit_secs = 600;
    let publishing = Publishing::start(&settings).await;
    let (_connection, channel) = client(&settings).await;
    listen(&settings, &channel, "blocked.reader", "#").await;
    let watermark = |node: Node, share: &'static str| {
        tokio::task::spawn_blocking(move || {
            node.ctl(&["set_vm_memory_high_watermark", share]);
            node
        })
    };
    let node = watermark(node, "0.0000001").await.expect("set");

    // RabbitMQ tells a connection only when it publishes: this one is on its way when the gate closes.
    let caught = publishing.publish("caught", "k").await;
    assert!(matches!(caught, Outcome::Unknown { .. }), "{caught:?}");
    let node = watermark(node, "0.4").await.expect("set");
    until(&publishing.health, "publishing again", |state| state.publish.connected).await;
    while publishing.publish("after", "k").await != sent() {}
    publishing.stop().await;
    drop(node);
}
