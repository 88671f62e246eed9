//! What happened before it was switched off, and when each thing would have been due. One resource an account, by the same name.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::dunlin::QUICK;
use crate::support::events::{event_at, now, text};

/// Told forty days before E.
pub(super) fn early() -> String {
    let slots = "after = [\"-2s\"] }";
    assert!(QUICK.contains(slots));
    QUICK.replace("\"quick\"", "\"early\"").replace(slots, "after = [\"-40d\"] }")
}

/// Released two seconds after it was moved to the bin, and a second after somebody was told at the earliest.
pub(super) fn short() -> String {
    let release = "after = \"2s\" }\n";
    assert!(QUICK.contains(release));
    let proof = "proof = { notices = [\"expired\"], lead = \"1s\" }\n";
    QUICK.replace("\"quick\"", "\"short\"").replace(release, &format!("{release}{proof}"))
}

/// The three weeks.
pub(super) struct Weeks {
    /// When it was switched off.
    pub(super) off: DateTime<Utc>,
    /// When it is switched on again, to the millisecond.
    pub(super) on: DateTime<Utc>,
}

impl Weeks {
    /// Those that end now.
    pub(super) fn until_now() -> Self {
        let on = now().trunc_subsecs(3);
        Self { off: on - TimeDelta::weeks(3), on }
    }

    /// Everything up to the moment it was switched off, in the order of time.
    pub(super) fn before(&self) -> Vec<Value> {
        let mut events = self.prepaid();
        events.extend(self.postpaid());
        let names: Vec<String> =
            events.iter().filter_map(|event| Some(event["subject"].as_str()?.to_owned())).collect();
        for name in names {
            events.push(self.event("is", "account.updated", &name, self.began(), json!({
                "currency": "CNY", "locale": "en",
                "contacts": [{"name": "Ann", "role": "creator", "email": format!("ann@{name}.example")}],
            })));
            events.push(self.balance(&name, "covered", self.began(), "500.00"));
        }
        events.sort_by_key(|event| event["time"].as_str().map(str::to_owned));
        events.dedup();
        events
    }

    fn prepaid(&self) -> Vec<Value> {
        let (days, hours, off, on) = (TimeDelta::days, TimeDelta::hours, self.off, self.on);
        let literal = "tencent-cvm-prepaid";
        let mut events: Vec<Value> = [
            ("running", literal, on + days(30)),
            ("soon", literal, on + days(2)),
            ("warned", literal, off + days(2)),
            ("binned", literal, off - days(3)),
            ("auto", literal, on - days(10)),
            ("charged", "alibaba-ecs-subscription", on - days(5)),
            ("own-warned", "recommended-prepaid", off + days(1)),
            ("own-grace", "recommended-prepaid", off - hours(12)),
            ("own-stopped", "recommended-prepaid", off - days(12)),
            ("promised", "early", on + days(5)),
            ("short", "short", off + days(1)),
        ]
        .map(|(name, policy, expires_at)| {
            let mut data = json!({
                "resource": name, "policy": policy, "currency": "CNY", "expires_at": text(expires_at),
            });
            if ["auto", "charged"].contains(&name) {
                data["auto_renew"] = json!({"mode": "auto", "months": 1});
                data["price"] = json!("51.00");
            }
            self.event("on", "resource.activated", name, self.began() + hours(1), data)
        })
        .into();
        // It was told of another date before.
        let moved = json!({"resource": "promised", "expires_at": text(off + days(1))});
        events.push(self.event("moved", "expiry.changed", "promised", off - days(7), moved));
        events
    }

    fn postpaid(&self) -> Vec<Value> {
        let (days, hours, off) = (TimeDelta::days, TimeDelta::hours, self.off);
        let mut events = Vec::new();
        for (name, policy, fell) in [
            ("grace", "tencent-cvm-postpaid-15d", Some(off - hours(1))),
            ("debt", "tencent-cvm-postpaid-15d", Some(off - days(5))),
            ("paid", "tencent-cvm-postpaid-15d", Some(off - days(5))),
            ("debt-24h", "tencent-cvm-postpaid-24h", Some(off - hours(3))),
            ("own-debt", "recommended-postpaid", Some(off - hours(3))),
            ("terminated", "tencent-cvm-postpaid-15d", None),
            ("to-terminate", "tencent-cvm-postpaid-15d", None),
        ] {
            let data = json!({"resource": name, "policy": policy, "currency": "CNY"});
            let began = self.began() + hours(1);
            events.push(self.event("on", "resource.activated", name, began, data));
            events.extend(fell.map(|at| self.balance(name, "below", at, "-1.00")));
        }
        for (name, at) in [("terminated", off + days(3)), ("to-terminate", self.on + days(5))] {
            let data = json!({"resource": name, "at": text(at)});
            events.push(self.event("set", "termination.scheduled", name, off - days(1), data));
        }
        events
    }

    /// What was paid while it was off; it lies in the queue.
    pub(super) fn top_up(&self) -> Value {
        self.balance("paid", "topped-up", self.off + TimeDelta::days(5), "100.00")
    }

    fn began(&self) -> DateTime<Utc> {
        self.off - TimeDelta::days(40)
    }

    fn balance(&self, name: &str, id: &str, at: DateTime<Utc>, balance: &str) -> Value {
        let data = json!({"balance": balance, "currency": "CNY"});
        self.event(id, "balance.changed", name, at, data)
    }

    fn event(&self, id: &str, kind: &str, name: &str, at: DateTime<Utc>, data: Value) -> Value {
        event_at(&format!("{name}-{id}"), kind, name, at, data)
    }
}
