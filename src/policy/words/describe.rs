//! A whole policy in words, section by section: what a colleague in billing checks against the contract.
//!
//! Every part of the type is named once here, so that a new one cannot be left out unseen.

use super::{
    anchor, auto_renewal, cause, channels, choice, class, clock, counted, day_time, deadline,
    length, list, meaning, offset, recover_when, time_of_day,
};
use crate::engine::policy::{
    BalanceCheck, Cause, ChargeWindow, Charges, Clock, NoticeRule, NoticeTrigger, Outcome, Phase,
    Policy, Recovery, Renewal, Step, TermEnd, Termination, When,
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
        phases,
        steps,
        recoveries,
        notices,
        balance_check,
        charges,
        renewal,
        termination,
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
        ("Look at the balance", balance_check.iter().flat_map(checked).collect()),
        ("Charge attempts", charges.iter().flat_map(charged).collect()),
        ("Renewal", renewal.iter().flat_map(renewed).collect()),
        ("Termination by the customer", termination.iter().flat_map(terminated).collect()),
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
    let Step { from, to, at, when, outcome, notice, irreversible, rules } = step;
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
    }
}

fn checked(check: &BalanceCheck) -> Vec<Line> {
    let BalanceCheck { at, under, over, at_least, notice } = check;
    let mut line = Line::new("daily", format!("at {}", time_of_day(*at)));
    line.notes.push(format!("sends `{notice}` if the balance lasts less than {}", length(*under)));
    line.notes.push(format!(
        "at the rate of the last {}, with a shorter history over at least {}",
        length(*over),
        length(*at_least)
    ));
    vec![line]
}

fn charged(charges: &Charges) -> Vec<Line> {
    let Charges { attempts, before_expiry, window, covered_only, phases, tenders, rules } = charges;
    let of = attempts.len();
    let mut lines: Vec<Line> = attempts
        .iter()
        .enumerate()
        .map(|(index, one)| {
            Line::new(format!("{} of {of}", index + 1), day_time(one.day, one.time, "expiry"))
        })
        .collect();
    let mut all = Line::new("all", "with auto-renewal on");
    all.notes.push(match window {
        ChargeWindow::SameDay(until) => {
            format!("may be answered until {} on that day", time_of_day(*until))
        }
        ChargeWindow::Expiry => "may be answered until expiry".to_owned(),
    });
    all.notes.extend(
        before_expiry.map(|before| format!("never later than {} before expiry", length(before))),
    );
    if *covered_only {
        all.notes.push("only where the balance covers the price".to_owned());
    }
    let phases = choice(phases.iter().map(|name| name.as_str()));
    all.notes.push(format!("only in {phases}"));
    if !tenders.is_empty() {
        all.notes.push(format!("collected from, in this order: {}", tenders.join(", ")));
    }
    all.notes.extend(source(rules));
    lines.push(all);
    lines
}

fn renewed(renewal: &Renewal) -> Vec<Line> {
    let Renewal {
        months,
        auto_months,
        auto_months_by_term,
        from_request_in,
        from_request_after,
        first_term_end,
    } = renewal;
    let mut lines = vec![Line::new("by the customer", format!("for {} months", ranges(months)))];
    let auto = match (auto_months.as_slice(), auto_months_by_term) {
        ([], None) => "for the same lengths; without a choice for the length bought".to_owned(),
        (lengths, by_term) => auto_lengths(lengths, by_term.as_ref()),
    };
    lines.push(Line::new("by itself", auto));
    let mut start = Line::new("the new term", "starts at the end of the old one");
    if !from_request_in.is_empty() {
        let phases = choice(from_request_in.iter().map(|name| name.as_str()));
        start.notes.push(format!("in {phases} it starts at the renewal"));
    }
    if !from_request_after.is_empty() {
        let causes = choice(from_request_after.iter().map(|one| cause(*one)));
        start.notes.push(format!("where {causes} it starts at the renewal"));
    }
    start.notes.push(match first_term_end {
        TermEnd::SameTime => {
            "a term that starts at another instant ends at the same local time of day".to_owned()
        }
        TermEnd::MidnightAfter => {
            "a term that starts at another instant ends at the 00:00 after its last day".to_owned()
        }
    });
    lines.push(start);
    lines
}

fn auto_lengths(lengths: &[u32], by_term: Option<&std::collections::BTreeMap<u32, u32>>) -> String {
    let months = |number: &u32| counted(i64::from(*number), "month");
    let mut parts = Vec::new();
    if !lengths.is_empty() {
        let numbers: Vec<String> = lengths.iter().map(ToString::to_string).collect();
        parts.push(format!("for {} months", choice(numbers)));
    }
    if let Some(by_term) = by_term {
        let pairs: Vec<String> = by_term
            .iter()
            .map(|(bought, renewed)| format!("{} if {} were bought", months(renewed), bought))
            .collect();
        parts.push(format!("without a choice for {}, else for 1 month", list(pairs)));
    }
    parts.join("; ")
}

/// `1 to 9 or 12`.
fn ranges(months: &[(u32, u32)]) -> String {
    choice(
        months.iter().map(
            |(low, high)| {
                if low == high { low.to_string() } else { format!("{low} to {high}") }
            },
        ),
    )
}

fn terminated(termination: &Termination) -> Vec<Line> {
    let Termination { bin, bin_for, to_bin, to_gone, restore_to } = termination;
    let mut to_the_bin =
        Line::new("to the bin", format!("{bin} for {}, then released", length(*bin_for)));
    to_the_bin.notes.push(format!("until then it can be restored to {restore_to}"));
    to_the_bin.notes.extend(told_provisioning(to_bin));
    let mut at_once = Line::new("at once", "released, also at an instant that was set before");
    at_once.notes.extend(told_provisioning(to_gone));
    vec![to_the_bin, at_once]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policies;

    fn words_of(id: &str) -> String {
        let policies = Policies::shipped();
        let policy = policies.set.newest(&id.into()).expect("it ships");
        let mut text = String::new();
        for section in describe(policy) {
            for line in section.lines {
                text += &format!("{}: {}: {}", section.title, line.head, line.text);
                text += &format!(" [{}]\n", line.notes.join("; "));
            }
        }
        text
    }

    #[test]
    fn a_step_for_several_causes_is_said_once_with_all_of_them() {
        let words = words_of("tencent-cvm-prepaid");
        let step = "at 00:00 on day 8 after the latest of expiry and entry into the phase [only \
                    where the clock brought it there or it was taken over there;";
        assert_eq!(words.matches(step).count(), 1, "{words}");
        assert_eq!(words.matches("recycled -> released").count(), 2, "{words}");
    }

    #[test]
    fn every_part_of_a_policy_is_told() {
        let words = words_of("alibaba-ecs-subscription");
        for part in [
            "Phases: grace: unpaid: not paid for, still working",
            "What the clock does: grace -> stopped: 15 days after expiry [does: shutdown",
            "What brings it back: stopped -> active: when it is renewed [does: start",
            "Notices: renewal-reminder: by e-mail [7 days before expiry; only with auto-renewal on",
            "Notices: expired: by e-mail and SMS [with active -> stopped; rules: REN-6]",
            "Charge attempts: 5 of 5: at 08:00 on day 14 after expiry",
            "may be answered until 18:00 on that day",
            "coupon, balance, card",
            "Renewal: by the customer: for 1 to 9 or 12 months",
            "for 1, 2, 3, 6 or 12 months; without a choice for 12 months if 12 were bought, else \
             for 1 month",
            "in stopped it starts at the renewal",
        ] {
            assert!(words.contains(part), "{part} is missing in\n{words}");
        }
        let words = words_of("tencent-cvm-postpaid-15d");
        for part in [
            "Look at the balance: daily: at 10:00 [sends `balance-warning` if the balance lasts \
             less than 5 days",
            "Termination by the customer: to the bin: recycled for 2 hours, then released",
            "keeps, and it may cost: elastic_ip",
            "[when arrears begin, or a resource arrives in them;",
        ] {
            assert!(words.contains(part), "{part} is missing in\n{words}");
        }
    }
}
