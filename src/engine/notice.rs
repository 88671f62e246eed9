//! Notices in the making: everything of one kind that an account is told at one instant is one notice (spec §7).
//!
//! Freezes facts and promises; words are `render`'s.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::deadline::{self, Place};
use super::decision::Proofs;
use super::effect::{Effect, Notice, NoticeItem, Promise};
use super::id::{NoticeKind, ResourceId};
use super::money::Money;
use super::policy::{Channel, Clock, NoticeRule, NoticeTrigger, PhaseClass, Policy};
use super::proof;
use super::resource::Resource;
use super::slot;
use super::work::{Work, is_over};

mod item;

use item::item;

/// A notice that resources are still added to.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What it is about.
    about: BTreeMap<ResourceId, Subject>,
    /// Consumption of one day.
    pub(super) daily_consumption: Option<Money>,
    /// How long the balance lasts.
    pub(super) runway_hours: Option<u32>,
    /// What was told before of changes that are told again: they happened then.
    again: BTreeMap<ResourceId, NoticeItem>,
}

/// What a notice tells of one resource.
#[derive(Debug)]
enum Subject {
    /// What may happen to it: a slot of this rule of its policy.
    Slot(usize),
    /// A refused charge attempt.
    Attempt(u32),
    /// What pulled this trigger.
    Event(NoticeTrigger),
}

/// Tells of what may happen, by a rule of the resource's policy, of which one of the slots is due.
pub(super) fn add_slot(work: &mut Work<'_>, id: &ResourceId, rule: usize) {
    let Some((_, policy)) = work.known(id) else { return };
    put(work, id, &policy.notices[rule].kind, Subject::Slot(rule));
}

/// Tells of a refused charge attempt.
pub(super) fn add_attempt(work: &mut Work<'_>, id: &ResourceId, kind: &NoticeKind, attempt: u32) {
    put(work, id, kind, Subject::Attempt(attempt));
}

/// Tells of what pulled a trigger, by the notice that this names.
pub(super) fn add(work: &mut Work<'_>, id: &ResourceId, kind: &NoticeKind, trigger: NoticeTrigger) {
    put(work, id, kind, Subject::Event(trigger));
}

/// Tells of what pulled a trigger where the policy says so. Whether it fits is seen when the decision is complete.
pub(super) fn announce(work: &mut Work<'_>, id: &ResourceId, trigger: &NoticeTrigger) {
    let Some((_, policy)) = work.known(id) else { return };
    for rule in policy.notices.iter().filter(|rule| rule.on == *trigger) {
        put(work, id, &rule.kind, Subject::Event(trigger.clone()));
    }
}

/// Tells again what a notice told of a resource, by the rule that fits it now, if it is still true; or why not.
pub(super) fn again(work: &mut Work<'_>, told: &Notice, before: &NoticeItem) -> Result<(), String> {
    let (id, kind) = (&before.resource, &told.kind);
    let Some((resource, policy)) = work.known(id) else {
        return Err(format!("{id} or its policy is not known"));
    };
    if episode(work, policy, resource) != told.episode {
        return Err(format!("the trouble is over that {kind} told of"));
    }
    let fits =
        |(_, rule): &(usize, &NoticeRule)| rule.kind == *kind && slot::fits(policy, rule, resource);
    let Some((index, rule)) = policy.notices.iter().enumerate().find(fits) else {
        return Err(format!("{kind} is not for what is {}", resource.phase));
    };
    let subject = match &rule.on {
        NoticeTrigger::Slots { .. } | NoticeTrigger::Ahead { .. } => Subject::Slot(index),
        NoticeTrigger::ChargeFailed => Subject::Attempt(before.attempt.unwrap_or_default()),
        NoticeTrigger::BalanceCheck => {
            return Err(format!("the next look at the balance tells {kind} if it is still true"));
        }
        trigger if !is_true(policy, resource, trigger) => {
            return Err(format!("{kind} is not true of {id} any more"));
        }
        trigger => Subject::Event(trigger.clone()),
    };
    let draft = work.drafts.entry(kind.clone()).or_default();
    draft.about.insert(id.clone(), subject);
    draft.again.insert(id.clone(), before.clone());
    Ok(())
}

fn put(work: &mut Work<'_>, id: &ResourceId, kind: &NoticeKind, subject: Subject) {
    work.drafts.entry(kind.clone()).or_default().about.insert(id.clone(), subject);
}

/// Freezes what is to be told, now that everything else is decided, and remembers what it promises (SAFE-9).
pub(super) fn settle(work: &mut Work<'_>) {
    for (kind, draft) in core::mem::take(&mut work.drafts) {
        let Some(notice) = freeze(work, &kind, draft) else { continue };
        for item in &notice.items {
            let policies = work.policies;
            let Some(resource) = work.resources.get_mut(&item.resource) else { continue };
            let Some(policy) = policies.get(&resource.policy) else { continue };
            promise((policy, resource), item, work.proofs, work.now);
            proof::decided(policy, resource, &notice, work.proofs);
        }
        let rule = notice.rules.first().cloned().unwrap_or_default();
        work.because(&rule, None, format!("{kind} about {} resources", notice.items.len()));
        if !notice.is_reachable() {
            let resources = notice.items.iter().map(|item| item.resource.clone()).collect();
            let reason = "no contact has an address for any of its channels".into();
            work.push(Effect::Unreachable { notice: kind, resources, reason });
        }
        work.push(Effect::Notice(notice));
    }
}

/// Remembers what a notice names: the date that the policy wants, and one beyond it that missing proof asks for.
///
/// What is late or held is named for now, or for the next day for it, and then it is put off to that: its date, on which its time
/// of day and its slots hang, stays as it is.
fn promise(
    (policy, resource): (&Policy, &mut Resource),
    item: &NoticeItem,
    proofs: Proofs,
    now: DateTime<Utc>,
) {
    let wanted = match proofs {
        Proofs::Assumed => item.promises.clone(),
        Proofs::Recorded => deadline::outlook(policy, resource, Proofs::Assumed, now),
    };
    let next = deadline::next(policy, resource, Place::of(resource), Proofs::Assumed);
    let late = next.filter(|due| due.wanted_at <= now).map(|due| due.step.to.clone());
    let binding = |promise: &&Promise| promise.class > PhaseClass::Unpaid;
    for promise in item.promises.iter().filter(binding) {
        let wanted = wanted.iter().find(|one| one.to == promise.to);
        let wanted = wanted.map_or(promise.at, |one| one.at.min(promise.at));
        if Some(&promise.to) != late.as_ref() {
            let promised = resource.promised.entry(promise.to.clone()).or_insert(wanted);
            *promised = wanted.max(*promised);
        } else if wanted > now {
            resource.put_off = resource.put_off.max(Some(wanted));
        }
        if promise.at > wanted {
            let named = resource.named.entry(promise.to.clone()).or_insert(promise.at);
            *named = promise.at.max(*named);
        }
    }
    // Slots up to here are dealt with; those that count from a date which is known only now were never due (PRE-8).
    resource.slots_until = resource.slots_until.max(now);
}

fn freeze(work: &Work<'_>, kind: &NoticeKind, draft: Draft) -> Option<Notice> {
    let mut items = Vec::new();
    let mut rules: Vec<String> = Vec::new();
    let mut channels: Vec<Channel> = Vec::new();
    let mut not_before = BTreeMap::new();
    let mut first = None;
    for (id, subject) in &draft.about {
        let Some((resource, policy)) = work.known(id) else { continue };
        let Some(rule) = rule_for(policy, kind, resource, subject) else { continue };
        rules.extend(rule.rules.iter().cloned());
        channels.extend(&rule.channels);
        wait(&mut not_before, policy, rule, work.now);
        let now = item(work, policy, resource, subject);
        items.push(match draft.again.get(id) {
            Some(before) => item::told_again(now, before, subject),
            None => now,
        });
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
        not_before,
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

/// Channels that wait for the end of the quiet hours; of several policies the longest wait counts.
pub(super) fn wait(
    not_before: &mut BTreeMap<Channel, DateTime<Utc>>,
    policy: &Policy,
    rule: &NoticeRule,
    now: DateTime<Utc>,
) {
    let Some(quiet) = &policy.quiet_hours else { return };
    let Some(end) = quiet.end_of(policy.zone, now) else { return };
    for channel in rule.channels.iter().filter(|channel| quiet.channels.contains(channel)) {
        let until = not_before.entry(*channel).or_insert(end);
        *until = end.max(*until);
    }
}

/// The rule of the policy for this kind that the resource fits; final phases fit where a step sends it.
fn rule_for<'p>(
    policy: &'p Policy,
    kind: &NoticeKind,
    resource: &Resource,
    subject: &Subject,
) -> Option<&'p NoticeRule> {
    let trigger = match subject {
        Subject::Slot(rule) => return policy.notices.get(*rule),
        Subject::Attempt(_) => &NoticeTrigger::ChargeFailed,
        Subject::Event(trigger) if !is_true(policy, resource, trigger) => return None,
        Subject::Event(trigger) => trigger,
    };
    let mut declared =
        policy.notices.iter().filter(|rule| rule.kind == *kind && rule.on == *trigger);
    declared
        .clone()
        .find(|rule| slot::fits(policy, rule, resource))
        .or_else(|| declared.find(|rule| rule.phases.is_empty() && slot::is_meant(rule, resource)))
}

/// Whether what is to be told still holds at the end of the instant: what came after it may have undone it.
fn is_true(policy: &Policy, resource: &Resource, trigger: &NoticeTrigger) -> bool {
    let class = policy.class(&resource.phase);
    match trigger {
        NoticeTrigger::Restored => class == PhaseClass::Working,
        // What somebody owed when it came over may be paid in the same instant.
        NoticeTrigger::ArrearsStarted => resource.arrears_since.is_some(),
        NoticeTrigger::TerminationScheduled => !is_over(class) && ends_at(resource).is_some(),
        NoticeTrigger::Terminated | NoticeTrigger::Returned => is_over(class),
        // Given back since, it has no term.
        NoticeTrigger::Renewed => resource.expiry().is_some(),
        NoticeTrigger::Slots { .. }
        | NoticeTrigger::Ahead { .. }
        | NoticeTrigger::Step
        | NoticeTrigger::ChargeFailed
        | NoticeTrigger::BalanceCheck => true,
    }
}

fn ends_at(resource: &Resource) -> Option<DateTime<Utc>> {
    resource.schedule.as_ref().and_then(|schedule| schedule.value)
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
