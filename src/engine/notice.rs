//! Notices in the making: everything of one kind that an account is told at one instant is one notice (spec §7).
//!
//! Freezes facts and promises; words are `render`'s.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::charge;
use super::deadline;
use super::effect::{Effect, Notice, NoticeItem};
use super::id::{NoticeKind, ResourceId};
use super::input::{Attachment, Contact};
use super::money::Money;
use super::policy::{Channel, Clock, NoticeRule, PhaseClass, Policy};
use super::resource::Resource;
use super::slot;
use super::work::{Work, belongings};

/// A notice that resources are still added to.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What it is about, and the refused attempt where it is about one.
    pub(super) about: BTreeMap<ResourceId, Option<u32>>,
    /// Consumption of one day.
    pub(super) daily_consumption: Option<Money>,
    /// How long the balance lasts.
    pub(super) runway_hours: Option<u32>,
}

/// Adds a resource to the notice of a kind, if the policy declares one that fits it.
pub(super) fn add(work: &mut Work<'_>, id: &ResourceId, kind: &NoticeKind) {
    put(work, id, kind, None);
}

/// The same about a refused charge attempt.
pub(super) fn add_attempt(work: &mut Work<'_>, id: &ResourceId, kind: &NoticeKind, attempt: u32) {
    put(work, id, kind, Some(attempt));
}

fn put(work: &mut Work<'_>, id: &ResourceId, kind: &NoticeKind, attempt: Option<u32>) {
    work.drafts.entry(kind.clone()).or_default().about.insert(id.clone(), attempt);
}

/// Freezes what is to be told, now that everything else is decided, and remembers what it promises (SAFE-9).
pub(super) fn settle(work: &mut Work<'_>) {
    for (kind, draft) in core::mem::take(&mut work.drafts) {
        let Some(notice) = freeze(work, &kind, draft) else { continue };
        for item in &notice.items {
            let Some(resource) = work.resources.get_mut(&item.resource) else { continue };
            for promise in item.promises.iter().filter(|promise| promise.class > PhaseClass::Unpaid)
            {
                let promised = resource.promised.entry(promise.to.clone()).or_insert(promise.at);
                *promised = promise.at.max(*promised);
            }
        }
        let rule = notice.rules.first().cloned().unwrap_or_default();
        work.because(&rule, None, format!("{kind} about {} resources", notice.items.len()));
        if !is_reachable(&notice) {
            let resources = notice.items.iter().map(|item| item.resource.clone()).collect();
            let reason = "no contact has an address for any of its channels".into();
            work.push(Effect::Unreachable { notice: kind, resources, reason });
        }
        work.push(Effect::Notice(notice));
    }
}

/// Whether anybody can be told at all.
fn is_reachable(notice: &Notice) -> bool {
    let reaches = |contact: &Contact| {
        notice.channels.iter().any(|channel| match channel {
            Channel::Email => contact.email.is_some(),
            Channel::Sms => contact.phone.is_some(),
        })
    };
    notice.contacts.iter().any(reaches)
}

fn freeze(work: &Work<'_>, kind: &NoticeKind, draft: Draft) -> Option<Notice> {
    let mut items = Vec::new();
    let mut rules: Vec<String> = Vec::new();
    let mut channels: Vec<Channel> = Vec::new();
    let mut first = None;
    for (id, attempt) in &draft.about {
        let Some((resource, policy)) = work.known(id) else { continue };
        let Some(rule) = rule_for(policy, kind, resource) else { continue };
        rules.extend(rule.rules.iter().cloned());
        channels.extend(&rule.channels);
        items.push(item(work, policy, resource, *attempt));
        first = first.or(Some((resource, policy)));
    }
    let (resource, policy) = first?;
    rules.sort_unstable();
    rules.dedup();
    channels.sort_unstable();
    channels.dedup();
    let profile = work.account.profile.as_ref()?;
    let currency = profile.value.currency;
    let of_balance = policy.clock == Clock::Arrears;
    Some(Notice {
        kind: kind.clone(),
        account: work.account.id.clone(),
        account_name: work.account.name(),
        at: work.now,
        episode: episode(work, policy, resource),
        zone: policy.zone.name().into(),
        locale: profile.value.locale.clone(),
        contacts: profile.value.contacts.clone(),
        channels,
        balance: work
            .account
            .balance()
            .filter(|_| of_balance)
            .map(|amount| Money { amount, currency }),
        daily_consumption: draft.daily_consumption,
        runway_hours: draft.runway_hours,
        arrears_since: work.account.arrears.filter(|_| of_balance).map(|arrears| arrears.since),
        items,
        rules,
    })
}

/// The rule of the policy for this kind that the resource fits; final phases fit where a step sends it.
fn rule_for<'p>(
    policy: &'p Policy,
    kind: &NoticeKind,
    resource: &Resource,
) -> Option<&'p NoticeRule> {
    let mut declared = policy.notices.iter().filter(|rule| rule.kind == *kind);
    declared
        .clone()
        .find(|rule| slot::fits(policy, rule, resource))
        .or_else(|| declared.find(|rule| rule.phases.is_empty()))
}

fn item(work: &Work<'_>, policy: &Policy, resource: &Resource, attempt: Option<u32>) -> NoticeItem {
    let next_attempt_at = policy.charges.as_ref().and_then(|charges| {
        let mut open = charge::open(policy, charges, resource);
        open.retain(|attempt| attempt.at > work.now);
        open.first().map(|attempt| attempt.at)
    });
    NoticeItem {
        resource: resource.id.clone(),
        policy: resource.policy.clone(),
        name: resource.traits.name.clone(),
        region: resource.traits.region.clone(),
        phase: resource.phase.clone(),
        class: policy.class(&resource.phase),
        expires_at: resource.expiry(),
        auto_renew: resource.auto_renew.as_ref().map(|_| resource.renews_itself()),
        promises: deadline::outlook(policy, resource, work.now),
        detached: detached(policy, resource),
        attempt,
        attempts: policy
            .charges
            .as_ref()
            .filter(|_| attempt.is_some())
            .and_then(|charges| u32::try_from(charges.attempts.len()).ok()),
        next_attempt_at: next_attempt_at.filter(|_| resource.renews_itself()),
        price: charge::price_of(work, resource),
    }
}

/// What was detached, or will be by the steps to come.
fn detached(policy: &Policy, resource: &Resource) -> Vec<Attachment> {
    if !resource.detached.is_empty() {
        return resource.detached.clone();
    }
    let reachable = policy.steps.iter().filter(|step| policy.class(&step.to) < PhaseClass::Gone);
    let mut all: Vec<_> =
        reachable.flat_map(|step| belongings(resource, &step.outcome.detach)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// One thread for one run of trouble: an expiry, an arrears episode, a low balance.
fn episode(work: &Work<'_>, policy: &Policy, resource: &Resource) -> String {
    let account = &work.account.id;
    match (policy.clock, resource.expiry(), work.account.arrears) {
        (Clock::Expiry, Some(expiry), _) => format!("{account}/{}/{}", resource.id, stamp(expiry)),
        (Clock::Arrears, _, Some(arrears)) => format!("{account}/arrears/{}", arrears.episode),
        _ => format!("{account}/balance/{}", work.account.episodes),
    }
}

fn stamp(instant: DateTime<Utc>) -> String {
    format!("{}", instant.format("%Y%m%dT%H%M%SZ"))
}
