//! A worker by a clock that the test sets: its mail server takes nothing, and its pipeline sends no heartbeat. For explanations that
//! a replay has none of.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::clock::ManualClock;
use dunlin::intake::{Delivery, Mark, Tag};
use dunlin::policy::Policies;
use dunlin::store::sqlite::SqliteStore;
use dunlin::worker::{Freshness, Ports, Serve, Settings, WorkerHealth};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

/// Up to here it is a replay; what was told until then was accepted.
const LIVE: &str = "2026-03-02T05:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn event(id: &str, kind: &str, owner: &str, time: &str, mut data: Value) -> Value {
    data["account"] = owner.into();
    json!({"specversion": "1.0", "id": id, "source": "/billing", "type": format!("billing.{kind}"),
        "subject": owner, "time": time, "data": data})
}

/// Two accounts with a server each, the first of them in arrears since before [`LIVE`].
fn before() -> Vec<Value> {
    let mut events = Vec::new();
    for (owner, resource) in [("acc-1", "ins-1"), ("acc-2", "ins-2")] {
        let began = "2026-03-01T00:00:00Z";
        let contacts =
            json!([{"name": "Ann", "role": "creator", "email": format!("ann@{owner}.example")}]);
        let data = json!({"currency": "CNY", "contacts": contacts});
        events.push(event(&format!("{owner}-is"), "account.updated", owner, began, data));
        let data =
            json!({"resource": resource, "policy": "tencent-cvm-postpaid-24h", "currency": "CNY"});
        events.push(event(&format!("{resource}-is"), "resource.activated", owner, began, data));
    }
    events.push(below("acc-1", "2026-03-02T02:00:00Z"));
    events
}

fn below(owner: &str, time: &str) -> Value {
    let data = json!({"balance": "-1.00", "currency": "CNY"});
    event(&format!("{owner}-below"), "balance.changed", owner, time, data)
}

/// Leaves a store in `var/live`: one release that waits for facts, one for proof.
pub(super) fn live(folder: &Path) {
    let lines: String = before().iter().map(|event| format!("{event}\n")).collect();
    fs::write(folder.join("before.jsonl"), lines).expect("a folder of our own");
    let run = "run --embedded --events before.jsonl --clock events --data var/live --until";
    let ended = super::dunlin(folder, &format!("{run} {LIVE}"));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(go_on(&folder.join("var/live/dunlin.db")));
}

async fn go_on(store: &Path) {
    let store = SqliteStore::open(store, Default::default()).expect("nobody else has it");
    let clock = Arc::new(ManualClock::new(at(LIVE)));
    let (deliver, deliveries) = mpsc::channel(1);
    // Nothing becomes of what is to be sent.
    let (_no_reports, reports) = mpsc::channel(1);
    let (acks, _acked) = mpsc::channel(1);
    let (health, mut seen) = watch::channel(WorkerHealth::default());
    let ports = Ports {
        deliveries,
        reports,
        acks,
        marks: None,
        in_flight: Arc::default(),
        committed: Arc::default(),
        health,
    };
    // It is set forward by hours here, and is to be trusted all the same.
    let tolerance = Duration::from_secs(30 * 86_400);
    let freshness = Freshness { clock_tolerance: tolerance, ..Freshness::default() };
    let settings = Settings { freshness, ..Settings::default() };
    let policies = Arc::new(Policies::shipped().set);
    let serve = Serve::new(Box::new(store), policies, settings, clock.clone(), ports, None)
        .expect("a store that can be read");
    let play = async {
        let fell = at("2026-03-02T06:00:00Z");
        clock.set(fell);
        let body = below("acc-2", "2026-03-02T06:00:00Z").to_string().into_bytes();
        let tag = Tag { session: 1, number: 1 };
        let delivery = Delivery { body, tag, mark: None, ..Delivery::of(Mark::End) };
        deliver.send(delivery).await.expect("the worker listens");
        rounds(&mut seen).await;
        // Whether it is one of too many is judged a moment later.
        clock.set(fell + TimeDelta::seconds(2));
        loop {
            rounds(&mut seen).await;
            let next = seen.borrow().next_wake;
            match next.filter(|next| *next < at("2026-03-05T00:00:00Z")) {
                Some(next) => clock.set(next),
                None => return,
            }
        }
    };
    tokio::select! {
        ended = serve.run() => panic!("the worker ended: {ended:?}"),
        () = play => {}
    }
}

/// Waits until the loop has come round a few times: what is due by the clock is dealt with, and the next wake is known.
async fn rounds(seen: &mut watch::Receiver<WorkerHealth>) {
    for _ in 0..8 {
        seen.changed().await.expect("the worker lives");
    }
}
