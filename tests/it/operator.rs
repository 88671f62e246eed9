//! The operator's hand on a real worker: the command line beside `dunlin run`, and before the next run.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::dunlin::{Dunlin, Home};
use crate::support::events::{account, ahead, event, text};
use crate::support::patience::until;

/// Stopped at E and released a second later, if somebody was told of it.
const POLICY: &str = r#"
id = "own"
version = 1
title = "Own"
zone = "Asia/Shanghai"
clock = "expiry"
[[phase]]
name = "active"
class = "working"
[[phase]]
name = "stopped"
class = "suspended"
[[phase]]
name = "released"
class = "gone"
[[step]]
from = "active"
to = "stopped"
at = { from = "expiry" }
notice = "expired"
[[step]]
from = "stopped"
to = "released"
at = { from = "entry", after = "1s" }
proof = { notices = ["expired"], lead = "1s" }
[[notice]]
kind = "expired"
on = "step"
channels = ["email"]
[[recovery]]
from = "stopped"
to = "active"
when = "renewed"
[renewal]
months = [1]
first_term_end = "same_time"
"#;

/// A folder whose events tell of an account that nobody can be reached at, and of resources that end at an instant each.
fn home(resources: &[(&str, &str, i64)]) -> Home {
    let home = Home::new(1, 1, "operator");
    home.write("policies/own.toml", POLICY);
    let mut lines = Vec::new();
    for (owner, resource, millis) in resources {
        let mut owned = account(owner);
        owned["data"]["contacts"] = json!([{"name": "Ann", "role": "creator"}]);
        let data = json!({
            "resource": resource, "policy": "own", "currency": "CNY", "region": "south",
            "expires_at": text(ahead(*millis)),
        });
        lines.push(owned);
        lines.push(event(&format!("{owner}-{resource}"), "resource.activated", owner, data));
    }
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    home.write("events.jsonl", &lines);
    home
}

fn start(home: &Home) -> Dunlin {
    home.start_into(
        &["run", "--embedded", "--clock", "wall", "--events", "events.jsonl", "--data", "data"],
        "out",
    )
}

/// What it prints and complains of, and its exit code.
fn order(home: &Home, line: &str) -> (String, Option<i32>) {
    let mut args: Vec<&str> = line.split_whitespace().collect();
    args.extend(["--data", "data"]);
    let Output { stdout, stderr, status } = home.run(&args);
    (String::from_utf8([stdout, stderr].concat()).expect("text"), status.code())
}

fn done(home: &Home, line: &str) -> String {
    let (said, code) = order(home, line);
    assert_eq!(code, Some(0), "{line}: {said}");
    said
}

fn json_of(home: &Home, line: &str) -> Value {
    serde_json::from_str(&done(home, line)).expect("JSON")
}

fn store_is_there(home: &Home) {
    until("the store with the resources", || {
        let (said, code) = order(home, "explain ins-1");
        (code == Some(0)).then_some(said)
    });
}

fn phase(home: &Home, resource: &str) -> String {
    let explained = json_of(home, &format!("explain {resource} --json"));
    explained["place"]["phase"].as_str().expect("a phase").to_owned()
}

fn until_phase(home: &Home, resource: &str, expected: &str) {
    until(expected, || (phase(home, resource) == expected).then_some(()));
}

#[test]
fn beside_a_running_dunlin_a_held_release_is_listed_approved_and_goes() {
    let home = home(&[("acc-1", "ins-1", 0)]);
    let dunlin = start(&home);
    store_is_there(&home);
    let held =
        until("a held release", || json_of(&home, "held --json").as_array()?.first().cloned());
    assert_eq!((&held["resource"], &held["to"]), (&json!("ins-1"), &json!("released")));
    assert_eq!(held["because"], "proof");
    let listed = done(&home, "held");
    assert!(listed.contains("dunlin approve-release") && listed.contains("expired"), "{listed}");

    let (said, code) = order(&home, "approve-release ins-1");
    assert!(code == Some(2) && said.contains("--reason"), "{said}");
    let said = done(&home, "approve-release ins-1 --reason phoned --by ann");
    assert!(said.contains("needs no proof any more"), "{said}");
    until_phase(&home, "ins-1", "released");
    let page = done(&home, "explain ins-1");
    assert!(page.contains("by ann: phoned"), "on record: {page}");
    let (said, code) = order(&home, "approve-release ins-1 --reason again --by ann");
    assert!(code == Some(1) && said.contains("final"), "{said}");
    assert_eq!(done(&home, "held"), "nothing is held\n");
    assert!(dunlin.stop().success());
}

#[test]
fn a_pause_holds_a_stop_and_what_it_held_goes_when_it_ends() {
    let home = home(&[("acc-1", "ins-1", 60_000), ("acc-1", "ins-2", 60_000)]);
    let dunlin = start(&home);
    store_is_there(&home);
    // E is moved to now once everything is paused.
    let said = done(&home, "pause ins-1 --reason outage --by ann");
    assert!(said.contains("hold pause is placed") && said.contains("What comes next"), "{said}");
    done(&home, "pause --all --reason outage --by ann");
    done(
        &home,
        "hold place --region south --id flood --reason flood --by bo --until 2100-01-01T00:00:00Z",
    );
    let holds = done(&home, "hold list");
    for part in [
        "everything: hold pause",
        "region south: hold flood",
        "resource ins-1 of acc-1: hold pause",
    ] {
        assert!(holds.contains(part), "{part}: {holds}");
    }
    let page = done(&home, "explain ins-2");
    assert!(page.contains("moratorium pause on everything"), "{page}");

    done(&home, "resume ins-1 --reason over --by ann");
    let (said, code) = order(&home, "resume ins-1 --reason over --by ann");
    assert!(code == Some(1) && said.contains("no hold is in force there"), "{said}");
    done(&home, "resume --all --reason over --by ann");
    done(&home, "hold lift --region south --reason over --by ann");
    assert_eq!(done(&home, "hold list"), "no hold is in force\n");
    let until_then =
        done(&home, "extend ins-1 --until 2100-01-01T00:00:00Z --reason goodwill --by ann");
    assert!(until_then.contains("stopped does not come before 2100-01-01"), "{until_then}");
    let json = json_of(
        &home,
        "extend ins-1 --until 2100-01-02T00:00:00Z --reason goodwill --by ann --json",
    );
    assert_eq!((&json["state"], &json["by"]), (&json!("done"), &json!("ann")));
    assert!(json["next"].as_array().is_some_and(|next| !next.is_empty()), "{json}");
    let page = done(&home, "explain ins-1");
    assert!(page.contains("stopped does not come before 2100-01-02T00:00:00Z (SAFE-9)"), "{page}");
    assert!(dunlin.stop().success());
}

#[test]
fn an_order_that_nobody_takes_waits_and_comes_before_what_is_due() {
    let home = home(&[("acc-1", "ins-1", 60_000)]);
    let dunlin = start(&home);
    store_is_there(&home);
    assert!(dunlin.stop().success());
    let (said, code) = order(&home, "pause --account acc-1 --reason strike --by ann --wait 0");
    assert!(code == Some(3) && said.contains("Order 1 waits"), "{said}");
    let (said, code) = order(&home, "pause ins-2 --reason strike --by ann --wait 0");
    assert!(code == Some(1) && said.contains("near it: ins-1 of acc-1"), "{said}");
    // While nothing runs E is reported as past.
    let moved = json!({ "resource": "ins-1", "expires_at": text(ahead(-1_000)) });
    let moved = event("moved", "expiry.changed", "acc-1", moved);
    append(&home, &moved);
    let dunlin = start(&home);
    until("a held stop", || {
        let held = json_of(&home, "held --json");
        (held[0]["because"] == "hold").then_some(())
    });
    assert_eq!(phase(&home, "ins-1"), "active");
    let by = done(&home, "held");
    assert!(by.contains("hold pause on the account: strike"), "{by}");
    done(&home, "resume --account acc-1 --reason over --by ann");
    until("a stop", || (phase(&home, "ins-1") != "active").then_some(()));
    assert!(dunlin.stop().success());
}

#[test]
fn a_replay_takes_no_orders() {
    let home = home(&[("acc-1", "ins-1", 60_000)]);
    let replay =
        ["run", "--embedded", "--clock", "events", "--events", "events.jsonl", "--data", "data"];
    assert!(home.run(&replay).status.success());
    let (said, code) = order(&home, "pause ins-1 --reason strike --by ann --wait 0");
    assert_eq!(code, Some(3), "{said}");
    assert!(home.run(&replay).status.success());
    assert_eq!(done(&home, "hold list"), "no hold is in force\n");
    let (said, code) = order(&home, "resume ins-1 --reason over --by ann --wait 0");
    assert!(code == Some(3) && said.contains("Order 2 waits"), "{said}");
}

#[test]
fn of_several_accounts_the_order_names_one() {
    let home = home(&[("acc-1", "ins-1", 60_000), ("acc-2", "ins-1", 60_000)]);
    let dunlin = start(&home);
    until("both", || {
        let (said, _) = order(&home, "explain ins-1");
        said.contains("several accounts").then_some(())
    });
    let (said, code) = order(&home, "pause ins-1 --reason x --by ann");
    assert!(code == Some(1) && said.contains("one of acc-1, acc-2"), "{said}");
    done(&home, "pause ins-1 --account acc-2 --reason x --by ann");
    assert!(done(&home, "hold list").contains("resource ins-1 of acc-2"));
    let (said, code) = order(&home, "pause --account acc-3 --reason x --by ann");
    assert!(code == Some(1) && said.contains("there is no account acc-3"), "{said}");
    let (said, code) =
        order(&home, "notice resend ins-1 --account acc-1 --notice expired --reason x --by ann");
    assert!(code == Some(1) && said.contains("nothing like that was told"), "{said}");
    assert!(dunlin.stop().success());
}

fn append(home: &Home, event: &Value) {
    let events = home.read("events.jsonl");
    home.write("events.jsonl", &format!("{events}{event}\n"));
}
