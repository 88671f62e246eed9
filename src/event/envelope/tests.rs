//! Tests of the CloudEvents envelope: modes, attributes, and what is known of a broken event.

use super::*;
use crate::event::tests::{bytes, event};
use crate::event::{Decoded, Refusal, decode};
use serde_json::json;

const TYPE: &str = "billing.balance.changed";

fn data() -> Value {
    json!({"account": "acc-1", "balance": "10.00", "currency": "CNY"})
}

fn structured(content_type: Option<&str>) -> Delivery {
    Delivery {
        content_type: content_type.map(str::to_owned),
        ..bytes(event(TYPE, data()).to_string())
    }
}

fn binary(prefix: &str, headers: &[(&str, &str)]) -> Delivery {
    let mut delivery = bytes(data().to_string());
    delivery.content_type = Some("application/json".to_owned());
    for (name, text) in headers {
        delivery.headers.insert(format!("{prefix}{name}"), (*text).to_owned());
    }
    delivery
}

fn full() -> Vec<(&'static str, &'static str)> {
    vec![
        ("specversion", "1.0"),
        ("id", "e-1"),
        ("source", "/billing"),
        ("type", TYPE),
        ("subject", "acc-1"),
        ("time", "2026-03-01T02:00:00Z"),
    ]
}

fn taken(delivery: &Delivery) -> Decoded {
    decode(delivery, &Limits::default()).expect("is taken in")
}

fn refused(delivery: &Delivery) -> Refusal {
    decode(delivery, &Limits::default()).expect_err("refused")
}

#[test]
fn structured_mode_is_told_by_its_content_type_in_any_case() {
    let expected = taken(&structured(None));
    for content_type in [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=utf-8",
        "Application/CloudEvents+JSON;charset=UTF-8",
    ] {
        assert_eq!(taken(&structured(Some(content_type))), expected, "{content_type}");
    }
}

#[test]
fn binary_mode_is_read_with_each_prefix_that_is_in_use() {
    let expected = taken(&structured(None));
    for prefix in PREFIXES {
        assert_eq!(taken(&binary(prefix, &full())), expected, "{prefix}");
    }
    let mut silent = binary("ce-", &full());
    silent.content_type = None;
    assert_eq!(taken(&silent), expected);
}

#[test]
fn the_time_of_binary_mode_may_be_an_amqp_timestamp() {
    for time in ["1772330400", "1772330400000", "2026-03-01T10:00:00+08:00"] {
        let mut headers = full();
        headers[5].1 = time;
        assert_eq!(taken(&binary("ce-", &headers)).event.time.timestamp(), 1_772_330_400, "{time}");
    }
    for time in ["5", "99999999999", "999999999999999999", "yesterday", ""] {
        let mut headers = full();
        headers[5].1 = time;
        let refusal = refused(&binary("ce-", &headers));
        assert_eq!(refusal.field.as_deref(), Some("/time"), "{time}");
    }
}

#[test]
fn a_batch_is_refused_as_such() {
    let mut batch = structured(Some("application/cloudevents-batch+json"));
    assert_eq!(refused(&batch).code, RefusalCode::Batch);
    batch = bytes(json!([event(TYPE, data())]).to_string());
    assert_eq!(refused(&batch).code, RefusalCode::Batch);
}

#[test]
fn other_formats_and_other_json_are_refused() {
    let refusal = refused(&structured(Some("application/cloudevents+avro")));
    assert_eq!(refusal.code, RefusalCode::NotCloudEvent);
    let refusal = refused(&structured(Some("application/json")));
    assert_eq!(
        (refusal.code, refusal.field.as_deref()),
        (RefusalCode::NotCloudEvent, Some("/specversion"))
    );
    let mut text = binary("ce-", &full());
    text.content_type = Some("text/plain".to_owned());
    assert_eq!(refused(&text).code, RefusalCode::NotJson);
    for body in ["7", "\"x\"", "null", "{}"] {
        assert_eq!(refused(&bytes(body)).code, RefusalCode::NotCloudEvent, "{body}");
    }
}

#[test]
fn every_attribute_that_is_needed_is_missed_by_name() {
    for name in ["specversion", "id", "source", "type", "time"] {
        let mut without = event(TYPE, data());
        without.as_object_mut().expect("an object").remove(name);
        let refusal = refused(&bytes(without.to_string()));
        assert_eq!(refusal.code, RefusalCode::NotCloudEvent);
        assert_eq!(refusal.field, Some(format!("/{name}")));
        let headers: Vec<_> = full().into_iter().filter(|(header, _)| *header != name).collect();
        assert_eq!(refused(&binary("ce-", &headers)).field, Some(format!("/{name}")));
    }
}

#[test]
fn an_attribute_that_is_not_as_it_should_be_is_refused_by_name() {
    for (name, wrong, code) in [
        ("specversion", json!("0.3"), RefusalCode::NotCloudEvent),
        ("specversion", json!(1.0), RefusalCode::NotCloudEvent),
        ("id", json!(7), RefusalCode::NotCloudEvent),
        ("id", json!(""), RefusalCode::Text),
        ("id", json!("x".repeat(257)), RefusalCode::Text),
        ("source", json!("a\nb"), RefusalCode::Text),
        ("subject", json!(" "), RefusalCode::Text),
        ("type", json!(["x"]), RefusalCode::NotCloudEvent),
        ("time", json!("9999-12-31T23:59:59Z"), RefusalCode::Instant),
        ("time", json!("1772330400"), RefusalCode::Instant),
        ("datacontenttype", json!("application/xml"), RefusalCode::NotJson),
        ("data_base64", json!("e30="), RefusalCode::Schema),
    ] {
        let mut event = event(TYPE, data());
        event[name] = wrong.clone();
        let refusal = refused(&bytes(event.to_string()));
        assert_eq!(
            (refusal.code, refusal.field),
            (code, Some(format!("/{name}"))),
            "{name} {wrong}"
        );
    }
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    let mut delivery = binary("ce-", &full());
    delivery.headers.insert("cloudEvents_id".to_owned(), "e-2".to_owned());
    let refusal = refused(&delivery);
    assert_eq!((refusal.code, refusal.field.as_deref()), (RefusalCode::NotCloudEvent, Some("/id")));
}

#[test]
fn what_could_be_read_of_a_broken_event_goes_with_its_refusal() {
    let mut delivery = binary("ce-", &full());
    delivery.body = b"{".to_vec();
    let refusal = refused(&delivery);
    assert_eq!(refusal.code, RefusalCode::NotJson);
    assert_eq!(refusal.key.expect("known").id, "e-1");
    assert_eq!(refusal.event_type.as_deref(), Some(TYPE));
    assert_eq!(refusal.account, Some("acc-1".into()));
    let body = r#"{"specversion":"1.0","id":"e-1","source":"/billing","subject":"acc-1","time":"2026-03-01T02:00:00Z","data":{"#;
    let refusal = refused(&bytes(body));
    assert_eq!(refusal.code, RefusalCode::NotJson);
    assert_eq!(refusal.key.expect("known").id, "e-1");
    assert!(refusal.time.is_some());
}
