//! Tests of the published schemas: they and the reader agree, and the conformance traces pass both.

use super::*;
use crate::event::tests::{bytes, event};
use crate::event::{EVENT_TYPES, Limits, RefusalCode, decode};
use serde_json::json;

fn valid(event_type: &str, data: &Value) -> bool {
    let schemas = schemas();
    let schema = &schemas[event_type];
    jsonschema::draft202012::new(schema).expect("a valid schema").is_valid(data)
}

fn conformance() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance");
    let files = std::fs::read_dir(folder).expect("the traces are there");
    let paths = files.map(|file| file.expect("readable").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("readable");
            (path.display().to_string(), serde_json::from_str(&text).expect("JSON"))
        })
        .collect()
}

#[test]
fn every_type_in_and_out_has_a_schema_that_says_its_draft_and_its_name() {
    let schemas = schemas();
    assert_eq!(schemas.len(), EVENT_TYPES.len() + out::EVENT_TYPES.len());
    for event_type in EVENT_TYPES.iter().chain(out::EVENT_TYPES) {
        let schema = &schemas[event_type];
        assert_eq!(schema["$schema"], json!("https://json-schema.org/draft/2020-12/schema"));
        assert_eq!(schema["title"], json!(event_type));
        assert!(schema["description"].is_string(), "{event_type}");
        jsonschema::draft202012::new(schema).expect("a valid schema");
    }
}

#[test]
fn every_event_of_the_conformance_traces_is_valid_and_understood() {
    let schemas = schemas();
    let mut seen = 0;
    for (name, trace) in conformance() {
        for event in trace["events"].as_array().expect("a list") {
            let event_type = event["type"].as_str().expect("a type");
            let schema = jsonschema::draft202012::new(&schemas[event_type]).expect("valid");
            if let Err(error) = schema.validate(&event["data"]) {
                panic!("{name}: {event_type}: {error}");
            }
            let decoded = decode(&bytes(event.to_string()), &Limits::default())
                .unwrap_or_else(|refusal| panic!("{name}: {event_type}: {refusal}"));
            assert_eq!(decoded.event_type, event_type);
            assert_eq!(decoded.unusable_addresses, 0, "{name}");
            seen += 1;
        }
    }
    assert!(seen > 150, "{seen}");
}

#[test]
fn what_is_bad_is_bad_for_the_schema_and_for_the_reader() {
    let contact = |email: &str| json!({"account": "acc-1", "currency": "CNY", "contacts": [{"name": "Ann", "role": "creator", "email": email}]});
    let balance = |balance: Value, currency: &str| json!({"account": "acc-1", "balance": balance, "currency": currency});
    for (event_type, data, code) in [
        ("billing.balance.changed", balance(json!(0.1), "CNY"), RefusalCode::Money),
        ("billing.balance.changed", balance(json!(10), "CNY"), RefusalCode::Money),
        ("billing.balance.changed", balance(json!("1e3"), "CNY"), RefusalCode::Money),
        ("billing.balance.changed", balance(json!("1.123456789"), "CNY"), RefusalCode::Money),
        ("billing.balance.changed", balance(json!("1"), "XXX"), RefusalCode::Currency),
        (
            "billing.balance.changed",
            json!({"account": "acc-1", "currency": "CNY"}),
            RefusalCode::Schema,
        ),
        (
            "billing.balance.changed",
            json!({"balance": "1", "currency": "CNY"}),
            RefusalCode::Schema,
        ),
        (
            "billing.account.updated",
            contact("ann@x.example\r\nBcc: eve@x.example"),
            RefusalCode::Address,
        ),
        (
            "billing.expiry.changed",
            json!({"account": "acc-1", "resource": "i", "expires_at": "9999-12-31T23:59:59Z"}),
            RefusalCode::Instant,
        ),
        (
            "billing.expiry.changed",
            json!({"account": "acc-1", "resource": "", "expires_at": "2026-03-01T00:00:00Z"}),
            RefusalCode::Text,
        ),
        (
            "billing.termination.requested",
            json!({"account": "acc-1", "resources": [], "mode": "recycle"}),
            RefusalCode::Schema,
        ),
        (
            "billing.termination.requested",
            json!({"account": "acc-1", "resources": ["a", "a"], "mode": "recycle"}),
            RefusalCode::Schema,
        ),
        (
            "billing.termination.requested",
            json!({"account": "acc-1", "resources": ["a"], "mode": "now"}),
            RefusalCode::Schema,
        ),
        (
            "billing.renewal.requested",
            json!({"account": "acc-1", "resource": "i", "months": "1"}),
            RefusalCode::Schema,
        ),
        (
            "billing.renewal.requested",
            json!({"account": "acc-1", "resource": "i", "months": -1}),
            RefusalCode::Schema,
        ),
    ] {
        let refusal =
            decode(&bytes(event(event_type, data.clone()).to_string()), &Limits::default())
                .expect_err("refused");
        assert_eq!(refusal.code, code, "{event_type} {data}");
        assert!(!valid(event_type, &data), "{event_type} {data}");
    }
}

#[test]
fn what_began_is_below_zero_and_what_ended_is_not_for_the_schema_as_for_the_reader() {
    for (balance, is_negative) in
        [("-0.01", true), ("-10", true), ("-0.00", false), ("0", false), ("0.01", false)]
    {
        let data = json!({"account": "acc-1", "balance": balance, "currency": "CNY"});
        for (event_type, expected) in
            [("billing.arrears.started", is_negative), ("billing.arrears.cleared", !is_negative)]
        {
            let event = event(event_type, data.clone()).to_string();
            let read = decode(&bytes(event), &Limits::default()).is_ok();
            assert_eq!((read, valid(event_type, &data)), (expected, expected), "{balance}");
        }
    }
}

#[test]
fn unknown_fields_are_allowed_by_the_schema_as_well() {
    let data = json!({"account": "acc-1", "balance": "1", "currency": "CNY", "note": "x", "sequence": null});
    assert!(valid("billing.balance.changed", &data));
}
