//! What happens to the resources of a notice, and to which of them the same.
//!
//! Reads the promises of the notice; formats nothing.

use chrono::{DateTime, Utc};

use crate::engine::effect::{Notice, NoticeItem};
use crate::engine::policy::PhaseClass;

/// What happens to a resource, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub class: PhaseClass,
    pub expires_at: Option<DateTime<Utc>>,
    pub auto_renew: Option<bool>,
    pub unpaid_at: Option<DateTime<Utc>>,
    pub suspended_at: Option<DateTime<Utc>>,
    pub retained_at: Option<DateTime<Utc>>,
    pub gone_at: Option<DateTime<Utc>>,
    pub data_lost: bool,
}

impl Plan {
    fn of(item: &NoticeItem) -> Self {
        let first = |class| {
            let steps = item.promises.iter().filter(|promise| promise.class == class);
            steps.map(|promise| promise.at).min()
        };
        Self {
            class: item.class,
            expires_at: item.expires_at,
            auto_renew: item.auto_renew,
            unpaid_at: first(PhaseClass::Unpaid),
            suspended_at: first(PhaseClass::Suspended),
            retained_at: first(PhaseClass::Retained),
            gone_at: first(PhaseClass::Gone),
            data_lost: match item.class {
                // Released already: whether its data is lost was the step's to say, and no step is left.
                PhaseClass::Gone => true,
                _ => item.promises.iter().any(|promise| promise.irreversible),
            },
        }
    }

    /// When something is taken away next.
    pub(super) fn acts_at(&self) -> Option<DateTime<Utc>> {
        [self.suspended_at, self.retained_at, self.gone_at].into_iter().flatten().min()
    }

    pub(super) fn loses_at(&self) -> Option<DateTime<Utc>> {
        self.gone_at.filter(|_| self.data_lost)
    }
}

/// Resources by what happens to them, the most urgent first.
pub(super) fn plans(notice: &Notice) -> Vec<(Plan, Vec<&NoticeItem>)> {
    let mut plans: Vec<(Plan, Vec<&NoticeItem>)> = Vec::new();
    for item in &notice.items {
        let plan = Plan::of(item);
        match plans.iter_mut().find(|(known, _)| *known == plan) {
            Some((_, items)) => items.push(item),
            None => plans.push((plan, vec![item])),
        }
    }
    plans.sort_by_key(|(plan, _)| {
        let next = plan.acts_at().or(plan.expires_at);
        (next.is_none(), next, plan.expires_at)
    });
    plans
}

/// As templates are told it.
pub(super) fn class_name(class: PhaseClass) -> &'static str {
    match class {
        PhaseClass::Working => "working",
        PhaseClass::Unpaid => "unpaid",
        PhaseClass::Suspended => "suspended",
        PhaseClass::Retained => "retained",
        PhaseClass::Gone => "gone",
    }
}
