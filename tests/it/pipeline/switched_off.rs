//! dunlin was switched off for three weeks: each case takes its next stage and no more, told once, and no time is lost to it.
//!
//! The weeks before are a replay into the same store; then the worker starts by the machine's clock, beside a broker and a mail
//! server.

mod weeks;

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde_json::Value;

use self::weeks::Weeks;
use crate::support::dunlin::Home;
use crate::support::events::{heartbeat, now, text};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::{until, until_eq};
use crate::support::rabbit;

/// What a start does to each: where it goes, what is told, and how many notices and charge attempts are recorded as skipped.
/// What is gone for good waits for the pipeline's word.
const CASES: [(&str, &str, &str, usize); 18] = [
    ("running", "", "", 0),
    ("soon", "", "expiry-warning", 2),
    ("warned", "active → recycled", "expired", 4),
    ("binned", "", "expired", 1),
    ("auto", "active → recycled", "expired", 8),
    ("charged", "active → grace", "", 4),
    ("own-warned", "active → grace", "expired", 0),
    ("own-grace", "grace → stopped", "stopped", 0),
    ("own-stopped", "", "release-warning", 1),
    ("promised", "", "expired", 0),
    ("short", "active → recycled", "expired", 1),
    ("grace", "grace → stopped", "", 0),
    ("debt", "", "", 0),
    ("paid", "stopped → active", "", 0),
    ("debt-24h", "", "", 0),
    ("own-debt", "grace → stopped", "stopped", 0),
    ("terminated", "", "", 0),
    ("to-terminate", "", "", 0),
];

/// What was due for good while it was off, or is soon after, and what is told of it.
const GONE: [(&str, &str, &str); 6] = [
    ("binned", "recycled → released", ""),
    ("debt", "stopped → released", "reclaimed"),
    ("debt-24h", "stopped → released", "reclaimed"),
    ("own-stopped", "stopped → released", "reclaimed"),
    ("short", "recycled → released", ""),
    ("terminated", "active → released", ""),
];

type Names = BTreeMap<String, Vec<String>>;

/// What was published: changes and what is held of each resource, and the notices that went out, each for itself.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    changes: Names,
    told: Names,
    held: Names,
}

fn seen(published: &[Value]) -> Seen {
    let mut seen = Seen::default();
    for event in published {
        let word = |key: &str| event["data"][key].as_str().expect("text").to_owned();
        let (names, name, what) = match event["type"].as_str().expect("text") {
            "lifecycle.resource.changed" => {
                let what = format!("{} → {}", word("from"), word("to"));
                (&mut seen.changes, word("resource"), what)
            }
            "lifecycle.notice.sent" => (&mut seen.told, word("account"), word("notice")),
            "lifecycle.transition.held" => (&mut seen.held, word("resource"), word("because")),
            other => panic!("{other}: {event:#?}"),
        };
        names.entry(name).or_default().push(what);
    }
    seen
}

fn names<'c>(expected: impl Iterator<Item = (&'c str, &'c str)>) -> Names {
    let said = expected.filter(|(_, what)| !what.is_empty());
    said.map(|(name, what)| (name.to_owned(), vec![what.to_owned()])).collect()
}

/// Everything that was published once nothing is due, and nothing waits to be published or sent.
fn settled(home: &Home, foreign: &mut Foreign) -> Vec<Value> {
    until("nothing left to do", || {
        let now = now().timestamp_micros();
        let left = home.count(&format!(
            "SELECT (SELECT count(*) FROM accounts WHERE wake_at <= {now})
                + (SELECT count(*) FROM resources WHERE wake_at <= {now})
                + (SELECT count(*) FROM publications)
                + (SELECT count(*) FROM deliveries WHERE state = 'pending')"
        ));
        (left == 0).then_some(())
    });
    let count = foreign.depth("weeks.seen");
    foreign.read("weeks.seen", count)
}

/// The lifecycles of the test, and those that ship; every day is a working day, whenever the test runs.
fn write_policies(home: &Home) {
    home.write("policies/early.toml", &weeks::early());
    home.write("policies/short.toml", &weeks::short());
    for name in ["prepaid", "postpaid"] {
        let file = format!("policies/recommended-{name}.toml");
        let policy = home.read(&file);
        let (before, calendar) = policy.split_once("weekend = [").expect("a calendar");
        let (_, after) = calendar.split_once("]\n\n").expect("its end");
        let policy = format!("{before}weekend = []\n\n{after}");
        home.write(&file, &policy.replace("version = 1", "version = 2"));
    }
}

fn explained(home: &Home, name: &str) -> Value {
    let output = home.run(&["explain", name, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// When something of this kind comes next, by `explain`.
fn next(explained: &Value, kind: &str) -> (DateTime<Utc>, String) {
    let all = explained["next"].as_array().expect("it is foreseen");
    let first = all.iter().find(|one| one["kind"] == kind).expect("something of this kind");
    (instant(&first["at"]), first["what"].as_str().expect("text").to_owned())
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("text").parse().expect("an instant")
}

const SHANGHAI: FixedOffset = FixedOffset::east_opt(8 * 3600).expect("an offset");

/// So many hours into the local day, so many days after that of `at`.
fn local(at: DateTime<Utc>, days: i64, hours: u32) -> DateTime<Utc> {
    let time = (at.with_timezone(&SHANGHAI).date_naive() + TimeDelta::days(days))
        .and_hms_opt(hours, 0, 0)
        .expect("a time");
    time.and_local_timezone(SHANGHAI).single().expect("without summer time").to_utc()
}

/// The last that it was told: when somebody's mail server took it, and the date that it named for a step.
fn told_of(explained: &Value, to: &str) -> (DateTime<Utc>, DateTime<Utc>) {
    let last = explained["told"].as_array().and_then(|told| told.last()).expect("it was told");
    let promised = last["promised"].as_array().expect("dates").iter().find(|one| one["to"] == to);
    let accepted = instant(&last["deliveries"][0]["answers"][0]["at"]);
    (accepted, instant(&promised.expect("it is named")["at"]))
}

#[test]
fn after_three_weeks_each_case_takes_its_next_stage_only_is_told_once_and_loses_no_time() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "weeks")
        .with("FRESHNESS__DEFAULT", "heartbeat")
        .with("FRESHNESS__PATIENCE_SECS", "0");
    write_policies(&home);
    let weeks = Weeks::until_now();
    let lines: String = weeks.before().iter().map(|event| format!("{event}\n")).collect();
    home.write("before.jsonl", &lines);
    let off = text(weeks.off);
    let replay =
        ["run", "--embedded", "--clock", "events", "--events", "before.jsonl", "--until", &off];
    let ended = home.run(&[&replay[..], &["--data", "."]].concat());
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let mut foreign = Foreign::start(broker.port);
    foreign.listen("weeks.out", "weeks.seen", "lifecycle.#");

    let dunlin = home.start_ready();
    foreign.publish("weeks.in", Mode::Structured, &[weeks.top_up()]);
    let gone: Vec<String> = GONE.map(|(name, ..)| name.to_owned()).into();
    let gated = || {
        home.query("SELECT id FROM resources WHERE 'freshness' IN (gate, wish_gate) ORDER BY id")
            .concat()
    };
    until_eq(&gone, gated);
    until("the top-up", || {
        (home.count("SELECT count(*) FROM inbox WHERE id = 'paid-topped-up'") == 1).then_some(())
    });
    let mut at_once = seen(&settled(&home, &mut foreign));
    // Its release is due too, and may be looked at before its top-up is read.
    at_once.held.remove("paid");
    let expected = Seen {
        changes: names(CASES.iter().map(|(name, change, ..)| (*name, *change))),
        told: names(CASES.iter().map(|(name, _, told, _)| (*name, *told))),
        held: names(GONE.iter().map(|(name, ..)| (*name, "freshness"))),
    };
    assert_eq!(at_once, expected);
    for (name, .., skipped) in CASES {
        let page = explained(&home, name);
        let decisions = page["decisions"].as_array().expect("a list").iter();
        let since = decisions.filter(|one| instant(&one["at"]) > weeks.on);
        let said: Vec<String> = since.map(|one| one["because"].to_string()).collect();
        let said = said.concat();
        let count = said.matches(" skipped").count() + said.matches("is not made").count();
        assert_eq!(count, skipped, "{name}: {said}");
    }
    time_counts_from_now(&home, &weeks);

    foreign.publish("weeks.in", Mode::Structured, &[heartbeat("back")]);
    until_eq(&Vec::<String>::new(), gated);
    let expected = Seen {
        changes: names(GONE.iter().map(|(name, change, _)| (*name, *change))),
        told: names(GONE.iter().map(|(name, _, told)| (*name, *told))),
        held: Names::new(),
    };
    assert_eq!(seen(&settled(&home, &mut foreign)), expected);
    let short = explained(&home, "short");
    let (accepted, named) = told_of(&short, "released");
    let released = instant(&short["place"]["since"]);
    assert!(released >= accepted + TimeDelta::seconds(1) && released >= named, "{short:#}");
    let sent = home.count("SELECT count(*) FROM receipts WHERE outcome = 'sent' AND at > strftime('%s') * 1000000 - 600000000");
    assert_eq!(mailbox.mails().len(), sent);
    assert!(dunlin.stop().success());
    assert!(home.run(&["ledger", "verify"]).status.success());
}

/// No minimum time and no promise is shorter for it, and no charge is asked for in the past.
fn time_counts_from_now(home: &Home, weeks: &Weeks) {
    let page = |name: &str| explained(home, name);
    let comes = |name: &str, kind: &str, what: &str, at: DateTime<Utc>| {
        let page = page(name);
        let (comes_at, comes) = next(&page, kind);
        assert!(
            comes.starts_with(what) && comes_at == at,
            "{name}: {comes} at {comes_at}, not {at}"
        );
    };
    let since = |name: &str| instant(&page(name)["place"]["since"]);
    comes("running", "notice", "told expiry-warning", weeks.on + TimeDelta::days(23));
    // Of three warnings that were missed the last one is sent.
    for before in [7, 5] {
        let slot = weeks.on + TimeDelta::days(2 - before);
        let skipped = format!("expiry-warning of {slot} skipped: a later one is sent");
        assert!(page("soon").to_string().contains(&skipped), "{skipped}: {:#}", page("soon"));
    }
    comes("soon", "notice", "told expiry-warning", weeks.on + TimeDelta::days(1));
    comes("soon", "transition", "active → recycled", weeks.on + TimeDelta::days(2));
    for name in ["warned", "auto"] {
        comes(name, "transition", "recycled → released", local(since(name), 8, 0));
        assert_eq!(told_of(&page(name), "released").1, local(since(name), 8, 0), "and it is told");
    }
    comes("grace", "transition", "stopped → released", since("grace") + TimeDelta::days(15));
    comes("charged", "charge_requested", "charge attempt 4 of 5", local(weeks.on, 1, 8));
    comes("charged", "transition", "grace → stopped", weeks.on + TimeDelta::days(10));
    comes("promised", "transition", "active → recycled", weeks.on + TimeDelta::days(5));
    comes("to-terminate", "transition", "→ released", weeks.on + TimeDelta::days(5));
    // Two hours are what the notice names, and they count from when a mail server took it.
    let (accepted, named) = told_of(&page("own-warned"), "stopped");
    assert_eq!(named, since("own-warned") + TimeDelta::hours(2));
    comes("own-warned", "transition", "grace → stopped", accepted + TimeDelta::hours(2));
    for name in ["own-grace", "own-debt"] {
        let release = local(since(name), 15, 10);
        comes(name, "transition", "stopped → released", release);
        assert_eq!(told_of(&page(name), "released").1, release, "and it is told");
    }
}
