//! What `dunlin event` does, against a real broker.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::broker::tools::{Seen, publish_file, tail};
use dunlin::broker::{BrokerError, verify};
use serde_json::{Value, json};

use super::*;

fn file(lines: &[Value]) -> tempfile::NamedTempFile {
    let text: Vec<_> = lines.iter().map(ToString::to_string).collect();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text.join("\n\n")).expect("written");
    file
}

fn event(id: &str, time: &str, account: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "test", "type": "billing.expiry.changed",
        "subject": account, "time": time,
        "data": {"account": account, "resource": "r-1", "expires_at": "2026-02-01T00:00:00Z"},
    })
}

fn instant(value: &Value) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(value.as_str().expect("text")).expect("an instant").to_utc()
}

#[tokio::test]
async fn a_published_file_arrives_in_order_moved_to_now() {
    let settings = own("filed");
    let lines = [
        event("e-1", "2026-01-02T00:00:00Z", "acct-1"),
        event("e-2", "2026-01-01T00:00:00Z", "acct-2"),
        event("e-1", "2026-01-02T00:00:00Z", "acct-1"),
    ];
    let file = file(&lines);
    let now = instant(&json!("2026-11-22T12:00:00Z"));
    let published = publish_file(&settings, file.path(), Some(now)).await.expect("published");
    assert_eq!(published.events, 3);

    let mut running = Running::start(&settings);
    let events: Vec<Value> = running
        .take(3)
        .await
        .iter()
        .map(|delivery| serde_json::from_slice(&delivery.body).expect("JSON"))
        .collect();
    running.stop().await;
    let day = TimeDelta::days(1);
    let times: Vec<_> = events.iter().map(|event| instant(&event["time"])).collect();
    assert_eq!(times, [now + day, now, now + day]);
    assert_eq!(instant(&events[1]["data"]["expires_at"]), now + day * 31);
    assert_eq!(events[0]["id"], events[2]["id"]);
    assert_ne!(events[0]["id"], "e-1");
}

#[tokio::test]
async fn a_file_that_is_not_moved_arrives_untouched() {
    let settings = own("untouched");
    let text = r#"{"type":"x","id":"1","subject":"a","zzz":1.10,"aaa":1}"#;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    publish_file(&settings, file.path(), None).await.expect("published");
    let mut running = Running::start(&settings);
    assert_eq!(running.next().await.body, text.as_bytes());
    running.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_of_a_file_with_a_mistake_in_it() {
    let settings = own("mistake");
    let file = tempfile::NamedTempFile::new().expect("a file");
    let good = event("e-1", "2026-01-01T00:00:00Z", "a");
    std::fs::write(file.path(), format!("{good}\n[\"private\"]\n")).expect("written");
    let refused = publish_file(&settings, file.path(), None).await.expect_err("refused");
    assert!(matches!(refused, BrokerError::File { line: 2, .. }), "{refused}");
    assert!(!refused.to_string().contains("private"), "{refused}");
    // Refused before anything was even declared.
    let mut trusting = settings;
    trusting.topology = TopologyMode::Trust;
    assert!(verify(&trusting).await.is_err());
}

#[tokio::test]
async fn an_event_that_nobody_takes_is_an_error_with_its_line() {
    let mut settings = own("untaken");
    settings.input.queues[0].binding = "only.this".to_owned();
    let lines = [
        event("e-1", "2026-01-01T00:00:00Z", "only.this"),
        event("e-2", "2026-01-01T00:00:00Z", "other"),
    ];
    let refused = publish_file(&settings, file(&lines).path(), None).await.expect_err("refused");
    assert!(matches!(refused, BrokerError::Refused { line: 3, confirmed: 1, .. }), "{refused}");
}

#[tokio::test]
async fn tail_shows_what_is_published_under_the_pattern_until_stopped() {
    let settings = own("tailed");
    verify(&settings).await.expect("a topology");
    let publishing = Publishing::start(&settings).await;
    let (to, mut seen) = mpsc::unbounded_channel::<Seen>();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let (tailing, until) = (settings.clone(), stop.clone());
    tasks.spawn(async move {
        tail(&tailing, "wanted.*", |message| drop(to.send(message)), until).await
    });
    // Routable as soon as the tail is bound: that is the signal.
    while publishing.publish("probe", "wanted.probe").await != sent() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(publishing.publish("m-1", "unwanted.x").await, Outcome::Failed { .. }));
    assert_eq!(publishing.publish("m-2", "wanted.x").await, sent());
    let mut keys = Vec::new();
    while keys.len() < 2 {
        keys.push(soon("a message", seen.recv()).await.expect("the tail runs").routing_key);
    }
    assert_eq!(keys, ["wanted.probe", "wanted.x"]);
    stop.cancel();
    let ended = soon("the end of the tail", tasks.join_next()).await;
    ended.expect("a task").expect("no panic").expect("a good end");
    publishing.stop().await;
}
