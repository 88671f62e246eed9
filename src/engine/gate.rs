//! May this step happen now? *Go*, or *hold, because*. Pure: what it knows is handed to it.
//!
//! Knows no deadline: it is asked when a step is due.

use chrono::{DateTime, Utc};

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
        /// Why, in a word (`hold`).
        because: &'static str,
        /// When to ask again, if that is known.
        until: Option<DateTime<Utc>>,
    },
}

/// Asks the holds on the resource and on its account (SAFE-7).
///
/// Grace and recovery are never held: they take nothing away.
pub fn ask(
    account: &Account,
    resource: &Resource,
    into: PhaseClass,
    irreversible: bool,
    now: DateTime<Utc>,
) -> Verdict {
    if matches!(into, PhaseClass::Working | PhaseClass::Unpaid) {
        return Verdict::Go;
    }
    let holds = [&account.holds, &resource.holds];
    let longest = holds
        .into_iter()
        .filter_map(|holds| holds.stopping(irreversible, now))
        .max_by_key(|hold| (hold.until.is_none(), hold.until));
    longest.map_or(Verdict::Go, |hold| Verdict::Hold { because: "hold", until: hold.until })
}
