//! Tests of decoding as a whole: what every event has in common, and properties over arbitrary input.

use super::*;
use crate::engine::id::EventKey;
use crate::engine::input::Body;
use crate::intake::Tag;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An event of this type and data, in structured mode.
pub(in crate::event) fn event(event_type: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": "e-1", "source": "/billing", "type": event_type, "subject": "acc-1",
           "time": "2026-03-01T02:00:00Z", "datacontenttype": "application/json", "data": data})
}

pub(in crate::event) fn bytes(body: impl Into<Vec<u8>>) -> Delivery {
    Delivery {
        body: body.into(),
        content_type: None,
        headers: BTreeMap::new(),
        user_id: None,
        origin: "test".to_owned(),
        tag: Tag { session: 1, number: 1 },
        mark: None,
    }
}

pub(in crate::event) fn delivery(event_type: &str, data: Value) -> Delivery {
    bytes(event(event_type, data).to_string())
}

pub(in crate::event) fn body_of(event_type: &str, data: Value) -> Body {
    let decoded = decode(&delivery(event_type, data), &Limits::default()).expect("is taken in");
    assert_eq!(decoded.event_type, event_type);
    assert_eq!(decoded.unknown_fields, 0);
    decoded.event.body
}

pub(in crate::event) fn refusal_of(event_type: &str, data: Value) -> Refusal {
    let refusal = decode(&delivery(event_type, data), &Limits::default()).expect_err("refused");
    assert_eq!(refusal.key, Some(EventKey { source: "/billing".into(), id: "e-1".into() }));
    assert_eq!(refusal.event_type.as_deref(), Some(event_type));
    assert_eq!(refusal.account, Some("acc-1".into()));
    refusal
}

fn balance() -> Value {
    json!({"account": "acc-1", "balance": "10.00", "currency": "CNY", "sequence": 7})
}

fn refused(delivery: &Delivery) -> Refusal {
    decode(delivery, &Limits::default()).expect_err("refused")
}

#[test]
fn an_event_comes_out_with_its_key_its_time_and_its_account() {
    let decoded =
        decode(&delivery("billing.balance.changed", balance()), &Limits::default()).expect("reads");
    assert_eq!(decoded.event.key, EventKey { source: "/billing".into(), id: "e-1".into() });
    assert_eq!(decoded.event.time.to_rfc3339(), "2026-03-01T02:00:00+00:00");
    assert_eq!(decoded.event.account, "acc-1".into());
    assert_eq!(decoded.event_type, "billing.balance.changed");
}

#[test]
fn the_account_may_not_differ_from_the_subject_and_may_stand_alone() {
    let mut other = event("billing.balance.changed", balance());
    other["subject"] = json!("acc-2");
    let refusal = refused(&bytes(other.to_string()));
    assert_eq!((refusal.code, refusal.field.as_deref()), (RefusalCode::Schema, Some("/subject")));
    other.as_object_mut().expect("an object").remove("subject");
    let decoded = decode(&bytes(other.to_string()), &Limits::default()).expect("reads");
    assert_eq!(decoded.event.account, "acc-1".into());
}

#[test]
fn unknown_fields_are_ignored_and_counted_and_unknown_attributes_are_not() {
    let mut data = balance();
    data["comment"] = json!({"a": [1]});
    data["more"] = json!(0.5);
    let mut event = event("billing.balance.changed", data);
    event["traceparent"] = json!("00-1-2-00");
    event["priority"] = json!(3);
    let decoded = decode(&bytes(event.to_string()), &Limits::default()).expect("reads");
    assert_eq!(decoded.unknown_fields, 2);
}

#[test]
fn an_unknown_type_is_refused_with_all_that_is_known_of_it() {
    let refusal = refusal_of("billing.coupon.issued", json!({"account": "acc-1"}));
    assert_eq!((refusal.code, refusal.field.as_deref()), (RefusalCode::UnknownType, Some("/type")));
    assert_eq!(
        refusal.time.map(|time| time.to_rfc3339()).as_deref(),
        Some("2026-03-01T02:00:00+00:00")
    );
}

#[test]
fn data_must_be_an_object() {
    for data in [json!(null), json!([]), json!("x"), json!(1)] {
        let refusal = refusal_of("billing.balance.changed", data);
        assert_eq!((refusal.code, refusal.field.as_deref()), (RefusalCode::Schema, Some("/data")));
    }
}

#[test]
fn a_body_over_the_limit_is_not_even_parsed() {
    let mut data = balance();
    data["padding"] = json!("x".repeat(256 * 1024));
    assert_eq!(refused(&delivery("billing.balance.changed", data)).code, RefusalCode::TooLarge);
    let fits = event("billing.balance.changed", balance()).to_string();
    let exact = Limits { body_bytes: fits.len(), ..Limits::default() };
    assert!(decode(&bytes(fits.clone()), &exact).is_ok());
    let short = Limits { body_bytes: fits.len() - 1, ..Limits::default() };
    assert_eq!(decode(&bytes(fits), &short).expect_err("refused").code, RefusalCode::TooLarge);
}

#[test]
fn a_deep_body_is_refused_by_name_where_its_attributes_came_first() {
    let deep = format!("{}{}", r#"{"a":"#.repeat(40), "1") + &"}".repeat(40);
    let body = format!(
        r#"{{"specversion":"1.0","id":"e-9","source":"/billing","type":"billing.heartbeat","subject":"acc-1","data":{deep}}}"#
    );
    let refusal = refused(&bytes(body));
    assert_eq!(refusal.code, RefusalCode::TooDeep);
    assert_eq!(refusal.key, Some(EventKey { source: "/billing".into(), id: "e-9".into() }));
    assert_eq!(refusal.account, Some("acc-1".into()));
}

#[test]
fn a_key_that_occurs_twice_is_refused() {
    let body = r#"{"specversion":"1.0","id":"e-1","source":"/b","type":"billing.balance.changed","time":"2026-03-01T02:00:00Z",
        "data":{"account":"acc-1","balance":"1","balance":"-1","currency":"CNY"}}"#;
    let refusal = refused(&bytes(body));
    assert_eq!(refusal.code, RefusalCode::DuplicateKey);
    assert_eq!(refusal.field.as_deref(), Some("/data/balance"));
}

#[test]
fn a_heartbeat_is_about_no_account() {
    let mut event = event("billing.heartbeat", Value::Null);
    event.as_object_mut().expect("an object").remove("subject");
    event.as_object_mut().expect("an object").remove("data");
    let decoded = decode(&bytes(event.to_string()), &Limits::default()).expect("reads");
    assert_eq!(decoded.event.account.as_str(), "");
    assert_eq!(decoded.event.body, Body::Heartbeat);
}

mod properties {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "-?[0-9]{1,20}(\\.[0-9]{0,9})?".prop_map(Value::from),
            Just(json!("2026-03-01T00:00:00Z")),
            Just(json!("CNY")),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let name = prop_oneof![
                "[a-z_]{1,8}",
                prop::sample::select(vec![
                    "account",
                    "balance",
                    "currency",
                    "contacts",
                    "resource",
                    "resources",
                    "orders",
                    "policy",
                    "months"
                ])
                .prop_map(str::to_owned),
            ];
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::Array),
                btree_map(name, inner, 0..6).prop_map(|members| json!(members)),
            ]
        })
    }

    fn any_delivery(
        body: Vec<u8>,
        content_type: Option<String>,
        headers: BTreeMap<String, String>,
    ) -> Delivery {
        Delivery { content_type, headers, ..bytes(body) }
    }

    proptest! {
        #[test]
        fn any_bytes_and_headers_are_answered(
            body in vec(any::<u8>(), 0..400),
            content_type in proptest::option::of("(application/(cloudevents|json).{0,12}|.{0,20})"),
            headers in btree_map("((ce-|cloudEvents[_:])(id|time|type|source|specversion|subject)|.{0,12})", ".{0,24}", 0..8),
        ) {
            let _ = decode(&any_delivery(body, content_type, headers), &Limits::default());
        }

        #[test]
        fn any_data_of_any_type_is_answered(
            event_type in prop::sample::select(EVENT_TYPES.to_vec()),
            data in json_value(),
        ) {
            if let Err(refusal) = decode(&delivery(event_type, data), &Limits::default()) {
                prop_assert_eq!(refusal.event_type.as_deref(), Some(event_type));
                prop_assert!(!refusal.reason.is_empty());
            }
        }

        #[test]
        fn an_event_is_the_same_in_either_mode(
            prefix in prop::sample::select(vec!["ce-", "cloudEvents_", "cloudEvents:"]),
            id in "[a-zA-Z0-9/é-]{1,30}",
            millis in 946_684_800_000_i64..7_258_118_399_000,
            units in -1_000_000_000_i64..1_000_000_000,
            extra in json_value(),
        ) {
            let time = chrono::DateTime::from_timestamp_millis(millis).expect("in range");
            let data = json!({"account": "acc-1", "balance": format!("{units}.25"), "currency": "CNY", "extra": extra});
            let mut structured = event("billing.balance.changed", data.clone());
            structured["id"] = json!(id);
            structured["time"] = json!(time.to_rfc3339());
            let headers = [
                ("specversion", "1.0".to_owned()), ("id", id), ("source", "/billing".to_owned()), ("subject", "acc-1".to_owned()),
                ("type", "billing.balance.changed".to_owned()), ("time", millis.to_string()), ("other", "x".to_owned()),
            ];
            let headers = headers.map(|(name, text)| (format!("{prefix}{name}"), text));
            let binary = any_delivery(
                serde_json::to_vec_pretty(&data).expect("serialises"),
                Some("application/json; charset=utf-8".to_owned()),
                headers.into(),
            );
            let one = decode(&bytes(structured.to_string()), &Limits::default()).expect("reads");
            let other = decode(&binary, &Limits::default()).expect("reads");
            prop_assert_eq!(one, other);
        }
    }
}
