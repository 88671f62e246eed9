//! A release waits for the pipeline's word and for its own marker through the queue (SAFE-5), and only those who may say something
//! are listened to.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::dunlin::{Home, free_port};
use crate::support::events::{
    account, ahead, balance, event, heartbeat, heartbeat_at, postpaid, quick,
};
use crate::support::foreign::{Foreign, Mode};
use crate::support::patience::{until, until_eq};
use crate::support::rabbit;

const RELEASED: &str =
    "SELECT count(*) FROM resources WHERE json_extract(state, '$.phase') = 'released'";
const GATED: &str = "SELECT count(*) FROM resources WHERE gate = 'freshness'";

/// One that asks for heartbeats, and says at once that a release waits.
fn strict(prefix: &str, patience: &str) -> Home {
    let home = Home::new(rabbit::shared().port, free_port(), prefix);
    home.with("FRESHNESS__DEFAULT", "heartbeat").with("FRESHNESS__PATIENCE_SECS", patience)
}

/// When the release of a resource that expires then is due.
fn due(expires_at: DateTime<Utc>) -> DateTime<Utc> {
    expires_at + TimeDelta::seconds(2)
}

#[test]
fn a_silent_pipeline_holds_a_release_and_its_heartbeat_lets_it_go() {
    let home = strict("silent", "0").with("FRESHNESS__SILENT_SECS", "10");
    let mut foreign = Foreign::start(rabbit::shared().port);
    for kind in ["transition.held", "resource.changed"] {
        foreign.listen("silent.out", "silent.seen", &format!("lifecycle.{kind}.#"));
    }
    let dunlin = home.start_ready();
    let expires_at = ahead(300);
    foreign.publish(
        "silent.in",
        Mode::Structured,
        &[account("acc-1"), quick("acc-1", "ins-1", expires_at)],
    );
    let seen = foreign.read("silent.seen", 2);
    assert_eq!(seen[0]["data"]["to"], "recycled", "what can be taken back waits for nothing");
    let held = &seen[1]["data"];
    assert_eq!((&held["to"], &held["because"]), (&json!("released"), &json!("freshness")));
    let part = |name: &str| {
        let page = dunlin.readiness().expect("it answers");
        let parts = page["components"].as_array().expect("a list").clone();
        parts.into_iter().find(|part| part["name"] == name).expect("it is listed")
    };
    let freshness = part("freshness");
    assert_eq!(freshness["state"], "degraded", "{freshness}");
    assert!(freshness["detail"].as_str().expect("text").contains("/billing has sent no heartbeat"));
    assert_eq!(dunlin.metric("dunlin_silent_sources"), 1.0);
    let explained = String::from_utf8(home.run(&["explain", "ins-1"]).stdout).expect("text");
    assert!(
        explained.contains("facts from before its deadline may still be on their way"),
        "{explained}"
    );

    // Its word from before the deadline is not enough, however often it comes.
    let early = heartbeat_at("early", due(expires_at) - TimeDelta::milliseconds(1));
    foreign.publish("silent.in", Mode::Binary, &[early]);
    until_eq(&3, || home.count("SELECT count(*) FROM inbox"));
    assert_eq!((home.count(GATED), home.count(RELEASED)), (1, 0));
    // It survives being killed.
    dunlin.kill();
    let dunlin = home.start_ready();
    foreign.publish("silent.in", Mode::Structured, &[heartbeat("now")]);
    let seen = foreign.read("silent.seen", 1);
    assert_eq!(seen[0]["data"]["to"], "released");
    assert!(dunlin.metric("dunlin_markers_total{outcome=\"written\"}") >= 1.0);
    until_eq(&0.0, || dunlin.metric("dunlin_silent_sources"));
    assert_eq!(home.count("SELECT count(*) FROM quarantine"), 0, "no marker is taken for an event");
    until_eq(&0, || foreign.depth("silent.events"));
    assert!(dunlin.stop().success());
}

#[test]
fn a_heartbeat_that_overtook_a_renewal_in_another_queue_releases_nothing() {
    let home = strict("overtaken", "0");
    let queues = "[{ name = \"overtaken.a\", binding = \"a.#\" }, { name = \"overtaken.b\", binding = \"b.#\" }]";
    let config = home
        .read("dunlin.toml")
        .replace("[{ name = \"overtaken.events\", binding = \"#\" }]", queues);
    home.write("dunlin.toml", &config);
    let home = home.with("STORE__GROUP_MAX_EVENTS", "1").with("BROKER__INPUT__PREFETCH", "1");
    let mut foreign = Foreign::start(rabbit::shared().port);
    foreign.listen("overtaken.out", "overtaken.seen", "lifecycle.resource.changed.#");
    let dunlin = home.start_ready();
    let expires_at = ahead(300);
    let known = [account("b.1"), quick("b.1", "ins-1", expires_at)];
    foreign.publish("overtaken.in", Mode::Structured, &known);
    assert_eq!(foreign.read("overtaken.seen", 1)[0]["data"]["to"], "recycled");
    until_eq(&1, || home.count(GATED));
    assert!(dunlin.stop().success());
    // While dunlin is down: a long queue, and the renewal at its end. The other queue is empty but for the heartbeat.
    let mut long: Vec<Value> =
        (0..300).map(|n| balance("b.1", &format!("report-{n}"), &format!("{n}.00"))).collect();
    long.push(event(
        "renewal",
        "renewal.requested",
        "b.1",
        json!({"resource": "ins-1", "months": 1}),
    ));
    foreign.publish("overtaken.in", Mode::Structured, &long);
    let mut alive = heartbeat("alive");
    alive["subject"] = json!("a.pipeline");
    foreign.publish("overtaken.in", Mode::Structured, &[alive]);
    let dunlin = home.start_ready();
    let seen = foreign.read("overtaken.seen", 1);
    assert_eq!(
        (&seen[0]["data"]["from"], &seen[0]["data"]["to"]),
        (&json!("recycled"), &json!("active"))
    );
    assert_eq!(home.count(RELEASED), 0);
    assert!(dunlin.stop().success());
}

#[test]
fn a_marker_behind_a_renewal_in_the_same_queue_comes_back_after_it() {
    // Without heartbeats to wait for: the marker alone keeps the release behind what lies in the queue.
    let home = Home::new(rabbit::shared().port, free_port(), "behind")
        .with("STORE__GROUP_MAX_EVENTS", "1")
        .with("BROKER__INPUT__PREFETCH", "1");
    let mut foreign = Foreign::start(rabbit::shared().port);
    foreign.listen("behind.out", "behind.seen", "lifecycle.resource.changed.#");
    let dunlin = home.start_ready();
    let expires_at = ahead(2000);
    let known = [
        account("acc-1"),
        quick("acc-1", "ins-1", expires_at),
        quick("acc-1", "ins-2", expires_at),
    ];
    foreign.publish("behind.in", Mode::Structured, &known);
    until_eq(&3, || home.count("SELECT count(*) FROM inbox"));
    assert!(dunlin.stop().success());
    let mut long: Vec<Value> =
        (0..300).map(|n| balance("acc-1", &format!("report-{n}"), &format!("{n}.00"))).collect();
    long.push(event(
        "renewal",
        "renewal.requested",
        "acc-1",
        json!({"resource": "ins-1", "months": 1}),
    ));
    foreign.publish("behind.in", Mode::Structured, &long);
    until("the release to be overdue", || (ahead(0) > due(expires_at)).then_some(()));
    let dunlin = home.start_ready();
    let seen = foreign.read("behind.seen", 4);
    let mut changes: Vec<_> = seen
        .iter()
        .map(|one| format!("{} {}", one["data"]["resource"], one["data"]["to"]))
        .collect();
    changes.sort();
    let expected = [
        "\"ins-1\" \"active\"",
        "\"ins-1\" \"recycled\"",
        "\"ins-2\" \"recycled\"",
        "\"ins-2\" \"released\"",
    ];
    assert_eq!(changes, expected);
    assert!(dunlin.stop().success());
}

#[test]
fn what_a_source_or_a_login_may_not_say_is_set_aside_and_everybody_else_is_heard() {
    let home = Home::new(rabbit::shared().port, free_port(), "listed")
        .with("FRESHNESS__ONLY_LISTED", "true");
    let config = home.read("dunlin.toml")
        + "[[sources]]\nsource = \"/billing\"\n[[sources]]\nsource = \"/legal\"\ntypes = [\"billing.hold.*\"]\n"
        + "users = [\"guest\"]\n";
    home.write("dunlin.toml", &config);
    let mut foreign = Foreign::start(rabbit::shared().port);
    foreign.listen("listed.out", "listed.seen", "lifecycle.resource.changed.#");
    let dunlin = home.start_ready();
    foreign.publish("listed.in", Mode::Structured, &[account("acc-1"), postpaid("acc-1", "ins-1")]);
    let from = |source: &str, mut event: Value| {
        event["source"] = json!(source);
        event
    };
    let hold =
        |id: &str| event(id, "hold.placed", "acc-1", json!({"hold": id, "reason": "a dispute"}));
    let message = |event: Value, user: Option<&str>| json!({"mode": "structured", "key": "acc-1", "event": event, "user_id": user});
    foreign.publish_raw(
        "listed.in",
        &[
            message(from("/nobody", hold("nobody")), None),
            message(from("/legal", balance("acc-1", "not-theirs", "-1.00")), Some("guest")),
            message(from("/legal", hold("unsigned")), None),
            message(from("/legal", hold("signed")), Some("guest")),
        ],
    );
    foreign.publish("listed.in", Mode::Structured, &[balance("acc-1", "debt", "-1.00")]);
    assert_eq!(foreign.read("listed.seen", 1)[0]["data"]["to"], "grace");
    let aside = home.query("SELECT code, field, source FROM quarantine ORDER BY id");
    let expected = [
        ["not_allowed", "/source", "/nobody"],
        ["not_allowed", "/type", "/legal"],
        ["not_allowed", "user_id", "/legal"],
    ];
    assert_eq!(aside, expected.map(|row| row.map(str::to_owned).to_vec()));
    let kept = home.query("SELECT state FROM accounts WHERE id = 'acc-1'").concat().concat();
    assert!(kept.contains("signed") && !kept.contains("unsigned"), "{kept}");
    assert!(dunlin.stop().success());
}
