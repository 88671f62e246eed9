//! What cannot be taken in is set aside with a reason and harms nothing else; what is merely early waits.

use serde_json::{Value, json};

use crate::support::dunlin::{Dunlin, Home};
use crate::support::events::{account, balance, event, postpaid};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::{until, until_eq};
use crate::support::rabbit;

/// Personal data, and it is in every bad message: none of it may get into the log.
const NAME: &str = "Canary Quibble";
const ADDRESS: &str = "canary@secret.example";
const PHONE: &str = "+8613912345678";

/// A message, and what the quarantine says about it: code, field, a piece of the reason.
struct Bad {
    message: Value,
    event_type: &'static str,
    code: &'static str,
    field: &'static str,
    reason: &'static str,
}

fn structured(body: impl Into<String>) -> Value {
    json!({"mode": "raw", "key": "acc-1", "content_type": "application/cloudevents+json", "body": body.into()})
}

/// An account whose contact is the canary, changed by `change`.
fn person(change: impl FnOnce(&mut Value)) -> Value {
    let data = json!({
        "currency": "CNY", "contacts": [{"name": NAME, "role": "creator", "email": ADDRESS, "phone": PHONE}],
    });
    let mut event = event("canary", "account.updated", "acc-1", data);
    change(&mut event);
    structured(event.to_string())
}

/// A report of a balance with the canary beside it, changed by `change`.
fn report(id: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut event = balance("acc-1", id, "10.00");
    event["data"]["remark"] = json!(format!("{NAME} {ADDRESS} {PHONE}"));
    change(&mut event);
    structured(event.to_string())
}

fn all() -> Vec<Bad> {
    let bad =
        |message, event_type, code, field, reason| Bad { message, event_type, code, field, reason };
    let deep = format!("{}\"{NAME} {ADDRESS}\"{}", "[".repeat(40), "]".repeat(40));
    vec![
        bad(structured(format!("{{\"name\": {NAME} {ADDRESS}")), "unknown", "not_json", "", "JSON"),
        bad(
            json!({"mode": "raw", "key": "acc-1", "content_type": "application/json", "body": format!("\"{ADDRESS}\"")}),
            "unknown",
            "not_cloudevent",
            "/specversion",
            "specversion",
        ),
        bad(
            report("e", |e| e["type"] = json!("billing.nonsense")),
            "unknown",
            "unknown_type",
            "/type",
            "type",
        ),
        bad(
            person(|e| {
                e["data"].as_object_mut().expect("data").remove("currency");
            }),
            "billing.account.updated",
            "schema",
            "/data/currency",
            "missing",
        ),
        bad(
            person(|e| e["data"]["contacts"][0]["role"] = json!(ADDRESS)),
            "billing.account.updated",
            "schema",
            "/data/contacts/0/role",
            "creator",
        ),
        bad(
            report("e", |e| e["data"]["remark"] = json!(ADDRESS.repeat(20_000))),
            "unknown",
            "too_large",
            "",
            "262144",
        ),
        bad(
            structured(report_text().replace("\"REMARK\"", &deep)),
            "unknown",
            "too_deep",
            "",
            "32",
        ),
        bad(
            report("e", |e| e["data"]["balance"] = json!(10.25)),
            "billing.balance.changed",
            "money",
            "/data/balance",
            "string",
        ),
        bad(
            report("e", |e| e["data"]["currency"] = json!("XQZ")),
            "billing.balance.changed",
            "currency",
            "/data/currency",
            "4217",
        ),
        bad(
            report("e", |e| e["time"] = json!("9999-01-01T00:00:00Z")),
            "billing.balance.changed",
            "instant",
            "/time",
            "2199",
        ),
        bad(
            report("known", |e| e["data"]["balance"] = json!("11.00")),
            "billing.balance.changed",
            "id_conflict",
            "",
            "another body",
        ),
        bad(
            person(|e| {
                e["data"]["contacts"][0]["email"] = json!(format!("{ADDRESS}\r\nBcc: {ADDRESS}"));
            }),
            "billing.account.updated",
            "address",
            "/data/contacts/0/email",
            "line break",
        ),
    ]
}

fn report_text() -> String {
    let mut event = balance("acc-1", "deep", "10.00");
    event["data"]["remark"] = json!("REMARK");
    event.to_string()
}

#[test]
fn each_bad_message_is_set_aside_with_its_reason_and_the_next_one_is_handled_as_if_nothing_happened()
 {
    let broker = rabbit::shared();
    let home = Home::new(broker.port, 1, "bad");
    let mut foreign = Foreign::start(broker.port);
    let dunlin = home.start_ready();
    foreign.publish(
        "bad.in",
        Mode::Structured,
        &[account("acc-1"), balance("acc-1", "known", "10.00")],
    );

    let bad = all();
    for (number, bad) in bad.iter().enumerate() {
        foreign.publish_raw("bad.in", std::slice::from_ref(&bad.message));
        let good = balance("acc-1", &format!("good-{number}"), "10.00");
        foreign.publish("bad.in", Mode::Binary, &[good]);
    }
    // The last good one is behind all of them in the queue.
    let good = "SELECT count(*) FROM inbox WHERE id LIKE 'good-%'";
    until_eq(&bad.len(), || home.count(good));

    let kept = home.query("SELECT code, field, reason, event_type FROM quarantine ORDER BY id");
    assert_eq!(kept.len(), bad.len(), "{kept:#?}");
    for (kept, bad) in kept.iter().zip(&bad) {
        assert_eq!((kept[0].as_str(), kept[1].as_str()), (bad.code, bad.field), "{kept:?}");
        assert!(kept[2].contains(bad.reason), "{kept:?}");
        let known = kept[3].as_str() == bad.event_type;
        assert_eq!(known, bad.event_type != "unknown", "{kept:?}");
    }
    check_counted(&dunlin, &bad);
    assert!(dunlin.stop().success());
    check_logged(&home.log(), bad.len());
}

fn check_counted(dunlin: &Dunlin, bad: &[Bad]) {
    for one in bad {
        let same = bad.iter().filter(|other| other.code == one.code).count();
        let series = format!("dunlin_quarantined_total{{reason=\"{}\"}}", one.code);
        until_eq(&same, || dunlin.metric(&series) as usize);
        let same = bad.iter().filter(|other| other.event_type == one.event_type).count();
        let series =
            format!("dunlin_events_total{{type=\"{}\",outcome=\"quarantined\"}}", one.event_type);
        until_eq(&same, || dunlin.metric(&series) as usize);
    }
    let page = dunlin.page("/metrics").expect("dunlin answers").1;
    assert!(!page.contains("canary") && !page.contains("acc-1"), "{page}");
}

/// Once each, as JSON, and without anything of the canary.
fn check_logged(log: &str, count: usize) {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let lines: Vec<Value> = log.lines().map(read).collect();
    let set_aside = lines.iter().filter(|line| line["quarantine"].is_number());
    let mut numbers: Vec<u64> = set_aside.filter_map(|line| line["quarantine"].as_u64()).collect();
    numbers.dedup();
    assert_eq!(numbers, (1..=count as u64).collect::<Vec<_>>(), "{log}");
    for secret in [NAME, "Quibble", ADDRESS, "canary@", PHONE, "13912345678", "ann@", "guest:guest"]
    {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
}

#[test]
fn a_fact_about_an_unknown_account_waits_until_it_is_known_and_a_request_is_answered() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "early");
    let mut foreign = Foreign::start(broker.port);
    foreign.listen("early.out", "early.seen", "#");
    let dunlin = home.start_ready();

    // The debt comes before anybody knows whose it is, the resource before its account.
    let early = [balance("acc-2", "debt", "-1.00"), postpaid("acc-2", "ins-2")];
    foreign.publish("early.in", Mode::Structured, &early);
    let parked = "dunlin_events_total{type=\"billing.balance.changed\",outcome=\"parked\"}";
    until_eq(&1, || dunlin.metric(parked) as usize);
    let asked =
        event("renew", "renewal.requested", "acc-2", json!({"resource": "ins-9", "months": 1}));
    foreign.publish("early.in", Mode::Structured, &[asked]);
    let answer = foreign.read("early.seen", 1);
    assert_eq!(answer[0]["type"], "lifecycle.request.rejected");
    let data = &answer[0]["data"];
    assert_eq!((&data["code"], &data["resource"]), (&json!("unknown_resource"), &json!("ins-9")));
    assert_eq!(data["request"], "renewal");

    foreign.publish("early.in", Mode::Structured, &[account("acc-2")]);
    let after = foreign.read("early.seen", 5);
    let change = after.iter().find(|event| event["type"] == "lifecycle.resource.changed");
    assert_eq!(change.expect("the debt counts now")["data"]["to"], "grace");
    mailbox.wait_for(4);
    assert!(dunlin.stop().success());
}

#[test]
fn a_contact_without_a_usable_address_is_reported_and_its_notice_counts_as_undelivered() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "mute");
    let mut foreign = Foreign::start(broker.port);
    foreign.listen("mute.out", "mute.seen", "#");
    let dunlin = home.start_ready();

    let nobody = json!({
        "currency": "CNY", "contacts": [{"name": NAME, "role": "creator", "email": "canary at home", "phone": "12"}],
    });
    let known = event("mute", "account.updated", "acc-3", nobody);
    let events = [known, postpaid("acc-3", "ins-3"), balance("acc-3", "debt", "-1.00")];
    foreign.publish("mute.in", Mode::Structured, &events);

    let told = foreign.read("mute.seen", 2);
    let failed = told.iter().find(|event| event["type"] == "lifecycle.notice.failed");
    let data = &failed.unwrap_or_else(|| panic!("{told:#?}"))["data"];
    assert_eq!((&data["notice"], &data["channel"]), (&json!("arrears"), &json!("none")));
    assert_eq!((&data["resources"], &data["attempt"]), (&json!(["ins-3"]), &json!(0)));
    until_eq(&2, || dunlin.metric("dunlin_unusable_addresses_total") as usize);
    until("a line in the log", || home.log().contains("no address for a channel").then_some(()));
    assert!(!home.log().contains("Quibble") && !home.log().contains("canary at home"));
    assert!(mailbox.mails().is_empty());
    assert!(dunlin.stop().success());
}
