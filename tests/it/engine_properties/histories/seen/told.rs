//! Notices: one of a kind at an instant, with the step that names it, once an episode and an attempt (POST-2, POST-5, POST-6,
//! REN-3, REN-6).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use dunlin::engine::effect::{Effect, Notice};
use dunlin::engine::id::{NoticeKind, ResourceId};
use dunlin::engine::policy::{Clock, NoticeTrigger, PhaseClass};
use dunlin::engine::resource::ChargeState;

use super::{Moment, policy_of};

/// What the contacts of one account were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Refused attempts, by resource, the instant since which the term was known, and number.
    refused: BTreeSet<(ResourceId, DateTime<Utc>, u32)>,
}

impl Told {
    pub(super) fn check(&mut self, moment: &Moment<'_>) {
        let mut kinds = BTreeSet::new();
        for notice in notices(moment) {
            assert!(kinds.insert(&notice.kind), "notice: {} twice at {}", notice.kind, moment.now);
            assert!(notice.items.is_sorted_by_key(|item| &item.resource), "notice: {notice:?}");
            assert!(!notice.items.is_empty(), "notice: about nothing: {notice:?}");
            for item in &notice.items {
                // An answer is about the term that ran when it was read, also where that ends in this instant.
                let term = moment.before(&item.resource).and_then(|before| before.term.as_ref());
                if let (Some(attempt), Some(term)) = (item.attempt, term) {
                    let key = (item.resource.clone(), term.known_at, attempt);
                    assert!(self.refused.insert(key), "REN-3: told twice: {notice:?}");
                    // Behind us it is one that was asked for and not answered yet.
                    let is_under_way = moment.after(&item.resource).charges.iter().any(|charge| {
                        charge.attempt > attempt && charge.state == ChargeState::Asked
                    });
                    assert!(
                        item.next_attempt_at.is_none_or(|next| next > moment.now || is_under_way),
                        "REN-3: {notice:?}"
                    );
                }
            }
        }
        check_steps(moment);
        check_arrears(moment);
    }
}

fn notices<'m>(moment: &'m Moment<'_>) -> impl Iterator<Item = &'m Notice> {
    moment.decision.effects.iter().filter_map(|effect| match effect {
        Effect::Notice(notice) => Some(notice),
        _ => None,
    })
}

fn is_told(moment: &Moment<'_>, kind: &NoticeKind, id: &ResourceId) -> bool {
    let about = |notice: &Notice| notice.items.iter().any(|item| item.resource == *id);
    notices(moment).any(|notice| notice.kind == *kind && about(notice))
}

/// A step of the clock that names a notice sends it.
fn check_steps(moment: &Moment<'_>) {
    for effect in &moment.decision.effects {
        let Effect::Transition(change) = effect else { continue };
        let policy = policy_of(moment.after(&change.resource));
        let step = policy.steps.iter().find(|step| {
            step.from == change.from && step.to == change.to && step.rules == change.rules
        });
        if let Some(kind) = step.and_then(|step| step.notice.as_ref()) {
            assert!(is_told(moment, kind, &change.resource), "notice: no {kind} with {change:?}");
        }
    }
}

/// An arrears notice names every resource whose arrears began, and no other; nobody is told of none.
fn check_arrears(moment: &Moment<'_>) {
    for (id, after, policy) in moment.touched() {
        if policy.clock != Clock::Arrears {
            continue;
        }
        // Who came over still working is told of arrears that began before.
        let imported = moment
            .imported(id)
            .filter(|import| policy.class(&import.phase) != PhaseClass::Working)
            .and_then(|import| import.arrears_since);
        let before = moment.before(id).map_or(imported, |before| before.arrears_since);
        let began = after.arrears_since.is_some() && after.arrears_since > before;
        for rule in policy.notices.iter().filter(|rule| rule.on == NoticeTrigger::ArrearsStarted) {
            let told = is_told(moment, &rule.kind, id);
            let ended = rule.phases.iter().all(|phase| *phase != after.phase);
            assert!(
                told == began || ended,
                "POST-2: {} told: {told}, began: {began}: {after:?}",
                rule.kind
            );
        }
    }
}
