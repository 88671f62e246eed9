//! Lifecycles as TOML: read, judged, and handed to the engine as its `Policy`.
//!
//! ```text
//! text ─▶ read ─▶ draft ─▶ check ─▶ engine::policy::Policy
//!          form    places    sense
//! ```
//!
//! A bad file is refused with file, line, column and what was expected, all its mistakes at once. `load` looks into files
//! and folders at start; nothing else here touches a disk, and nothing here runs a policy. `words` says in English what a
//! policy says in TOML. `docs/POLICIES.md` is the language.

mod check;
pub mod diff;
mod error;
mod load;
mod read;
mod templates;
pub mod words;

use sha2::{Digest, Sha256};

pub use self::error::{PolicyError, PolicyErrors};
pub use self::load::{MAX_FILE_BYTES, file};
pub use self::read::span;
pub use self::templates::{MissingTemplate, check_notices};
use crate::engine::id::PolicyKey;
use crate::engine::policy::{Policy, PolicySet};

/// The text of a policy: what the store keeps, so that one version never means two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// Its id and version.
    pub key: PolicyKey,
    /// The file that it came from, for people.
    pub file: String,
    /// SHA-256 of the text, in lower-case hexadecimal.
    pub hash: String,
    /// The text, byte for byte.
    pub text: String,
}

/// Every policy of a worker, and the texts that they were read from.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// What the engine interprets.
    pub set: PolicySet,
    /// One for each policy of the set, by id and version.
    pub texts: Vec<PolicyText>,
}

/// Reads one policy. `file` names it in messages.
///
/// # Errors
///
/// Every mistake in the text, with its place.
pub fn parse(file: &str, text: &str) -> Result<(Policy, PolicyText), PolicyErrors> {
    parse_placed(file, text).map(|(policy, text, _)| (policy, text))
}

/// The same, with where the id stands.
fn parse_placed(file: &str, text: &str) -> Result<(Policy, PolicyText, error::Span), PolicyErrors> {
    let mut mistakes = error::Mistakes::default();
    if let Some(draft) = read::draft(text, &mut mistakes) {
        check::sense(&draft, &mut mistakes);
        if mistakes.count() == 0 {
            let text = PolicyText {
                key: draft.policy.key.clone(),
                file: file.to_owned(),
                hash: hash(text),
                text: text.to_owned(),
            };
            return Ok((draft.policy, text, draft.id));
        }
    }
    Err(mistakes.of_file(file, text))
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
