//! The example month: that the committed file is the generator's, clean, and as rich as it is meant to be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use dunlin::cli::simulate::{Format, Options, simulate};
use dunlin::engine::decision::Proofs;
use dunlin::event::{Limits, decode};
use dunlin::intake::{Delivery, Tag};
use dunlin::policy::Policies;
use serde_json::Value;

use crate::support::dunlin::bare;

#[path = "../../examples/generate_month/month/mod.rs"]
mod month;

const MONTH: &str = include_str!("../../examples/month.jsonl");
/// What the month is about.
const POLICIES: [&str; 4] = [
    "tencent-cvm-postpaid-15d",
    "tencent-cvm-postpaid-24h",
    "tencent-cvm-prepaid",
    "tencent-network-traffic",
];
const BYTES_MAX: usize = 1_500_000;

fn events() -> Vec<Value> {
    MONTH.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn instant(event: &Value) -> DateTime<Utc> {
    text(event, "/time").parse().expect("an instant")
}

const UNTIL: &str = "2026-04-20T00:00:00Z";

/// What `dunlin simulate` prints, up to the instant that the README names.
fn trace(proofs: Proofs) -> Vec<Value> {
    let policies = Policies::shipped();
    let options = Options {
        policies: &policies.set,
        limits: Limits::default(),
        until: UNTIL.parse().expect("an instant"),
        format: Format::Trace,
        proofs,
    };
    let (mut output, mut complaints) = (Vec::new(), Vec::new());
    simulate(&options, MONTH.as_bytes(), &mut output, |said| complaints.push(said))
        .expect("runs in memory");
    assert_eq!(complaints, Vec::<String>::new());
    let lines = std::str::from_utf8(&output).expect("UTF-8").lines();
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of_kind<'t>(trace: &'t [Value], kind: &str) -> Vec<&'t Value> {
    trace.iter().filter(|line| line["kind"] == kind).collect()
}

fn set<'v>(values: impl IntoIterator<Item = &'v Value>, path: &str) -> BTreeSet<&'v str> {
    values.into_iter().map(|value| text(value, path)).filter(|found| !found.is_empty()).collect()
}

#[test]
fn the_committed_month_is_what_the_generator_writes() {
    let written = month::month(month::COMMITTED_SEED);
    let first = written.lines().zip(MONTH.lines()).position(|(one, other)| one != other);
    assert!(
        written == MONTH,
        "line {:?} differs: cargo run --example generate_month > examples/month.jsonl",
        first.map(|index| index + 1)
    );
}

#[test]
fn another_seed_is_another_month_of_the_same_size() {
    let other = month::month(month::COMMITTED_SEED + 1);
    assert_ne!(other, MONTH);
    assert!(other.lines().count().abs_diff(MONTH.lines().count()) < 100);
}

#[test]
fn every_line_is_an_event_without_a_blemish() {
    for (index, line) in MONTH.lines().enumerate() {
        let delivery = Delivery {
            body: line.as_bytes().to_vec(),
            content_type: None,
            headers: BTreeMap::new(),
            user_id: None,
            origin: format!("line {}", index + 1),
            tag: Tag { session: 0, number: index as u64 + 1 },
            mark: None,
        };
        let decoded = decode(&delivery, &Limits::default()).unwrap_or_else(|refusal| {
            panic!("line {}: {refusal}", index + 1);
        });
        let blemishes = (decoded.unknown_fields, decoded.unusable_addresses);
        assert_eq!(blemishes, (0, 0), "line {}", index + 1);
    }
}

#[test]
fn the_month_is_large_enough_and_not_too_large() {
    let events = events();
    assert!(MONTH.len() < BYTES_MAX, "{} bytes", MONTH.len());
    assert!(events.len() >= 1_500);
    assert!(set(&events, "/subject").len() >= 20);
    let resources: BTreeSet<&str> = events
        .iter()
        .filter(|event| text(event, "/type").starts_with("billing.resource."))
        .map(|event| text(event, "/data/resource"))
        .collect();
    assert!(resources.len() >= 60);
    let policies = set(&events, "/data/policy");
    assert_eq!(policies, POLICIES.into());
    let locales = ["en", "zh-CN", "zh-Hans-CN"];
    assert!(set(&events, "/data/locale").is_superset(&locales.into()));
    assert_eq!(set(&events, "/data/currency"), ["CNY", "USD"].into());
}

#[test]
fn some_events_come_twice_and_some_late_but_never_past_a_heartbeat() {
    let (mut seen, mut copies, mut late) = (BTreeMap::new(), 0, 0);
    let (mut clock, mut beat) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MIN_UTC);
    for (event, line) in events().iter().zip(MONTH.lines()) {
        if let Some(first) = seen.insert(text(event, "/id").to_owned(), line) {
            assert_eq!(first, line, "a copy is exact");
            copies += 1;
            continue;
        }
        let time = instant(event);
        assert!(time > beat, "{line}: a heartbeat said that all of it was sent");
        late += usize::from(time < clock);
        clock = clock.max(time);
        if text(event, "/type") == "billing.heartbeat" {
            beat = time;
        }
    }
    assert!(copies >= 5, "{copies} copies");
    assert!(late >= 5, "{late} late events");
}

#[test]
fn every_notice_and_every_phase_of_the_policies_occurs() {
    let trace = trace(Proofs::Assumed);
    let kinds = ["arrears", "balance-warning", "expired", "expiry-warning", "reclaimed"];
    assert_eq!(set(of_kind(&trace, "notice"), "/notice"), kinds.into());
    let events = events();
    let policy_of: BTreeMap<&str, &str> = events
        .iter()
        .filter(|event| !text(event, "/data/policy").is_empty())
        .map(|event| (text(event, "/data/resource"), text(event, "/data/policy")))
        .collect();
    let reached: BTreeSet<(&str, &str)> = of_kind(&trace, "transition")
        .into_iter()
        .map(|line| (policy_of[text(line, "/resource")], text(line, "/to")))
        .collect();
    let by_clock = ["active", "grace", "stopped", "released"];
    let cases = [
        ("tencent-cvm-prepaid", &["active", "recycled", "released"][..]),
        ("tencent-cvm-postpaid-15d", &["recycled"]),
        ("tencent-cvm-postpaid-15d", &by_clock),
        ("tencent-cvm-postpaid-24h", &by_clock),
        ("tencent-network-traffic", &["active", "grace", "out_of_service"]),
    ];
    for (policy, phases) in cases {
        for phase in phases {
            assert!(reached.contains(&(policy, *phase)), "nothing of {policy} came to {phase}");
        }
    }
    let together = of_kind(&trace, "notice");
    assert!(together.iter().any(|line| line["resources"].as_array().is_some_and(|r| r.len() > 2)));
}

#[test]
fn charges_holds_requests_and_terminations_all_have_their_story() {
    let (trace, events) = (trace(Proofs::Assumed), events());
    assert!(of_kind(&trace, "charge").len() >= 3);
    // One whose charge was paid, and one that was not asked for since the balance did not cover it.
    assert!(set(of_kind(&trace, "renewal"), "/resource").contains("ins-1003-web-1"));
    assert!(!set(of_kind(&trace, "charge"), "/resource").contains("ins-1005-shop"));
    assert!(set(of_kind(&trace, "transition"), "/resource").contains("ins-1005-shop"));
    // All charges that were answered had been asked for, and no request failed that was meant to work.
    let codes = ["in_arrears", "not_in_bin"];
    assert_eq!(set(of_kind(&trace, "rejected"), "/code"), codes.into());
    let moves = |resource: &str| -> Vec<String> {
        of_kind(&trace, "transition")
            .into_iter()
            .filter(|line| line["resource"] == resource)
            .map(|line| text(line, "/to").to_owned())
            .collect()
    };
    // Held when due, released when the hold was lifted.
    assert!(set(of_kind(&trace, "held"), "/resource").contains("ins-1017-archive-1"));
    assert_eq!(moves("ins-1017-archive-1"), ["recycled", "released"]);
    // Restored; ended on schedule; not ended, since the schedule was cancelled.
    assert_eq!(moves("ins-1015-batch-2"), ["recycled", "active"]);
    assert_eq!(moves("ins-1015-web-1"), ["released"]);
    assert_eq!(moves("ins-1015-web-2"), Vec::<String>::new());
    let types = set(&events, "/type");
    for told in ["billing.hold.lifted", "billing.heartbeat", "billing.charge.failed"] {
        assert!(types.contains(told), "{told}");
    }
}

/// What happens to resources, as `<instant> <resource> <phase>`, and where it is held and why.
fn moves<'v>(lines: impl IntoIterator<Item = &'v Value>, at: &str, data: &str) -> BTreeSet<String> {
    let parts = ["resource", "to", "because"].map(|name| format!("{data}/{name}"));
    let line = |line: &'v Value| {
        let [resource, to, because] = parts.each_ref().map(|path| text(line, path));
        format!("{} {resource} {to} {because}", text(line, at))
    };
    lines.into_iter().map(line).collect()
}

#[test]
fn a_replay_of_the_month_moves_and_holds_what_simulate_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("month.jsonl");
    std::fs::write(&file, MONTH).expect("a folder of our own");
    let run = ["run", "--embedded", "--clock", "events", "--until", UNTIL, "--data", "data"];
    let mut command = bare(&run);
    let output = command.current_dir(folder.path()).arg("--events").arg(file).output();
    let output = output.expect("dunlin starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let published = std::fs::read_to_string(folder.path().join("data/state-changes.jsonl"));
    let published: Vec<Value> = published
        .expect("it is there")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds = ["lifecycle.resource.changed", "lifecycle.transition.held"];
    let published = published.iter().filter(|event| kinds.contains(&text(event, "/type")));
    let trace = trace(Proofs::Assumed);
    let simulated =
        trace.iter().filter(|line| line["kind"] == "transition" || line["kind"] == "held");
    let (published, simulated) = (moves(published, "/time", "/data"), moves(simulated, "/at", ""));
    assert!(simulated.len() > 100, "{}", simulated.len());
    assert_eq!(published, simulated);
}

#[test]
fn with_recorded_proofs_simulate_shows_what_silence_would_hold() {
    let releases = |trace: &[Value]| {
        let held = of_kind(trace, "held").into_iter().filter(|line| line["because"] == "proof");
        let gone = of_kind(trace, "transition").into_iter().filter(|line| line["to"] == "released");
        (set(held, "/resource").len(), set(gone, "/resource").len())
    };
    let (none, all) = releases(&trace(Proofs::Assumed));
    let (held, wished) = releases(&trace(Proofs::Recorded));
    assert_eq!((none, held + wished), (0, all), "what nobody asked for is held, and nothing else");
    assert!(held > 10 && wished > 0, "{held} and {wished}");
}
