//! Finds the resource that is meant, with its account and its policy as the store has them; or what else may have been meant.

use super::{ExplainError, Question};
use crate::engine::account::Account;
use crate::engine::id::{AccountId, PolicyKey, ResourceId};
use crate::engine::moratorium::Moratoria;
use crate::engine::policy::{Policy, PolicySet};
use crate::engine::resource::Resource;
use crate::policy;
use crate::store::{self, Read};

/// How many ids before and after one that is unknown are compared with it.
const COMPARED_EACH_SIDE: usize = 100;

/// How many ids like one that is unknown are named.
const NAMED_MAX: usize = 5;

/// An id that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// The id.
    pub resource: ResourceId,
    /// Whose it is.
    pub account: AccountId,
}

/// What a question is about.
pub(super) struct Found {
    pub(super) resource: Resource,
    pub(super) account: Account,
    pub(super) policy: Policy,
    pub(super) moratoria: Moratoria,
}

/// The one resource of this id, of this account if it is named.
///
/// # Errors
///
/// If there is none, with what else may be meant; if there are several; if the store cannot be read.
pub fn find(
    store: &dyn Read,
    id: &ResourceId,
    account: Option<&AccountId>,
) -> Result<Resource, ExplainError> {
    let mut all = store.find_resource(id)?;
    all.retain(|one| account.is_none_or(|account| one.account == *account));
    if all.len() > 1 {
        let accounts = all.into_iter().map(|one| one.account).collect();
        return Err(ExplainError::Several { resource: id.clone(), accounts });
    }
    match all.pop() {
        Some(resource) => Ok(resource),
        None => Err(unknown(store, id, account)?),
    }
}

pub(super) fn found(store: &dyn Read, question: &Question) -> Result<Found, ExplainError> {
    let resource = find(store, &question.resource, question.account.as_ref())?;
    let account = store.account(&resource.account)?;
    let account =
        account.map_or_else(|| Account::unknown(resource.account.clone()), |row| row.value);
    let policy = policy_of(store, &resource)?;
    let moratoria = store::moratoria(store)?;
    Ok(Found { resource, account, policy, moratoria })
}

/// The policy by the text that the store keeps: the one that decides for this resource, whatever is configured by now; with
/// the newest version of it, which may make it later.
pub(super) fn policy_of(store: &dyn Read, resource: &Resource) -> Result<Policy, ExplainError> {
    let key = &resource.policy;
    let unreadable = |key: &PolicyKey, source| ExplainError::Policy {
        id: key.id.to_string(),
        version: key.version,
        source,
    };
    let mut rows = store.policies()?;
    rows.retain(|row| row.key.id == key.id && row.key.version >= key.version);
    let newest = rows.iter().map(|row| row.key.version).max();
    let mut set = PolicySet::default();
    for row in rows.iter().filter(|row| row.key == *key || Some(row.key.version) == newest) {
        let name = format!("{} version {}", row.key.id, row.key.version);
        let read =
            policy::parse(&name, &row.text).map_err(|errors| unreadable(&row.key, Some(errors)))?;
        set.insert(read.0);
    }
    set.get(key).cloned().ok_or_else(|| unreadable(key, None))
}

fn unknown(
    store: &dyn Read,
    id: &ResourceId,
    account: Option<&AccountId>,
) -> Result<ExplainError, ExplainError> {
    let wanted = id.as_str();
    // The same id of another account is the nearest there is.
    let same = store.find_resource(id)?.into_iter();
    let mut near: Vec<Near> =
        same.map(|one| Near { resource: one.id, account: one.account }).collect();
    let others = store.neighbours(id, COMPARED_EACH_SIDE)?;
    near.extend(others.into_iter().map(|(resource, account)| Near { resource, account }));
    let likeness = |one: &Near| strsim::jaro_winkler(one.resource.as_str(), wanted);
    near.sort_by(|a, b| {
        let by_likeness = likeness(b).total_cmp(&likeness(a));
        by_likeness.then_with(|| (&a.resource, &a.account).cmp(&(&b.resource, &b.account)))
    });
    near.truncate(NAMED_MAX);
    let (resource, account) = (id.clone(), account.cloned());
    Ok(ExplainError::Unknown { resource, account, near })
}
