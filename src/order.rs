//! What an operator may order, and how a command carries it: the command line writes it, the worker reads it.
//!
//! Meaning only: carries nothing out, and asks no store. A new order is a new variant; the compiler names who has to know it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::engine::id::{AccountId, NoticeKind, ResourceId};
use crate::engine::input::HoldScope;
use crate::engine::moratorium;

/// An order. Its kind is the tag, as `commands.kind` spells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body")]
pub enum Order {
    /// Steps wait (SAFE-7).
    #[serde(rename = "hold.place")]
    PlaceHold(PlaceHold),
    /// They need not wait any more.
    #[serde(rename = "hold.lift")]
    LiftHold(LiftHold),
    /// A release goes on without proof that anybody was told (SAFE-4).
    #[serde(rename = "release.approve")]
    ApproveRelease(About),
    /// What is next taken away is not taken before an instant (SAFE-9).
    #[serde(rename = "extend")]
    Extend(Extend),
    /// What was told is told again.
    #[serde(rename = "notice.resend")]
    TellAgain(TellAgain),
    /// A return is not refused as suspicious (RET-5).
    #[serde(rename = "return.allow")]
    AllowReturn(About),
    /// A batch that the breaker holds goes on (SAFE-6).
    #[serde(rename = "breaker.approve")]
    ApproveBatch(BatchOrder),
    /// It stays held.
    #[serde(rename = "breaker.reject")]
    RejectBatch(BatchOrder),
    /// Everything is forgotten that the person of an account can be told by.
    #[serde(rename = "account.erase")]
    Erase(Erase),
}

/// What becomes of a batch that the breaker holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOrder {
    /// Its hash, whole: it names exactly the members that were shown.
    pub batch: String,
    /// Why, in the operator's words.
    pub reason: String,
}

/// What an order is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One resource of an account.
    Resource(AccountId, ResourceId),
    /// All that an account has.
    Account(AccountId),
    /// A policy, a region or everything.
    Moratorium(moratorium::Target),
}

/// The id of the hold that `dunlin pause` places and `dunlin resume` lifts.
pub const PAUSE: &str = "pause";

/// Something about one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub resource: ResourceId,
    /// Why, in the operator's words.
    pub reason: String,
}

/// Everything is forgotten that the person of an account can be told by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erase {
    /// Which account.
    pub account: AccountId,
    /// Why, in the operator's words.
    pub reason: String,
}

/// What is next taken away is not taken before an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extend {
    /// Of what, and why.
    #[serde(flatten)]
    pub about: About,
    /// Not before (UTC).
    pub until: DateTime<Utc>,
}

/// What was told is told again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellAgain {
    /// Which notice.
    pub notice: Told,
    /// Why, in the operator's words.
    pub reason: String,
}

/// A notice that was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// By its id, as in the header of its e-mails.
    Id(String),
    /// The last of a kind about a resource.
    Last(AccountId, ResourceId, NoticeKind),
}

/// Steps wait (SAFE-7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHold {
    /// Whose steps.
    pub target: Target,
    /// Its id; that of the command without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why, in the operator's words.
    pub reason: String,
    /// Which steps.
    pub scope: HoldScope,
    /// At this instant it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// A hold is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftHold {
    /// Whose.
    pub target: Target,
    /// Which; every hold on the target without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why, in the operator's words.
    pub reason: String,
}

impl Target {
    fn resource(&self) -> Option<(&AccountId, &ResourceId)> {
        match self {
            Self::Resource(account, resource) => Some((account, resource)),
            Self::Account(_) | Self::Moratorium(_) => None,
        }
    }
}

impl Order {
    /// The one resource that it is about, if it is about one.
    pub fn resource(&self) -> Option<(&AccountId, &ResourceId)> {
        match self {
            Self::PlaceHold(order) => order.target.resource(),
            Self::LiftHold(order) => order.target.resource(),
            Self::Extend(Extend { about, .. })
            | Self::ApproveRelease(about)
            | Self::AllowReturn(about) => Some((&about.account, &about.resource)),
            Self::TellAgain(TellAgain { notice: Told::Last(account, resource, _), .. }) => {
                Some((account, resource))
            }
            Self::TellAgain(TellAgain { notice: Told::Id(_), .. })
            | Self::ApproveBatch(_)
            | Self::RejectBatch(_)
            | Self::Erase(_) => None,
        }
    }

    /// Its kind and its body, as a command carries them.
    ///
    /// # Errors
    ///
    /// If it cannot be written as JSON.
    pub fn written(&self) -> Result<(String, String), serde_json::Error> {
        let mut whole = serde_json::to_value(self)?;
        let kind = whole["kind"].as_str().unwrap_or_default().to_owned();
        Ok((kind, whole["body"].take().to_string()))
    }

    /// Reads a command.
    ///
    /// # Errors
    ///
    /// If no dunlin of this version writes such a command.
    pub fn read(kind: &str, body: &str) -> Result<Self, serde_json::Error> {
        let body: Value = serde_json::from_str(body)?;
        serde_json::from_value(json!({ "kind": kind, "body": body }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let order = Order::LiftHold(LiftHold {
            target: Target::Resource("acc".into(), "ins".into()),
            id: Some("pause".into()),
            reason: "paid by cheque".into(),
        });
        let (kind, body) = order.written().unwrap();
        assert_eq!(kind, "hold.lift");
        assert_eq!(Order::read(&kind, &body).unwrap(), order);
        assert!(Order::read("hold.forget", &body).is_err(), "no such order");
        assert!(Order::read(&kind, "{}").is_err(), "half an order");
    }
}
