//! The lines of a trace (spec §5): what `simulate` prints, one JSON object a line, in one order.
//!
//! Prints nothing itself.

use chrono::{DateTime, SecondsFormat, Timelike, Utc};
use serde::{Serialize, Serializer};

use crate::engine::effect::{Effect, RejectCode, Request};
use crate::engine::id::{AccountId, ResourceId};
use crate::engine::refund::RefundMethod;
use crate::event::scalar::money_text;

/// One line. Serialises with exactly the keys of spec §5, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceLine {
    /// When it was decided (UTC).
    #[serde(serialize_with = "write_instant")]
    at: DateTime<Utc>,
    kind: Kind,
    account: String,
    #[serde(flatten)]
    what: What,
}

/// The kinds of lines, in the order in which they come at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Transition,
    Charge,
    Renewal,
    Refund,
    Rejected,
    Held,
    Notice,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum What {
    Transition {
        resource: String,
        from: String,
        to: String,
    },
    Charge {
        resource: String,
        attempt: u32,
    },
    Renewal {
        resource: String,
        #[serde(serialize_with = "write_instant")]
        expires_at: DateTime<Utc>,
    },
    Refund {
        resource: String,
        method: RefundMethod,
        amount: String,
        currency: String,
    },
    Rejected {
        #[serde(skip_serializing_if = "Option::is_none")]
        resource: Option<String>,
        request: Request,
        code: RejectCode,
    },
    Held {
        resource: String,
        to: String,
        because: String,
    },
    Notice {
        notice: String,
        resources: Vec<String>,
    },
}

impl TraceLine {
    /// When it was decided (UTC).
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Where it comes in a trace: by instant, kind, account and resource, notices of the same resources by their kind.
    fn order(&self) -> impl Ord + '_ {
        let (resources, notice) = match &self.what {
            What::Transition { resource, .. }
            | What::Charge { resource, .. }
            | What::Renewal { resource, .. }
            | What::Refund { resource, .. }
            | What::Held { resource, .. } => (std::slice::from_ref(resource), ""),
            What::Rejected { resource, .. } => (resource.as_slice(), ""),
            What::Notice { notice, resources } => (resources.as_slice(), notice.as_str()),
        };
        (self.at, self.kind, self.account.as_str(), resources, notice)
    }
}

/// The lines that the effects of one decision about `account` at `at` leave, in the order of a trace.
pub fn lines(account: &AccountId, at: DateTime<Utc>, effects: &[Effect]) -> Vec<TraceLine> {
    let mut lines: Vec<TraceLine> = effects
        .iter()
        .filter_map(line)
        .map(|(kind, what)| TraceLine { at, kind, account: account.as_str().to_owned(), what })
        .collect();
    sort(&mut lines);
    lines
}

/// Puts the lines of several decisions into the order of a trace: by instant, kind, account and resource. Lines that are
/// equal in all of these, as two changes of one resource at one instant, keep the order in which they happened.
pub fn sort(lines: &mut [TraceLine]) {
    lines.sort_by(|one, other| one.order().cmp(&other.order()));
}

fn line(effect: &Effect) -> Option<(Kind, What)> {
    let text = |name: &ResourceId| name.as_str().to_owned();
    Some(match effect {
        Effect::Transition(change) => (
            Kind::Transition,
            What::Transition {
                resource: text(&change.resource),
                from: change.from.as_str().to_owned(),
                to: change.to.as_str().to_owned(),
            },
        ),
        Effect::ChargeRequested(charge) => (
            Kind::Charge,
            What::Charge { resource: text(&charge.resource), attempt: charge.attempt },
        ),
        Effect::Renewal(renewal) => (
            Kind::Renewal,
            What::Renewal { resource: text(&renewal.resource), expires_at: renewal.expires_at },
        ),
        Effect::Refund(refund) => (
            Kind::Refund,
            What::Refund {
                resource: text(&refund.resource),
                method: refund.method,
                amount: money_text(refund.amount),
                currency: refund.amount.currency.to_string(),
            },
        ),
        Effect::Rejected(rejected) => (
            Kind::Rejected,
            What::Rejected {
                resource: rejected.resource.as_ref().map(text),
                request: rejected.request,
                code: rejected.code,
            },
        ),
        Effect::Held(held) => (
            Kind::Held,
            What::Held {
                resource: text(&held.resource),
                to: held.to.as_str().to_owned(),
                because: held.because.clone(),
            },
        ),
        Effect::Notice(notice) => {
            let mut resources: Vec<String> =
                notice.items.iter().map(|item| text(&item.resource)).collect();
            resources.sort_unstable();
            let notice = notice.kind.as_str().to_owned();
            (Kind::Notice, What::Notice { notice, resources })
        }
        Effect::ChargeCancelled { .. } | Effect::Unreachable { .. } => return None,
    })
}

/// An instant as everything that is written shows it: RFC 3339, UTC with `Z`, no fraction where it is zero.
pub(super) fn instant_text(instant: DateTime<Utc>) -> String {
    let precision =
        if instant.nanosecond() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    instant.to_rfc3339_opts(precision, true)
}

fn write_instant<S: Serializer>(instant: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&instant_text(*instant))
}

#[cfg(test)]
pub(in crate::event) mod tests;
