//! Tests of trace lines, and the effects that they and the tests of `out` are made from.

use super::*;
use crate::engine::effect::{
    ChargeRequest, Held, Notice, NoticeItem, Rejected, RenewalDecided, Transition,
};
use crate::engine::id::PolicyKey;
use crate::engine::policy::PhaseClass;
use crate::engine::refund::{Factors, Payout, Refund, RefundMethod, RefundPart, RefundTerm};
use alloc::string::ToString;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("instant")
}

fn policy() -> PolicyKey {
    PolicyKey { id: "p".into(), version: 1 }
}

pub(in crate::event) fn transition(resource: &str, from: &str, to: &str) -> Effect {
    Effect::Transition(Transition {
        resource: resource.into(),
        policy: policy(),
        sequence: 12,
        decision: 3,
        from: from.into(),
        to: to.into(),
        reason: "expired".to_owned(),
        rules: vec!["PRE-3".to_owned()],
        actions: vec!["shutdown".to_owned()],
        detached: vec![],
        destroyed: vec![],
        retained: vec![],
        retained_billable: vec![],
        hints: vec![],
        irreversible: false,
        effective_at: at("2026-03-01T02:00:00Z"),
    })
}

pub(in crate::event) fn charge(resource: &str) -> Effect {
    Effect::ChargeRequested(ChargeRequest {
        resource: resource.into(),
        policy: policy(),
        charge: "ins-1:20260301T020000Z:1".to_owned(),
        idempotency_key: "ins-1:20260301T020000Z".to_owned(),
        attempt: 1,
        of: 5,
        not_before: at("2026-03-01T00:00:00Z"),
        not_after: at("2026-03-01T10:00:00Z"),
        months: 1,
        price: Some(crate::engine::money::Money {
            amount: "51".parse().expect("decimal"),
            currency: "CNY".parse().expect("code"),
        }),
        tenders: vec!["coupon".to_owned()],
    })
}

pub(in crate::event) fn renewal(resource: &str, expires_at: &str) -> Effect {
    Effect::Renewal(RenewalDecided {
        resource: resource.into(),
        policy: policy(),
        starts_at: at("2026-03-01T02:00:00Z"),
        expires_at: at(expires_at),
        months: 1,
        downgrade: vec![],
    })
}

pub(in crate::event) fn refund(resource: &str) -> Effect {
    Effect::Refund(Refund {
        resource: resource.into(),
        policy: policy(),
        method: RefundMethod::Ordinary,
        amount: crate::engine::money::Money {
            amount: "387.80".parse().expect("decimal"),
            currency: "CNY".parse().expect("code"),
        },
        payout: Payout::Voucher { valid_until: at("2028-03-03T02:00:00Z") },
        terms: vec![
            RefundTerm {
                what: RefundPart::EffectiveOrder,
                order: Some("o-1".to_owned()),
                factors: None,
                amount: "407.96".parse().expect("decimal"),
            },
            RefundTerm {
                what: RefundPart::InstanceHours,
                order: None,
                factors: Some(Factors {
                    price: "0.42".parse().expect("decimal"),
                    count: 172_800,
                    of: 3600,
                }),
                amount: "-20.16".parse().expect("decimal"),
            },
        ],
    })
}

pub(in crate::event) fn rejected(resource: Option<&str>) -> Effect {
    Effect::Rejected(Rejected {
        resource: resource.map(Into::into),
        policy: None,
        request: Request::ExpirySync,
        code: RejectCode::UnknownResource,
        reason: "dunlin does not know it".to_owned(),
    })
}

pub(in crate::event) fn held(resource: &str) -> Effect {
    Effect::Held(Held {
        resource: resource.into(),
        policy: policy(),
        to: "released".into(),
        because: "hold".to_owned(),
        since: at("2026-03-01T02:00:00Z"),
    })
}

pub(in crate::event) fn notice(kind: &str, resources: &[&str]) -> Effect {
    let item = |resource: &&str| NoticeItem {
        resource: (*resource).into(),
        policy: policy(),
        name: None,
        region: None,
        phase: "active".into(),
        class: PhaseClass::Working,
        expires_at: None,
        auto_renew: None,
        promises: vec![],
        detached: vec![],
        hints: vec![],
        destroyed: vec![],
        retained: vec![],
        retained_billable: vec![],
        stops_billing: false,
        refund: None,
        ends_at: None,
        attempt: None,
        attempts: None,
        next_attempt_at: None,
        price: None,
    };
    Effect::Notice(Notice {
        kind: kind.into(),
        account: "acc-1".into(),
        account_name: None,
        at: at("2026-03-01T02:00:00Z"),
        episode: "e".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        locale: None,
        contacts: vec![],
        channels: vec![],
        not_before: std::collections::BTreeMap::new(),
        balance: None,
        daily_consumption: None,
        runway_hours: None,
        arrears_since: None,
        items: resources.iter().map(item).collect(),
        rules: vec![],
    })
}

fn unreachable() -> Effect {
    Effect::Unreachable {
        notice: "expired".into(),
        resources: vec![],
        reason: "no address".to_owned(),
    }
}

fn cancelled() -> Effect {
    Effect::ChargeCancelled {
        resource: "ins-1".into(),
        policy: policy(),
        charge: "c".to_owned(),
        reason: "renewed".to_owned(),
    }
}

fn text(lines: &[TraceLine]) -> String {
    lines
        .iter()
        .map(|line| serde_json::to_string(line).expect("serialises") + "\n")
        .collect::<Vec<_>>()
        .concat()
}

#[test]
fn lines_have_the_keys_the_forms_and_the_order_of_the_spec() {
    let effects = [
        notice("expiry-warning", &["ins-2", "ins-1"]),
        notice("arrears", &["ins-1", "ins-2"]),
        held("ins-1"),
        rejected(Some("ins-9")),
        rejected(None),
        renewal("ins-1", "2026-04-01T02:00:00Z"),
        charge("ins-1"),
        transition("ins-2", "active", "recycled"),
        transition("ins-1", "active", "recycled"),
        unreachable(),
        cancelled(),
    ];
    let expected = r#"{"at":"2026-03-01T02:00:00Z","kind":"transition","account":"acc-1","resource":"ins-1","from":"active","to":"recycled"}
{"at":"2026-03-01T02:00:00Z","kind":"transition","account":"acc-1","resource":"ins-2","from":"active","to":"recycled"}
{"at":"2026-03-01T02:00:00Z","kind":"charge","account":"acc-1","resource":"ins-1","attempt":1}
{"at":"2026-03-01T02:00:00Z","kind":"renewal","account":"acc-1","resource":"ins-1","expires_at":"2026-04-01T02:00:00Z"}
{"at":"2026-03-01T02:00:00Z","kind":"rejected","account":"acc-1","request":"expiry_sync","code":"unknown_resource"}
{"at":"2026-03-01T02:00:00Z","kind":"rejected","account":"acc-1","resource":"ins-9","request":"expiry_sync","code":"unknown_resource"}
{"at":"2026-03-01T02:00:00Z","kind":"held","account":"acc-1","resource":"ins-1","to":"released","because":"hold"}
{"at":"2026-03-01T02:00:00Z","kind":"notice","account":"acc-1","notice":"arrears","resources":["ins-1","ins-2"]}
{"at":"2026-03-01T02:00:00Z","kind":"notice","account":"acc-1","notice":"expiry-warning","resources":["ins-1","ins-2"]}
"#;
    assert_eq!(text(&lines(&"acc-1".into(), at("2026-03-01T02:00:00Z"), &effects)), expected);
}

#[test]
fn decisions_are_put_together_by_instant_kind_and_account_and_keep_the_order_of_one_resource() {
    let mut all =
        lines(&"acc-2".into(), at("2026-03-02T00:00:00Z"), &[transition("a", "active", "grace")]);
    all.extend(lines(
        &"acc-1".into(),
        at("2026-03-02T00:00:00Z"),
        &[transition("a", "stopped", "active"), transition("a", "active", "grace")],
    ));
    all.extend(lines(&"acc-3".into(), at("2026-03-01T00:00:00.5Z"), &[notice("expired", &["a"])]));
    all.extend(lines(&"acc-0".into(), at("2026-03-02T00:00:00Z"), &[notice("arrears", &["a"])]));
    sort(&mut all);
    let seen: Vec<String> = all
        .iter()
        .map(|line| {
            let line = serde_json::to_value(line).expect("serialises");
            let of = |key: &str| line[key].as_str().unwrap_or("-").to_string();
            format!("{} {} {}", of("at"), of("account"), of("from"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            "2026-03-01T00:00:00.500000Z acc-3 -",
            "2026-03-02T00:00:00Z acc-1 stopped",
            "2026-03-02T00:00:00Z acc-1 active",
            "2026-03-02T00:00:00Z acc-2 active",
            "2026-03-02T00:00:00Z acc-0 -",
        ]
    );
}
