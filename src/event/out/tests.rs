//! Tests of the events out: fields, routing, ids, schemas.

use super::*;
use crate::event::schemas;
use crate::event::trace::tests::{charge, held, notice, refund, rejected, renewal, transition};
use serde_json::json;

fn publish(effect: &Effect, decision: u64, index: usize) -> Publication {
    let account = AccountId::from("acc-1");
    let at = "2026-03-01T02:00:00Z".parse().expect("instant");
    let context = OutContext { account: &account, source: "/dunlin", at, decision, index };
    publication(effect, &context).expect("is published")
}

fn cancelled() -> Effect {
    Effect::ChargeCancelled {
        resource: "ins-1".into(),
        policy: PolicyKey { id: "p".into(), version: 1 },
        charge: "c-1".to_owned(),
        reason: "renewed".to_owned(),
    }
}

fn unreachable() -> Effect {
    Effect::Unreachable {
        notice: "expired".into(),
        resources: vec!["ins-2".into(), "ins-1".into()],
        reason: "no contact has an address".to_owned(),
    }
}

fn outcome(failure: Option<&str>, attempt: u32) -> Publication {
    let (kind, resources) = (NoticeKind::from("expired"), ["ins-2".into(), "ins-1".into()]);
    let outcome = NoticeOutcome {
        delivery: "d-1",
        notice: &kind,
        channel: Channel::Sms,
        resources: &resources,
        attempt,
        failure,
    };
    let at = "2026-03-01T02:00:00Z".parse().expect("instant");
    notice_outcome(&"acc-1".into(), "/dunlin", at, &outcome)
}

fn json_of(publication: &Publication) -> Value {
    serde_json::from_slice(&publication.body).expect("JSON")
}

#[test]
fn a_change_is_a_structured_cloudevent_with_the_fields_of_the_spec() {
    let published = publish(&transition("ins-1", "active", "recycled"), 3, 0);
    assert_eq!(published.event_type, "lifecycle.resource.changed");
    assert_eq!(published.routing_key, "lifecycle.resource.changed.p");
    assert!(published.mandatory);
    let expected = json!({
        "specversion": "1.0", "id": published.id, "source": "/dunlin", "type": "lifecycle.resource.changed",
        "subject": "acc-1", "time": "2026-03-01T02:00:00Z", "datacontenttype": "application/json",
        "partitionkey": "acc-1", "sequence": "00000000000000000012",
        "data": {
            "account": "acc-1", "resource": "ins-1", "from": "active", "to": "recycled", "reason": "expired",
            "rules": ["PRE-3"], "actions": ["shutdown"], "detached": [], "destroyed": [], "retained": [],
            "retained_billable": [], "hints": [], "irreversible": false, "effective_at": "2026-03-01T02:00:00Z",
            "policy": "p", "policy_version": 1, "decision": 3, "sequence": 12,
        },
    });
    assert_eq!(json_of(&published), expected);
}

#[test]
fn a_charge_carries_its_price_as_text_with_its_currency() {
    let data = json_of(&publish(&charge("ins-1"), 1, 0))["data"].clone();
    assert_eq!((&data["price"], &data["currency"]), (&json!("51.00"), &json!("CNY")));
    assert_eq!(data["idempotency_key"], json!("ins-1:20260301T020000Z"));
    assert_eq!((&data["attempt"], &data["of"]), (&json!(1), &json!(5)));
}

#[test]
fn only_what_somebody_must_act_on_is_mandatory() {
    for (effect, mandatory, routing_key) in [
        (transition("i", "a", "b"), true, "lifecycle.resource.changed.p"),
        (charge("i"), true, "lifecycle.charge.requested.p"),
        (cancelled(), true, "lifecycle.charge.cancelled.p"),
        (renewal("i", "2026-04-01T00:00:00Z"), true, "lifecycle.renewal.decided.p"),
        (rejected(Some("i")), false, "lifecycle.request.rejected.none"),
        (held("i"), false, "lifecycle.transition.held.p"),
        (unreachable(), false, "lifecycle.notice.failed.none"),
    ] {
        let published = publish(&effect, 1, 0);
        assert_eq!((published.mandatory, published.routing_key.as_str()), (mandatory, routing_key));
        assert_eq!(is_mandatory(&published.event_type), mandatory, "{routing_key}");
    }
}

#[test]
fn a_notice_is_not_published_but_its_outcomes_are() {
    let account = AccountId::from("acc-1");
    let at = "2026-03-01T02:00:00Z".parse().expect("instant");
    let context = OutContext { account: &account, source: "/dunlin", at, decision: 1, index: 0 };
    assert_eq!(publication(&notice("expired", &["ins-1"]), &context), None);
    let sent = outcome(None, 1);
    assert_eq!(sent.event_type, "lifecycle.notice.sent");
    let expected = json!({"account": "acc-1", "notice": "expired", "channel": "sms", "resources": ["ins-1", "ins-2"],
                          "attempt": 1});
    assert_eq!(json_of(&sent)["data"], expected);
    let failed = outcome(Some("number unknown"), 2);
    assert_eq!(failed.event_type, "lifecycle.notice.failed");
    assert_eq!(json_of(&failed)["data"]["reason"], json!("number unknown"));
    assert_eq!(json_of(&publish(&unreachable(), 1, 0))["data"]["channel"], json!("none"));
}

#[test]
fn a_refund_carries_every_term_of_its_sum() {
    let published = publish(&refund("ins-1"), 1, 0);
    assert_eq!(published.routing_key, "lifecycle.refund.decided.p");
    assert!(published.mandatory);
    let expected = json!({
        "account": "acc-1", "resource": "ins-1", "method": "ordinary", "amount": "387.80", "currency": "CNY",
        "voucher": {"valid_until": "2028-03-03T02:00:00Z"},
        "terms": [
            {"term": "effective_order", "order": "o-1", "amount": "407.96"},
            {"term": "instance_hours", "factors": {"price": "0.42", "count": 172_800, "of": 3600}, "amount": "-20.16"},
        ],
    });
    assert_eq!(json_of(&published)["data"], expected);
}

#[test]
fn the_same_effect_has_the_same_id_and_every_other_one_another() {
    let effect = transition("ins-1", "active", "recycled");
    assert_eq!(publish(&effect, 3, 0), publish(&effect, 3, 0));
    let ids = [
        publish(&effect, 3, 0).id,
        publish(&effect, 3, 1).id,
        publish(&effect, 4, 0).id,
        publish(&effect, 30, 0).id,
        publish(&transition("ins-2", "active", "recycled"), 3, 0).id,
        publish(&rejected(None), 3, 0).id,
        outcome(None, 1).id,
        outcome(None, 2).id,
        outcome(Some("x"), 1).id,
    ];
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    assert_ne!(id_of(&["a", "bc"]), id_of(&["ab", "c"]));
}

#[test]
fn an_id_is_the_same_in_every_version_of_this_program() {
    let id = publish(&transition("ins-1", "active", "recycled"), 3, 0).id;
    assert_eq!(Uuid::parse_str(&id).expect("a uuid").get_version_num(), 5);
    assert_eq!(id, "95436f10-77ab-5781-95a5-5cbcb7b5d88e");
}

#[test]
fn what_is_published_follows_its_schema() {
    let schemas = schemas();
    for published in [
        publish(&transition("i", "a", "b"), 1, 0),
        publish(&charge("i"), 1, 0),
        publish(&cancelled(), 1, 0),
        publish(&renewal("i", "2026-04-01T00:00:00Z"), 1, 0),
        publish(&refund("i"), 1, 0),
        publish(&rejected(None), 1, 0),
        publish(&rejected(Some("i")), 1, 0),
        publish(&held("i"), 1, 0),
        publish(&unreachable(), 1, 0),
        outcome(None, 1),
        outcome(Some("number unknown"), 3),
    ] {
        let event_type = published.event_type.as_str();
        let schema = jsonschema::draft202012::new(&schemas[event_type]).expect("valid");
        if let Err(error) = schema.validate(&json_of(&published)["data"]) {
            panic!("{event_type}: {error}");
        }
    }
}
