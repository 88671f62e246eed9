//! A lifecycle, checked: what the engine interprets. Its TOML form and its diagnostics are the `policy` module's.
//!
//! Nothing here names a vendor; nothing here decides.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar;
use super::hours::{QuietHours, WorkingDays};
use super::id::{NoticeKind, PhaseName, PolicyId, PolicyKey};
use super::input::Flag;

/// One version of one lifecycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its id and version.
    pub key: PolicyKey,
    /// What it is, for people.
    pub title: String,
    /// Where its calendar is.
    pub zone: Tz,
    /// What moves a resource towards its end.
    pub clock: Clock,
    /// When nothing is taken away, for the steps that say so.
    pub working_days: WorkingDays,
    /// When nobody is woken by a text.
    pub quiet_hours: Option<QuietHours>,
    /// The first one is where a resource starts.
    pub phases: Vec<Phase>,
    /// What the clock does.
    pub steps: Vec<Step>,
    /// What brings a resource back.
    pub recoveries: Vec<Recovery>,
    /// Who is told what, when.
    pub notices: Vec<NoticeRule>,
    /// The daily look at how long the balance lasts.
    pub balance_check: Option<BalanceCheck>,
    /// When renewals are asked for.
    pub charges: Option<Charges>,
    /// How a term is renewed.
    pub renewal: Option<Renewal>,
    /// How a customer ends it.
    pub termination: Option<Termination>,
    /// How a customer gives it back.
    pub returns: Option<Returns>,
    /// How expiries are synchronised to one day of the month.
    pub expiry_sync: Option<ExpirySync>,
}

/// What moves a resource towards its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Its own expiry: prepaid.
    Expiry,
    /// Its account's arrears: postpaid.
    Arrears,
}

/// A phase and what the engine knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Its name in this policy.
    pub name: PhaseName,
    /// What it means.
    pub class: PhaseClass,
}

/// What a phase means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseClass {
    /// Paid for and working.
    Working,
    /// Not paid for, still working.
    Unpaid,
    /// Not working; comes back when paid.
    Suspended,
    /// Not working, in the bin; data is kept.
    Retained,
    /// Final (SAFE-8).
    Gone,
}

/// A move that the clock makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// From here.
    pub from: PhaseName,
    /// To here.
    pub to: PhaseName,
    /// When.
    pub at: Deadline,
    /// Only for resources of which this is true.
    pub when: When,
    /// What provisioning does with it.
    pub outcome: Outcome,
    /// Sent with the step.
    pub notice: Option<NoticeKind>,
    /// Cannot be taken back: data is lost.
    pub irreversible: bool,
    /// The rules that it implements.
    pub rules: Vec<String>,
}

/// What a step tells provisioning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What to do (`shutdown`, `stop_billing`).
    pub actions: Vec<String>,
    /// Kinds of attachments that are detached.
    pub detach: Vec<String>,
    /// Kinds of things that are destroyed.
    pub destroy: Vec<String>,
    /// Kinds of things that are kept.
    pub retain: Vec<String>,
    /// Kinds of things that are kept and may cost.
    pub retain_billable: Vec<String>,
}

/// When a step is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// It counts from the latest of these; all of them must exist.
    pub from: Vec<Anchor>,
    /// How far after.
    pub offset: Offset,
    /// Never earlier than this long after the phase was really entered.
    pub at_least: Option<TimeDelta>,
    /// On a day without work it waits for the next one with, at the same local time.
    pub working_days_only: bool,
}

/// An instant that deadlines count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anchor {
    /// The end of the running term.
    Expiry,
    /// The deduction that took the balance below zero.
    Arrears,
    /// When the phase was really entered.
    Entry,
}

/// How far from an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// A distance: calendar days that keep the local time of day, then a duration.
    Span {
        /// Calendar days, negative for before.
        days: i32,
        /// Exact time.
        time: TimeDelta,
    },
    /// A wall-clock time on a day: `00:00 on day +8`.
    DayTime {
        /// Counted from the local date of the anchor.
        day: i32,
        /// Local time.
        time: NaiveTime,
    },
}

/// Which resources a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct When {
    /// Only with auto-renewal on, or off.
    pub auto_renew: Option<bool>,
    /// Only where this brought it into the phase.
    pub entered_by: Option<Cause>,
}

/// What brought a resource into its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It began there.
    Start,
    /// A deadline.
    Clock,
    /// It was paid for.
    Recovery,
    /// A customer's termination.
    Termination,
    /// A customer's return.
    Return,
    /// A customer's wish: restored or released from the bin.
    Request,
    /// Somebody outside dunlin removed it.
    Removed,
    /// Taken over from the system before dunlin.
    Import,
}

/// What brings a resource back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// From here.
    pub from: PhaseName,
    /// To here.
    pub to: PhaseName,
    /// When.
    pub when: RecoverWhen,
    /// What provisioning does with it.
    pub actions: Vec<String>,
    /// What the customer must look at (`check_network_settings`).
    pub hints: Vec<String>,
    /// The rules that it implements.
    pub rules: Vec<String>,
}

/// What it takes to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoverWhen {
    /// A balance of zero or more.
    BalanceNotNegative,
    /// A balance above zero.
    BalancePositive,
    /// A new term.
    Renewed,
}

/// One thing that contacts are told.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticeRule {
    /// Which templates.
    pub kind: NoticeKind,
    /// When.
    pub on: NoticeTrigger,
    /// Only in these phases; in all but the final ones if empty.
    pub phases: Vec<PhaseName>,
    /// Only with auto-renewal on, or off.
    pub auto_renew: Option<bool>,
    /// How.
    pub channels: Vec<Channel>,
    /// The rules that it implements.
    pub rules: Vec<String>,
}

/// When contacts are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeTrigger {
    /// At instants around an anchor; each fires once, never "whenever the date is past".
    Slots {
        /// What they are counted from.
        anchor: Anchor,
        /// One slot each, in order.
        offsets: Vec<Offset>,
    },
    /// At instants before the deadline of the next step, where it enters this phase; each fires once for a deadline.
    Ahead {
        /// The phase that the step enters.
        to: PhaseName,
        /// One slot each, in order, all before the deadline.
        offsets: Vec<Offset>,
    },
    /// When an arrears episode begins, or a resource arrives in one.
    ArrearsStarted,
    /// With the steps that name it.
    Step,
    /// When a charge attempt was refused.
    ChargeFailed,
    /// With the daily look at the balance.
    BalanceCheck,
    /// With every new term that dunlin itself decided.
    Renewed,
    /// With every move back into a working phase.
    Restored,
    /// With the move that a customer's termination makes: to the bin, or to the end.
    Terminated,
    /// When a termination is set for an instant.
    TerminationScheduled,
    /// With the move that a customer's return makes.
    Returned,
}

/// A way to tell somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
}

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

impl Policy {
    /// The class of a phase of this policy; `Gone` for a name it does not have, so that nothing is done to it.
    pub fn class(&self, phase: &PhaseName) -> PhaseClass {
        self.phases
            .iter()
            .find(|known| known.name == *phase)
            .map_or(PhaseClass::Gone, |known| known.class)
    }

    /// Whether the policy has a phase of this name.
    pub fn has(&self, phase: &PhaseName) -> bool {
        self.phases.iter().any(|known| known.name == *phase)
    }

    /// Where a resource starts.
    pub fn initial(&self) -> &PhaseName {
        &self.phases[0].name
    }

    /// The first final phase.
    pub fn gone(&self) -> Option<&PhaseName> {
        self.phases.iter().find(|phase| phase.class == PhaseClass::Gone).map(|phase| &phase.name)
    }
}

impl Offset {
    /// The instant this far from `anchor`, by the calendar of `zone`. `None` outside of chrono's range.
    pub fn from(self, anchor: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Span { days, time } => {
                calendar::add_days(zone, anchor, days)?.checked_add_signed(time)
            }
            Self::DayTime { day, time } => calendar::day_time(zone, anchor, day, time),
        }
    }
}

/// Every policy that a worker knows, by version.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    policies: BTreeMap<PolicyKey, Policy>,
}

impl PolicySet {
    /// Adds or replaces one.
    pub fn insert(&mut self, policy: Policy) {
        self.policies.insert(policy.key.clone(), policy);
    }

    /// One version: the one that a case in flight was started with.
    pub fn get(&self, key: &PolicyKey) -> Option<&Policy> {
        self.policies.get(key)
    }

    /// The newest version: the one that a new case starts with.
    pub fn newest(&self, id: &PolicyId) -> Option<&Policy> {
        self.policies.values().rev().find(|policy| policy.key.id == *id)
    }

    /// All of them, by id and version.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.policies.values()
    }
}
