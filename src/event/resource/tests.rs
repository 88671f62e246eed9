//! Tests of the events that say what a resource is.

use super::*;
use crate::event::tests::{body_of, refusal_of};
use crate::event::{Limits, RefusalCode, decode, tests::delivery};
use serde_json::{Value, json};

fn full() -> Value {
    json!({
        "account": "acc-1", "resource": "ins-1", "policy": "tencent-cvm-prepaid", "currency": "CNY", "name": "web",
        "region": "ap-guangzhou", "zone": "guangzhou-2", "instance_family": "S1", "price": "51.00", "hourly_price": "0.42",
        "purchased_at": "2026-03-01T02:00:00Z", "expires_at": "2027-03-01T02:00:00Z", "term_months": 12,
        "auto_renew": {"mode": "auto", "months": 1},
        "network": {"billing": "bandwidth", "hourly_price": "0.1", "changed_at": "2026-03-02T02:00:00Z"},
        "orders": [{"id": "o-1", "kind": "upgrade", "paid": {"cash": "407.96", "revenue": "1"}, "vouchers": "100.00",
                    "starts_at": "2026-03-01T02:00:00Z", "term_days": 365}],
        "attachments": [{"kind": "load_balancer", "id": "lb-1"}, {"kind": "eip"}],
        "disks": [{"id": "d-1", "elastic": true}],
        "flags": ["promotional", "converted_from_postpaid", "suspicious"],
    })
}

#[test]
fn an_activation_is_read_whole() {
    let Body::ResourceActivated(activation) = body_of(Activated::TYPE, full()) else { panic!() };
    assert_eq!(activation.policy.as_str(), "tencent-cvm-prepaid");
    assert_eq!(activation.term_months, Some(12));
    assert_eq!(activation.auto_renew.expect("set").mode, input::RenewMode::Auto);
    let order = &activation.orders[0];
    assert_eq!((order.kind, order.term_days), (input::OrderKind::Upgrade, 365));
    assert_eq!(
        [order.cash, order.revenue, order.complimentary, order.vouchers].map(|d| d.to_string()),
        ["407.96", "1", "0", "100.00"]
    );
    let traits = &activation.traits;
    assert_eq!(traits.network.as_ref().expect("set").billing, input::NetworkBilling::Bandwidth);
    assert_eq!(traits.attachments.as_ref().expect("known").len(), 2);
    assert!(traits.disks.as_ref().expect("known")[0].elastic);
    assert_eq!(traits.flags.len(), 3);
}

#[test]
fn what_is_missing_stays_unknown() {
    let data =
        json!({"account": "acc-1", "resource": "ins-1", "policy": "tencent-cvm-postpaid-15d"});
    let Body::ResourceActivated(activation) = body_of(Activated::TYPE, data) else { panic!() };
    assert_eq!(activation.expires_at, None);
    assert_eq!(activation.traits, Traits::default());
    assert!(activation.orders.is_empty());
}

#[test]
fn a_mistake_deep_inside_is_named_by_its_place() {
    for (pointer, wrong, code) in [
        ("/orders/0/paid/cash", json!(407.96), RefusalCode::Money),
        ("/orders/0/vouchers", json!("-1"), RefusalCode::Money),
        ("/orders/0/starts_at", json!("9999-01-01T00:00:00Z"), RefusalCode::Instant),
        ("/network/billing", json!("free"), RefusalCode::Schema),
        ("/disks/0/elastic", json!("yes"), RefusalCode::Schema),
        ("/flags/1", json!("other"), RefusalCode::Schema),
        ("/attachments/0/kind", json!(""), RefusalCode::Text),
        ("/auto_renew/months", json!(1.5), RefusalCode::Schema),
        ("/name", json!("a\nb"), RefusalCode::Text),
        ("/price", json!(51), RefusalCode::Money),
        ("/policy", json!("x".repeat(129)), RefusalCode::Text),
    ] {
        let mut data = full();
        *data.pointer_mut(pointer).expect("exists") = wrong;
        let refusal = refusal_of(Activated::TYPE, data);
        assert_eq!((refusal.code, refusal.field), (code, Some(format!("/data{pointer}"))));
    }
}

#[test]
fn an_import_adds_where_it_is_in_its_life() {
    let mut data = full();
    data["phase"] = json!("stopped");
    data["since"] = json!("2026-02-01T00:00:00Z");
    data["arrears_since"] = json!("2026-01-31T22:00:00Z");
    data["notices_sent"] = json!([{"notice": "arrears", "at": "2026-01-31T22:00:00Z"}]);
    data["unknown"] = json!({"x": 1});
    data["network"]["unknown"] = json!(1);
    let decoded =
        decode(&delivery(Imported::TYPE, data.clone()), &Limits::default()).expect("reads");
    assert_eq!(decoded.unknown_fields, 2);
    let Body::ResourceImported(import) = decoded.event.body else { panic!() };
    assert_eq!(import.phase.as_str(), "stopped");
    assert_eq!(import.activation.resource.as_str(), "ins-1");
    assert!(import.arrears_since.is_some());
    assert_eq!(import.notices_sent[0].notice.as_str(), "arrears");
    data.as_object_mut().expect("an object").remove("since");
    assert_eq!(refusal_of(Imported::TYPE, data).field.as_deref(), Some("/data/since"));
}

#[test]
fn a_removal_names_its_resource() {
    let body = body_of(Removed::TYPE, json!({"account": "acc-1", "resource": "ins-1"}));
    assert_eq!(body, Body::ResourceRemoved { resource: "ins-1".into() });
}
