//! Notices for tests, as the engine makes them. Not compiled into the program.

use chrono::{DateTime, TimeDelta, Utc};

use rust_decimal::Decimal;

use crate::engine::effect::{Notice, NoticeItem, PaidBack, Promise};
use crate::engine::id::PolicyKey;
use crate::engine::input::{Attachment, Contact, Role};
use crate::engine::money::Money;
use crate::engine::policy::{Channel, PhaseClass};
use crate::engine::refund::{Payout, RefundMethod, Tenders};
use crate::render::variables::Brand;

pub(super) const KINDS: [&str; 14] = [
    "renewal-reminder",
    "expiry-warning",
    "charge-failed",
    "expired",
    "balance-warning",
    "arrears",
    "reclaimed",
    "stopped",
    "release-warning",
    "renewed",
    "restored",
    "terminated",
    "termination-scheduled",
    "returned",
];

pub(super) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("instant")
}

pub(super) fn money(amount: &str) -> Money {
    let (amount, currency) = (amount.parse().expect("amount"), "CNY".parse().expect("code"));
    Money { amount, currency }
}

pub(super) fn brand() -> Brand {
    Brand {
        name: "Example Cloud".to_owned(),
        console_url: "https://console.example.com/billing".to_owned(),
        support: Some("support@example.com".to_owned()),
    }
}

pub(super) fn contact() -> Contact {
    Contact {
        name: "Li Wei".to_owned(),
        role: Role::Creator,
        email: None,
        phone: None,
        locale: None,
    }
}

/// The instant of what matters in a notice of `kind`: expiry, or the start of arrears.
const E: &str = "2026-03-10T07:30:00Z";

pub(super) fn item(kind: &str, resource: &str) -> NoticeItem {
    use PhaseClass::{Gone, Retained, Suspended, Unpaid, Working};
    let promise = |to: &str, class, at: &str| Promise {
        to: to.into(),
        class,
        at: instant(at),
        irreversible: class == Gone,
    };
    let (class, promises) = match kind {
        "expiry-warning" => (
            Working,
            vec![
                promise("recycled", Retained, E),
                promise("released", Gone, "2026-03-17T16:00:00Z"),
            ],
        ),
        "expired" => (Retained, vec![promise("released", Gone, "2026-03-17T16:00:00Z")]),
        "arrears" => (
            Unpaid,
            vec![
                promise("stopped", Suspended, "2026-03-10T09:30:00Z"),
                promise("released", Gone, "2026-03-25T09:30:00Z"),
            ],
        ),
        "reclaimed" => (Gone, Vec::new()),
        "stopped" | "release-warning" => {
            (Suspended, vec![promise("released", Gone, "2026-03-25T02:00:00Z")])
        }
        "terminated" | "returned" => {
            (Retained, vec![promise("released", Gone, "2026-03-17T07:30:00Z")])
        }
        "balance-warning" | "termination-scheduled" => (Working, Vec::new()),
        _ => (
            Working,
            vec![
                promise("grace", Unpaid, E),
                promise("stopped", Suspended, "2026-03-25T07:30:00Z"),
                promise("released", Gone, "2026-04-09T07:30:00Z"),
            ],
        ),
    };
    let term = matches!(
        kind,
        "expiry-warning" | "expired" | "charge-failed" | "renewal-reminder" | "renewed"
    );
    let attached = term && kind.starts_with("exp") || matches!(kind, "arrears" | "restored");
    let ended = matches!(kind, "terminated" | "returned" | "reclaimed" | "release-warning");
    let kept = |kind: &str| {
        let one = Attachment { kind: kind.to_owned(), id: Some(format!("{kind}-7")) };
        if ended { vec![one] } else { Vec::new() }
    };
    NoticeItem {
        resource: resource.into(),
        policy: PolicyKey { id: "test".into(), version: 1 },
        name: Some(format!("web-{resource}")),
        region: Some("ap-guangzhou".to_owned()),
        phase: "x".into(),
        class,
        expires_at: (term || matches!(kind, "stopped" | "release-warning")).then(|| instant(E)),
        auto_renew: term.then_some(!attached),
        promises,
        detached: if attached {
            vec![
                Attachment { kind: "load_balancer".to_owned(), id: Some("lb-7".to_owned()) },
                Attachment { kind: "elastic_ip".to_owned(), id: None },
            ]
        } else {
            Vec::new()
        },
        hints: if kind == "restored" {
            vec!["check_network_settings".to_owned()]
        } else {
            Vec::new()
        },
        destroyed: Vec::new(),
        retained: kept("disk"),
        retained_billable: kept("elastic_ip"),
        stops_billing: matches!(kind, "stopped" | "terminated" | "returned"),
        refund: (kind == "returned").then(paid_back),
        ends_at: (kind == "termination-scheduled").then(|| instant(E)),
        attempt: (kind == "charge-failed").then_some(2),
        attempts: (kind == "charge-failed").then_some(5),
        next_attempt_at: matches!(kind, "charge-failed" | "renewal-reminder")
            .then(|| instant("2026-03-10T00:00:00Z")),
        price: (term && !attached).then(|| money("128.00")),
    }
}

/// Paid in cash and from the complimentary account.
pub(super) fn paid_back() -> PaidBack {
    let tenders = Tenders {
        cash: Decimal::from(100),
        revenue: Decimal::ZERO,
        complimentary: Decimal::from(28),
    };
    PaidBack {
        method: RefundMethod::Unconditional,
        amount: money("128.00"),
        payout: Payout::Tenders(tenders),
    }
}

pub(super) fn notice(kind: &str, resources: usize) -> Notice {
    let at = match kind {
        "expiry-warning" | "renewal-reminder" => instant(E) - TimeDelta::days(7),
        "charge-failed" => instant(E) - TimeDelta::days(1),
        "reclaimed" => instant(E) + TimeDelta::days(8),
        "termination-scheduled" => instant(E) - TimeDelta::days(3),
        _ => instant(E),
    };
    let items = (1..=resources).map(|index| item(kind, &format!("ins-{index:03}"))).collect();
    Notice {
        kind: kind.into(),
        account: "acc-1001".into(),
        account_name: Some("Lanting Studio".to_owned()),
        at,
        episode: "acc-1001:1".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        locale: None,
        contacts: vec![contact()],
        channels: vec![Channel::Email, Channel::Sms],
        not_before: std::collections::BTreeMap::new(),
        balance: match kind {
            "arrears" => Some(money("-12.5")),
            "balance-warning" => Some(money("120")),
            _ => None,
        },
        daily_consumption: (kind == "balance-warning").then(|| money("38.4")),
        runway_hours: (kind == "balance-warning").then_some(75),
        arrears_since: (kind == "arrears").then(|| instant(E)),
        items,
        rules: Vec::new(),
    }
}
