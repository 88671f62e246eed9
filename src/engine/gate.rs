//! May this step happen now? *Go*, or *hold, because*. Pure: what it knows is handed to it.
//!
//! Knows no deadline: it is asked when a step is due.

use chrono::{DateTime, TimeDelta, Utc};

use super::account::Account;
use super::policy::PhaseClass;
use super::resource::Resource;

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is in the way.
    Go,
    /// Not now.
    Hold {
        /// Why.
        because: Because,
        /// When to ask again, if that is known.
        until: Option<DateTime<Utc>>,
    },
}

/// What holds a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Somebody decided that it waits (SAFE-7).
    Hold,
    /// Nobody is known to have been told in time (SAFE-4).
    Proof,
}

impl Because {
    /// As `lifecycle.transition.held` and traces spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Proof => "proof",
        }
    }

    /// The rule that it comes from.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Hold => "SAFE-7",
            Self::Proof => "SAFE-4",
        }
    }
}

/// What the proofs allow that a step asks for. By default nothing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Proven {
    /// The step may come from here on, by what was accepted.
    pub from: Option<DateTime<Utc>>,
    /// Something was not accepted so far; once it is, the step may come after this time.
    pub missing: Option<TimeDelta>,
}

/// A step that is due.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What it leads into.
    pub into: PhaseClass,
    /// Whether data is lost with it.
    pub irreversible: bool,
    /// What is proven of what it asks for.
    pub proven: Proven,
}

/// Asks the holds on the resource and on its account (SAFE-7), then for proof that somebody was told (SAFE-4).
///
/// Grace and recovery are never held: they take nothing away.
pub fn ask(account: &Account, resource: &Resource, step: Wanted, now: DateTime<Utc>) -> Verdict {
    if matches!(step.into, PhaseClass::Working | PhaseClass::Unpaid) {
        return Verdict::Go;
    }
    let holds = [&account.holds, &resource.holds];
    let longest = holds
        .into_iter()
        .filter_map(|holds| holds.stopping(step.irreversible, now))
        .max_by_key(|hold| (hold.until.is_none(), hold.until));
    if let Some(hold) = longest {
        return Verdict::Hold { because: Because::Hold, until: hold.until };
    }
    let Proven { from, missing } = step.proven;
    if missing.is_some() {
        return Verdict::Hold { because: Because::Proof, until: None };
    }
    match from.filter(|from| *from > now) {
        Some(from) => Verdict::Hold { because: Because::Proof, until: Some(from) },
        None => Verdict::Go,
    }
}
