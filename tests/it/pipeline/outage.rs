//! The broker or the mail server goes away and comes back: dunlin is late, and loses and repeats nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::dunlin::{Home, free_port};
use crate::support::events::{account, ahead, balance, postpaid, quick};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::{until, until_eq};
use crate::support::rabbit::{self, Node};

fn changes(published: &[Value]) -> Vec<(String, String)> {
    let changed = published.iter().filter(|event| event["type"] == "lifecycle.resource.changed");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    changed.map(|event| (text(&event["data"]["resource"]), text(&event["data"]["to"]))).collect()
}

#[test]
fn a_broker_that_is_killed_and_comes_back_costs_nothing_but_time() {
    let mut broker = Node::start();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "back");
    let mut foreign = Foreign::start(broker.port);
    foreign.listen("back.out", "back.seen", "#");
    let dunlin = home.start_ready();
    broker.await_registered("back.events");
    // E lies where the broker is gone.
    let events =
        [account("acc-1"), postpaid("acc-1", "ins-p"), quick("acc-1", "ins-q", ahead(3000))];
    foreign.publish("back.in", Mode::Structured, &events);
    until_eq(&events.len(), || home.count("SELECT count(*) FROM inbox"));

    broker.kill();
    until("a page that says so", || dunlin.page("/readyz").filter(|page| page.0 == 503));
    let changed =
        "SELECT count(*) FROM publications WHERE event_type = 'lifecycle.resource.changed'";
    // It is stopped, and not released: nobody can say what lies in the queue.
    until_eq(&1, || home.count(changed));
    let gated = "SELECT count(*) FROM resources WHERE 'freshness' IN (gate, wish_gate)";
    until_eq(&1, || home.count(gated));
    assert_eq!(
        dunlin.page("/healthz").expect("it answers").0,
        200,
        "alive, and restarting it would not help"
    );

    broker.boot();
    until("ready again, by itself", || dunlin.page("/readyz").filter(|page| page.0 == 200));
    foreign.publish("back.in", Mode::Binary, &[balance("acc-1", "debt", "-1.00")]);
    // Two changes and two notices (to two people by two channels) from before, one of each after.
    let published = foreign.read("back.seen", 3 + 12);
    let ids: BTreeSet<&str> = published.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!((published.len(), ids.len()), (15, 15), "{published:#?}");
    let mut changes = changes(&published);
    changes.sort();
    let expected = [("ins-p", "grace"), ("ins-q", "recycled"), ("ins-q", "released")];
    assert!(changes.iter().map(|(id, to)| (id.as_str(), to.as_str())).eq(expected), "{changes:?}");
    assert!(dunlin.metric("dunlin_broker_reconnects_total{side=\"consume\"}") >= 1.0);
    assert!(dunlin.stop().success());
}

#[test]
fn a_state_change_that_nobody_is_bound_for_waits_and_readyz_names_it_until_somebody_is() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "lost");
    let mut foreign = Foreign::start(broker.port);
    let dunlin = home.start_ready();
    let events = [account("acc-1"), postpaid("acc-1", "ins-1"), balance("acc-1", "debt", "-1.00")];
    foreign.publish("lost.in", Mode::Structured, &events);

    let key = "lifecycle.resource.changed.tencent-cvm-postpaid-15d";
    let missing = || dunlin.readiness().expect("it answers")["missing_bindings"].to_string();
    until("a page that names the binding", || missing().contains(key).then_some(()));
    let page = dunlin.readiness().expect("it answers");
    assert_eq!((&page["ready"], &page["state"]), (&true.into(), &"degraded".into()), "{page:#}");
    // The rest need not be read by anybody.
    until_eq(&4, || home.count("SELECT count(*) FROM deliveries WHERE state = 'sent'"));
    until_eq(&1, || home.count("SELECT count(*) FROM publications"));

    foreign.listen("lost.out", "lost.seen", "lifecycle.resource.changed.#");
    let published = foreign.read("lost.seen", 1);
    assert_eq!(changes(&published), [("ins-1".to_owned(), "grace".to_owned())]);
    until_eq(&"[]".to_owned(), missing);
    until_eq(&0, || home.count("SELECT count(*) FROM publications"));
    assert!(dunlin.stop().success());
}

#[test]
fn mail_waits_for_a_relay_that_is_down_and_goes_out_once_while_events_go_on() {
    let broker = rabbit::shared();
    let home = Home::new(broker.port, free_port(), "mail");
    let mut foreign = Foreign::start(broker.port);
    foreign.listen("mail.out", "mail.seen", "lifecycle.resource.changed.#");
    let dunlin = home.start_ready();
    let events = [account("acc-1"), postpaid("acc-1", "ins-1"), balance("acc-1", "debt", "-1.00")];
    foreign.publish("mail.in", Mode::Structured, &events);
    foreign.read("mail.seen", 1);
    let refused = "dunlin_sends_total{channel=\"email\",outcome=\"broken\"}";
    until("an attempt", || (dunlin.metric(refused) >= 1.0).then_some(()));
    let relay = || {
        let page = dunlin.readiness().expect("it answers");
        let parts = page["components"].as_array().expect("a list").clone();
        let email = parts.into_iter().find(|part| part["name"] == "e-mail").expect("it is listed");
        (page["ready"] == true, email["state"].as_str().expect("text").to_owned())
    };
    until_eq(&(true, "down".to_owned()), relay);

    // Nobody minds the mail: the next event is handled, and the other half of the lifecycle too.
    foreign.publish("mail.in", Mode::Structured, &[balance("acc-1", "paid", "5.00")]);
    let back = foreign.read("mail.seen", 1);
    assert_eq!(changes(&back), [("ins-1".to_owned(), "active".to_owned())]);
    assert_eq!(home.count("SELECT count(*) FROM deliveries WHERE state = 'pending'"), 4);
    until("an outbox that fills", || (dunlin.metric("dunlin_outbox_pending") >= 4.0).then_some(()));

    let mailbox = Mailbox::start_on(home.smtp);
    until_eq(&4, || home.count("SELECT count(*) FROM deliveries WHERE state = 'sent'"));
    let mails = mailbox.wait_for(4);
    let ids: BTreeSet<&str> =
        mails.iter().filter_map(|m| m["headers"]["Message-ID"].as_str()).collect();
    assert_eq!((mails.len(), ids.len()), (4, 4), "each once");
    until_eq(&(true, "ok".to_owned()), relay);
    assert!(!home.log().contains("ann@"), "{}", home.log());
    assert!(dunlin.stop().success());
}
