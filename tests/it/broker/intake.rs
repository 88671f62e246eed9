//! What is handed over, and what is acknowledged.

use super::*;

#[tokio::test]
async fn a_delivery_is_acknowledged_only_when_told_and_with_all_before_it() {
    let settings = own("acked");
    verify(&settings).await.expect("a topology");
    feed(&settings, names(0..5)).await;

    let mut first = Running::start(&settings);
    let taken = first.take(5).await;
    assert_eq!(bodies(&taken), names(0..5));
    assert_eq!(
        taken[0].content_type.as_deref(),
        Some("application/cloudevents+json; charset=utf-8")
    );
    first.ack(taken[2].tag).await;
    assert!(first.stop().await.is_empty());

    let mut second = Running::start(&settings);
    let again = second.take(2).await;
    assert_eq!(bodies(&again), names(3..5));
    second.ack(again[1].tag).await;
    second.stop().await;
}

#[tokio::test]
async fn stopping_hands_over_what_has_come_and_still_acknowledges() {
    let settings = own("stopping");
    verify(&settings).await.expect("a topology");
    feed(&settings, names(0..40)).await;

    let mut running = Running::start(&settings);
    let mut all = running.take(1).await;
    running.shutdown.cancel();
    while let Some(delivery) = soon("the end of the deliveries", running.deliveries.recv()).await {
        all.push(delivery);
    }
    assert_eq!(bodies(&all), names(0..40));
    running.ack(all[39].tag).await;
    running.acks = None;
    running.result().await.expect("a good end");

    let next = Running::start(&settings);
    until(&next.health, "consuming", |state| state.consume.connected).await;
    feed(&settings, names(40..41)).await;
    let mut next = next;
    assert_eq!(bodies(&next.take(1).await), names(40..41));
    next.stop().await;
}

#[tokio::test]
async fn several_queues_have_one_count_and_one_prefix() {
    let mut settings = own("several");
    let queue = |name: &str, binding: &str| QueueSettings {
        name: format!("several.{name}"),
        binding: binding.to_owned(),
    };
    settings.input.queues = vec![queue("a", "a.#"), queue("b", "b.#")];
    verify(&settings).await.expect("a topology");
    let mut to_input = settings.clone();
    to_input.output.exchange.clone_from(&settings.input.exchange);
    let publishing = Publishing::start(&to_input).await;
    for n in 0..6 {
        let account = if n % 2 == 0 { "a.1" } else { "b.1" };
        assert_eq!(publishing.publish(&format!("e-{n}"), account).await, sent());
    }
    publishing.stop().await;

    let mut first = Running::start(&settings);
    let taken = first.take(6).await;
    let numbers: Vec<_> = taken.iter().map(|delivery| delivery.tag.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    first.ack(taken[3].tag).await;
    first.stop().await;
    let unacked: BTreeSet<_> = bodies(&taken[4..]).into_iter().collect();
    let mut second = Running::start(&settings);
    assert_eq!(bodies(&second.take(2).await).into_iter().collect::<BTreeSet<_>>(), unacked);
    second.stop().await;
}

#[tokio::test]
async fn no_more_than_the_prefetch_is_ever_taken() {
    let mut settings = own("prefetched");
    settings.input.prefetch = 2;
    verify(&settings).await.expect("a topology");
    feed(&settings, names(0..7)).await;
    let mut running = Running::start(&settings);
    running.take(2).await;

    // What a passive look counts as ready lags behind; it comes to rest at what was never sent to us.
    let (_connection, channel) = client(&settings).await;
    let ready = async {
        loop {
            let passive = QueueDeclareOptions { passive: true, ..Default::default() };
            let name = settings.input.queues[0].name.as_str().into();
            let looked = channel.queue_declare(name, passive, FieldTable::default()).await;
            if looked.expect("the queue").message_count() == 5 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("five messages left in the queue", ready).await;
    running.stop().await;
}

#[tokio::test]
async fn an_acknowledgement_that_comes_while_another_is_on_its_way_is_sent_too() {
    let mut settings = own("coalesced");
    settings.input.prefetch = 2;
    verify(&settings).await.expect("a topology");
    feed(&settings, names(0..60)).await;
    let mut running = Running::start(&settings);
    // With a prefetch of two, one acknowledgement that stays behind would be the end of the deliveries.
    for _ in 0..30 {
        for delivery in running.take(2).await {
            running.ack(delivery.tag).await;
            tokio::task::yield_now().await;
        }
    }
    assert!(running.stop().await.is_empty());
}
