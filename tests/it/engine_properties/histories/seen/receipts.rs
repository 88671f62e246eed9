//! What is known of notices: accepted, come back, or of a trouble that is over. Kept apart from the engine's own books (SAFE-4).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dunlin::engine::effect::Effect;
use dunlin::engine::id::{NoticeKind, PhaseName, ResourceId};
use dunlin::engine::input::Body;
use dunlin::engine::policy::{OfThem, PhaseClass, Proof, Step};

use super::moves::first_ahead;
use super::{Moment, policy_of};

/// What was accepted, by resource and kind, then by when it was decided.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    accepted: BTreeMap<(ResourceId, NoticeKind), BTreeMap<DateTime<Utc>, DateTime<Utc>>>,
    /// What was decided before this is of a trouble that is over.
    cured: BTreeMap<ResourceId, DateTime<Utc>>,
}

/// What the receipts allow of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proven {
    /// It may come from here on.
    From(DateTime<Utc>),
    /// Nobody is known to have been told.
    Not,
}

impl Receipts {
    pub(super) fn note(&mut self, moment: &Moment<'_>) {
        let Some((_, arrived)) = moment.outside else { return };
        for notice in &arrived.accepted {
            for item in &notice.items {
                let cured = self.cured.get(&item.resource);
                if cured.is_none_or(|cured| *cured <= notice.at) {
                    let known = self.accepted.entry((item.resource.clone(), notice.kind.clone()));
                    known.or_default().entry(notice.at).or_insert(moment.now);
                }
            }
        }
        for back in &arrived.bounced {
            for item in &back.notice.items {
                let key = (item.resource.clone(), back.notice.kind.clone());
                let Some(known) = self.accepted.get_mut(&key) else { continue };
                match (known.get_mut(&back.notice.at), back.still) {
                    (Some(at), Some(still)) => *at = still,
                    (Some(_), None) => drop(known.remove(&back.notice.at)),
                    (None, _) => {}
                }
            }
        }
    }

    /// What was told of it so far proves nothing any more.
    pub(super) fn forget(&mut self, id: &ResourceId, now: DateTime<Utc>) {
        self.cured.insert(id.clone(), now);
        self.accepted.retain(|(of, _), _| of != id);
    }

    /// What is known of the proofs of a step that is wanted at an instant.
    pub(super) fn of(&self, step: &Step, id: &ResourceId, wanted_at: DateTime<Utc>) -> Proven {
        let mut from = DateTime::<Utc>::MIN_UTC;
        for proof in &step.proofs {
            // Who cannot be told at all is stopped then all the same.
            let latest = proof.at_most.map(|at_most| wanted_at + at_most);
            let proven = self.accepted_at(proof, id).map(|at| at + proof.lead);
            let at = proven.into_iter().chain(latest).min();
            let Some(at) = at else { return Proven::Not };
            from = from.max(at);
        }
        Proven::From(from)
    }

    fn accepted_at(&self, proof: &Proof, id: &ResourceId) -> Option<DateTime<Utc>> {
        let each = proof.notices.iter().map(|kind| {
            let known = self.accepted.get(&(id.clone(), kind.clone()))?;
            known.values().min().copied()
        });
        match proof.of_them {
            OfThem::All => each.collect::<Option<Vec<_>>>()?.into_iter().max(),
            OfThem::Any => each.flatten().min(),
        }
    }
}

/// The resources whose trouble is over with this decision: paid, given back, or owing anew; or with an expiry that is later
/// than anything that was told.
pub(super) fn cured(
    moment: &Moment<'_>,
    promised: &BTreeMap<(ResourceId, PhaseName), DateTime<Utc>>,
) -> Vec<ResourceId> {
    let renewed = moment.decision.effects.iter().filter_map(|effect| match effect {
        Effect::Renewal(renewal) => Some(renewal.resource.clone()),
        Effect::Refund(refund) => Some(refund.resource.clone()),
        // A corrected expiry brings back what still works.
        Effect::Transition(back) if back.reason == "renewed" => Some(back.resource.clone()),
        _ => None,
    });
    let is_cured = |id: &ResourceId| {
        let (Some(before), after) = (moment.before(id), moment.after(id)) else { return false };
        let owes_anew = after.arrears_since != before.arrears_since
            && (after.arrears_since.is_none() || after.arrears_since > before.arrears_since);
        let told = first_ahead(promised, before);
        let is_said = moment
            .bodies()
            .any(|body| matches!(body, Body::ExpiryChanged { resource, .. } if resource == id));
        let is_later = is_said
            && after.expiry() != before.expiry()
            && after.expiry() > told.or_else(|| before.expiry());
        // What ends with the release was open up to it.
        let is_gone = policy_of(after).class(&after.phase) == PhaseClass::Gone;
        !is_gone && (owes_anew || is_later)
    };
    let touched = moment.decision.after.resources.keys().filter(|id| is_cured(id)).cloned();
    renewed.chain(touched).collect()
}
