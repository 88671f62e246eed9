//! The parts of a lifecycle that deal with money and wishes: the balance check, charges, renewal, termination, returns.
//!
//! Data only, as the rest of a policy.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{NaiveTime, TimeDelta};

use super::super::id::{NoticeKind, PhaseName};
use super::super::input::Flag;
use super::{Cause, Outcome};

/// The daily look at how long the balance lasts (POST-1).
#[derive(Debug, Clone, PartialEq)]
pub struct BalanceCheck {
    /// Local time of day.
    pub at: NaiveTime,
    /// Warn strictly under this runway.
    pub under: TimeDelta,
    /// Consumption is taken over this long.
    pub over: TimeDelta,
    /// With a shorter history, over at least this long.
    pub at_least: TimeDelta,
    /// What to send.
    pub notice: NoticeKind,
}

/// When renewals are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Charges {
    /// Wall-clock times around the date of expiry; numbered from 1 in this order.
    pub attempts: Vec<DayTime>,
    /// No attempt is later than this long before expiry: it moves there.
    pub before_expiry: Option<TimeDelta>,
    /// Until when the pipeline may answer.
    pub window: ChargeWindow,
    /// Requests of one attempt are spread over this long, so that all that are due at one instant are no burst.
    pub spread: Option<TimeDelta>,
    /// Ask only where the account's balance covers the price.
    pub covered_only: bool,
    /// In which phases attempts are made.
    pub phases: Vec<PhaseName>,
    /// What is collected from, in order.
    pub tenders: Vec<String>,
    /// The rules that it implements.
    pub rules: Vec<String>,
}

/// A wall-clock time on a day counted from an anchor's local date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayTime {
    /// The day.
    pub day: i32,
    /// The local time.
    pub time: NaiveTime,
}

/// Until when a charge may be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeWindow {
    /// A local time on the day of the attempt.
    SameDay(NaiveTime),
    /// Expiry.
    Expiry,
}

/// How a term is renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Lengths that a customer may choose, in calendar months: inclusive ranges.
    pub months: Vec<(u32, u32)>,
    /// Lengths that auto-renewal may be set to later; the same as `months` if empty.
    pub auto_months: Vec<u32>,
    /// Auto-renewal length by the length bought; 1 where it is not listed, the length bought if `None`.
    pub auto_months_by_term: Option<BTreeMap<u32, u32>>,
    /// Phases in which a new term starts at the renewal, not at expiry.
    pub from_request_in: Vec<PhaseName>,
    /// Causes after which a new term starts at the renewal, not at expiry.
    pub from_request_after: Vec<Cause>,
    /// How a term that does not start at an expiry ends.
    pub first_term_end: TermEnd,
    /// What may become smaller with a renewal; nothing without it.
    pub downgrade: Option<DowngradeRule>,
}

/// What may become smaller with a renewal, and when (DOWN-1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DowngradeRule {
    /// From so many calendar days before expiry until the end.
    pub days_before: u32,
    /// What may change up to expiry.
    pub until_expiry: Vec<String>,
    /// What may change after it; the term starts at the renewal then.
    pub after_expiry: Vec<String>,
    /// From what to what, where not everything goes.
    pub changes: BTreeMap<String, AllowedChange>,
}

/// From what to what something may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedChange {
    /// What it may be now, where that is known.
    pub from: Vec<String>,
    /// What it may become.
    pub to: Vec<String>,
}

/// How a term ends that does not start at an expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermEnd {
    /// At the same local time of day.
    SameTime,
    /// At the 00:00 after that day (REN-9).
    MidnightAfter,
}

/// How a customer ends a resource (TERM).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Termination {
    /// The bin.
    pub bin: PhaseName,
    /// How long it stays there.
    pub bin_for: TimeDelta,
    /// What a move to the bin tells provisioning.
    pub to_bin: Outcome,
    /// What a release tells provisioning.
    pub to_gone: Outcome,
    /// Where it is restored to.
    pub restore_to: PhaseName,
}

/// How a customer gives a resource back and what is refunded (RET).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returns {
    /// Where it goes.
    pub bin: PhaseName,
    /// Until the end of so many local days after the date of purchase.
    pub within_days: u32,
    /// How many an account may return unconditionally, ever.
    pub unconditional: u32,
    /// How many more it may return, ever.
    pub ordinary: u32,
    /// How long the voucher of an ordinary return is valid, in calendar years.
    pub voucher_years: u32,
    /// What can never be returned.
    pub never: Exclusion,
    /// What can be returned unconditionally only.
    pub never_ordinary: Exclusion,
    /// What the move tells provisioning.
    pub to_bin: Outcome,
}

/// Resources that a rule leaves out: those of which any of this is true.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exclusion {
    /// Instance families.
    pub families: Vec<String>,
    /// Zones of a region.
    pub zones: Vec<String>,
    /// Facts about them.
    pub flags: Vec<Flag>,
}

/// How expiries are synchronised (SYNC-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpirySync {
    /// The first day of the month that may be chosen.
    pub first_day: u32,
    /// The last one, at most 28.
    pub last_day: u32,
}
