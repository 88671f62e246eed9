//! Tests of the AsyncAPI document: everything is in it, and its schemas agree with the reader.

use super::*;
use crate::event::tests::{bytes, event};
use crate::event::{Limits, decode};
use std::collections::BTreeSet;

fn document() -> Value {
    asyncapi(&Exchanges { input: "in", input_type: "topic", output: "out" })
}

/// Whether a schema of the document, named by its pointer, takes an instance.
fn takes(document: &Value, pointer: &str, instance: &Value) -> bool {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "allOf": [{ "$ref": format!("#{pointer}") }],
        "components": document["components"],
    });
    jsonschema::draft7::new(&schema).expect("a valid schema").is_valid(instance)
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn every_type_is_a_message_of_a_channel_that_an_operation_uses() {
    let document = document();
    let incoming: BTreeSet<String> =
        EVENT_TYPES.iter().flat_map(|name| [(*name).to_owned(), binary(name)]).collect();
    let received = keys(&document["channels"]["billing"]["messages"]);
    assert!(incoming.iter().map(String::as_str).eq(received.iter().copied()));
    for event_type in out::EVENT_TYPES {
        let channel = &document["channels"][event_type];
        assert_eq!(keys(&channel["messages"]), BTreeSet::from([*event_type]));
        assert_eq!(channel["address"], json!(format!("{event_type}.{{policy}}")));
        let operation = &document["operations"][format!("send.{event_type}")];
        assert_eq!(operation["channel"]["$ref"], json!(format!("#/channels/{event_type}")));
    }
    let outgoing = out::EVENT_TYPES.iter().map(|name| (*name).to_owned());
    let all: BTreeSet<String> = incoming.into_iter().chain(outgoing).collect();
    let messages = keys(&document["components"]["messages"]);
    assert!(all.iter().map(String::as_str).eq(messages.iter().copied()));
}

#[test]
fn the_exchanges_are_those_of_the_settings() {
    let document = document();
    let exchange = |channel: &str| &document["channels"][channel]["bindings"]["amqp"]["exchange"];
    assert_eq!(exchange("billing")["name"], json!("in"));
    assert_eq!(exchange("lifecycle.resource.changed")["name"], json!("out"));
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("inside of the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    assert!(!document.to_string().contains("$defs"), "draft 7 does not know it");
}

#[test]
fn a_structured_event_is_taken_exactly_if_the_reader_takes_its_attributes() {
    let document = document();
    let pointer = "/components/messages/billing.balance.changed/payload";
    let data = json!({"account": "acc-1", "balance": "1.00", "currency": "CNY"});
    let whole = event("billing.balance.changed", data);
    let agree = |event: &Value| {
        let read = decode(&bytes(event.to_string()), &Limits::default()).is_ok();
        assert_eq!(takes(&document, pointer, event), read, "{event}");
        read
    };
    assert!(agree(&whole));
    let mut needed = BTreeSet::new();
    for attribute in keys(&whole) {
        let mut without = whole.clone();
        without.as_object_mut().expect("an object").remove(attribute);
        if !agree(&without) {
            needed.insert(attribute);
        }
        let mut wrong = whole.clone();
        wrong[attribute] = json!(7);
        assert!(!agree(&wrong), "{attribute}");
    }
    assert_eq!(needed, BTreeSet::from(["data", "id", "source", "specversion", "time", "type"]));
    for (attribute, wrong) in [("specversion", "0.3"), ("time", "yesterday"), ("id", "")] {
        let mut event = whole.clone();
        event[attribute] = json!(wrong);
        assert!(!agree(&event), "{attribute}");
    }
}

#[test]
fn only_a_heartbeat_may_come_without_data() {
    let document = document();
    for event_type in EVENT_TYPES {
        let mut bare = event(event_type, Value::Null);
        bare.as_object_mut().expect("an object").remove("data");
        let taken = takes(&document, &format!("/components/messages/{event_type}/payload"), &bare);
        assert_eq!(taken, *event_type == "billing.heartbeat", "{event_type}");
        assert_eq!(decode(&bytes(bare.to_string()), &Limits::default()).is_ok(), taken);
    }
}

#[test]
fn binary_mode_says_its_headers_and_has_the_data_as_its_body() {
    let document = document();
    let message = "/components/messages/billing.expiry.changed.binary";
    let headers = json!({
        "ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "/billing", "ce-type": "billing.expiry.changed",
        "ce-time": "2026-03-01T02:00:00Z", "ce-subject": "acc-1",
    });
    assert!(takes(&document, &format!("{message}/headers"), &headers));
    for name in ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time"] {
        let mut without = headers.clone();
        without.as_object_mut().expect("an object").remove(name);
        assert!(!takes(&document, &format!("{message}/headers"), &without), "{name}");
    }
    let mut other = headers;
    other["ce-type"] = json!("billing.heartbeat");
    assert!(!takes(&document, &format!("{message}/headers"), &other));
    let data = json!({"account": "acc-1", "resource": "i", "expires_at": "2026-04-01T00:00:00Z"});
    assert!(takes(&document, &format!("{message}/payload"), &data));
    let text = document["components"]["schemas"][HEADERS_IN]["description"].as_str();
    assert!(PREFIXES.iter().all(|prefix| text.expect("a text").contains(prefix)));
}
