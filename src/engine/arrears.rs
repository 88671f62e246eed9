//! Arrears belong to the account: when they begin, what recovers when they end (POST-2, POST-4, POST-6, NET-1).
//!
//! Sets the anchors that deadlines count from; `clockwork` takes the steps.

use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::account::Arrears;
use super::gate::Crossing;
use super::id::ResourceId;
use super::ledger::Balances;
use super::notice;
use super::policy::{Cause, Clock, NoticeTrigger, Outcome, Policy, RecoverWhen};
use super::work::{Change, Work, is_over};

/// Brings the account's episode and its resources in line with the balance.
pub(super) fn settle(work: &mut Work<'_>, before: &Balances) {
    let since = work.account.balances.negative_since();
    let begun = since.map(|since| match work.account.arrears {
        // A report that came late moved the start back: the same trouble, known better.
        Some(old) if since <= old.since => Ok(Arrears { since, ..old }),
        _ => begin(work, since).ok_or(since),
    });
    work.account.arrears = begun.and_then(Result::ok);
    doubt(work, begun.and_then(Result::err));
    let balances = &work.account.balances;
    work.account.arrears_claimed =
        work.account.arrears_claimed.filter(|claimed| !balances.is_settled_from(*claimed));
    let top_ups = work.account.balances.late_top_ups(before);
    let ids: Vec<ResourceId> = work.resources.keys().cloned().collect();
    for id in &ids {
        settle_resource(work, id, &top_ups);
    }
}

/// The balance fell below zero at `since`: a new episode, unless it has to be admitted first (SAFE-6).
///
/// Where nothing would be stopped by it, or where it is in arrears by what came over from elsewhere, nothing is asked.
fn begin(work: &mut Work<'_>, since: DateTime<Utc>) -> Option<Arrears> {
    let counted_from = match work.gates.crossing {
        Crossing::Only(admitted) if is_at_stake(work) => {
            let admitted = admitted.filter(|admitted| since <= admitted.since)?;
            admitted.held.then_some(work.now)
        }
        Crossing::Only(_) | Crossing::All => None,
    };
    work.account.episodes += 1;
    Some(Arrears { since, episode: work.account.episodes, counted_from })
}

fn is_at_stake(work: &Work<'_>) -> bool {
    let account = &work.account;
    let claimed = account.arrears_claimed;
    if claimed.is_some_and(|claimed| !account.balances.is_settled_from(claimed)) {
        return false;
    }
    let stops = |policy: &Policy| policy.clock == Clock::Arrears;
    let in_sight = work.resources.values().any(|resource| {
        let policy = work.policy_of(resource);
        policy.is_some_and(|policy| stops(policy) && !is_over(policy.class(&resource.phase)))
    });
    in_sight || account.tracked.keys().filter_map(|key| work.policies.get(key)).any(stops)
}

/// Remembers that a fall below zero waits to be admitted, or that none does.
fn doubt(work: &mut Work<'_>, since: Option<DateTime<Utc>>) {
    let before = core::mem::replace(&mut work.account.doubted, since);
    if let Some(since) = since.filter(|_| before.is_none()) {
        let because = alloc::format!("below zero since {since}: it may be one of too many");
        work.because("SAFE-6", None, because);
    }
}

fn settle_resource(work: &mut Work<'_>, id: &ResourceId, top_ups: &[(DateTime<Utc>, Decimal)]) {
    let Some((resource, policy)) = work.known(id) else { return };
    if policy.clock != Clock::Arrears {
        return;
    }
    if is_over(policy.class(&resource.phase)) {
        // What the clock led to the bin goes its way to the end, untouched by what is paid or owed meanwhile (POST-6).
        if resource.entered_by != Cause::Clock {
            set_anchor(work, id, None);
        }
        return;
    }
    let began = resource.arrears_since;
    let entered_at = resource.entered_at;
    let since =
        work.account.arrears.map(|arrears| arrears.counts_from().max(resource.activated_at));
    // It came over in arrears that no report has ended: older reports say nothing about them, later ones only go on.
    let claimed = began.filter(|began| {
        work.account.arrears_claimed.is_some() && !work.account.balances.is_settled_from(*began)
    });
    let since = since.into_iter().chain(claimed).min();
    for (at, amount) in top_ups {
        let began_before = entered_at <= *at || began.is_some_and(|began| began <= *at);
        if began_before && since.is_none_or(|since| *at < since) {
            recover(work, id, policy, *amount);
        }
    }
    let is_new = since.is_some_and(|since| began.is_none_or(|began| since > began));
    set_anchor(work, id, since);
    match work.account.balance() {
        Some(balance) if since.is_none() => recover(work, id, policy, balance),
        _ => {}
    }
    if let Some(since) = since.filter(|_| is_new) {
        announce(work, id, policy, since);
    }
}

fn set_anchor(work: &mut Work<'_>, id: &ResourceId, since: Option<DateTime<Utc>>) {
    let now = work.now;
    let Some(resource) = work.resources.get_mut(id) else { return };
    if resource.arrears_since == since {
        return;
    }
    // Cured, or a new episode.
    if since.is_none_or(|since| resource.arrears_since.is_none_or(|old| since > old)) {
        resource.end_episode();
    }
    resource.arrears_since = since;
    resource.arrears_known_at = since.map(|_| now);
}

fn recover(work: &mut Work<'_>, id: &ResourceId, policy: &Policy, balance: Decimal) {
    let Some(resource) = work.resources.get(id) else { return };
    let enough = |when| match when {
        RecoverWhen::BalanceNotNegative => balance >= Decimal::ZERO,
        RecoverWhen::BalancePositive => balance > Decimal::ZERO,
        RecoverWhen::Renewed => false,
    };
    let Some(back) =
        policy.recoveries.iter().find(|way| way.from == resource.phase && enough(way.when))
    else {
        return;
    };
    let outcome = Outcome { actions: back.actions.clone(), ..Outcome::default() };
    work.transition(
        id,
        Change {
            to: &back.to,
            cause: Cause::Recovery,
            reason: "balance_recovered",
            rules: &back.rules,
            outcome: &outcome,
            hints: &back.hints,
            irreversible: false,
        },
    );
}

/// Tells the contacts that an episode began, with every resource that it threatens (POST-6), unless they were told.
pub(super) fn announce(
    work: &mut Work<'_>,
    id: &ResourceId,
    policy: &Policy,
    since: DateTime<Utc>,
) {
    for rule in policy.notices.iter().filter(|rule| rule.on == NoticeTrigger::ArrearsStarted) {
        if work.resources.get(id).is_some_and(|resource| !resource.was_told(&rule.kind, since)) {
            notice::add(work, id, &rule.kind, NoticeTrigger::ArrearsStarted);
        }
    }
}
