//! The lists of an operator: what is due and does not happen, because of what, and what would let it go; which holds stand.
//!
//! Both cost what they list: the store keeps an index of it.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::ExplainError;
use super::find::policy_of;
use crate::engine::account::Account;
use crate::engine::gate::Because;
use crate::engine::hold::Hold;
use crate::engine::id::{AccountId, PhaseName, PolicyKey, ResourceId};
use crate::engine::input::HoldScope;
use crate::engine::moratorium::Moratoria;
use crate::engine::policy::Policy;
use crate::engine::resource::Resource;
use crate::policy::words;
use crate::store::{self, Read, Waiting};

/// Rows that are read at a time.
const PAGE: usize = 500;

/// One step that is due and does not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub resource: ResourceId,
    /// Where that is.
    pub phase: PhaseName,
    /// The phase that waits; `None` where that is not said yet.
    pub to: Option<PhaseName>,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// What holds it, in a word.
    pub because: String,
    /// What holds it, exactly.
    pub by: Vec<String>,
    /// What would let it go.
    pub until: String,
}

/// One hold in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// What it is on, in words.
    pub on: String,
    /// Its id.
    pub hold: String,
    /// Whether it stops nothing but releases.
    pub releases_only: bool,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
}

/// What is held, by account and resource.
///
/// # Errors
///
/// If the store cannot be read.
pub fn held(store: &dyn Read, now: DateTime<Utc>) -> Result<Vec<Held>, ExplainError> {
    let mut list =
        List { store, now, moratoria: store::moratoria(store)?, policies: HashMap::new() };
    let (mut rows, mut after) = (Vec::new(), None::<(AccountId, ResourceId)>);
    let mut account: Option<Account> = None;
    loop {
        let last = after.as_ref().map(|(account, id)| (account, id));
        let page = store.resources_that(Waiting::Held, last, PAGE)?;
        for resource in &page {
            if account.as_ref().is_none_or(|account| account.id != resource.account) {
                account = store.account(&resource.account)?.map(|row| row.value);
            }
            rows.push(list.one(resource, account.as_ref())?);
        }
        after = page.last().map(|last| (last.account.clone(), last.id.clone()));
        if page.len() < PAGE {
            return Ok(rows);
        }
    }
}

struct List<'s> {
    store: &'s dyn Read,
    now: DateTime<Utc>,
    moratoria: Moratoria,
    policies: HashMap<PolicyKey, Policy>,
}

impl List<'_> {
    fn one(
        &mut self,
        resource: &Resource,
        account: Option<&Account>,
    ) -> Result<Held, ExplainError> {
        let said = resource.held.as_ref();
        let gate = resource.gates().next();
        let wish = resource.asked.as_ref().filter(|asked| asked.gated.is_some());
        let because = gate.map(|gated| gated.by).or_else(|| said.map(|held| held.because));
        let since = gate.map(|gated| gated.due_at).or_else(|| said.map(|held| held.since));
        let (by, until) = match because {
            Some(Because::Hold) => self.holds(resource, account),
            Some(Because::Moratorium) => self.stopped(resource),
            Some(Because::Proof) => self.proof(resource)?,
            Some(Because::Clock | Because::Freshness | Because::Breaker) | None => {
                (Vec::new(), "by itself, once that is over".to_owned())
            }
        };
        Ok(Held {
            account: resource.account.clone(),
            resource: resource.id.clone(),
            phase: resource.phase.clone(),
            to: wish.map(|asked| asked.to.clone()).or_else(|| said.map(|held| held.to.clone())),
            since: since.unwrap_or(resource.entered_at),
            because: because.map(|because| because.word().to_owned()).unwrap_or_default(),
            by,
            until,
        })
    }

    fn holds(&self, resource: &Resource, account: Option<&Account>) -> (Vec<String>, String) {
        let on_account = account.into_iter().flat_map(|account| account.holds.in_force(self.now));
        let on_account = on_account.map(|hold| named("hold", hold, " on the account"));
        let mine = resource.holds.in_force(self.now).map(|hold| named("hold", hold, ""));
        (mine.chain(on_account).collect(), "dunlin hold lift, or its end".to_owned())
    }

    fn stopped(&self, resource: &Resource) -> (Vec<String>, String) {
        let covering = self.moratoria.covering(resource);
        let by = covering.flat_map(|(target, holds)| {
            holds
                .in_force(self.now)
                .map(move |hold| named("moratorium", hold, &format!(" on {target}")))
        });
        (by.collect(), "dunlin hold lift, or its end".to_owned())
    }

    fn proof(&mut self, resource: &Resource) -> Result<(Vec<String>, String), ExplainError> {
        if !self.policies.contains_key(&resource.policy) {
            self.policies.insert(resource.policy.clone(), policy_of(self.store, resource)?);
        }
        let policy = &self.policies[&resource.policy];
        let to = resource.held.as_ref().map(|held| &held.to);
        let steps = policy.steps.iter();
        let mut step = steps.filter(|step| step.from == resource.phase && Some(&step.to) == to);
        let by = step.next().into_iter().flat_map(|step| &step.proofs).map(words::proof);
        Ok((by.collect(), "a notice that somebody takes, or dunlin approve-release".to_owned()))
    }
}

fn named(what: &str, (id, hold): (&str, &Hold), on: &str) -> String {
    let until = hold.until.map(|until| format!(", until {}", stamp(until))).unwrap_or_default();
    format!("{what} {id}{on}{until}: {}", hold.reason)
}

/// The holds in force: on policies, regions and everything first, then by account.
///
/// # Errors
///
/// If the store cannot be read.
pub fn standing(store: &dyn Read, now: DateTime<Utc>) -> Result<Vec<Standing>, ExplainError> {
    let mut rows = Vec::new();
    for (target, holds) in store::moratoria(store)?.iter() {
        rows.extend(holds.in_force(now).map(|hold| stands(target.to_string(), hold)));
    }
    let mut after: Option<AccountId> = None;
    loop {
        let page = store.accounts_on_hold(after.as_ref(), PAGE)?;
        for account in &page {
            let on = format!("account {}", account.id);
            rows.extend(account.holds.in_force(now).map(|hold| stands(on.clone(), hold)));
        }
        after = page.last().map(|last| last.id.clone());
        if page.len() < PAGE {
            break;
        }
    }
    let mut after: Option<(AccountId, ResourceId)> = None;
    loop {
        let last = after.as_ref().map(|(account, id)| (account, id));
        let page = store.resources_that(Waiting::OnHold, last, PAGE)?;
        for resource in &page {
            let on = format!("resource {} of {}", resource.id, resource.account);
            rows.extend(resource.holds.in_force(now).map(|hold| stands(on.clone(), hold)));
        }
        after = page.last().map(|last| (last.account.clone(), last.id.clone()));
        if page.len() < PAGE {
            return Ok(rows);
        }
    }
}

fn stands(on: String, (id, hold): (&str, &Hold)) -> Standing {
    Standing {
        on,
        hold: id.to_owned(),
        releases_only: hold.scope == HoldScope::Release,
        reason: hold.reason.clone(),
        since: hold.since,
        until: hold.until,
    }
}

/// What is held, as lines. Instants are UTC: policies of several zones stand in one list.
pub fn held_text(rows: &[Held]) -> String {
    if rows.is_empty() {
        return "nothing is held\n".to_owned();
    }
    let mut text = String::new();
    for row in rows {
        let (resource, account) =
            (words::plain(row.resource.as_str()), words::plain(row.account.as_str()));
        let to = row.to.as_ref().map_or("a step", |to| to.as_str());
        let since = stamp(row.since);
        text += &format!(
            "{resource} of {account}: {} → {to} is due and held since {since}: {}\n",
            row.phase, row.because
        );
        for by in &row.by {
            text += &format!("    {}\n", words::plain(by));
        }
        text += &format!("    goes on with: {}\n", row.until);
    }
    text + &format!("{} held\n", rows.len())
}

/// The holds in force, as lines.
pub fn standing_text(rows: &[Standing]) -> String {
    if rows.is_empty() {
        return "no hold is in force\n".to_owned();
    }
    let mut text = String::new();
    for row in rows {
        let stops = if row.releases_only { "releases" } else { "stops, the bin and releases" };
        let until = row
            .until
            .map_or_else(|| "without an end".to_owned(), |at| format!("until {}", stamp(at)));
        let (on, hold) = (words::plain(&row.on), words::plain(&row.hold));
        text += &format!("{on}: hold {hold} since {}, {until}: stops {stops}\n", stamp(row.since));
        text += &format!("    {}\n", words::plain(&row.reason));
    }
    text
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
