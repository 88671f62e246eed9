//! One decision: what happened to one account at one instant, then what is due for it.
//!
//! [`scope`] says what has to be loaded, [`step`] decides. Everything else in the engine is called from here, in an order
//! that is part of the rules: facts and requests as they came, arrears and recovery, deadlines, slots and attempts, the look
//! at the balance (spec §1: at one instant events count before deadlines).

use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::account::Account;
use super::act::{Act, What};
use super::decision::{Circumstances, Decision, Input, Portfolio, Scope};
use super::input::Body;
use super::policy::PolicySet;
use super::work::Work;
use super::{
    act, arrears, charge, clockwork, fact, ledger, notice, proof, runway, slot, version, wake,
};

/// Decides what follows from what happened to one account at one instant, and from what is due then.
///
/// `before` holds the account and at least the resources that [`scope`] named. Spurious wakes change nothing.
pub fn step(
    before: Portfolio,
    input: Input<'_>,
    policies: &PolicySet,
    circumstances: Circumstances<'_>,
) -> Decision {
    let mut work = Work::new(before.clone(), policies, circumstances);
    let mut ids: Vec<_> = work.resources.keys().cloned().collect();
    for id in &ids {
        version::settle(&mut work, id);
    }
    for notice in input.accepted {
        proof::accepted(&mut work, notice);
    }
    for bounced in input.bounced {
        proof::bounced(&mut work, *bounced);
    }
    let answers = input.acts.iter().map(|one| act::apply(&mut work, one)).collect();
    let verdicts = input.events.iter().map(|event| fact::apply(&mut work, event)).collect();
    arrears::settle(&mut work, &before.account.balances);
    ids = work.resources.keys().cloned().collect();
    // What waited for a hold is decided in the order in which it was asked for, before everything else.
    ids.sort_by_key(|id| work.resources[id].asked.as_ref().map_or(u64::MAX, |asked| asked.number));
    for id in &ids {
        clockwork::settle(&mut work, id);
        slot::settle(&mut work, id);
        charge::settle(&mut work, id);
    }
    runway::settle(&mut work, &before);
    notice::settle(&mut work);
    wake::settle(&mut work);
    work.finish(&before, (verdicts, answers))
}

/// What [`step`] has to see.
pub fn scope(
    account: &Account,
    input: Input<'_>,
    policies: &PolicySet,
    now: DateTime<Utc>,
) -> Scope {
    // Arrears that are admitted begin for everything that the account has.
    let all = account.doubted.is_some();
    let mut scope = Scope { all, due: true, gated: input.gates_moved, ..Scope::default() };
    let mut balances = account.balances.clone();
    let currency = account.profile.as_ref().map(|profile| profile.value.currency);
    let bounced = input.bounced.iter().map(|bounced| bounced.notice);
    let told = input.accepted.iter().copied().chain(bounced).flat_map(|notice| &notice.items);
    scope.named.extend(told.map(|item| item.resource.clone()));
    scope.named.extend(input.acts.iter().flat_map(Act::resources).cloned());
    let facts = input.acts.iter().filter_map(|act| match &act.what {
        What::Fact(event) => Some(event),
        What::ApproveRelease(_)
        | What::Extend(..)
        | What::TellAgain(_)
        | What::AllowReturn(_)
        | What::Erase => None,
    });
    scope.all |= input.acts.iter().any(|act| act.what == What::Erase);
    for event in input.events.iter().chain(facts) {
        match &event.body {
            // Set aside by `fact`: it says nothing about the balance.
            Body::BalanceReported { balance, .. }
                if currency.is_some_and(|currency| currency != balance.currency) => {}
            Body::BalanceReported { balance, sequence } => {
                let report = ledger::Report {
                    amount: balance.amount,
                    time: event.time,
                    sequence: *sequence,
                    key: event.key.clone(),
                };
                // Arrears that a resource came with may end with a report that crosses nothing.
                let is_claimed = account.arrears_claimed.is_some() && account.arrears.is_none();
                scope.all |= balances.report_matters(report) || is_claimed;
            }
            Body::AccountUpdated(_) if account.profile.is_none() && !account.parked.is_empty() => {
                scope.all = true;
            }
            // What waits because nobody is known looks again.
            Body::AccountUpdated(_) if account.is_erased() => scope.all = true,
            Body::HoldPlaced { resource: None, .. } | Body::HoldLifted { resource: None, .. } => {
                scope.all = true;
            }
            // What comes over in arrears puts its account in arrears, and so decides about wishes that wait elsewhere.
            Body::ResourceImported(import) if import.arrears_since.is_some() => scope.all = true,
            body => scope.named.extend(body.resources().cloned()),
        }
    }
    scope.all |= runway::is_due(account, policies, now);
    scope.named.sort_unstable();
    scope.named.dedup();
    scope
}
