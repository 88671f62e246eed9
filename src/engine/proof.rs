//! Proof that somebody was told before what cannot be taken back (SAFE-4): what was told, what became of it, what that allows.
//!
//! Sends nothing and asks nobody: that a notice was accepted comes in as an input. `gate` decides with it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, TimeDelta, Utc};

use super::deadline::Place;
use super::decision::{Bounced, Proofs};
use super::effect::Notice;
use super::gate::{Missing, Proven};
use super::policy::{Cause, OfThem, Policy, Proof, Step};
use super::resource::{Notified, Resource};
use super::work::Work;

/// What the proofs allow that a step asks for which the policy wants at an instant, for a resource at a place.
pub(super) fn of(
    (step, wanted_at): (&Step, DateTime<Utc>),
    resource: &Resource,
    place: Place<'_>,
    proofs: Proofs,
) -> Proven {
    match proofs {
        Proofs::Assumed => Proven::default(),
        // Whoever asked for it need not be warned of it.
        Proofs::Recorded if is_wished(place.entered_by) => Proven::default(),
        // Somebody answers for it that nobody was told.
        Proofs::Recorded if resource.hand.approved.contains_key(&step.to) => Proven::default(),
        Proofs::Recorded => step.proofs.iter().fold(Proven::default(), |known, proof| {
            let lead = proof.lead;
            let until = proof.at_most.map(|at_most| after(wanted_at, at_most));
            match accepted_at(proof, resource) {
                Some(at) => {
                    let from = after(at, lead);
                    let from = until.map_or(from, |until| from.min(until));
                    Proven { from: known.from.max(Some(from)), ..known }
                }
                None => {
                    Proven { missing: Some(both(known.missing, Missing { lead, until })), ..known }
                }
            }
        }),
    }
}

/// What is missing where both are: the longer of each, and for ever is the longest.
fn both(one: Option<Missing>, other: Missing) -> Missing {
    let Some(one) = one else { return other };
    let until = one.until.zip(other.until).map(|(one, other)| one.max(other));
    Missing { lead: one.lead.max(other.lead), until }
}

/// When a step could come for which something is missing, if that were accepted now.
pub(super) fn at_best(missing: Missing, now: DateTime<Utc>) -> DateTime<Utc> {
    let at = after(now, missing.lead);
    missing.until.map_or(at, |until| at.min(until.max(now)))
}

/// Whether a customer's wish brought a resource to where it is.
pub(super) fn is_wished(cause: Cause) -> bool {
    match cause {
        Cause::Termination | Cause::Return => true,
        Cause::Start
        | Cause::Clock
        | Cause::Recovery
        | Cause::Request
        | Cause::Removed
        | Cause::Import => false,
    }
}

/// When that was accepted which a proof is about; `None` as long as it is not.
fn accepted_at(proof: &Proof, resource: &Resource) -> Option<DateTime<Utc>> {
    let mut each = proof
        .notices
        .iter()
        .map(|kind| resource.notified.get(kind).and_then(Notified::accepted_at));
    match proof.of_them {
        OfThem::All => each.try_fold(DateTime::<Utc>::MIN_UTC, |last, at| Some(last.max(at?))),
        OfThem::Any => each.flatten().min(),
    }
}

/// `lead` after an instant; what lies beyond the calendar never comes.
pub(super) fn after(at: DateTime<Utc>, lead: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(lead).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Which of its proofs a step still waits for, for the decision record.
pub(super) fn wanting(step: &Step, resource: &Resource) -> String {
    let wanting = |proof: &Proof| match accepted_at(proof, resource) {
        Some(at) => format!("{} after {at}", written(proof.lead)),
        None => {
            let kinds: Vec<&str> = proof.notices.iter().map(|kind| kind.as_str()).collect();
            let of_them = match proof.of_them {
                OfThem::All => "all of",
                OfThem::Any => "one of",
            };
            format!("{of_them} {} accepted, then {}", kinds.join(", "), written(proof.lead))
        }
    };
    let all: Vec<String> = step.proofs.iter().map(wanting).collect();
    format!("{} is not before: {}", step.to, all.join("; "))
}

/// A lead time as policies write it, in the largest unit that it is a whole number of.
fn written(lead: TimeDelta) -> String {
    let seconds = lead.num_seconds();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units.into_iter().find(|(unit, _)| seconds % unit == 0);
    let (unit, name) = whole.unwrap_or((1, "s"));
    format!("{}{name}", seconds / unit)
}

/// Remembers that a notice was decided about a resource, if its policy asks proof of that.
pub(super) fn decided(policy: &Policy, resource: &mut Resource, notice: &Notice, proofs: Proofs) {
    if !policy.asks_for_proof_of(&notice.kind) {
        return;
    }
    let assumed = match proofs {
        Proofs::Assumed => notice.channels.iter().map(|channel| notice.due_at(*channel)).min(),
        Proofs::Recorded => None,
    };
    let notified = resource.notified.entry(notice.kind.clone());
    let notified = notified.or_insert_with(|| Notified::from(notice.at));
    if let Some(assumed) = assumed {
        notified.accepted.entry(notice.at).or_insert(assumed);
    }
}

/// Takes note that a notice was accepted for at least one contact. What was decided in an episode that is over proves nothing
/// for this one; of several acceptances the first counts that did not come back.
pub(super) fn accepted(work: &mut Work<'_>, notice: &Notice) {
    let now = work.now;
    for item in &notice.items {
        let Some(resource) = work.resources.get_mut(&item.resource) else { continue };
        let Some(notified) = resource.notified.get_mut(&notice.kind) else { continue };
        if notice.at < notified.first_at || notified.accepted.contains_key(&notice.at) {
            continue;
        }
        // Not before it was sent, whatever a clock that was set back shows.
        notified.accepted.insert(notice.at, now.max(notice.at));
        let because = format!("{} of {} was accepted", notice.kind, notice.at);
        work.because("SAFE-4", Some(&item.resource), because);
    }
}

/// Takes note that a message of a notice came back: what proved that somebody was told proves it no longer (SAFE-4, SAFE-9). What
/// was done meanwhile stays done.
pub(super) fn bounced(work: &mut Work<'_>, bounced: Bounced<'_>) {
    let Bounced { notice, still } = bounced;
    for item in &notice.items {
        let Some(resource) = work.resources.get_mut(&item.resource) else { continue };
        let Some(notified) = resource.notified.get_mut(&notice.kind) else { continue };
        let Some(accepted) = notified.accepted.get_mut(&notice.at) else { continue };
        if still == Some(*accepted) {
            continue;
        }
        let because = match still {
            Some(still) => {
                *accepted = still;
                format!(
                    "{} of {} came back from somebody; another was accepted {still}",
                    notice.kind, notice.at
                )
            }
            None => {
                notified.accepted.remove(&notice.at);
                format!(
                    "{} of {} came back: nobody is known to have been told by it",
                    notice.kind, notice.at
                )
            }
        };
        work.because("SAFE-9", Some(&item.resource), because);
    }
}
