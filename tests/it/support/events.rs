//! Billing events as a pipeline would write them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use dunlin::clock::{Clock, SystemClock};
use serde_json::{Value, json};

/// Now, as dunlin reads it.
pub(crate) fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// So many milliseconds from now.
pub(crate) fn ahead(millis: i64) -> DateTime<Utc> {
    now() + TimeDelta::milliseconds(millis)
}

/// RFC 3339, to the millisecond.
pub(crate) fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A CloudEvent that happens now.
pub(crate) fn event(id: &str, kind: &str, account: &str, data: Value) -> Value {
    event_at(id, kind, account, now(), data)
}

/// A CloudEvent.
pub(crate) fn event_at(
    id: &str,
    kind: &str,
    account: &str,
    time: DateTime<Utc>,
    mut data: Value,
) -> Value {
    data["account"] = json!(account);
    json!({
        "specversion": "1.0", "id": id, "source": "/billing", "type": format!("billing.{kind}"),
        "subject": account, "time": text(time), "datacontenttype": "application/json", "data": data,
    })
}

/// Who an account is: Ann reads English, Wei Chinese; both by e-mail and by text.
pub(crate) fn account(account: &str) -> Value {
    let data = json!({
        "currency": "CNY", "locale": "en", "name": "Acme",
        "contacts": [
            {"name": "Ann", "role": "creator", "email": format!("ann@{account}.example"), "phone": "+8613800000001"},
            {"name": "伟", "role": "collaborator", "email": format!("wei@{account}.example"), "phone": "+8613800000002", "locale": "zh-Hans-CN"},
        ],
    });
    event(&format!("{account}-is"), "account.updated", account, data)
}

/// A resource that follows a policy of postpaid billing.
pub(crate) fn postpaid(account: &str, resource: &str) -> Value {
    let data =
        json!({"resource": resource, "policy": "tencent-cvm-postpaid-15d", "currency": "CNY"});
    event(&format!("{resource}-activated"), "resource.activated", account, data)
}

/// A resource of the policy `quick`, see [`super::dunlin::QUICK`].
pub(crate) fn quick(account: &str, resource: &str, expires_at: DateTime<Utc>) -> Value {
    let data = json!({
        "resource": resource, "policy": "quick", "currency": "CNY", "expires_at": text(expires_at),
        "attachments": [{"kind": "elastic_ip", "id": "eip-1"}],
    });
    event(&format!("{resource}-activated"), "resource.activated", account, data)
}

/// A report of a balance.
pub(crate) fn balance(account: &str, id: &str, balance: &str) -> Value {
    event(id, "balance.changed", account, json!({"balance": balance, "currency": "CNY"}))
}

/// The pipeline lives, and everything up to now was sent.
pub(crate) fn heartbeat(id: &str) -> Value {
    heartbeat_at(id, now())
}

/// Everything up to `time` was sent.
pub(crate) fn heartbeat_at(id: &str, time: DateTime<Utc>) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/billing", "type": "billing.heartbeat", "subject": "pipeline",
        "time": text(time), "data": {},
    })
}
