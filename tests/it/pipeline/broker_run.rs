//! Events in over RabbitMQ, mails over SMTP and state changes out, as the other side sees them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::dunlin::Home;
use crate::support::events::{account, ahead, balance, postpaid, quick};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::until_eq;
use crate::support::rabbit;

/// A lifecycle of seconds and an arrears episode: three changes, three notices to two people by two channels.
const CHANGES: usize = 3;
const MAILS: usize = 12;

#[test]
fn events_of_foreign_clients_become_mails_texts_and_state_changes_that_foreign_clients_read() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "run");
    let mut foreign = Foreign::start(broker.port);
    foreign.listen("run.out", "run.seen", "#");
    let dunlin = home.start_ready();

    foreign.publish("run.in", Mode::Structured, &[account("acc-1")]);
    let facts = [postpaid("acc-1", "ins-post"), quick("acc-1", "ins-quick", ahead(4500))];
    foreign.publish("run.in", Mode::Binary, &facts);
    let debt = balance("acc-1", "debt", "-3.50");
    foreign.publish("run.in", Mode::BinaryAmqp, std::slice::from_ref(&debt));

    let published = foreign.read("run.seen", CHANGES + MAILS);
    let mails = mailbox.wait_for(MAILS);
    check_published(&published);
    check_mails(&mails);

    // A second copy of everything, in another mode, changes nothing.
    let copies = [debt, facts[0].clone(), facts[1].clone()];
    foreign.publish("run.in", Mode::Structured, &copies);
    let copied = ["balance.changed", "resource.activated"];
    let series =
        |kind: &str| format!("dunlin_events_total{{type=\"billing.{kind}\",outcome=\"copy\"}}");
    until_eq(&3, || copied.iter().map(|kind| dunlin.metric(&series(kind)) as usize).sum());
    until_eq(&0, || dunlin.metric("dunlin_outbox_pending") as usize);
    assert_eq!(foreign.depth("run.seen"), 0);
    assert_eq!(mailbox.mails().len(), MAILS);
    assert!(dunlin.stop().success());
}

fn check_published(published: &[Value]) {
    assert_eq!(published.len(), CHANGES + MAILS, "{published:#?}");
    let ids: BTreeSet<&str> = published.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!(ids.len(), published.len(), "every event has an id of its own");
    for event in published {
        assert_eq!(event["content_type"], "application/cloudevents+json; charset=utf-8");
        assert_eq!(event["delivery_mode"], 2, "persistent");
        assert_eq!(event["message_id"], event["id"]);
        assert_eq!(event["amqp_type"], event["type"]);
        assert_eq!((&event["subject"], &event["source"]), (&json!("acc-1"), &json!("/dunlin")));
    }
    let changes: Vec<_> = published
        .iter()
        .filter(|event| event["type"] == "lifecycle.resource.changed")
        .map(|event| {
            let data = &event["data"];
            let resource = data["resource"].as_str().expect("text");
            let (from, to) = (data["from"].as_str(), data["to"].as_str());
            assert_eq!(
                event["key"],
                format!("lifecycle.resource.changed.{}", data["policy"].as_str().expect("text"))
            );
            let sequence: u64 =
                event["sequence"].as_str().expect("text").parse().expect("a number");
            assert_eq!(data["sequence"], sequence);
            (resource, from.expect("text"), to.expect("text"), sequence)
        })
        .collect();
    let of = |id| changes.iter().filter(move |change| change.0 == id).map(|c| (c.1, c.2, c.3));
    assert!(
        of("ins-quick").eq([("active", "recycled", 1), ("recycled", "released", 2)]),
        "{changes:?}"
    );
    assert!(of("ins-post").eq([("active", "grace", 1)]), "{changes:?}");

    let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in published.iter().filter(|event| event["type"] == "lifecycle.notice.sent") {
        let data = &event["data"];
        let key = (data["notice"].as_str().expect("text"), data["channel"].as_str().expect("text"));
        *told.entry(key).or_default() += 1;
    }
    let twice = |notice| [((notice, "email"), 2), ((notice, "sms"), 2)];
    let expected: BTreeMap<_, _> =
        ["arrears", "expired", "expiry-warning"].into_iter().flat_map(twice).collect();
    assert_eq!(told, expected);
}

fn check_mails(mails: &[Value]) {
    assert_eq!(mails.len(), MAILS);
    let header = |mail: &Value, name: &str| mail["headers"][name].as_str().expect(name).to_owned();
    let ids: BTreeSet<String> = mails.iter().map(|mail| header(mail, "Message-ID")).collect();
    assert_eq!(ids.len(), MAILS, "every message has an id of its own");
    let mut threads: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for mail in mails {
        assert_eq!(mail["defects"], json!([]));
        assert_eq!(mail["from"], "billing@dunlin.example");
        assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
        let to = mail["to"][0].as_str().expect("text");
        let notice = header(mail, "X-Dunlin-Notice");
        let language = header(mail, "Content-Language");
        let text = mail["parts"][0][1].as_str().expect("text");
        let chinese = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c) && c != '伟');
        let types: Vec<&str> = mail["parts"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|p| p[0].as_str())
            .collect();
        match to.split('@').next() {
            Some("ann") => assert_eq!((language.as_str(), chinese), ("en", false), "{text}"),
            Some("wei") => assert_eq!((language.as_str(), chinese), ("zh-CN", true), "{text}"),
            Some("8613800000001" | "8613800000002") => {
                assert!(to.ends_with("@sms.example"));
                assert_eq!(chinese, to.starts_with("8613800000002"), "{text}");
                assert_eq!(types, ["text/plain"], "a text is a text");
                continue;
            }
            _ => panic!("nobody has the address {to}"),
        }
        assert_eq!(mail["type"], "multipart/alternative");
        assert_eq!(types, ["text/plain", "text/html"], "text first");
        let about = if notice.starts_with("arrears") { "ins-post" } else { "ins-quick" };
        assert!(text.contains(about), "{text}");
        assert_eq!(header(mail, "In-Reply-To"), header(mail, "References"));
        let episode = if notice.starts_with("arrears") { "arrears" } else { "expiry" };
        threads.entry(episode.to_owned()).or_default().insert(header(mail, "References"));
    }
    assert!(threads.values().all(|roots| roots.len() == 1), "one thread an episode: {threads:?}");
    assert_ne!(threads["arrears"], threads["expiry"]);
}
