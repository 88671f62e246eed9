//! What an operator does and sees: start, stop, look, and mistakes that are refused with plain words.

use serde_json::{Value, json};

use crate::support::dunlin::Home;
use crate::support::events::{account, balance};
use crate::support::foreign::{Foreign, Mode};
use crate::support::patience::{until, until_eq};
use crate::support::rabbit;

/// Facts that change little, one commit each.
fn backlog(count: usize) -> Vec<Value> {
    (0..count).map(|n| balance("acc-1", &format!("report-{n}"), &format!("{n}.00"))).collect()
}

#[test]
fn a_stop_in_the_middle_of_a_backlog_leaves_the_rest_in_the_queue_and_the_next_run_takes_it_up() {
    const EVENTS: usize = 600;
    let broker = rabbit::shared();
    let home = Home::new(broker.port, 1, "stop")
        .with("STORE__GROUP_MAX_EVENTS", "1")
        .with("BROKER__INPUT__PREFETCH", "20");
    let mut foreign = Foreign::start(broker.port);
    assert!(home.start_ready().stop().success(), "nothing to do, nothing to wait for");
    foreign.publish("stop.in", Mode::Structured, &[account("acc-1")]);
    foreign.publish("stop.in", Mode::Structured, &backlog(EVENTS));

    let taken = || home.count("SELECT count(*) FROM inbox");
    let dunlin = home.start();
    until("work", || (taken() > 20).then_some(()));
    assert!(dunlin.stop().success());
    let done = taken();
    assert!(done < EVENTS, "the stop came in the middle");
    // A queue tells its depth a moment after the channel is gone.
    until_eq(&(EVENTS + 1 - done), || foreign.depth("stop.events"));

    let dunlin = home.start();
    until_eq(&(EVENTS + 1), taken);
    assert!(home.log_bytes() > 0, "it is being written to");
    assert!(dunlin.stop().success());
    assert_eq!(home.log_bytes(), 0, "a clean stop leaves one file to keep");
    until_eq(&0, || foreign.depth("stop.events"));
    assert_eq!(home.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn a_second_dunlin_on_the_same_store_is_refused_and_the_first_one_goes_on() {
    let broker = rabbit::shared();
    let home = Home::new(broker.port, 1, "twin");
    let first = home.start_ready();
    let second = home.run(&["run"]);
    let complaint = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("dunlin.db") && complaint.contains("another"), "{complaint}");
    assert_eq!(first.page("/readyz").expect("it answers").0, 200);
    // A dead owner is none.
    first.kill();
    assert!(home.start_ready().stop().success());
}

#[test]
fn a_queue_that_contradicts_the_settings_is_refused_by_name() {
    let broker = rabbit::shared();
    let home = Home::new(broker.port, 1, "odd");
    let mut foreign = Foreign::start(broker.port);
    foreign.declare("odd.events", &json!({"x-queue-type": "classic"}));
    let refused = home.run(&["run"]);
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("odd.events") && complaint.contains("inequivalent"), "{complaint}");
    assert!(!complaint.contains("guest:guest"), "{complaint}");
}

#[test]
fn the_pages_tell_a_supervisor_and_prometheus_how_dunlin_is() {
    let broker = rabbit::shared();
    let home = Home::new(broker.port, 1, "look");
    let mut foreign = Foreign::start(broker.port);
    let dunlin = home.start_ready();
    foreign.publish("look.in", Mode::Structured, &[account("acc-1")]);
    let applied = "dunlin_events_total{type=\"billing.account.updated\",outcome=\"applied\"}";
    until_eq(&1, || dunlin.metric(applied) as usize);

    let (status, alive) = dunlin.page("/healthz").expect("it answers");
    let alive: Value = serde_json::from_str(&alive).expect("JSON");
    assert_eq!((status, &alive["alive"]), (200, &json!(true)));
    let ready = dunlin.readiness().expect("it answers");
    let parts = ready["components"].as_array().expect("a list");
    let parts: Vec<&str> = parts.iter().filter_map(|part| part["name"].as_str()).collect();
    assert_eq!(
        parts,
        [
            "breaker",
            "broker-consume",
            "broker-publish",
            "clock",
            "e-mail",
            "freshness",
            "store",
            "texts",
        ],
        "{ready:#}"
    );
    assert!(ready["last_wake"].is_null(), "nothing was due yet: {ready:#}");

    let metrics = dunlin.page("/metrics").expect("it answers").1;
    for name in [
        "dunlin_broker_acks_total 1",
        "dunlin_broker_connected{side=\"consume\"} 1",
        "dunlin_broker_connected{side=\"publish\"} 1",
        "dunlin_clocks_agree 1",
        "dunlin_commit_seconds_count",
        "dunlin_outbox_oldest_age_seconds 0",
        "dunlin_outbox_pending 0",
        "dunlin_silent_sources 0",
        "# TYPE dunlin_events_total counter",
        "# HELP dunlin_events_total",
    ] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
    assert!(home.run(&["healthcheck"]).status.success());
    assert!(dunlin.stop().success());
    assert_eq!(home.run(&["healthcheck"]).status.code(), Some(1));
}
