//! May this step happen now? *Go*, or *hold, because*. Pure: what it knows is handed to it.
//!
//! Knows no deadline but the one that it is told: it is asked when a step is wanted. Who finds out what it is told (heartbeats,
//! clocks, what else is due) is the worker.

use alloc::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::erasure;
use super::id::{PhaseName, ResourceId};
use super::moratorium::Moratoria;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Somebody decided that it waits (SAFE-7).
    Hold,
    /// Somebody decided that a policy, a region or everything waits (SAFE-7).
    Moratorium,
    /// Nobody is known to have been told in time (SAFE-4).
    Proof,
    /// The clock that says so cannot be trusted (SAFE-11).
    Clock,
    /// Facts from before its deadline may still be on their way (SAFE-5).
    Freshness,
    /// It is not admitted: it may be one of too many (SAFE-6).
    Breaker,
}

impl Because {
    /// As `lifecycle.transition.held` and traces spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Moratorium => "moratorium",
            Self::Proof => "proof",
            Self::Clock => "clock",
            Self::Freshness => "freshness",
            Self::Breaker => "breaker",
        }
    }

    /// The rule that it comes from.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Hold | Self::Moratorium => "SAFE-7",
            Self::Proof => "SAFE-4",
            Self::Clock => "SAFE-11",
            Self::Freshness => "SAFE-5",
            Self::Breaker => "SAFE-6",
        }
    }

    /// Whether it ends by something that is no event of the account: then the step is remembered as gated.
    pub fn is_of_the_world(self) -> bool {
        match self {
            Self::Hold | Self::Proof => false,
            Self::Moratorium | Self::Clock | Self::Freshness | Self::Breaker => true,
        }
    }
}

/// What the gates are told of the world outside of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gates<'g> {
    /// All facts up to here are known: every source has said so, and everything that was under way is taken in (SAFE-5).
    pub complete_until: DateTime<Utc>,
    /// Whether the clock can be trusted (SAFE-11).
    pub clocks_agree: bool,
    /// What is in force for a policy, a region or everything (SAFE-7). `None`: nothing.
    pub moratoria: Option<&'g Moratoria>,
    /// What may be stopped or released (SAFE-6).
    pub admission: Admission<'g>,
    /// Whether an account that falls below zero is in arrears by that alone (SAFE-6).
    pub crossing: Crossing,
    /// A step that waits for facts or for its admission is said to be held only after this long: most wait for a moment.
    pub patience: Patience,
}

/// How long a step waits before it is said to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Patience {
    /// For facts.
    pub facts: TimeDelta,
    /// For its admission.
    pub admission: TimeDelta,
}

impl Gates<'_> {
    /// Nothing in the world outside is in the way: where there is no world outside.
    pub const OPEN: Self = Self {
        complete_until: DateTime::<Utc>::MAX_UTC,
        clocks_agree: true,
        moratoria: None,
        admission: Admission::All,
        crossing: Crossing::All,
        patience: Patience { facts: TimeDelta::zero(), admission: TimeDelta::zero() },
    };
}

/// What is admitted of the steps that stop or release (SAFE-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission<'g> {
    /// Whatever is due.
    All,
    /// Only these of the account; what else is due asks to be admitted.
    Only(&'g BTreeSet<(ResourceId, PhaseName)>),
}

/// What is admitted of accounts that fall below zero (SAFE-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// Whichever does.
    All,
    /// Only this; another one asks to be admitted.
    Only(Option<Admitted>),
}

/// A fall below zero that is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Since when the balance is below zero; a later fall is another one.
    pub since: DateTime<Utc>,
    /// It was held as one of too many until somebody decided: its clocks do not count that time.
    pub held: bool,
}

/// What the proofs allow that a step asks for. By default nothing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Proven {
    /// The step may come from here on, by what was accepted.
    pub from: Option<DateTime<Utc>>,
    /// Something was not accepted so far.
    pub missing: Option<Missing>,
}

/// What was not accepted so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Once it is, the step may come after this time.
    pub lead: TimeDelta,
    /// The step waits for it no longer than this; `None`: for ever.
    pub until: Option<DateTime<Utc>>,
}

/// A step that is due.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// What it leads into.
    pub to: &'w PhaseName,
    /// What that means.
    pub into: PhaseClass,
    /// Whether data is lost with it.
    pub irreversible: bool,
    /// What is proven of what it asks for.
    pub proven: Proven,
    /// When it was wanted: it waits since then.
    pub wanted_at: DateTime<Utc>,
    /// When it was due, by proof and by what was named too: facts up to here must be known.
    pub due_at: DateTime<Utc>,
    /// Whether a customer asked for it.
    pub wished: bool,
}

/// Asks the holds on the resource, on its account and on everything (SAFE-7), then for proof that somebody was told (SAFE-4),
/// then whether clock and facts can be trusted (SAFE-11, SAFE-5), then whether it is one of too many (SAFE-6).
///
/// Grace and recovery are never held: they take nothing away.
pub fn ask(
    account: &Account,
    resource: &Resource,
    step: Wanted<'_>,
    gates: Gates<'_>,
    now: DateTime<Utc>,
) -> Verdict {
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
    let moratorium =
        gates.moratoria.and_then(|moratoria| moratoria.stopping(resource, step.irreversible, now));
    if let Some(hold) = moratorium {
        return Verdict::Hold { because: Because::Moratorium, until: hold.until };
    }
    if !step.wished && erasure::holds(account, resource, (step.to, step.irreversible)) {
        return Verdict::Hold { because: Because::Proof, until: None };
    }
    let Proven { from, missing } = step.proven;
    if let Some(Missing { until, .. }) = missing
        && until.is_none_or(|until| now < until)
    {
        return Verdict::Hold { because: Because::Proof, until };
    }
    match from.filter(|from| *from > now) {
        Some(from) => Verdict::Hold { because: Because::Proof, until: Some(from) },
        // Facts, clocks and the breaker are asked when it may come: it was wanted before, and a later date was named for it.
        None if !step.wished && step.due_at > now => Verdict::Go,
        None => ask_the_world(resource, step, gates),
    }
}

fn ask_the_world(resource: &Resource, step: Wanted<'_>, gates: Gates<'_>) -> Verdict {
    let hold = |because| Verdict::Hold { because, until: None };
    // A stop as well: it would come too early by a clock that is ahead. What a customer wants and can have back knows no hour.
    if !gates.clocks_agree && (step.irreversible || !step.wished) {
        return hold(Because::Clock);
    }
    if step.irreversible && gates.complete_until < step.due_at {
        return hold(Because::Freshness);
    }
    // What a customer asked for and can be taken back is no dunning.
    if step.wished && !step.irreversible {
        return Verdict::Go;
    }
    match gates.admission {
        Admission::All => Verdict::Go,
        Admission::Only(admitted) => {
            let is_admitted = admitted.contains(&(resource.id.clone(), step.to.clone()));
            if is_admitted { Verdict::Go } else { hold(Because::Breaker) }
        }
    }
}
