//! Taking over (`billing.resource.imported`, `.removed`): what a trace does not show. The traces are in
//! `tests/conformance-own/imported-*` and `removed-*`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dunlin::engine::decision::{Portfolio, Verdict};
use dunlin::engine::effect::Effect;
use dunlin::engine::input::Event;
use dunlin::engine::policy::PolicySet;
use dunlin::event::{Limits, decode};
use dunlin::intake::{Delivery, Tag};
use dunlin::simulate::{Decided, Simulation};
use serde_json::{Value, json};

use crate::support::dunlin::bare;

fn policies() -> PolicySet {
    dunlin::app::policies(None).expect("the shipped policies").set
}

/// What a pipeline says at an instant of 2026 (`03-01T02:00:00`).
fn says(at: &str, kind: &str, mut data: Value) -> Event {
    data["account"] = json!("acc-1");
    let event = json!({
        "specversion": "1.0", "id": format!("{kind} of {at}"), "source": "/billing",
        "type": format!("billing.{kind}"), "time": format!("2026-{at}Z"), "data": data,
    });
    let delivery = Delivery {
        body: event.to_string().into_bytes(),
        content_type: None,
        headers: BTreeMap::new(),
        user_id: None,
        origin: "test".to_owned(),
        tag: Tag { session: 1, number: 1 },
        mark: None,
    };
    decode(&delivery, &Limits::default()).expect("is understood").event
}

fn account() -> Event {
    let contacts = json!([{"name": "Ann", "role": "creator", "email": "ann@acme.example"}]);
    says("01-01T00:00:00", "account.updated", json!({"currency": "CNY", "contacts": contacts}))
}

fn balance(at: &str, balance: &str) -> Event {
    says(at, "balance.changed", json!({"balance": balance, "currency": "CNY"}))
}

/// Stopped in arrears that began on the first of March.
fn stopped() -> Event {
    let data = json!({
        "resource": "ins-1", "policy": "tencent-cvm-postpaid-15d", "phase": "stopped",
        "since": "2026-03-01T04:00:00Z", "arrears_since": "2026-03-01T02:00:00Z",
        "notices_sent": [{"notice": "arrears", "at": "2026-03-01T02:00:00Z"}],
    });
    says("03-03T00:00:00", "resource.imported", data)
}

/// Reads events in this order and lets time run on.
fn run(events: &[Event], until: &str) -> (Vec<Decided>, Portfolio) {
    let policies = policies();
    let mut simulation = Simulation::new(&policies);
    let mut decided: Vec<Decided> =
        events.iter().flat_map(|event| simulation.read(event.clone())).collect();
    decided.extend(simulation.run_until(format!("2026-{until}Z").parse().expect("an instant")));
    (decided, simulation.account(&"acc-1".into()).expect("it is known").clone())
}

#[test]
fn a_charge_without_an_answer_is_called_back_when_its_resource_is_removed_and_nobody_else_hears_of_it()
 {
    let resource = json!({
        "resource": "ins-1", "policy": "alibaba-ecs-subscription",
        "expires_at": "2026-03-10T16:00:00Z", "auto_renew": {"mode": "auto", "months": 1},
    });
    let removed = says("03-08T01:00:00", "resource.removed", json!({"resource": "ins-1"}));
    let events =
        [account(), says("03-05T00:00:00", "resource.activated", resource), removed.clone()];
    let (decided, _) = run(&events, "04-20T00:00:00");
    let at = removed.time;
    let after = decided.iter().filter(|one| one.at >= at).flat_map(|one| &one.decision.effects);
    let after: Vec<&Effect> = after.collect();
    let [Effect::ChargeCancelled { charge, reason, .. }] = after.as_slice() else {
        panic!("{after:?}")
    };
    assert_eq!((charge.as_str(), reason.as_str()), ("ins-1:20260310T160000Z:1", "ended"));
}

#[test]
fn what_cannot_be_is_set_aside_with_its_reason() {
    let import = |change: Value| {
        let mut data = json!({
            "resource": "ins-1", "policy": "tencent-cvm-postpaid-15d", "phase": "grace",
            "since": "2026-03-01T02:00:00Z", "arrears_since": "2026-03-01T02:00:00Z",
        });
        for (name, value) in change.as_object().expect("fields") {
            data[name] = value.clone();
        }
        says("03-03T00:00:00", "resource.imported", data)
    };
    let late = "2026-03-03T00:00:01Z";
    for (change, begins) in [
        (json!({"phase": "out_of_service"}), "phase:"),
        (json!({"since": late}), "since:"),
        (json!({"arrears_since": late}), "arrears_since: it lies"),
        (json!({"arrears_since": null}), "arrears_since: it is missing"),
        (json!({"notices_sent": [{"notice": "arrears", "at": late}]}), "notices_sent:"),
        (
            json!({"policy": "tencent-cvm-prepaid", "phase": "active", "term_months": 1}),
            "expires_at:",
        ),
    ] {
        let (decided, portfolio) = run(&[account(), import(change.clone())], "03-04T00:00:00");
        let verdicts = decided.iter().flat_map(|one| &one.decision.verdicts);
        let reason = verdicts.filter_map(|verdict| match verdict {
            Verdict::Quarantined(reason) => Some(reason.as_str()),
            _ => None,
        });
        let reasons: Vec<&str> = reason.collect();
        assert!(matches!(reasons.as_slice(), [one] if one.starts_with(begins)), "{reasons:?}");
        assert!(portfolio.resources.is_empty(), "{change}");
    }
    let (_, portfolio) = run(&[account(), import(json!({}))], "03-03T00:00:00");
    assert_eq!(portfolio.resources.len(), 1, "and without a mistake it comes in");
}

#[test]
fn arrears_of_what_does_not_run_on_them_say_nothing_about_the_account() {
    let data = json!({
        "resource": "ins-1", "policy": "tencent-cvm-prepaid", "phase": "active",
        "since": "2026-02-01T00:00:00Z", "arrears_since": "2026-03-01T02:00:00Z",
        "expires_at": "2026-04-01T00:00:00Z",
    });
    let import = says("03-03T00:00:00", "resource.imported", data);
    let (_, portfolio) = run(&[account(), import], "03-04T00:00:00");
    assert_eq!(portfolio.account.arrears_claimed, None);
    assert_eq!(portfolio.resources[&"ins-1".into()].arrears_since, None);
}

#[test]
fn whatever_order_balances_and_what_is_taken_over_come_in_they_end_the_same() {
    let older = [balance("02-01T00:00:00", "10.00"), stopped(), balance("03-04T00:00:00", "-2.00")];
    let between =
        [balance("03-02T00:00:00", "10.00"), stopped(), balance("03-04T00:00:00", "-2.00")];
    for (facts, since) in [(older, "03-01T02:00:00"), (between, "03-04T00:00:00")] {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut events = vec![account()];
            events.extend(order.map(|index| facts[index].clone()));
            let (decided, portfolio) = run(&events, "03-05T00:00:00");
            let resource = &portfolio.resources[&"ins-1".into()];
            assert_eq!(resource.phase.as_str(), "stopped", "{order:?}");
            let expected = format!("2026-{since}Z").parse().expect("an instant");
            assert_eq!(resource.arrears_since, Some(expected), "{order:?}");
            let is_claimed = portfolio.account.arrears_claimed.is_some();
            assert_eq!(
                is_claimed,
                since == "03-01T02:00:00",
                "no longer than it counts: {order:?}"
            );
            let effects = decided.iter().flat_map(|one| &one.decision.effects);
            let notices = effects.filter(|effect| matches!(effect, Effect::Notice(_))).count();
            // The first episode was told before; the second one is told, whenever dunlin learns that it is one.
            assert_eq!(notices, usize::from(since == "03-04T00:00:00"), "{order:?}");
        }
    }
}

/// The traces of taking over, each with accounts of its own, as lines in the order of time.
fn traces() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance-own");
    let files = std::fs::read_dir(folder).expect("the traces");
    let mut paths: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
    paths.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("text");
        name.starts_with("imported-") || name.starts_with("removed-")
    });
    assert!(paths.len() > 15, "{paths:?}");
    let mut events: Vec<Value> = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let text = std::fs::read_to_string(path).expect("readable");
        let text = text.replace("\"acc-", &format!("\"t{number}-acc-"));
        let trace: Value = serde_json::from_str(&text).expect("JSON");
        events.extend(trace["events"].as_array().expect("a list").iter().cloned());
    }
    events.sort_by_key(|event| event["time"].as_str().map(str::to_owned));
    events.iter().map(|event| format!("{event}\n")).collect()
}

#[test]
fn what_was_taken_over_goes_through_the_store_and_every_notice_about_it_reaches_somebody() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("events.jsonl"), traces()).expect("a folder of our own");
    let lines = |args: &[&str]| -> String {
        let output = bare(args).current_dir(folder.path()).output().expect("dunlin starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let until = ["--until", "2026-04-20T00:00:00Z"];
    let trace = lines(&["simulate", until[0], until[1], "events.jsonl"]);
    let run = ["run", "--embedded", "--clock", "events", "--events", "events.jsonl"];
    lines(&[&run[..], &until[..], &["--data", "data"]].concat());
    let published = std::fs::read_to_string(folder.path().join("data/state-changes.jsonl"));
    let parse = |text: String| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let (trace, published) = (parse(trace), parse(published.expect("it is there")));

    let expected = trace.iter().filter(|line| line["kind"] == "notice");
    let expected: BTreeSet<String> = expected
        .map(|line| format!("{} {} {}", line["account"], line["notice"], line["resources"]))
        .collect();
    let outcomes = |kind: &'static str| {
        let of = published.iter().filter(move |event| event["type"] == kind);
        of.map(|event| &event["data"])
            .map(|data| format!("{} {} {}", data["account"], data["notice"], data["resources"]))
    };
    assert_eq!(outcomes("lifecycle.notice.failed").next(), None);
    assert_eq!(outcomes("lifecycle.notice.sent").collect::<BTreeSet<_>>(), expected);
    let moves = trace.iter().filter(|line| line["kind"] == "transition").map(|line| {
        format!("{} {} {} {}", line["at"], line["account"], line["resource"], line["to"])
    });
    let changes = published.iter().filter(|event| event["type"] == "lifecycle.resource.changed");
    let changes = changes.map(|event| {
        let data = &event["data"];
        format!("{} {} {} {}", event["time"], data["account"], data["resource"], data["to"])
    });
    assert_eq!(changes.collect::<BTreeSet<_>>(), moves.collect::<BTreeSet<_>>());
}
