//! Texts that were decided at night wait in the outbox for the morning, in a replay too, and keep no run from ending.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::dunlin::bare;

/// A term that ends at 22:00 in Shanghai, so that each warning is decided at 22:00.
fn events() -> [Value; 2] {
    let event = |id: &str, kind: &str, data: Value| {
        json!({
            "specversion": "1.0", "id": id, "source": "/billing", "type": kind, "subject": "acc-1",
            "time": "2026-03-01T00:00:00Z", "data": data,
        })
    };
    let ann = json!({
        "name": "Ann", "role": "creator", "email": "ann@example.com", "phone": "+8613800000001",
    });
    [
        event(
            "1",
            "billing.account.updated",
            json!({ "account": "acc-1", "currency": "CNY", "contacts": [ann] }),
        ),
        event(
            "2",
            "billing.resource.activated",
            json!({
                "account": "acc-1", "resource": "ins-1", "policy": "recommended-prepaid",
                "expires_at": "2026-03-12T14:00:00Z",
            }),
        ),
    ]
}

fn replay(folder: &Path, until: &str) -> Command {
    let mut command = bare(&["run", "--embedded", "--clock", "events", "--until", until]);
    command.current_dir(folder).args(["--events", "events.jsonl", "--data", "data"]);
    command
}

/// How many mails and texts there are, and when each text was reported as sent.
fn gone_out(folder: &Path, until: &str) -> (usize, usize, Vec<String>) {
    let output = replay(folder, until).output().expect("dunlin starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let data = folder.join("data");
    let mails = fs::read_dir(data.join("mail")).expect("a folder of mails").count();
    let lines = |name: &str| {
        let text = fs::read_to_string(data.join(name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>()
    };
    let of_text = |event: &&Value| {
        event["type"] == "lifecycle.notice.sent" && event["data"]["channel"] == "sms"
    };
    let mut reported: Vec<String> = lines("state-changes.jsonl")
        .iter()
        .filter(of_text)
        .map(|event| event["time"].as_str().expect("text").to_owned())
        .collect();
    // Several are sent at a time: their reports come in any order.
    reported.sort_unstable();
    (mails, lines("sms.jsonl").len(), reported)
}

#[test]
fn a_text_of_the_night_goes_out_in_the_morning_and_the_mail_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines: String = events().iter().map(|event| format!("{event}\n")).collect();
    fs::write(folder.path().join("events.jsonl"), lines).expect("a folder of our own");
    let morning = "2026-03-06T00:00:00Z";
    // Seven days before, at 22:00: the mail is out; the text is due at 08:00, and the run ends before that.
    assert_eq!(gone_out(folder.path(), "2026-03-05T23:59:59Z"), (1, 0, vec![]));
    assert_eq!(gone_out(folder.path(), morning), (1, 1, vec![morning.to_owned()]));
    // In one go, with two more warnings: each text in its morning.
    fs::remove_dir_all(folder.path().join("data")).expect("a folder of our own");
    let mornings = [morning, "2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z"];
    let all = gone_out(folder.path(), "2026-03-12T13:59:59Z");
    assert_eq!(all, (3, 3, mornings.map(str::to_owned).to_vec()));
}
