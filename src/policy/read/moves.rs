//! Phases, the steps of the clock and the ways back.

use toml::Spanned;

use super::table::{Table, Value, one_or_list, wrong_type};
use super::value::{self, Spelling};
use super::{Known, Placed, StepPlaces, notices, proof};
use crate::engine::id::PhaseName;
use crate::engine::policy::{
    Anchor, Cause, Clock, Deadline, Offset, Outcome, Phase, PhaseClass, RecoverWhen, Recovery,
    Step, When,
};
use crate::policy::error::{Mistakes, Span};

const CLASSES: [(&str, PhaseClass); 5] = [
    ("working", PhaseClass::Working),
    ("unpaid", PhaseClass::Unpaid),
    ("suspended", PhaseClass::Suspended),
    ("retained", PhaseClass::Retained),
    ("gone", PhaseClass::Gone),
];

pub(super) const CAUSES: [(&str, Cause); 7] = [
    ("start", Cause::Start),
    ("clock", Cause::Clock),
    ("recovery", Cause::Recovery),
    ("termination", Cause::Termination),
    ("return", Cause::Return),
    ("request", Cause::Request),
    ("import", Cause::Import),
];

/// The phases, in order; `None` if one of them cannot be read.
pub(super) fn phases(
    file: &mut Table<'_, '_>,
    mistakes: &mut Mistakes,
) -> Option<(Vec<Phase>, Vec<Span>)> {
    let before = mistakes.count();
    let (mut phases, mut places) = (Vec::<Phase>::new(), Vec::new());
    for mut table in file.tables("phase", "[[phase]]", mistakes) {
        let name = table.need("name", mistakes).and_then(|v| {
            let name = value::name(v, "phase name", Spelling::Underscores, mistakes)?;
            if phases.iter().any(|phase| phase.name.as_str() == name) {
                mistakes.add(v.span(), format!("there is already a phase `{name}`"));
            }
            Some((name, v.span()))
        });
        let class = table
            .need("class", mistakes)
            .and_then(|v| value::choice(v, "class", &CLASSES, mistakes));
        table.close(mistakes);
        if let (Some((name, place)), Some(class)) = (name, class) {
            phases.push(Phase { name: PhaseName::new(name), class });
            places.push(place);
        }
    }
    if phases.is_empty() && mistakes.count() == before {
        mistakes.add(0..0, "there is no [[phase]]").expected("at least one, the first to start in");
    }
    if mistakes.count() == before { Some((phases, places)) } else { None }
}

/// The steps; one for each cause where `entered_by` is a list.
pub(super) fn steps(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Vec<(Step, StepPlaces)>> {
    let tables = file.tables("step", "[[step]]", mistakes);
    let read: Vec<_> = tables
        .into_iter()
        .enumerate()
        .map(|(number, table)| step(table, number, known, mistakes))
        .collect();
    Some(read.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

fn step(
    mut table: Table<'_, '_>,
    number: usize,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Vec<(Step, StepPlaces)>> {
    let header = table.span();
    let ends = ends(&mut table, known, mistakes);
    let at_value = table.need("at", mistakes);
    let at = at_value.and_then(|v| deadline(v, known, mistakes));
    let when = table.get("when").map(|v| conditions(v, mistakes));
    let outcome = outcome(&mut table, mistakes);
    let notice = table.get("notice").map(|v| known.notice(v, notices::Trigger::Step, mistakes));
    let irreversible = table.get("irreversible").map(|v| value::flag(v, mistakes));
    let proof_value = table.get("proof");
    let proofs = proof_value.map(|v| proof::proofs(v, known, mistakes));
    let rules = value::names(table.get("rules"), "rule id", Spelling::Rule, mistakes);
    table.close(mistakes);

    let ((from, from_place), (to, to_place)) = ends?;
    let (auto_renew, causes) = when.unwrap_or(Some((None, Vec::new())))?;
    // Whoever is gone does not come back, whatever the file says.
    let irreversible =
        irreversible.unwrap_or(Some(false))? || known.class(&to) == Some(PhaseClass::Gone);
    let places = StepPlaces {
        from: from_place,
        to: to_place,
        at: at_value.map_or(header, Spanned::span),
        proof: proof_value.map(Spanned::span),
        number,
    };
    let step = Step {
        from,
        to,
        at: at?,
        when: When { auto_renew, entered_by: None },
        outcome: outcome?,
        notice: notice.map_or(Some(None), |notice| notice.map(Some))?,
        irreversible,
        proofs: proofs.unwrap_or(Some(Vec::new()))?,
        rules: rules?,
    };
    if causes.is_empty() {
        return Some(vec![(step, places)]);
    }
    let for_cause = |cause| {
        let when = When { auto_renew, entered_by: Some(cause) };
        (Step { when, ..step.clone() }, places.clone())
    };
    Some(causes.into_iter().map(for_cause).collect())
}

type End = (PhaseName, Span);

/// `from` and `to`, which must differ; nothing leaves a final phase.
fn ends(table: &mut Table<'_, '_>, known: &Known, mistakes: &mut Mistakes) -> Option<(End, End)> {
    let mut end = |key, mistakes: &mut Mistakes| {
        let value = table.need(key, mistakes)?;
        Some((known.phase(value, mistakes)?, value.span()))
    };
    let (from, to) = (end("from", mistakes), end("to", mistakes));
    let ((from, from_place), (to, to_place)) = (from?, to?);
    if known.class(&from) == Some(PhaseClass::Gone) {
        mistakes.add(from_place, format!("nothing comes out of `{from}`: its class is gone"));
        return None;
    }
    if from == to {
        mistakes.add(to_place, format!("`{from}` leads to itself")).expected("another phase");
        return None;
    }
    Some(((from, from_place), (to, to_place)))
}

/// `when = { auto_renew = true, entered_by = ["return"] }`.
fn conditions(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<(Option<bool>, Vec<Cause>)> {
    let mut table = Table::open("when", value, mistakes)?;
    let auto_renew = table.get("auto_renew").map(|v| value::flag(v, mistakes));
    let causes = table.get("entered_by").map(|v| {
        one_or_list(v, "one cause or a list of them", mistakes, |item, mistakes| {
            value::choice(item, "cause", &CAUSES, mistakes)
        })
    });
    table.close(mistakes);
    let auto_renew = auto_renew.map_or(Some(None), |flag| flag.map(Some))?;
    Some((auto_renew, causes.unwrap_or(Some(Vec::new()))?))
}

/// `{ from = ["expiry", "entry"], after = "2h" }` or `{ from = "expiry", day = 8, time = "00:00" }`.
fn deadline(value: Value<'_, '_>, known: &Known, mistakes: &mut Mistakes) -> Option<Deadline> {
    let mut table = Table::open("at", value, mistakes)?;
    let from = table.need("from", mistakes).and_then(|v| {
        let anchors = one_or_list(v, "an anchor or a list of them", mistakes, |v, mistakes| {
            known.anchor(v, mistakes)
        })?;
        if anchors.is_empty() {
            mistakes.add(v.span(), "a deadline needs something to count from");
            return None;
        }
        Some(anchors)
    });
    let offset = offset(&mut table, value.span(), mistakes);
    let at_least = table.get("at_least").map(|v| value::length(v, mistakes));
    let only_on = table.get("only_on").map(|v| {
        value::choice(v, "kind of day", &[("working_days", ())], mistakes)?;
        if !known.has_calendar {
            mistakes
                .add(v.span(), "nothing says which days are working days")
                .expected("a [calendar]");
        }
        Some(())
    });
    table.close(mistakes);
    let (from, offset) = (from?, offset?);
    let at_least = at_least.map_or(Some(None), |length| length.map(Some))?;
    let working_days_only = only_on.map_or(Some(false), |only| only.map(|()| true))?;
    let early = match offset {
        Offset::Span { days, time } => days < 0 || time < chrono::TimeDelta::zero(),
        Offset::DayTime { day, .. } => day < 0,
    };
    if early && from != [Anchor::Expiry] {
        mistakes
            .add(value.span(), "a step cannot come before what it counts from")
            .help("only `expiry` is known beforehand");
        return None;
    }
    Some(Deadline { from, offset, at_least, working_days_only })
}

/// `after = "2h"`, or `day = 8, time = "00:00"`, or nothing: the anchor itself.
fn offset(table: &mut Table<'_, '_>, place: Span, mistakes: &mut Mistakes) -> Option<Offset> {
    let (after, day, time) = (table.get("after"), table.get("day"), table.get("time"));
    match (after, day, time) {
        (None, None, None) => Some(Offset::Span { days: 0, time: chrono::TimeDelta::zero() }),
        (Some(after), None, None) => value::span(after, mistakes),
        (None, Some(day), Some(time)) => {
            let (day, time) = (value::day(day, mistakes), value::time_of_day(time, mistakes));
            Some(Offset::DayTime { day: day?, time: time? })
        }
        (Some(_), _, _) => {
            mistakes
                .add(place, "both `after` and a wall-clock time")
                .expected("either `after`, or `day` and `time`");
            None
        }
        (None, _, _) => {
            mistakes.add(place, "half of a wall-clock time").expected("both `day` and `time`");
            None
        }
    }
}

/// What provisioning is told.
pub(super) fn outcome(table: &mut Table<'_, '_>, mistakes: &mut Mistakes) -> Option<Outcome> {
    let mut names = |key, what| value::names(table.get(key), what, Spelling::Underscores, mistakes);
    let actions = names("actions", "action");
    let detach = names("detach", "kind of attachment");
    let destroy = names("destroy", "kind of thing");
    let retain = names("retain", "kind of thing");
    let retain_billable = names("retain_billable", "kind of thing");
    Some(Outcome {
        actions: actions?,
        detach: detach?,
        destroy: destroy?,
        retain: retain?,
        retain_billable: retain_billable?,
    })
}

/// The ways back.
pub(super) fn recoveries(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Vec<Placed<Recovery>>> {
    let tables = file.tables("recovery", "[[recovery]]", mistakes);
    let read: Vec<_> = tables.into_iter().map(|table| recovery(table, known, mistakes)).collect();
    read.into_iter().collect()
}

fn recovery(
    mut table: Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Placed<Recovery>> {
    let ends = ends(&mut table, known, mistakes);
    if let Some((_, (to, place))) = &ends
        && known.class(to) == Some(PhaseClass::Gone)
    {
        mistakes.add(place.clone(), format!("no recovery leads to `{to}`: its class is gone"));
    }
    let when = table.need("when", mistakes).and_then(|v| recover_when(v, known, mistakes));
    let mut names = |key, what| value::names(table.get(key), what, Spelling::Underscores, mistakes);
    let actions = names("actions", "action");
    let hints = names("hints", "hint");
    let rules = value::names(table.get("rules"), "rule id", Spelling::Rule, mistakes);
    table.close(mistakes);
    let ((from, place), (to, _)) = ends?;
    let value = Recovery { from, to, when: when?, actions: actions?, hints: hints?, rules: rules? };
    Some(Placed { value, place })
}

fn recover_when(
    value: Value<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<RecoverWhen> {
    let conditions = [
        ("renewed", RecoverWhen::Renewed),
        ("balance >= 0", RecoverWhen::BalanceNotNegative),
        ("balance > 0", RecoverWhen::BalancePositive),
    ];
    if !value.get_ref().is_str() {
        return wrong_type(value, "\"renewed\", \"balance >= 0\" or \"balance > 0\"", mistakes);
    }
    let when = value::choice(value, "condition", &conditions, mistakes)?;
    match when {
        RecoverWhen::Renewed => {
            known.only_under(Clock::Expiry, "a renewal", value.span(), mistakes);
        }
        RecoverWhen::BalanceNotNegative | RecoverWhen::BalancePositive => {
            known.only_under(Clock::Arrears, "a balance", value.span(), mistakes);
        }
    }
    Some(when)
}
