//! Which version of its policy a resource follows (SAFE-9).
//!
//! A case in flight keeps the version that it was started with; a newer one reaches it only where it is later, which is
//! `deadline`'s to look up. What is in no case follows the newest.

use alloc::format;

use super::id::ResourceId;
use super::policy::{PhaseClass, Policy};
use super::resource::Resource;
use super::work::Work;

/// Lets a resource follow the newest version, if it is in no case and the newest knows where it is.
pub(super) fn settle(work: &mut Work<'_>, id: &ResourceId) {
    let Some((resource, policy)) = work.known(id) else { return };
    let Some(newest) = work.policies.newest(&policy.key.id) else { return };
    if newest.key == policy.key || is_in_flight(policy, resource) {
        return;
    }
    // A resource that the newest version would not know what to do with stays where somebody does.
    if newest.clock != policy.clock || newest.class(&resource.phase) != PhaseClass::Working {
        return;
    }
    let because = format!(
        "it follows version {} of {} from now on: no case is in flight",
        newest.key.version, newest.key.id
    );
    let key = newest.key.clone();
    if let Some(resource) = work.resources.get_mut(id) {
        resource.policy = key;
    }
    work.because("SAFE-9", Some(id), because);
}

/// Whether anything was begun that the version must bring to its end: a notice was told, a charge asked for, a wish made.
fn is_in_flight(policy: &Policy, resource: &Resource) -> bool {
    policy.class(&resource.phase) != PhaseClass::Working
        || resource.arrears_since.is_some()
        || !resource.promised.is_empty()
        || !resource.notified.is_empty()
        || !resource.charges.is_empty()
        || resource.asked.is_some()
        || resource.schedule.as_ref().is_some_and(|schedule| schedule.value.is_some())
}
