//! Who is told what, when; and that what is told is declared, and what is declared is told.

use chrono::TimeDelta;
use toml::Spanned;

use super::table::{Table, Value, list};
use super::value::{self, Spelling};
use super::{Known, NoticePlaces, Placed, StepPlaces};
use crate::engine::id::NoticeKind;
use crate::engine::policy::{Anchor, Channel, Clock, NoticeRule, NoticeTrigger, Offset, Step};
use crate::policy::error::{Mistakes, Span};

/// What sets a notice off, without its slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    Slots,
    Arrears,
    Step,
    ChargeFailed,
    BalanceCheck,
    Renewed,
    Restored,
    Terminated,
    TerminationScheduled,
    Returned,
}

const TRIGGERS: [(&str, Trigger); 9] = [
    ("arrears", Trigger::Arrears),
    ("step", Trigger::Step),
    ("charge_failed", Trigger::ChargeFailed),
    ("balance_check", Trigger::BalanceCheck),
    ("renewed", Trigger::Renewed),
    ("restored", Trigger::Restored),
    ("terminated", Trigger::Terminated),
    ("termination_scheduled", Trigger::TerminationScheduled),
    ("returned", Trigger::Returned),
];

impl Trigger {
    /// As the file spells it.
    pub(super) fn spelled(self) -> String {
        match TRIGGERS.iter().find(|(_, trigger)| *trigger == self) {
            Some((word, _)) => format!("on = \"{word}\""),
            None => "slots".to_owned(),
        }
    }
}

/// The kind and the trigger of a declared notice.
pub(super) fn named(notice: &Placed<NoticeRule, NoticePlaces>) -> (NoticeKind, Trigger) {
    let trigger = match notice.value.on {
        NoticeTrigger::Slots { .. } | NoticeTrigger::Ahead { .. } => Trigger::Slots,
        NoticeTrigger::ArrearsStarted => Trigger::Arrears,
        NoticeTrigger::Step => Trigger::Step,
        NoticeTrigger::ChargeFailed => Trigger::ChargeFailed,
        NoticeTrigger::BalanceCheck => Trigger::BalanceCheck,
        NoticeTrigger::Renewed => Trigger::Renewed,
        NoticeTrigger::Restored => Trigger::Restored,
        NoticeTrigger::Terminated => Trigger::Terminated,
        NoticeTrigger::TerminationScheduled => Trigger::TerminationScheduled,
        NoticeTrigger::Returned => Trigger::Returned,
    };
    (notice.value.kind.clone(), trigger)
}

/// The notices.
pub(super) fn notices(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Vec<Placed<NoticeRule, NoticePlaces>>> {
    let tables = file.tables("notice", "[[notice]]", mistakes);
    let read: Vec<_> = tables.into_iter().map(|table| notice(table, known, mistakes)).collect();
    read.into_iter().collect()
}

fn notice(
    mut table: Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Placed<NoticeRule, NoticePlaces>> {
    let kind = table.need("kind", mistakes).and_then(|v| {
        Some((value::name(v, "kind of notice", Spelling::Dashes, mistakes)?, v.span()))
    });
    let on = trigger(&mut table, known, mistakes);
    let phases = table.get("phases").map(|v| {
        list(v, "a list of phases", mistakes, |item, mistakes| known.phase(item, mistakes))
    });
    let auto_renew = table.get("when").map(|v| {
        let mut when = Table::open("when", v, mistakes)?;
        let flag = when.need("auto_renew", mistakes).and_then(|v| value::flag(v, mistakes));
        when.close(mistakes);
        flag
    });
    let channels = table.need("channels", mistakes).and_then(|v| channels(v, mistakes));
    let rules = value::names(table.get("rules"), "rule id", Spelling::Rule, mistakes);
    table.close(mistakes);
    let ((kind, place), (on, slots)) = (kind?, on?);
    let value = NoticeRule {
        kind: NoticeKind::new(kind),
        on,
        phases: phases.unwrap_or(Some(Vec::new()))?,
        auto_renew: auto_renew.map_or(Some(None), |flag| flag.map(Some))?,
        channels: channels?,
        rules: rules?,
    };
    Some(Placed { value, place: NoticePlaces { kind: place, slots } })
}

pub(super) fn channels(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<Vec<Channel>> {
    let words = [("email", Channel::Email), ("sms", Channel::Sms)];
    let channels = list(value, "a list of channels", mistakes, |item, mistakes| {
        value::choice(item, "channel", &words, mistakes)
    })?;
    let twice = channels.iter().enumerate().any(|(at, channel)| channels[..at].contains(channel));
    if channels.is_empty() || twice {
        mistakes
            .add(value.span(), "a notice goes out by each channel once")
            .expected("\"email\", \"sms\" or both");
        return None;
    }
    Some(channels)
}

fn trigger(
    table: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<(NoticeTrigger, Vec<Span>)> {
    let place = table.span();
    match (table.get("slots"), table.get("on")) {
        (Some(slots), None) => slots_of(slots, known, mistakes),
        (None, Some(on)) => {
            let trigger = value::choice(on, "trigger", &TRIGGERS, mistakes)?;
            let what = trigger.spelled();
            let (trigger, clock) = event_of(trigger);
            if let Some(clock) = clock {
                known.only_under(clock, &what, on.span(), mistakes);
            }
            Some((trigger, Vec::new()))
        }
        (Some(_), Some(on)) => {
            mistakes.add(on.span(), "both `slots` and `on`").expected("one of them");
            None
        }
        (None, None) => {
            mistakes
                .add(place, "a [[notice]] says when: `slots` or `on` is missing")
                .expected("`slots = { from, after }` or `on = \"step\"`");
            None
        }
    }
}

/// What a word of the file stands for, and the clock without which it never happens.
fn event_of(trigger: Trigger) -> (NoticeTrigger, Option<Clock>) {
    match trigger {
        Trigger::Arrears => (NoticeTrigger::ArrearsStarted, Some(Clock::Arrears)),
        Trigger::ChargeFailed => (NoticeTrigger::ChargeFailed, Some(Clock::Expiry)),
        Trigger::BalanceCheck => (NoticeTrigger::BalanceCheck, Some(Clock::Arrears)),
        Trigger::Renewed => (NoticeTrigger::Renewed, Some(Clock::Expiry)),
        Trigger::Restored => (NoticeTrigger::Restored, None),
        Trigger::Terminated => (NoticeTrigger::Terminated, None),
        Trigger::TerminationScheduled => (NoticeTrigger::TerminationScheduled, None),
        Trigger::Returned => (NoticeTrigger::Returned, None),
        Trigger::Step | Trigger::Slots => (NoticeTrigger::Step, None),
    }
}

/// `{ from = "expiry", after = ["-7d", "-5d"] }`, or `at = [{ day = -7, time = "10:00" }]` for wall-clock times. With
/// `before = "released"` they are counted from the deadline of the step that enters that phase.
fn slots_of(
    value: Value<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<(NoticeTrigger, Vec<Span>)> {
    let mut table = Table::open("slots", value, mistakes)?;
    let before = table.get("before").map(|v| known.phase(v, mistakes));
    let from = table.get("from").map(|v| known.anchor(v, mistakes));
    if before.is_some() == from.is_some() {
        mistakes
            .add(value.span(), "slots are counted from one thing")
            .expected("one of `from` and `before`");
    }
    let (offsets, places) = distances(&mut table, value.span(), mistakes);
    table.close(mistakes);
    let offsets = offsets?;
    let is_ahead = |offset: &Offset| rank(*offset) < (0, 0);
    let trigger = match (before, from) {
        (Some(to), None) => {
            let to = to?;
            if !offsets.iter().all(is_ahead) {
                mistakes
                    .add(value.span(), "a slot that does not come before the step")
                    .expected("distances such as \"-24h\", or days such as -1");
                return None;
            }
            NoticeTrigger::Ahead { to, offsets }
        }
        (None, Some(anchor)) => {
            let anchor = anchor?;
            if anchor != Anchor::Expiry && offsets.iter().any(is_ahead) {
                mistakes
                    .add(value.span(), "a slot cannot come before what it counts from")
                    .help("only `expiry` is known beforehand");
                return None;
            }
            NoticeTrigger::Slots { anchor, offsets }
        }
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some((trigger, places))
}

/// `after` or `at`, with the place of each.
fn distances(
    table: &mut Table<'_, '_>,
    place: Span,
    mistakes: &mut Mistakes,
) -> (Option<Vec<Offset>>, Vec<Span>) {
    let (after, at) = (table.get("after"), table.get("at"));
    let items = after.or(at).and_then(|v| v.get_ref().as_array());
    let places = items.into_iter().flatten().map(Spanned::span).collect();
    let offsets = match (after, at) {
        (Some(after), None) => {
            let offsets = list(after, "a list of durations", mistakes, value::span);
            offsets.and_then(|offsets| in_order(after.span(), offsets, mistakes))
        }
        (None, Some(at)) => {
            let offsets = value::day_times(at, mistakes).map(|times| {
                let offset = |at: crate::engine::policy::DayTime| Offset::DayTime {
                    day: at.day,
                    time: at.time,
                };
                times.into_iter().map(offset).collect()
            });
            offsets.and_then(|offsets| in_order(at.span(), offsets, mistakes))
        }
        _ => {
            mistakes
                .add(place, "slots are either distances or wall-clock times")
                .expected("one of `after` and `at`");
            None
        }
    };
    (offsets, places)
}

/// Refuses slots that are none, or not each later than the one before.
fn in_order(place: Span, offsets: Vec<Offset>, mistakes: &mut Mistakes) -> Option<Vec<Offset>> {
    if !offsets.is_empty() && offsets.windows(2).all(|pair| rank(pair[0]) < rank(pair[1])) {
        return Some(offsets);
    }
    mistakes
        .add(place, "slots out of order")
        .expected("at least one, each later than the one before");
    None
}

/// Days and seconds: what slots of one form are compared by.
fn rank(offset: Offset) -> (i64, i64) {
    match offset {
        Offset::Span { days, time } => {
            let seconds = i64::from(days) * 86_400 + time.num_seconds();
            (seconds.div_euclid(86_400), seconds.rem_euclid(86_400))
        }
        Offset::DayTime { day, time } => {
            (i64::from(day), (time - chrono::NaiveTime::MIN).max(TimeDelta::zero()).num_seconds())
        }
    }
}

/// What may set a notice off; `None` where it is there but cannot be read.
pub(super) struct Users<'d> {
    pub(super) steps: Option<&'d [(Step, StepPlaces)]>,
    pub(super) checked: Option<Option<&'d NoticeKind>>,
    /// Whether something leads back into a working phase.
    pub(super) restores: Option<bool>,
    pub(super) has_charges: bool,
    pub(super) has_renewal: bool,
    pub(super) has_returns: bool,
    pub(super) has_termination: bool,
}

/// Reports notices that are declared for a trigger that nothing in the file pulls.
pub(super) fn used(
    notices: &[Placed<NoticeRule, NoticePlaces>],
    users: &Users<'_>,
    mistakes: &mut Mistakes,
) {
    for notice in notices {
        let (kind, trigger) = named(notice);
        if !users.pull(&kind, trigger) {
            mistakes.add(
                notice.place.kind.clone(),
                format!("`{kind}` is never sent: {}", trigger.pulled_by()),
            );
        }
    }
}

impl Users<'_> {
    /// Whether anything pulls a trigger, or might, where that cannot be read.
    fn pull(&self, kind: &NoticeKind, trigger: Trigger) -> bool {
        match trigger {
            Trigger::Step => self.steps.is_none_or(|steps| {
                steps.iter().any(|(step, _)| step.notice.as_ref() == Some(kind))
            }),
            Trigger::BalanceCheck => self.checked.is_none_or(|checked| checked == Some(kind)),
            Trigger::ChargeFailed => self.has_charges,
            Trigger::Renewed => self.has_renewal,
            Trigger::Restored => self.restores.unwrap_or(true) || self.has_termination,
            Trigger::Terminated | Trigger::TerminationScheduled => self.has_termination,
            Trigger::Returned => self.has_returns,
            Trigger::Slots | Trigger::Arrears => true,
        }
    }
}

impl Trigger {
    fn pulled_by(self) -> &'static str {
        match self {
            Self::Step => "no [[step]] names it",
            Self::BalanceCheck => "no [balance_check] names it",
            Self::ChargeFailed => "there are no [charges]",
            Self::Renewed => "there is no [renewal]",
            Self::Restored => "nothing leads back into a working phase",
            Self::Terminated | Self::TerminationScheduled => "there is no [termination]",
            Self::Returned => "there is no [returns]",
            Self::Slots | Self::Arrears => "nothing sets it off",
        }
    }
}
