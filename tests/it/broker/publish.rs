//! What is confirmed, what comes back, and what is not tried.

use super::*;

#[tokio::test]
async fn an_unroutable_message_fails_until_a_binding_exists() {
    let settings = own("unroutable");
    let publishing = Publishing::start(&settings).await;
    let outcome = publishing.publish("m-1", "changed.prepaid").await;
    let Outcome::Failed { fault: Fault::RecipientTransient, reason, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(reason.contains("unroutable") && reason.contains("changed.prepaid"), "{reason}");
    assert!(publishing.health.snapshot().unroutable.contains("changed.prepaid"));

    let (_connection, channel) = client(&settings).await;
    listen(&settings, &channel, "unroutable.reader", "changed.#").await;
    assert_eq!(publishing.publish("m-1", "changed.prepaid").await, sent());
    assert!(publishing.health.snapshot().unroutable.is_empty());
    publishing.stop().await;
}

#[tokio::test]
async fn confirms_are_right_over_many_publications_in_order_with_returns_between_them() {
    const COUNT: usize = 4_000;
    let settings = own("many");
    let publishing = Publishing::start(&settings).await;
    let (_connection, channel) = client(&settings).await;
    listen(&settings, &channel, "many.reader", "routed.#").await;

    let publications: Vec<_> = (0..COUNT)
        .map(|n| {
            let key = if n % 3 == 1 { "nobody.listens" } else { "routed.here" };
            publication(&format!("m-{n}"), key)
        })
        .collect();
    // In this order into the task: tokio would otherwise let some wait their turn.
    let publishing_all =
        publications.iter().map(|one| tokio::task::unconstrained(publishing.handle.publish(one)));
    let outcomes = soon("the outcomes", join_all(publishing_all)).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Outcome::Sent { .. } => assert!(n % 3 != 1, "m-{n} came back"),
            Outcome::Failed { .. } => assert!(n % 3 == 1, "m-{n} was routed"),
            Outcome::Unknown { reason } => panic!("m-{n}: {reason}"),
        }
    }

    let mut expected = publications.iter().filter(|one| one.routing_key == "routed.here");
    let no_ack = lapin::options::BasicGetOptions { no_ack: true };
    while let Some(message) =
        channel.basic_get("many.reader".into(), no_ack).await.expect("a queue")
    {
        let expected = expected.next().expect("no more than were published");
        let properties = &message.delivery.properties;
        assert_eq!(message.delivery.data, expected.body);
        assert_eq!(
            properties.message_id().as_ref().map(|id| id.as_str()),
            Some(expected.id.as_str())
        );
        assert_eq!(*properties.delivery_mode(), Some(2));
    }
    assert_eq!(expected.next(), None);
    publishing.stop().await;
}

#[tokio::test]
async fn a_message_that_the_broker_could_choke_on_is_not_tried() {
    let mut settings = own("choke");
    settings.output.max_body_bytes = 10;
    let publishing = Publishing::start(&settings).await;
    for (id, key) in [("eleven bytes and more", "k"), ("short", "k".repeat(256).as_str())] {
        let outcome = publishing.publish(id, key).await;
        assert!(matches!(outcome, Outcome::Failed { fault: Fault::Message, .. }), "{outcome:?}");
    }
    publishing.stop().await;
}
