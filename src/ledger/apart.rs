//! What a record says that a person can be told by: taken out of what is chained, so that it can be erased (`docs/LEDGER.md`).
//!
//! What stays is ids, dates and dunlin's own words. What goes apart is names and the amounts that an account has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::decision::Reason;
use crate::engine::effect::{Effect, Notice};
use crate::engine::id::ResourceId;
use crate::engine::money::Money;

/// What of a record is kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Apart {
    /// By the position of the notice among the effects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notices: BTreeMap<usize, OfNotice>,
    /// What a person said, in free text: by the position of the reason that it reads on from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<usize, String>,
}

/// What of a notice is kept apart. Its contacts are with the notice alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OfNotice {
    /// What the account is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// What its owner calls each resource.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<ResourceId, String>,
    /// What the account has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Money>,
    /// What it consumes in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_consumption: Option<Money>,
}

/// Reasons and effects as they are chained, and what is kept apart, if there is anything.
pub fn split(reasons: &[Reason], effects: &[Effect]) -> (Vec<Reason>, Vec<Effect>, Option<Apart>) {
    let mut apart = Apart::default();
    let mut reasons = reasons.to_vec();
    for (index, reason) in reasons.iter_mut().enumerate() {
        apart.said.extend(reason.said.take().map(|said| (index, said)));
    }
    let mut split_one = |(index, effect): (usize, &Effect)| match effect {
        Effect::Notice(notice) => {
            let (notice, of_notice) = split_notice(notice);
            if of_notice != OfNotice::default() {
                apart.notices.insert(index, of_notice);
            }
            Effect::Notice(notice)
        }
        // Ids, dates, sums of what was decided and words of policies.
        Effect::Transition(_)
        | Effect::ChargeRequested(_)
        | Effect::ChargeCancelled { .. }
        | Effect::Renewal(_)
        | Effect::Refund(_)
        | Effect::Rejected(_)
        | Effect::Held(_)
        | Effect::Unreachable { .. } => effect.clone(),
    };
    let chained = effects.iter().enumerate().map(&mut split_one).collect();
    (reasons, chained, (apart != Apart::default()).then_some(apart))
}

/// Puts what people said back to the reasons of a record, as far as it is not erased.
pub fn rejoin(reasons: &mut [Reason], text: Option<&str>) {
    let apart = text.and_then(|text| serde_json::from_str::<Apart>(text).ok());
    for (index, said) in apart.map(|apart| apart.said).unwrap_or_default() {
        if let Some(reason) = reasons.get_mut(index) {
            reason.said = Some(said);
        }
    }
}

fn split_notice(notice: &Notice) -> (Notice, OfNotice) {
    let mut chained = Notice { contacts: Vec::new(), ..notice.clone() };
    let named = |item: &mut crate::engine::effect::NoticeItem| {
        item.name.take().map(|name| (item.resource.clone(), name))
    };
    let names = chained.items.iter_mut().filter_map(named).collect();
    let apart = OfNotice {
        account_name: chained.account_name.take(),
        names,
        balance: chained.balance.take(),
        daily_consumption: chained.daily_consumption.take(),
    };
    (chained, apart)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_name_address_or_amount_of_a_notice_is_chained() {
        let amount = json!({ "amount": "77.31", "currency": "CNY" });
        let notice = json!({ "Notice": {
            "kind": "arrears", "account": "acc", "account_name": "Gu Yizhou", "at": "2026-03-01T00:00:00Z",
            "episode": "acc/arrears/1", "zone": "Asia/Shanghai", "channels": ["email"], "rules": [],
            "contacts": [{ "name": "Gu", "role": "creator", "email": "gu@a.example" }],
            "balance": amount, "daily_consumption": amount,
            "items": [{ "resource": "ins", "policy": { "id": "own", "version": 1 }, "name": "gus-web",
                "phase": "grace", "class": "unpaid", "promises": [], "detached": [] }],
        }});
        let effect: Effect = serde_json::from_value(notice).unwrap();
        let (_, chained, apart) = split(&[], &[effect]);
        let chained = serde_json::to_string(&chained).unwrap();
        for secret in ["Gu", "gu@", "gus-web", "77.31"] {
            assert!(!chained.contains(secret), "{secret} in {chained}");
        }
        assert!(chained.contains("acc/arrears/1"));
        let apart = &apart.unwrap().notices[&0];
        assert_eq!(apart.account_name.as_deref(), Some("Gu Yizhou"));
        assert_eq!(apart.names[&"ins".into()], "gus-web");
        assert!(apart.balance.is_some() && apart.daily_consumption.is_some());
    }
}
