//! Whether a policy that can be read makes sense as a whole. Each check says what it refuses, at its place.

mod moves;
mod notices;
mod proof;
mod told;
pub(super) mod window;

use super::error::Mistakes;
use super::read::Draft;

/// Reports everything about the policy that makes no sense.
pub(super) fn sense(draft: &Draft, mistakes: &mut Mistakes) {
    moves::check(draft, mistakes);
    notices::check(draft, mistakes);
    told::check(draft, mistakes);
    proof::check(draft, mistakes);
}
