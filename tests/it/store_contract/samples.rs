//! Small rows to store. What they mean does not matter here.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::dispatch::message::Publication;
use dunlin::engine::account::Account;
use dunlin::engine::effect::Notice;
use dunlin::engine::id::{AccountId, EventKey, PolicyKey};
use dunlin::engine::policy::Channel;
use dunlin::engine::resource::Resource;
use dunlin::store::{
    Arrival, Attempt, AttemptOutcome, NewDelivery, NewPublication, PolicyRow, Quarantined,
    SentMessage,
};
use serde_json::{Value, json};

/// So many seconds after the beginning of these tests.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("in range") + TimeDelta::seconds(seconds)
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a sample is valid")
}

pub(super) fn account(id: &str, wake: Option<i64>) -> Account {
    let mut account = Account::unknown(AccountId::from(id));
    account.wake_at = wake.map(at);
    account
}

pub(super) fn resource(account: &str, id: &str, wake: Option<i64>) -> Resource {
    let mut resource: Resource = parse(json!({
        "id": id,
        "account": account,
        "policy": {"id": "prepaid", "version": 1},
        "phase": "active",
        "entered_at": at(0),
        "entered_by": "start",
        "activated_at": at(0),
        "slots_until": at(0),
    }));
    resource.wake_at = wake.map(at);
    resource
}

pub(super) fn key(id: &str) -> EventKey {
    EventKey { source: "//billing".to_owned(), id: id.to_owned() }
}

pub(super) fn arrival<'a>(key: &'a EventKey, print: &'a [u8; 32], seconds: i64) -> Arrival<'a> {
    Arrival {
        key,
        fingerprint: print,
        received_at: at(seconds),
        event_type: "billing.balance.changed",
        account: "a",
    }
}

pub(super) fn quarantined(code: &str, seconds: i64, body: &[u8]) -> Quarantined {
    Quarantined {
        received_at: at(seconds),
        origin: "events.jsonl:7".to_owned(),
        code: code.to_owned(),
        field: Some("data.balance".to_owned()),
        reason: "must be a string".to_owned(),
        source: Some("//billing".to_owned()),
        event_id: None,
        event_type: None,
        account: Some("a".to_owned()),
        content_type: Some("application/cloudevents+json".to_owned()),
        headers: [("ce-id".to_owned(), "1".to_owned())].into(),
        body: body.to_vec(),
    }
}

pub(super) fn publication(id: &str, lane: &str, seconds: i64) -> NewPublication {
    NewPublication {
        publication: Publication {
            id: id.to_owned(),
            event_type: "lifecycle.resource.changed".to_owned(),
            routing_key: "lifecycle.resource.changed.prepaid".to_owned(),
            body: format!(r#"{{"id":"{id}"}}"#).into_bytes(),
            mandatory: true,
        },
        lane: lane.to_owned(),
        created_at: at(seconds),
    }
}

pub(super) fn notice(account: &str, seconds: i64) -> Notice {
    parse(json!({
        "kind": "expired",
        "account": account,
        "at": at(seconds),
        "episode": "a:1",
        "zone": "Asia/Shanghai",
        "contacts": [
            {"name": "Li Lei", "role": "creator", "email": "li@example.com", "phone": "+8613800138000"},
            {"name": "Han Meimei", "role": "collaborator", "email": "han@example.com"},
        ],
        "channels": ["email", "sms"],
        "items": [],
        "rules": ["PRE-2"],
    }))
}

pub(super) fn delivery(id: &str, contact: usize, channel: Channel, seconds: i64) -> NewDelivery {
    NewDelivery { id: id.to_owned(), contact, channel, next_at: at(seconds) }
}

pub(super) fn attempt(
    delivery: &str,
    outcome: AttemptOutcome,
    seconds: i64,
    next: Option<i64>,
) -> Attempt<'_> {
    Attempt {
        delivery,
        outcome,
        receipt: "250 2.0.0 queued",
        at: at(seconds),
        next_at: next.map(at),
    }
}

pub(super) fn sent(delivery: &str, text: &str, seconds: i64) -> SentMessage {
    SentMessage {
        delivery: delivery.to_owned(),
        channel: Channel::Email,
        subject: Some("Expired".to_owned()),
        text: text.to_owned(),
        html: None,
        sent_at: at(seconds),
    }
}

pub(super) fn policy(version: u32, hash: u8, text: &str) -> PolicyRow {
    PolicyRow {
        key: PolicyKey { id: "prepaid".into(), version },
        hash: [hash; 32],
        text: text.to_owned(),
        at: at(0),
    }
}
