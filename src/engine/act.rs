//! The operator's hand: what a person decides about one account, with a reason, and what comes of it (SAFE-4, SAFE-7, SAFE-9,
//! RET-5).
//!
//! An act is an input, decided once and answered; a refused one changes nothing. None reaches past a hold, a clock, freshness or
//! the breaker: an act supplies what one rule is missing, and nothing else.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::deadline::{self, Place};
use super::decision::Verdict;
use super::effect::Notice;
use super::erasure;
use super::fact;
use super::gate::{self, Because};
use super::id::{EventKey, PhaseName, ResourceId};
use super::input::{Event, Flag};
use super::notice;
use super::policy::{PhaseClass, Policy};
use super::resource::Resource;
use super::work::Work;

/// What an operator decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The command that brought it.
    pub key: EventKey,
    /// Who decided it.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
    /// What.
    pub what: What,
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A fact that an event could tell as well, and that is taken in as one: a hold that is placed or lifted.
    Fact(Event),
    /// A release that is held because nobody is known to have been told goes on without that proof (SAFE-4).
    ApproveRelease(ResourceId),
    /// What is next taken away is not taken before this instant (SAFE-9).
    Extend(ResourceId, DateTime<Utc>),
    /// What was told is told again, as things are now.
    TellAgain(Notice),
    /// A return is not refused as suspicious (RET-5).
    AllowReturn(ResourceId),
    /// Everything is forgotten that the person can be told by; nothing is released by it (SAFE-4).
    Erase,
}

/// What became of an act, in words: done, or refused.
pub type Answer = Result<String, String>;

/// What operators decided about a resource, as far as it is in force. The first two end with the episode.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hand {
    /// Steps that need no proof.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approved: BTreeMap<PhaseName, Given>,
    /// Until when steps were put off.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extended: BTreeMap<PhaseName, (DateTime<Utc>, Given)>,
    /// That a return is not suspicious.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_allowed: Option<Given>,
}

/// Who decided something, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Who.
    pub by: String,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// Why, in their words.
    pub reason: String,
}

impl Hand {
    /// Whether nothing is in force.
    pub fn is_empty(&self) -> bool {
        self.approved.is_empty() && self.extended.is_empty() && self.return_allowed.is_none()
    }

    /// Leaves out why, in whose words so ever.
    pub(super) fn forget_reasons(&mut self) {
        let extended = self.extended.values_mut().map(|(_, given)| given);
        let all = self.approved.values_mut().chain(extended).chain(&mut self.return_allowed);
        all.for_each(|given| given.reason.clear());
    }

    /// The trouble is over that these were decided about.
    pub(super) fn end_episode(&mut self) {
        self.approved.clear();
        self.extended.clear();
    }
}

impl Act {
    /// The resources that it names.
    pub fn resources(&self) -> Vec<&ResourceId> {
        match &self.what {
            What::Fact(event) => event.body.resources().collect(),
            What::ApproveRelease(id) | What::Extend(id, _) | What::AllowReturn(id) => {
                alloc::vec![id]
            }
            What::TellAgain(notice) => notice.items.iter().map(|item| &item.resource).collect(),
            // About all that the account has.
            What::Erase => Vec::new(),
        }
    }

    fn given(&self, at: DateTime<Utc>) -> Given {
        Given { by: self.by.clone(), at, reason: self.reason.clone() }
    }

    /// For the record: what, and who says so and why.
    fn signed(&self, what: &str) -> (String, Option<String>) {
        (what.into(), Some(format!(", by {}: {}", self.by, self.reason)))
    }
}

/// Carries out one act.
pub(super) fn apply(work: &mut Work<'_>, act: &Act) -> Answer {
    work.cause = Some(act.key.clone());
    let outcome = match &act.what {
        What::Fact(event) => take_fact(work, act, event),
        What::ApproveRelease(id) => approve(work, act, id),
        What::Extend(id, until) => extend(work, act, id, *until),
        What::TellAgain(notice) => tell_again(work, act, notice),
        What::AllowReturn(id) => allow_return(work, act, id),
        What::Erase => Ok(erase(work, act)),
    };
    work.cause = None;
    outcome
}

fn take_fact(work: &mut Work<'_>, act: &Act, event: &Event) -> Answer {
    match fact::apply(work, event) {
        Verdict::Applied => {
            work.cause = Some(act.key.clone());
            let resource = event.body.resources().next().cloned();
            let said = Some(format!(" by {}: {}", act.by, act.reason));
            work.because_said("SAFE-7", resource.as_ref(), ("ordered".into(), said));
            Ok("done".into())
        }
        Verdict::Stale => Err("it is released, or something newer is known".into()),
        Verdict::Parked => Err("nothing is known of what it is about".into()),
        Verdict::Quarantined(reason) => Err(reason),
    }
}

/// A resource whose end has not come.
fn living<'w>(work: &'w Work<'_>, id: &ResourceId) -> Result<(&'w Resource, &'w Policy), String> {
    let (resource, policy) =
        work.known(id).ok_or_else(|| format!("{id} or its policy is not known"))?;
    match policy.class(&resource.phase) {
        PhaseClass::Gone => Err(format!("{id} is {}: that is final (SAFE-8)", resource.phase)),
        PhaseClass::Working | PhaseClass::Unpaid | PhaseClass::Suspended | PhaseClass::Retained => {
            Ok((resource, policy))
        }
    }
}

fn approve(work: &mut Work<'_>, act: &Act, id: &ResourceId) -> Answer {
    let (resource, policy) = living(work, id)?;
    let due = deadline::next(policy, resource, Place::of(resource), work.proofs)
        .filter(|due| due.step.irreversible && due.wanted_at <= work.now)
        .ok_or_else(|| format!("no release of {id} is due"))?;
    let to = due.step.to.clone();
    let is_erased = erasure::holds(&work.account, resource, (&to, true));
    if due.proven.missing.is_none() && !is_erased {
        return Err(match due.proven.from.filter(|from| *from > work.now) {
            Some(from) => {
                format!("{to} lacks no proof: somebody was told, and it comes at {}", stamp(from))
            }
            None => format!("{to} lacks no proof"),
        });
    }
    match work.verdict(resource, due.wanted(policy, resource, work.now)) {
        gate::Verdict::Hold { because: Because::Proof, .. } => {}
        gate::Verdict::Hold { because, .. } => {
            return Err(format!(
                "{to} is held by a {}: approve it when that is over",
                because.word()
            ));
        }
        gate::Verdict::Go => return Err(format!("nothing holds {to}")),
    }
    let given = act.given(work.now);
    let Some(resource) = work.resources.get_mut(id) else { return Err("it is gone".into()) };
    resource.hand.approved.insert(to.clone(), given);
    let said = act.signed(&format!("{to} is approved without proof that anybody was told"));
    work.because_said("SAFE-4", Some(id), said);
    Ok(format!("{to} of {id} needs no proof any more, in this episode"))
}

fn extend(work: &mut Work<'_>, act: &Act, id: &ResourceId, until: DateTime<Utc>) -> Answer {
    let (resource, policy) = living(work, id)?;
    if until <= work.now {
        return Err(format!("{} is past", stamp(until)));
    }
    let next = deadline::outlook(policy, resource, work.proofs, work.now)
        .into_iter()
        .find(|promise| promise.class > PhaseClass::Unpaid)
        .ok_or_else(|| format!("the clock takes nothing away from {id}, as far as is known"))?;
    if until <= next.at {
        let (to, at) = (&next.to, stamp(next.at));
        return Err(format!("{to} does not come before {at} anyway: nothing is shortened"));
    }
    let given = act.given(work.now);
    let Some(resource) = work.resources.get_mut(id) else { return Err("it is gone".into()) };
    let promised = resource.promised.entry(next.to.clone()).or_insert(until);
    *promised = until.max(*promised);
    resource.hand.extended.insert(next.to.clone(), (until, given));
    let said = format!("{} does not come before {}", next.to, stamp(until));
    work.because_said("SAFE-9", Some(id), act.signed(&said));
    Ok(format!("{said}, in this episode"))
}

fn tell_again(work: &mut Work<'_>, act: &Act, told: &Notice) -> Answer {
    let mut refusal = format!("{} was about nothing", told.kind);
    let mut again = Vec::new();
    for item in &told.items {
        let id = &item.resource;
        let lives = living(work, id).map(drop);
        match lives.and_then(|()| notice::again(work, told, item)) {
            Ok(()) => again.push(id.clone()),
            Err(why) => refusal = why,
        }
    }
    if again.is_empty() {
        return Err(refusal);
    }
    for id in &again {
        let said = format!("{} of {} is told again", told.kind, stamp(told.at));
        work.because_said("SAFE-4", Some(id), act.signed(&said));
    }
    let names: Vec<&str> = again.iter().map(|id| id.as_str()).collect();
    Ok(format!("{} is told again, about {}", told.kind, names.join(", ")))
}

fn allow_return(work: &mut Work<'_>, act: &Act, id: &ResourceId) -> Answer {
    let (resource, policy) = living(work, id)?;
    if policy.returns.is_none() {
        return Err(format!("policy {} has no returns", policy.key.id));
    }
    if !resource.traits.flags.contains(&Flag::Suspicious) {
        return Err(format!("nothing says that a return of {id} is suspicious"));
    }
    let given = act.given(work.now);
    let Some(resource) = work.resources.get_mut(id) else { return Err("it is gone".into()) };
    resource.hand.return_allowed = Some(given);
    let said = act.signed("a return is not refused as suspicious");
    work.because_said("RET-5", Some(id), said);
    Ok(format!("a return of {id} may be asked for again: the other rules answer it"))
}

fn erase(work: &mut Work<'_>, act: &Act) -> String {
    erasure::erase(work);
    let said =
        act.signed("the person is erased: nobody can be told, and no release comes by the clock");
    work.because_said("SAFE-4", None, said);
    let ids: Vec<ResourceId> =
        work.resources.keys().filter(|id| living(work, id).is_ok()).cloned().collect();
    for id in ids {
        work.because("SAFE-4", Some(&id), "the person of its account is erased");
    }
    "the person is erased: releases by the clock are held until contacts are known again or an operator approves them".into()
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
