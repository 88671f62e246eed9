//! Every type of event in: the examples of the page go through the real reader, and what the schema refuses it refuses too.

use std::collections::BTreeMap;

use dunlin::event::{Decoded, Limits, Refusal, RefusalCode, decode};
use dunlin::intake::{Delivery, Tag};
use serde_json::{Value, json};

use super::page::{event, sections, whole};
use super::{schemas, types, validator};

#[expect(clippy::result_large_err, reason = "as the reader hands it over")]
fn read(event: &Value) -> Result<Decoded, Refusal> {
    let delivery = Delivery {
        body: event.to_string().into_bytes(),
        content_type: Some("application/cloudevents+json".to_owned()),
        headers: BTreeMap::new(),
        user_id: None,
        origin: "test".to_owned(),
        tag: Tag { session: 1, number: 1 },
    };
    decode(&delivery, &Limits::default())
}

#[test]
fn an_example_of_every_type_is_read_and_nothing_of_it_is_ignored() {
    let sections = sections();
    for name in types(&schemas(), "billing.") {
        let section = sections.get(&name).unwrap_or_else(|| panic!("{name} has no example"));
        let decoded = read(&event(&name, &section.example))
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(decoded.event_type, name);
        assert_eq!((decoded.unknown_fields, decoded.unusable_addresses), (0, 0), "{name}");
    }
    assert!(read(&whole()).is_ok(), "the whole event");
}

/// A wrong value for every kind of field: the type, where in its example, what stands there, the answer.
fn mistakes() -> Vec<(&'static str, &'static str, Value, RefusalCode)> {
    use RefusalCode::{Currency, Instant, Money, Schema, Text};
    let account = "billing.account.updated";
    let activated = "billing.resource.activated";
    vec![
        (account, "/contacts/0/name", json!(""), Text),
        (account, "/contacts/0/role", json!("owner"), Schema),
        (account, "/contacts/0/email", json!("a\u{0}@b.example"), RefusalCode::Address),
        (account, "/contacts/0/phone", json!("+86\n138"), RefusalCode::Address),
        (account, "/contacts", json!({}), Schema),
        (account, "/locale", json!("not a tag"), Text),
        (account, "/currency", json!("yuan"), Currency),
        ("billing.balance.changed", "/balance", json!(-0.01), Money),
        ("billing.balance.changed", "/sequence", json!(-1), Schema),
        ("billing.arrears.started", "/balance", json!("0.00"), Schema),
        ("billing.arrears.cleared", "/balance", json!("-0.01"), Schema),
        ("billing.usage.charged", "/amount", json!("1,00"), Money),
        ("billing.usage.charged", "/period_end", json!("noon"), Instant),
        (activated, "/policy", json!("x".repeat(129)), Text),
        (activated, "/price", json!("-1.00"), Money),
        (activated, "/term_months", json!("1"), Schema),
        (activated, "/network/billing", json!("free"), Schema),
        (activated, "/orders/0/term_days", json!(1.5), Schema),
        (activated, "/orders/0/kind", json!("gift"), Schema),
        (activated, "/disks/0/elastic", json!("no"), Schema),
        (activated, "/flags/0", json!("other"), Schema),
        ("billing.resource.imported", "/phase", json!(3), Text),
        ("billing.resource.imported", "/since", json!("2026-03-01"), Instant),
        ("billing.resource.imported", "/notices_sent/0/at", json!(7), Instant),
        ("billing.resource.removed", "/resource", json!("x".repeat(257)), Text),
        ("billing.expiry.changed", "/expires_at", json!("1999-12-31T23:59:59Z"), Instant),
        ("billing.auto_renew.changed", "/mode", json!("always"), Schema),
        ("billing.renewal.requested", "/downgrade/0", json!("bandwidth"), Schema),
        ("billing.charge.succeeded", "/charge", json!(null), Text),
        ("billing.charge.failed", "/reason", json!(["card"]), Text),
        ("billing.termination.requested", "/resources", json!(["ins-1", "ins-1"]), Schema),
        ("billing.termination.scheduled", "/at", json!("2200-01-01T00:00:00Z"), Instant),
        ("billing.termination.cancelled", "/at", json!("never"), Instant),
        ("billing.restore.requested", "/resource", json!(""), Text),
        ("billing.release.requested", "/account", json!(1), Text),
        ("billing.return.requested", "/resource", json!(["ins-1"]), Text),
        ("billing.expiry_sync.requested", "/day_of_month", json!(-1), Schema),
        ("billing.hold.placed", "/scope", json!("everything"), Schema),
        ("billing.hold.lifted", "/hold", json!("a\nb"), Text),
        ("billing.moratorium.placed", "/everything", json!("yes"), Schema),
        ("billing.moratorium.lifted", "/moratorium", json!("a\nb"), Text),
        ("billing.heartbeat", "/account", json!({}), Text),
        ("billing.notice.bounced", "/message", json!(""), Text),
    ]
}

#[test]
fn what_is_wrong_in_any_kind_of_field_is_refused_by_the_schema_and_by_the_reader() {
    let (schemas, sections, mistakes) = (schemas(), sections(), mistakes());
    for (name, pointer, wrong, code) in &mistakes {
        let mut data = sections[*name].example.clone();
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        let parent = data.pointer_mut(parent).expect("the example has it");
        match field.parse::<usize>() {
            Ok(index) => parent[index] = wrong.clone(),
            Err(_) => parent[field] = wrong.clone(),
        }
        let mut event = event(name, &data);
        // The subject says the account, so that only the mistake is one.
        event.as_object_mut().expect("an object").remove("subject");
        let refusal = read(&event).expect_err(&format!("{name}{pointer}"));
        assert_eq!(refusal.code, *code, "{name}{pointer}: {refusal}");
        assert!(!validator(&schemas[*name]).is_valid(&data), "{name}{pointer}");
    }
    for name in types(&schemas, "billing.") {
        assert!(mistakes.iter().any(|mistake| mistake.0 == name), "no mistake in {name}");
    }
}

#[test]
fn every_field_that_the_schema_demands_the_reader_demands() {
    let (schemas, sections) = (schemas(), sections());
    for name in types(&schemas, "billing.") {
        let example = &sections[&name].example;
        for field in example.as_object().expect("an object").keys() {
            let mut data = example.clone();
            data.as_object_mut().expect("an object").remove(field);
            let mut event = event(&name, &data);
            event.as_object_mut().expect("an object").remove("subject");
            let valid = validator(&schemas[&name]).is_valid(&data);
            assert_eq!(read(&event).is_ok(), valid, "{name} without {field}");
        }
    }
}
