//! One mistake in the configuration, told so that a person can mend it. Never holds the value of a secret.

use std::fmt;

use super::origin::Origin;

/// One mistake: which key, where it was written, what is wrong, and a guess at what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The dotted key (`broker.prefetch`), or the name of a variable or file that has no key.
    pub key: String,
    /// Where the value was written; `None` if nobody wrote one.
    pub origin: Option<Origin>,
    /// What is wrong, as a clause.
    pub problem: String,
    /// What was probably meant, as a sentence.
    pub hint: Option<String>,
}

impl SettingsError {
    /// A mistake at `key`.
    pub(super) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), origin: None, problem: problem.into(), hint: None }
    }

    /// Says where it was written.
    pub(super) fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Says what was probably meant.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}
