//! A shadow, from outside: it records everything and sends nothing, is compared with the system in charge, and hands over.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::dunlin::{Home, QUICK, bare};
use crate::support::events::{account, ahead, quick};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::{until, until_eq};
use crate::support::rabbit;

const MONTH: &str = include_str!("../../examples/month.jsonl");
const UNTIL: &str = "2026-03-19T00:00:00Z";

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Told at E and six seconds later, released eight seconds after E, with proof that somebody was told.
fn slow() -> String {
    let release = "after = \"2s\" }\n";
    let slots = "after = [\"0s\"] }";
    assert!(QUICK.contains(release) && QUICK.contains(slots));
    QUICK
        .replace("\"quick\"", "\"slow\"")
        .replace(slots, "after = [\"0s\", \"6s\"] }")
        .replace(release, "after = \"8s\" }\nproof = { notices = [\"expired\"], lead = \"1s\" }\n")
}

#[test]
fn a_shadow_sends_nothing_and_after_the_hand_over_only_what_comes_next_goes_out() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "shadow");
    home.write("policies/slow.toml", &slow());
    let mut foreign = Foreign::start(broker.port);
    foreign.listen("shadow.out", "shadow.seen", "#");
    let start_shadow = || {
        let mut dunlin = home.start_into(&["run", "--mode", "shadow"], "out");
        let page = until("a ready shadow", || {
            assert!(dunlin.exited().is_none(), "it ended: {}", home.log());
            dunlin.readiness().filter(|page| page["ready"] == true)
        });
        (dunlin, page)
    };
    let (dunlin, page) = start_shadow();
    let parts = page["components"].as_array().expect("a list");
    assert!(
        parts.iter().any(|part| part["name"] == "mode"
            && part["detail"].as_str().is_some_and(|detail| detail.starts_with("shadow"))),
        "{page}"
    );
    let mut resource = quick("acc-1", "ins-1", ahead(2500));
    resource["data"]["policy"] = "slow".into();
    // What is still to come when dunlin takes over, and the whole of what came before.
    let mut later = quick("acc-2", "ins-2", ahead(13_000));
    later["data"]["policy"] = "slow".into();
    let events = [account("acc-1"), resource, account("acc-2"), later];
    foreign.publish("shadow.in", Mode::Structured, &events);
    let recorded = |what: &str| {
        home.count(&format!("SELECT count(*) FROM decisions WHERE body LIKE '%{what}%'"))
    };
    until_eq(&1, || recorded("\"Transition\":%\"to\":\"recycled\""));
    assert!(recorded("\"Notice\"") >= 2, "warned and told");
    assert_eq!(recorded("\"shadow\":true"), home.count("SELECT count(*) FROM decisions"));
    assert!(dunlin.stop().success());
    for line in home.log().lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert!(line.to_string().contains("shadow"), "{line}");
    }
    for table in ["publications", "notices", "deliveries"] {
        assert_eq!(home.count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    assert_eq!((foreign.depth("shadow.seen"), mailbox.mails().len()), (0, 0));

    let refused = home.run(&["run"]);
    let complaint = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{complaint}");
    let said = complaint.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("shadow hand-over --reason"), "{complaint}");
    let hand_over = || home.run(&["shadow", "hand-over", "--reason", "CHG-17, Ann and Wei"]);
    let first = hand_over();
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(text(&first.stdout).starts_with("live since"), "{}", text(&first.stdout));
    assert!(text(&hand_over().stdout).starts_with("it is live already"), "a second time");
    let refused = home.run(&["run", "--mode", "shadow"]);
    assert!(text(&refused.stderr).contains("is live"), "{}", text(&refused.stderr));

    let dunlin = home.start_ready();
    for (resource, phase) in [("ins-1", "released"), ("ins-2", "recycled")] {
        let state = format!("SELECT state ->> '$.phase' FROM resources WHERE id = '{resource}'");
        until_eq(&vec![vec![phase.to_owned()]], || home.query(&state));
    }
    // The second news of the expiry of the first one, and both of the second one, to two people by two channels each.
    until_eq(&12, || home.count("SELECT count(*) FROM deliveries WHERE state = 'sent'"));
    until_eq(&0, || home.count("SELECT count(*) FROM publications"));
    assert_eq!(mailbox.wait_for(12).len(), 12, "and nothing old");
    let count = foreign.depth("shadow.seen");
    let events = foreign.read("shadow.seen", count);
    let mut said: Vec<String> = events.iter().map(in_short).collect();
    said.sort();
    said.dedup();
    let expected = [
        "acc-1 told expired",
        "acc-2 told expired",
        "acc-2 told expiry-warning",
        "ins-1 to released, change 2",
        "ins-2 to recycled, change 1",
    ];
    assert_eq!((said, events.len()), (expected.map(str::to_owned).to_vec(), 14));
    assert_eq!(
        home.count("SELECT count(*) FROM notices"),
        3,
        "of the first the second, not the first"
    );
    assert!(dunlin.stop().success());
    let verified = home.run(&["ledger", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
}

/// What a published event says, in short.
fn in_short(event: &Value) -> String {
    let word = |key: &str| event["data"][key].as_str().expect("text");
    match event["type"].as_str() {
        Some("lifecycle.resource.changed") => {
            let sequence: u64 =
                event["sequence"].as_str().expect("text").parse().expect("a number");
            format!("{} to {}, change {sequence}", word("resource"), word("to"))
        }
        Some("lifecycle.notice.sent") => format!("{} told {}", word("account"), word("notice")),
        other => panic!("{other:?}: {event:#}"),
    }
}

fn dunlin(folder: &Path, line: &str) -> Output {
    let args: Vec<&str> = line.split_whitespace().collect();
    bare(&args).current_dir(folder).output().expect("dunlin starts")
}

#[test]
fn a_difference_that_was_planted_is_found_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("month.jsonl"), MONTH).expect("a folder of our own");
    let ran = dunlin(
        folder,
        &format!(
            "run --mode shadow --embedded --events month.jsonl --clock events --until {UNTIL} --data data"
        ),
    );
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    for file in ["mail", "sms.jsonl", "state-changes.jsonl"] {
        let path = folder.join("data").join(file);
        let is_empty =
            path.is_dir().then(|| fs::read_dir(&path).is_ok_and(|mut dir| dir.next().is_none()));
        let is_empty =
            is_empty.unwrap_or_else(|| fs::read(&path).is_ok_and(|text| text.is_empty()));
        assert!(!path.exists() || is_empty, "{file}");
    }
    let old = text(&dunlin(folder, &format!("simulate --until {UNTIL} month.jsonl")).stdout);
    let diff = |old: &str, options: &str| {
        fs::write(folder.join("old.jsonl"), old).expect("a folder of our own");
        let output = dunlin(folder, &format!("shadow diff old.jsonl --data data {options}"));
        (text(&output.stdout), output.status.code())
    };
    let (same, code) = diff(&old, "");
    assert_eq!(code, Some(0), "{same}");
    assert!(
        same.contains("0 earlier, 0 later, 0 only by the old system, 0 only by dunlin"),
        "{same}"
    );

    let mut lines: Vec<Value> =
        old.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let is_change = |line: &Value| line["kind"] == "transition";
    let changed = lines.iter().position(is_change).expect("a change");
    let resource = lines[changed]["resource"].as_str().expect("text").to_owned();
    let at: chrono::DateTime<chrono::Utc> =
        lines[changed]["at"].as_str().expect("text").parse().expect("an instant");
    // As it publishes its state changes, five hours before dunlin.
    lines[changed] = json!({
        "specversion": "1.0", "type": "lifecycle.resource.changed", "time": at,
        "data": { "account": lines[changed]["account"], "resource": resource, "to": lines[changed]["to"],
            "effective_at": at - chrono::TimeDelta::hours(5) },
    });
    let planted = json!({ "at": "2026-03-15T00:00:00Z", "kind": "transition", "account": "acc-9999",
        "resource": "ins-planted", "from": "stopped", "to": "released" });
    let gone = lines.iter().rposition(is_change).expect("another");
    assert!(gone > changed);
    let gone = lines.remove(gone);
    lines.push(planted);
    let old: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (found, code) = diff(&old, "");
    assert_eq!(code, Some(1), "{found}");
    assert!(
        found.contains("0 earlier, 1 later, 1 only by the old system, 1 only by dunlin"),
        "{found}"
    );
    let gone = gone["resource"].as_str().expect("text");
    for line in [
        format!("{resource} to "),
        "ins-planted to released: only the old system".into(),
        format!("{gone} to "),
    ] {
        assert!(found.contains(&line), "{line}: {found}");
    }
    assert!(found.contains("dunlin 5h later"), "{found}");
    let (wide, _) = diff(&old, "--tolerance 6h --json");
    let wide: Value = serde_json::from_str(&wide).expect("JSON");
    assert_eq!((&wide["summary"]["later"], &wide["summary"]["only_old"]), (&json!(0), &json!(1)));
    let refused = diff("nonsense", "");
    assert_eq!(refused.1, Some(1));
}
