//! A whole policy in words, section by section: what a colleague in billing checks against the contract.
//!
//! Every part of the type is named once here, so that a new one cannot be left out unseen.

mod hours;
mod terms;

pub(in crate::policy) use self::terms::{allowed_change, ranges, sync_days};
use super::{
    anchor, auto_renewal, cause, channels, choice, class, clock, deadline, meaning, offset,
    recover_when,
};
use crate::engine::policy::{
    Cause, Clock, NoticeRule, NoticeTrigger, Outcome, Phase, Policy, Recovery, Step, When,
};

/// One heading and what stands under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub title: &'static str,
    /// What there is to say.
    pub lines: Vec<Line>,
}

/// One thing, and what else there is to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub head: String,
    /// What is true of it; may be empty.
    pub text: String,
    /// What else, one a line.
    pub notes: Vec<String>,
}

impl Line {
    fn new(head: impl Into<String>, text: impl Into<String>) -> Self {
        Self { head: head.into(), text: text.into(), notes: Vec::new() }
    }
}

/// The whole policy, in the order in which a reader asks. Sections about what it does not have are left out.
pub fn describe(policy: &Policy) -> Vec<Section> {
    let Policy {
        key: _,
        title: _,
        zone,
        clock: runs_on,
        working_days,
        quiet_hours,
        phases,
        steps,
        recoveries,
        notices,
        balance_check,
        charges,
        renewal,
        termination,
        returns,
        expiry_sync,
        newest: _,
    } = policy;
    let clock = Line::new(
        clock(*runs_on),
        match runs_on {
            Clock::Expiry => "the end of the resource's own term moves it to its end (prepaid)",
            Clock::Arrears => {
                "the deduction that took the account below zero moves it to its end (postpaid)"
            }
        },
    );
    let zone = Line::new(zone.name(), "days and local times are those of this time zone");
    let sections = [
        ("Clock", vec![clock, zone]),
        ("Phases", phases.iter().map(phase).collect()),
        ("What the clock does", merged(steps).into_iter().map(step).collect()),
        ("What brings it back", recoveries.iter().map(recovery).collect()),
        ("Notices", notices.iter().map(|rule| notice(rule, steps)).collect()),
        ("Days without work", hours::working_days(working_days)),
        ("Quiet hours", quiet_hours.iter().map(hours::quiet).collect()),
        ("Look at the balance", balance_check.iter().flat_map(terms::checked).collect()),
        ("Charge attempts", charges.iter().flat_map(terms::charged).collect()),
        ("Renewal", renewal.iter().flat_map(terms::renewed).collect()),
        ("Synchronised expiries", expiry_sync.iter().flat_map(terms::synchronised).collect()),
        ("Return by the customer", returns.iter().flat_map(terms::returned).collect()),
        ("Termination by the customer", termination.iter().flat_map(terms::terminated).collect()),
    ];
    let filled = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
    filled.map(|(title, lines)| Section { title, lines }).collect()
}

fn phase(phase: &Phase) -> Line {
    Line::new(phase.name.as_str(), format!("{}: {}", class(phase.class), meaning(phase.class)))
}

/// Steps that differ only in what brought the resource there, as the file has them: one step for several causes.
fn merged(steps: &[Step]) -> Vec<(&Step, Vec<Cause>)> {
    let mut merged: Vec<(&Step, Vec<Cause>)> = Vec::new();
    for step in steps {
        let alike = |(known, _): &&mut (&Step, Vec<Cause>)| {
            let when = When { entered_by: step.when.entered_by, ..known.when };
            known.when.entered_by.is_some() && Step { when, ..(*known).clone() } == *step
        };
        match (merged.iter_mut().find(alike), step.when.entered_by) {
            (Some((_, causes)), Some(cause)) => causes.push(cause),
            (_, cause) => merged.push((step, cause.into_iter().collect())),
        }
    }
    merged
}

fn step((step, causes): (&Step, Vec<Cause>)) -> Line {
    let Step { from, to, at, when, outcome, notice, irreversible, proofs, rules } = step;
    let mut line = Line::new(format!("{from} -> {to}"), deadline(at));
    line.notes.extend(when.auto_renew.map(|on| format!("only {}", auto_renewal(on))));
    if !causes.is_empty() {
        let causes = choice(causes.into_iter().map(cause));
        line.notes.push(format!("only where {causes}"));
    }
    line.notes.extend(told_provisioning(outcome));
    line.notes.extend(notice.as_ref().map(|kind| format!("sends `{kind}`")));
    if *irreversible {
        line.notes.push("cannot be undone: data is lost".to_owned());
    }
    line.notes.extend(proofs.iter().map(super::proof));
    line.notes.extend(source(rules));
    line
}

/// What provisioning is told, one kind of thing a line.
fn told_provisioning(outcome: &Outcome) -> Vec<String> {
    let Outcome { actions, detach, destroy, retain, retain_billable } = outcome;
    [
        ("does", actions),
        ("detaches", detach),
        ("destroys", destroy),
        ("keeps", retain),
        ("keeps, and it may cost", retain_billable),
    ]
    .into_iter()
    .filter(|(_, kinds)| !kinds.is_empty())
    .map(|(verb, kinds)| format!("{verb}: {}", kinds.join(", ")))
    .collect()
}

fn source(rules: &[String]) -> Option<String> {
    if rules.is_empty() { None } else { Some(format!("rules: {}", rules.join(", "))) }
}

fn recovery(way: &Recovery) -> Line {
    let Recovery { from, to, when, actions, hints, rules } = way;
    let mut line = Line::new(format!("{from} -> {to}"), recover_when(*when));
    if !actions.is_empty() {
        line.notes.push(format!("does: {}", actions.join(", ")));
    }
    if !hints.is_empty() {
        line.notes.push(format!("the customer must look at: {}", hints.join(", ")));
    }
    line.notes.extend(source(rules));
    line
}

fn notice(rule: &NoticeRule, steps: &[Step]) -> Line {
    let NoticeRule { kind, on, phases, auto_renew, channels: ways, rules } = rule;
    let mut line = Line::new(kind.as_str(), format!("by {}", channels(ways)));
    line.notes.extend(occasions(rule, on, steps));
    line.notes.extend(auto_renew.map(|on| format!("only {}", auto_renewal(on))));
    if !phases.is_empty() {
        let phases = choice(phases.iter().map(|name| name.as_str()));
        line.notes.push(format!("only in {phases}"));
    }
    line.notes.extend(source(rules));
    line
}

/// When a notice is sent, one occasion an entry.
pub(in crate::policy) fn occasions(
    rule: &NoticeRule,
    on: &NoticeTrigger,
    steps: &[Step],
) -> Vec<String> {
    match on {
        NoticeTrigger::Slots { anchor: from, offsets } => {
            offsets.iter().map(|one| offset(*one, anchor(*from))).collect()
        }
        NoticeTrigger::Ahead { to, offsets } => {
            let step = format!("the step to {to}");
            offsets.iter().map(|one| offset(*one, &step)).collect()
        }
        NoticeTrigger::ArrearsStarted => {
            vec!["when arrears begin, or a resource arrives in them".to_owned()]
        }
        NoticeTrigger::Step => {
            let mut moves: Vec<String> = steps
                .iter()
                .filter(|step| step.notice.as_ref() == Some(&rule.kind))
                .map(|step| format!("with {} -> {}", step.from, step.to))
                .collect();
            moves.dedup();
            moves
        }
        NoticeTrigger::ChargeFailed => vec!["when a charge attempt is refused".to_owned()],
        NoticeTrigger::BalanceCheck => vec!["with the daily look at the balance".to_owned()],
        NoticeTrigger::Renewed => vec!["with every new term that dunlin decided".to_owned()],
        NoticeTrigger::Restored => vec!["with every move back into a working phase".to_owned()],
        NoticeTrigger::Terminated => {
            vec!["with the move that a customer's termination makes".to_owned()]
        }
        NoticeTrigger::TerminationScheduled => {
            vec!["when a termination is set for an instant".to_owned()]
        }
        NoticeTrigger::Returned => vec!["with the move that a customer's return makes".to_owned()],
    }
}

#[cfg(test)]
mod tests;
