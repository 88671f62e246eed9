//! A policy in words: what its parts mean, in plain English, for people who do not read TOML.
//!
//! Says what is written and judges nothing. Prints nothing itself; `describe` puts the words of a whole policy together.

mod describe;

use chrono::{NaiveTime, TimeDelta, Timelike, Weekday};

pub use self::describe::{Line, Section, describe};
pub(super) use self::describe::{allowed_change, occasions, ranges, sync_days};
use crate::engine::hours::QuietHours;
use crate::engine::input::Flag;
use crate::engine::policy::{
    Anchor, Cause, Channel, Clock, Deadline, Exclusion, OfThem, Offset, PhaseClass, Proof,
    RecoverWhen, When,
};

const SECONDS_A_DAY: i64 = 86_400;

/// What a class means to a customer.
pub fn meaning(class: PhaseClass) -> &'static str {
    match class {
        PhaseClass::Working => "paid for and working",
        PhaseClass::Unpaid => "not paid for, still working",
        PhaseClass::Suspended => "not working; comes back when paid",
        PhaseClass::Retained => "not working, in the bin; data is kept",
        PhaseClass::Gone => "final; nothing brings it back",
    }
}

/// The name of a class, as a file spells it.
pub fn class(class: PhaseClass) -> &'static str {
    match class {
        PhaseClass::Working => "working",
        PhaseClass::Unpaid => "unpaid",
        PhaseClass::Suspended => "suspended",
        PhaseClass::Retained => "retained",
        PhaseClass::Gone => "gone",
    }
}

/// The name of a clock, as a file spells it.
pub fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::Expiry => "expiry",
        Clock::Arrears => "arrears",
    }
}

/// A channel, as people call it.
pub fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "e-mail",
        Channel::Sms => "SMS",
    }
}

/// `e-mail and SMS`.
pub fn channels(channels: &[Channel]) -> String {
    list(channels.iter().map(|one| channel(*one)))
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    enumerated(words, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub fn choice<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    enumerated(words, "or")
}

fn enumerated<T: AsRef<str>>(words: impl IntoIterator<Item = T>, link: &str) -> String {
    let words: Vec<T> = words.into_iter().collect();
    let Some((last, first)) = words.split_last() else { return String::new() };
    let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
    if first.is_empty() {
        return last.as_ref().to_owned();
    }
    format!("{} {link} {}", first.join(", "), last.as_ref())
}

/// A length of time, without a sign: `15 days`, `1 hour 30 minutes`.
pub fn length(time: TimeDelta) -> String {
    let seconds = time.num_seconds().abs();
    let parts = [
        (seconds / SECONDS_A_DAY, "day"),
        (seconds % SECONDS_A_DAY / 3600, "hour"),
        (seconds % 3600 / 60, "minute"),
        (seconds % 60, "second"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| counted(number, unit))
        .collect();
    if parts.is_empty() { "no time".to_owned() } else { parts.join(" ") }
}

/// `not before 20 hours after each of `stopped` and `release-warning` was accepted for somebody`.
pub fn proof(proof: &Proof) -> String {
    let Proof { notices, of_them, lead, at_most } = proof;
    let kinds = notices.iter().map(|kind| format!("`{kind}`"));
    let told = match (of_them, notices.len()) {
        (_, 1) => list(kinds),
        (OfThem::All, _) => format!("each of {}", list(kinds)),
        (OfThem::Any, _) => format!("one of {}", choice(kinds)),
    };
    let waits = format!("not before {} after {told} was accepted for somebody", length(*lead));
    match at_most {
        Some(at_most) => format!("{waits}, for which it waits {} at most", length(*at_most)),
        None => waits,
    }
}

/// `1 day`, `2 days`.
pub fn counted(number: i64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

/// A local time of day, with seconds only where there are some.
pub fn time_of_day(time: NaiveTime) -> String {
    let format = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.format(format).to_string()
}

/// What an anchor is called.
pub fn anchor(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Expiry => "expiry",
        Anchor::Arrears => "arrears",
        Anchor::Entry => "entry into the phase",
    }
}

/// How far from what: `7 days before expiry`, `at 00:00 on day 8 after expiry`.
pub fn offset(offset: Offset, from: &str) -> String {
    match offset {
        Offset::Span { days, time } => {
            let whole = TimeDelta::days(i64::from(days)) + time;
            match whole.num_seconds() {
                0 => format!("at {from}"),
                1.. => format!("{} after {from}", length(whole)),
                ..0 => format!("{} before {from}", length(whole)),
            }
        }
        Offset::DayTime { day, time } => day_time(day, time, from),
    }
}

/// A wall-clock time on a day: `at 08:00 on the day of expiry`.
pub fn day_time(day: i32, time: NaiveTime, from: &str) -> String {
    let time = time_of_day(time);
    match day {
        0 => format!("at {time} on the day of {from}"),
        1.. => format!("at {time} on day {day} after {from}"),
        ..0 => format!("at {time} on day {} before {from}", day.unsigned_abs()),
    }
}

/// When a step is due.
pub fn deadline(deadline: &Deadline) -> String {
    let Deadline { from, offset: distance, at_least, working_days_only } = deadline;
    let anchors: Vec<&str> = from.iter().map(|one| anchor(*one)).collect();
    let due = match anchors.as_slice() {
        [one] => offset(*distance, one),
        several => offset(*distance, &format!("the latest of {}", list(several))),
    };
    let entry = anchor(Anchor::Entry);
    let stay = at_least.map(|stay| format!("not before {} after {entry}", length(stay)));
    let days = working_days_only.then(|| "on a working day".to_owned());
    [Some(due), stay, days].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A day of the week.
pub fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

/// When quiet hours are: `from 21:00 to 08:00`.
pub fn stretch(hours: &QuietHours) -> String {
    format!("from {} to {}", time_of_day(hours.from), time_of_day(hours.until))
}

/// What a rule leaves out, one thing an entry.
pub fn exclusions(exclusion: &Exclusion) -> Vec<String> {
    let Exclusion { families, zones, flags } = exclusion;
    let families = families.iter().map(|family| format!("instance family {family}"));
    let zones = zones.iter().map(|zone| format!("zone {zone}"));
    families.chain(zones).chain(flags.iter().map(|one| flag(*one).to_owned())).collect()
}

/// A fact about a resource.
pub fn flag(flag: Flag) -> &'static str {
    match flag {
        Flag::Promotional => "bought in a promotion",
        Flag::ConvertedFromPostpaid => "bought postpaid and converted",
        Flag::Suspicious => "looks like abuse",
    }
}

/// What brought a resource into its phase.
pub fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Start => "it began there",
        Cause::Clock => "the clock brought it there",
        Cause::Recovery => "a payment brought it there",
        Cause::Termination => "a termination brought it there",
        Cause::Return => "a return brought it there",
        Cause::Request => "a request brought it there",
        Cause::Removed => "it was removed elsewhere",
        Cause::Import => "it was taken over there",
    }
}

/// Which resources a step is for; `None` for all of them.
pub fn when(when: When) -> Option<String> {
    let When { auto_renew, entered_by } = when;
    let parts: Vec<String> =
        [auto_renew.map(auto_renewal), entered_by.map(|by| format!("only where {}", cause(by)))]
            .into_iter()
            .flatten()
            .collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

/// A condition on auto-renewal.
pub fn auto_renewal(on: bool) -> String {
    format!("with auto-renewal {}", if on { "on" } else { "off" })
}

/// What it takes to come back.
pub fn recover_when(when: RecoverWhen) -> &'static str {
    match when {
        RecoverWhen::BalanceNotNegative => "when the balance is zero or more",
        RecoverWhen::BalancePositive => "when the balance is above zero",
        RecoverWhen::Renewed => "when it is renewed",
    }
}

/// Free text of a file on one line of a terminal: what would steer it is a space.
pub fn plain(text: &str) -> String {
    let steering = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    let line: String = text.chars().map(|c| if steering(c) { ' ' } else { c }).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(days: i32, seconds: i64) -> Offset {
        Offset::Span { days, time: TimeDelta::seconds(seconds) }
    }

    fn deadline_of(from: Vec<Anchor>, offset: Offset) -> Deadline {
        Deadline { from, offset, at_least: None, working_days_only: false }
    }

    #[test]
    fn proof_is_said_with_its_notices_and_its_lead() {
        let said = |notices: &[&str], of_them| {
            let notices = notices.iter().map(|kind| (*kind).into()).collect();
            proof(&Proof { notices, of_them, lead: TimeDelta::hours(20), at_most: None })
        };
        let stop = Proof {
            notices: vec!["arrears".into()],
            of_them: OfThem::All,
            lead: TimeDelta::hours(2),
            at_most: Some(TimeDelta::days(3)),
        };
        assert_eq!(
            proof(&stop),
            "not before 2 hours after `arrears` was accepted for somebody, for which it waits 3 days at most"
        );
        assert_eq!(
            said(&["arrears"], OfThem::All),
            "not before 20 hours after `arrears` was accepted for somebody"
        );
        assert_eq!(
            said(&["a", "b"], OfThem::All),
            "not before 20 hours after each of `a` and `b` was accepted for somebody"
        );
        assert_eq!(
            said(&["a", "b"], OfThem::Any),
            "not before 20 hours after one of `a` or `b` was accepted for somebody"
        );
    }

    #[test]
    fn a_distance_says_its_side_and_every_unit_once() {
        for (distance, words) in [
            (span(0, 0), "at expiry"),
            (span(-1, 0), "1 day before expiry"),
            (span(15, 5400), "15 days 1 hour 30 minutes after expiry"),
            (span(0, -7201), "2 hours 1 second before expiry"),
        ] {
            assert_eq!(offset(distance, "expiry"), words);
        }
    }

    #[test]
    fn a_wall_clock_time_names_its_day() {
        let at = |day, hour, second| {
            let time = NaiveTime::from_hms_opt(hour, 0, second).expect("a time");
            offset(Offset::DayTime { day, time }, "expiry")
        };
        assert_eq!(at(0, 8, 0), "at 08:00 on the day of expiry");
        assert_eq!(at(8, 0, 0), "at 00:00 on day 8 after expiry");
        assert_eq!(at(-3, 8, 30), "at 08:00:30 on day 3 before expiry");
    }

    #[test]
    fn a_deadline_of_several_anchors_counts_from_the_latest() {
        let due = deadline_of(vec![Anchor::Entry, Anchor::Arrears], span(15, 0));
        assert_eq!(deadline(&due), "15 days after the latest of entry into the phase and arrears");
    }

    #[test]
    fn a_deadline_says_what_else_it_waits_for() {
        let due = deadline_of(vec![Anchor::Expiry], span(1, 0));
        let stay = Deadline { at_least: Some(TimeDelta::hours(2)), ..due.clone() };
        assert_eq!(
            deadline(&stay),
            "1 day after expiry, not before 2 hours after entry into the phase"
        );
        let days = Deadline { working_days_only: true, ..due };
        assert_eq!(deadline(&days), "1 day after expiry, on a working day");
    }

    #[test]
    fn free_text_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\r\nb\u{202e} c"), "a [31m b c");
    }

    #[test]
    fn words_are_listed_as_people_do() {
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        assert_eq!(choice(["a", "b"]), "a or b");
        assert_eq!(list::<&str>([]), "");
    }
}
