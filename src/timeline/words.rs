//! The words of a timeline: instants, distances from E or A, and what happened. The same for every way to show it.
//!
//! Escapes nothing; whoever shows it does, for its medium.

use chrono::{DateTime, Offset, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::{Answer, Entry, Move, Timeline, What};
use crate::engine::calendar;
use crate::engine::effect::{RejectCode, Request};
use crate::engine::input::Attachment;
use crate::engine::policy::Clock;
use crate::engine::refund::{Payout, Tenders};
use crate::policy::words::{channel, channels, counted};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// Given by the story.
    Given,
    /// A change of phase.
    Phase,
    /// About charges.
    Charge,
    /// About the term.
    Renewal,
    /// Money is paid back.
    Refund,
    /// A request was not followed.
    Rejected,
    /// A step waits.
    Held,
    /// Contacts are told.
    Notice,
}

impl Topic {
    /// In a word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Given => "event",
            Self::Phase => "phase",
            Self::Charge => "charge",
            Self::Renewal => "term",
            Self::Refund => "refund",
            Self::Rejected => "rejected",
            Self::Held => "held",
            Self::Notice => "notice",
        }
    }
}

/// What happened, in words: what, how, and details of it.
pub(super) struct Said {
    pub(super) topic: Topic,
    pub(super) head: String,
    /// Follows on the same line where there is room; may be empty.
    pub(super) how: String,
    pub(super) details: Vec<String>,
}

/// One entry in words.
pub(super) fn said(entry: &Entry, timeline: &Timeline) -> Said {
    let zone = timeline.zone;
    let (mut how, mut details) = (String::new(), Vec::new());
    let (topic, head) = match &entry.what {
        What::Given(text) => (Topic::Given, text.clone()),
        What::Phase(change) => {
            details = consequences(change);
            (Topic::Phase, format!("{} → {}", change.from, change.to))
        }
        What::Charge { attempt, of, until, tenders } => {
            how = format!("until {}", deadline(entry.at, *until, zone));
            if !tenders.is_empty() {
                details.push(format!("from {}", tenders.join(", ")));
            }
            (Topic::Charge, format!("attempt {attempt} of {of}"))
        }
        What::ChargeCancelled { reason } => (Topic::Charge, format!("called back: {reason}")),
        What::Renewal { starts_at, expires_at, months } => {
            details.push(format!("from {}", local(*starts_at, zone)));
            details.push(format!("to {}", local(*expires_at, zone)));
            let head = match months {
                0 => "new term".to_owned(),
                _ => format!("new term of {}", counted(i64::from(*months), "month")),
            };
            (Topic::Renewal, head)
        }
        What::Refund { amount, payout } => {
            (how, details) = paid_back(payout, zone);
            (Topic::Refund, format!("{} {}", amount.amount, amount.currency))
        }
        What::Rejected { request, code } => {
            (Topic::Rejected, format!("{}: {}", request_name(*request), code_name(*code)))
        }
        What::Held { to, because } => (Topic::Held, format!("{to} waits: {because}")),
        What::Notice { kind, channels: ways, waiting } => {
            how = format!("by {}", channels(ways));
            details.extend(waiting.iter().map(|(way, until)| {
                format!("{} waits until {}", channel(*way), deadline(entry.at, *until, zone))
            }));
            (Topic::Notice, kind.to_string())
        }
    };
    Said { topic, head, how, details }
}

impl Said {
    /// What and how, on one line.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.head, self.how).trim_end().to_owned()
    }
}

/// How a refund is paid: the rule, and to where.
fn paid_back(payout: &Payout, zone: Tz) -> (String, Vec<String>) {
    match payout {
        Payout::Tenders(Tenders { cash, revenue, complimentary }) => {
            let parts = [("cash", cash), ("revenue", revenue), ("complimentary", complimentary)];
            let paid = parts.iter().filter(|(_, amount)| !amount.is_zero());
            let paid = paid.map(|(tender, amount)| format!("{amount} to {tender}"));
            ("as it was paid".to_owned(), paid.collect())
        }
        Payout::Voucher { valid_until } => {
            let until = format!("valid until {}", local(*valid_until, zone));
            ("as a voucher".to_owned(), vec![until])
        }
    }
}

fn consequences(change: &Move) -> Vec<String> {
    let again = if change.back { "configure again" } else { "detached" };
    let kinds = |things: &[Attachment]| {
        things.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut lines: Vec<String> = [
        ("does", change.actions.join(", ")),
        (again, kinds(&change.detached)),
        ("destroyed", kinds(&change.destroyed)),
        ("kept", kinds(&change.retained)),
        ("kept, may cost", kinds(&change.retained_billable)),
        ("to look at", change.hints.join(", ")),
    ]
    .into_iter()
    .filter(|(_, what)| !what.is_empty())
    .map(|(verb, what)| format!("{verb}: {what}"))
    .collect();
    if change.irreversible {
        lines.push("cannot be undone".to_owned());
    }
    lines
}

/// A name as the wire spells it.
fn wire_name(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

fn request_name(request: Request) -> String {
    wire_name(request)
}

fn code_name(code: RejectCode) -> String {
    wire_name(code)
}

/// `2026-06-08 12:00`, with seconds where there are some.
pub(super) fn local(instant: DateTime<Utc>, zone: Tz) -> String {
    let local = instant.with_timezone(&zone);
    let format = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    local.format(format).to_string()
}

/// A local time that is close: without its date on the same day.
fn deadline(from: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> String {
    let (from, until) = (local(from, zone), local(until, zone));
    match (from.split_once(' '), until.split_once(' ')) {
        (Some((day, _)), Some((same, time))) if day == same => time.to_owned(),
        _ => until,
    }
}

/// `+08:00`, as it holds at `instant`.
pub(super) fn zone_offset(instant: DateTime<Utc>, zone: Tz) -> String {
    instant.with_timezone(&zone).offset().fix().to_string()
}

/// The letter of what a policy runs on.
pub(super) fn letter(clock: Clock) -> char {
    match clock {
        Clock::Expiry => 'E',
        Clock::Arrears => 'A',
    }
}

/// `E-7d`, `A+2h`: calendar days that keep the local time of day, then exact time, as a policy spells it.
pub(super) fn relative(timeline: &Timeline, at: DateTime<Utc>) -> String {
    let Timeline { anchor, zone, clock, .. } = *timeline;
    let letter = letter(clock);
    if at == anchor {
        return letter.to_string();
    }
    let (sign, step) = if at < anchor { ('-', -1) } else { ('+', 1) };
    let mut days = i32::try_from((at - anchor).num_days().abs()).unwrap_or(i32::MAX - 1) + 1;
    let within = |day: DateTime<Utc>| if step > 0 { day <= at } else { day >= at };
    let mut from = anchor;
    // A day of the calendar may have 23 or 25 hours: the last one that fits is near.
    while days > 0 {
        match calendar::add_days(zone, anchor, days * step).filter(|day| within(*day)) {
            Some(day) => {
                from = day;
                break;
            }
            None => days -= 1,
        }
    }
    let days = if days > 0 { format!("{days}d") } else { String::new() };
    format!("{letter}{sign}{days}{}", clockwork((at - from).abs()))
}

/// `1h30m`; nothing for nothing.
fn clockwork(time: TimeDelta) -> String {
    let seconds = time.num_seconds();
    [(seconds / 3600, 'h'), (seconds % 3600 / 60, 'm'), (seconds % 60, 's')]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect()
}

/// `2 d`, `1 h 50 min`: how long until the next thing, in at most two units.
pub(super) fn distance(time: TimeDelta) -> String {
    let seconds = time.num_seconds();
    let units = [
        (seconds / 86_400, "d"),
        (seconds % 86_400 / 3600, "h"),
        (seconds % 3600 / 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = units.iter().position(|(number, _)| *number > 0).unwrap_or(3);
    let shown = units.iter().skip(first).take(2).filter(|(number, _)| *number > 0);
    shown.map(|(number, unit)| format!("{number} {unit}")).collect::<Vec<_>>().join(" ")
}

/// What the story assumes, on one line.
pub(super) fn assumptions(timeline: &Timeline) -> String {
    let anchor = local(timeline.anchor, timeline.zone);
    let begins = match timeline.clock {
        Clock::Expiry => format!("E = {anchor}, the end of the term"),
        Clock::Arrears => format!("A = {anchor}, the balance falls below zero"),
    };
    let renews = timeline.auto_renew.map(|on| {
        let answer = timeline.answer.filter(|_| on).map(|answer| match answer {
            Answer::Refused => ", every charge is refused",
            Answer::Paid => ", charges are paid",
            Answer::Never => ", charges are not answered",
        });
        format!("auto-renewal {}{}", if on { "on" } else { "off" }, answer.unwrap_or_default())
    });
    let given = timeline.entries.iter().any(|entry| matches!(entry.what, What::Given(_)));
    let paid = timeline.answer == Some(Answer::Paid);
    let nobody = if given || paid { None } else { Some("nobody pays".to_owned()) };
    [Some(begins), renews, nobody].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Whose local times are shown. The offset too, where it is the same all along.
pub(super) fn clocks(timeline: &Timeline) -> String {
    match same_offset(timeline) {
        Some(offset) => format!("local times of {} (UTC{offset})", timeline.zone.name()),
        None => format!("local times of {}", timeline.zone.name()),
    }
}

/// The offset of every instant, if it is the same.
pub(super) fn same_offset(timeline: &Timeline) -> Option<String> {
    let first = zone_offset(timeline.anchor, timeline.zone);
    let same = timeline.entries.iter().all(|one| zone_offset(one.at, timeline.zone) == first);
    same.then_some(first)
}

#[cfg(test)]
mod tests {
    use super::super::collect;
    use super::super::tests::{policy, story};
    use super::*;

    #[test]
    fn a_distance_from_the_anchor_is_spelled_as_a_policy_spells_it() {
        let mut timeline = collect(&policy("tencent-cvm-prepaid"), &story()).expect("a timeline");
        timeline.zone = Tz::Europe__Berlin;
        timeline.anchor = "2026-03-28T11:00:00Z".parse().expect("an instant");
        for (at, words) in [
            ("2026-03-28T11:00:00Z", "E"),
            ("2026-03-21T11:00:00Z", "E-7d"),
            ("2026-03-28T09:29:58Z", "E-1h30m2s"),
            ("2026-03-27T10:00:00Z", "E-1d1h"),
            // Clocks go forward on the 29th: that day has 23 hours.
            ("2026-03-29T10:00:00Z", "E+1d"),
            ("2026-03-29T09:00:00Z", "E+22h"),
            ("2026-04-05T22:00:00Z", "E+8d12h"),
        ] {
            assert_eq!(relative(&timeline, at.parse().expect("an instant")), words, "{at}");
        }
    }

    #[test]
    fn a_distance_on_the_axis_has_two_units_at_most() {
        for (seconds, words) in
            [(7200, "2 h"), (86_400 * 15, "15 d"), (93_661, "1 d 2 h"), (600, "10 min"), (1, "1 s")]
        {
            assert_eq!(distance(TimeDelta::seconds(seconds)), words);
        }
    }
}
