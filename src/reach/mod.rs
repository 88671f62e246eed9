//! Accounts that nobody can be told about, before they expire: who, why, and what would be stopped or released meanwhile.
//!
//! Reads, and judges by what is on record; asks no mail server. Shows no address.

mod judge;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use self::judge::{Last, Why, judge};
use crate::engine::account::Account;
use crate::engine::forecast::{Coming, forecast};
use crate::engine::id::{AccountId, PhaseName, PolicyKey, ResourceId};
use crate::engine::moratorium::Moratoria;
use crate::engine::policy::{Channel, PhaseClass, Policy};
use crate::engine::resource::Resource;
use crate::policy::{self, PolicyErrors};
use crate::store::{DeliveryState, Read, Selection, StoreError, moratoria};

/// How many of the last notices of an account are looked at.
const NOTICES_MAX: usize = 20;

/// An account that nobody can be told about, and what is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreachable {
    /// Which.
    pub account: AccountId,
    /// Why nobody can be told.
    pub why: Why,
    /// What is stopped or released in the time that was asked for, by instant; at least one.
    pub ahead: Vec<Ahead>,
}

/// One step that takes something away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ahead {
    /// From which resource.
    pub resource: ResourceId,
    /// The phase that it enters.
    pub to: PhaseName,
    /// When; where it is held, since when it is looked at.
    pub at: DateTime<Utc>,
    /// Data is lost with it.
    pub irreversible: bool,
    /// It does not come while it is held.
    pub held: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// A policy that is in use is not in the store, or cannot be read any more.
    #[error("policy {id} version {version}, as it is in the store, cannot be read")]
    Policy {
        /// Which.
        id: String,
        /// Which version.
        version: u32,
        /// Why, if it is there.
        source: Option<PolicyErrors>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What every look at an account needs.
#[derive(Debug)]
pub struct Eye {
    policies: BTreeMap<PolicyKey, Policy>,
    moratoria: Moratoria,
    /// The ways that there are to tell somebody.
    channels: Vec<Channel>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Eye {
    /// Looks from `now` up to `until`, with the policies as the store has them.
    ///
    /// # Errors
    ///
    /// If the store or one of its policies cannot be read.
    pub fn open(
        store: &dyn Read,
        channels: Vec<Channel>,
        (now, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Self, ReachError> {
        let mut policies = BTreeMap::new();
        for row in store.policies()? {
            let (id, version) = (row.key.id.to_string(), row.key.version);
            let name = format!("{id} version {version}");
            let (policy, _) = policy::parse(&name, &row.text)
                .map_err(|source| ReachError::Policy { id, version, source: Some(source) })?;
            policies.insert(row.key, policy);
        }
        Ok(Self { policies, moratoria: moratoria(store)?, channels, now, until })
    }

    /// Looks at one account; nothing if it can be told, or if nothing is taken from it in that time.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or a policy is missing from it.
    pub fn look(
        &self,
        store: &dyn Read,
        account: &AccountId,
    ) -> Result<Option<Unreachable>, ReachError> {
        let Some(account) = store.account(account)?.map(|row| row.value) else { return Ok(None) };
        let contacts = account.profile.as_ref().map(|profile| profile.value.contacts.as_slice());
        let last = last(store, &account.id)?;
        let Some(why) = judge(contacts.unwrap_or_default(), &self.channels, &last) else {
            return Ok(None);
        };
        let all = Selection { all: true, ..Selection::default() };
        let mut ahead = Vec::new();
        for row in store.resources(&account.id, &all)? {
            ahead.extend(self.ahead(&account, &row.value)?);
        }
        ahead.sort_by(|a, b| (a.at, &a.resource).cmp(&(b.at, &b.resource)));
        let why = if account.is_erased() { Why::Erased } else { why };
        Ok((!ahead.is_empty()).then_some(Unreachable { account: account.id, why, ahead }))
    }

    fn ahead(&self, account: &Account, resource: &Resource) -> Result<Vec<Ahead>, ReachError> {
        let key = &resource.policy;
        let policy = self.policies.get(key).ok_or_else(|| ReachError::Policy {
            id: key.id.to_string(),
            version: key.version,
            source: None,
        })?;
        let coming = forecast(policy, (account, &self.moratoria), resource, self.now);
        let takes = |to: &PhaseName| policy.class(to) > PhaseClass::Unpaid;
        let steps = coming.into_iter().take_while(|one| one.at <= self.until);
        let step = |at, to: PhaseName, held| {
            let irreversible = policy.class(&to) == PhaseClass::Gone;
            Ahead { resource: resource.id.clone(), to, at, irreversible, held }
        };
        Ok(steps
            .filter_map(|one| match one.what {
                Coming::Step { to, irreversible, .. } if takes(&to) => {
                    Some(Ahead { irreversible, ..step(one.at, to, false) })
                }
                Coming::Held { to } if takes(&to) => Some(step(one.at, to, true)),
                // What a customer asked for needs no warning; what is told or collected takes nothing away.
                Coming::Step { .. }
                | Coming::Held { .. }
                | Coming::Wish { .. }
                | Coming::Notice { .. }
                | Coming::Charge { .. }
                | Coming::Look { .. } => None,
            })
            .collect())
    }
}

/// What became of the last messages to each address that an account had, newest first.
fn last(store: &dyn Read, account: &AccountId) -> Result<Vec<Last>, ReachError> {
    let mut last = Vec::new();
    for (id, notice) in store.last_notices(account, NOTICES_MAX)? {
        for delivery in store.deliveries(&id)? {
            let DeliveryState::Final(outcome) = delivery.state else { continue };
            let Some(contact) = notice.contacts.get(delivery.contact) else { continue };
            let address = match delivery.channel {
                Channel::Email => &contact.email,
                Channel::Sms => &contact.phone,
            };
            let Some(address) = address.clone() else { continue };
            last.push(Last { channel: delivery.channel, address, outcome, at: notice.at });
        }
    }
    Ok(last)
}
