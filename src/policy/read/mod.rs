//! TOML to a draft: every key read, every name known. Whether it makes sense as a whole is the `check` module's.

mod billing;
mod hours;
mod moves;
mod notices;
mod proof;
mod returns;
mod table;
mod value;

use toml::de::DeTable;

use self::table::{Table, Value};
pub use self::value::span_of as span;
use super::error::{Mistakes, Span};
use crate::engine::id::{NoticeKind, PhaseName, PolicyId, PolicyKey};
use crate::engine::policy::{Anchor, Clock, Phase, PhaseClass, Policy};

/// A file that could be read, with the places that messages point at.
pub(super) struct Draft {
    pub(super) policy: Policy,
    /// Where the id stands.
    pub(super) id: Span,
    /// One for each phase of the policy.
    pub(super) phases: Vec<Span>,
    /// One for each step of the policy.
    pub(super) steps: Vec<StepPlaces>,
    /// One for each recovery of the policy: its `from`.
    pub(super) recoveries: Vec<Span>,
    /// One for each notice of the policy.
    pub(super) notices: Vec<NoticePlaces>,
    /// Where `bin` and `bin_for` of the termination stand.
    pub(super) termination: Option<(Span, Span)>,
    /// Where the bin of the returns stands.
    pub(super) returns_bin: Option<Span>,
}

/// Where the parts of a step stand. A step for several causes is several steps at one place.
#[derive(Clone)]
pub(super) struct StepPlaces {
    pub(super) from: Span,
    pub(super) to: Span,
    pub(super) at: Span,
    /// Where it asks for proof, if it does.
    pub(super) proof: Option<Span>,
    /// Which `[[step]]` of the file it is.
    pub(super) number: usize,
}

/// Where the parts of a notice stand.
pub(super) struct NoticePlaces {
    pub(super) kind: Span,
    /// One for each of its slots.
    pub(super) slots: Vec<Span>,
}

/// A value of the draft and where it stands.
struct Placed<T, P = Span> {
    value: T,
    place: P,
}

/// The names that the rest of a file may use; `None` where their own definition could not be read.
struct Known {
    clock: Option<Clock>,
    phases: Option<Vec<Phase>>,
    /// Whether there is a `[calendar]`.
    has_calendar: bool,
    /// The kinds declared by a `[[notice]]`, with what sets each off.
    kinds: Option<Vec<(NoticeKind, notices::Trigger)>>,
}

/// Reads a file; `None` if there are mistakes.
pub(super) fn draft(text: &str, mistakes: &mut Mistakes) -> Option<Draft> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        mistakes.add(error.span().unwrap_or(0..0), format!("not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        // What follows a mistake of form is a guess; judging it would drown the mistake.
        return None;
    }
    let before = mistakes.count();
    let draft = read(Table::file(&root), mistakes);
    if mistakes.count() == before { draft } else { None }
}

fn read(mut file: Table<'_, '_>, mistakes: &mut Mistakes) -> Option<Draft> {
    let key = key(&mut file, mistakes);
    let title = file.need("title", mistakes).and_then(|v| value::text(v, mistakes));
    let zone = file.need("zone", mistakes).and_then(|v| value::zone(v, mistakes));
    let clock = file.need("clock", mistakes).and_then(|v| {
        let clocks = [("expiry", Clock::Expiry), ("arrears", Clock::Arrears)];
        value::choice(v, "clock", &clocks, mistakes)
    });
    let working_days = hours::calendar(&mut file, mistakes);
    let quiet_hours = hours::quiet_hours(&mut file, mistakes);
    let (phases, phase_places) = moves::phases(&mut file, mistakes).unzip();
    let has_calendar = file.get("calendar").is_some();
    let mut known = Known { clock, phases, has_calendar, kinds: None };
    let notices = notices::notices(&mut file, &known, mistakes);
    known.kinds = notices.as_ref().map(|notices| notices.iter().map(notices::named).collect());
    let steps = moves::steps(&mut file, &known, mistakes);
    let recoveries = moves::recoveries(&mut file, &known, mistakes);
    let balance_check = billing::balance_check(&mut file, &known, mistakes);
    let charges = billing::charges(&mut file, &known, mistakes);
    let renewal = billing::renewal(&mut file, &known, mistakes);
    let termination = billing::termination(&mut file, &known, mistakes);
    let returns = returns::returns(&mut file, &known, mistakes);
    let expiry_sync = returns::expiry_sync(&mut file, &known, mistakes);
    let checked = balance_check.as_ref().map(|check| &check.notice);
    let users = notices::Users {
        steps: steps.as_deref(),
        checked: if checked.is_none() && file.get("balance_check").is_some() {
            None
        } else {
            Some(checked)
        },
        restores: recoveries
            .as_ref()
            .map(|all| all.iter().any(|way| known.is_working(&way.value.to))),
        has_charges: file.get("charges").is_some(),
        has_renewal: file.get("renewal").is_some(),
        has_returns: file.get("returns").is_some(),
        has_termination: file.get("termination").is_some(),
    };
    notices::used(notices.as_deref().unwrap_or_default(), &users, mistakes);
    file.close(mistakes);

    let (steps, step_places) = steps?.into_iter().unzip();
    let (recoveries, recovery_places) = split(recoveries?);
    let (notices, notice_places) = split(notices?);
    let (termination, termination_places) = termination.unzip();
    let (returns, returns_bin) = returns.unzip();
    let key = key?;
    Some(Draft {
        policy: Policy {
            key: key.value,
            title: title?.to_owned(),
            zone: zone?,
            clock: clock?,
            working_days: working_days.unwrap_or_default(),
            quiet_hours,
            phases: known.phases?,
            steps,
            recoveries,
            notices,
            balance_check,
            charges,
            renewal,
            termination,
            returns,
            expiry_sync,
            newest: None,
        },
        id: key.place,
        phases: phase_places?,
        steps: step_places,
        recoveries: recovery_places,
        notices: notice_places,
        termination: termination_places,
        returns_bin,
    })
}

fn split<T, P>(placed: Vec<Placed<T, P>>) -> (Vec<T>, Vec<P>) {
    placed.into_iter().map(|placed| (placed.value, placed.place)).unzip()
}

fn key(file: &mut Table<'_, '_>, mistakes: &mut Mistakes) -> Option<Placed<PolicyKey>> {
    let id = file.need("id", mistakes).and_then(|v| {
        let id = value::name(v, "policy id", value::Spelling::Dashes, mistakes)?;
        Some(Placed { value: PolicyId::new(id), place: v.span() })
    });
    let version = file.need("version", mistakes).and_then(|v| value::count(v, u32::MAX, mistakes));
    let id = id?;
    Some(Placed { value: PolicyKey { id: id.value, version: version? }, place: id.place })
}

impl Known {
    /// A phase of this file.
    fn phase(&self, value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<PhaseName> {
        let word = value::text(value, mistakes)?;
        let Some(phases) = &self.phases else { return Some(PhaseName::new(word)) };
        if phases.iter().any(|phase| phase.name.as_str() == word) {
            return Some(PhaseName::new(word));
        }
        let words = || phases.iter().map(|phase| phase.name.as_str());
        mistakes
            .add(value.span(), format!("`{word}` is no phase of this policy"))
            .expected(format!("one of {}", words().collect::<Vec<_>>().join(", ")))
            .did_you_mean(word, words());
        None
    }

    /// The class of a phase, where it is known.
    fn class(&self, name: &PhaseName) -> Option<PhaseClass> {
        let phase = self.phases.as_ref()?.iter().find(|phase| phase.name == *name)?;
        Some(phase.class)
    }

    /// Whether a phase may be a working one.
    fn is_working(&self, name: &PhaseName) -> bool {
        self.class(name).is_none_or(|class| class == PhaseClass::Working)
    }

    /// A kind that a `[[notice]]` with this trigger declares.
    fn notice(
        &self,
        value: Value<'_, '_>,
        trigger: notices::Trigger,
        mistakes: &mut Mistakes,
    ) -> Option<NoticeKind> {
        let word = value::text(value, mistakes)?;
        let kind = NoticeKind::new(word);
        let Some(kinds) = &self.kinds else { return Some(kind) };
        if kinds.iter().any(|known| *known == (kind.clone(), trigger)) {
            return Some(kind);
        }
        let expected = format!("a [[notice]] with kind = \"{word}\" and {}", trigger.spelled());
        if let Some((_, other)) = kinds.iter().find(|(known, _)| *known == kind) {
            let message = format!("`{word}` is declared with {} only", other.spelled());
            mistakes.add(value.span(), message).expected(expected);
        } else {
            mistakes
                .add(value.span(), format!("no [[notice]] declares `{word}`"))
                .expected(expected)
                .did_you_mean(word, kinds.iter().map(|(known, _)| known.as_str()));
        }
        None
    }

    /// A kind that is declared with whatever trigger.
    fn declared(&self, value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<NoticeKind> {
        let word = value::text(value, mistakes)?;
        let kind = NoticeKind::new(word);
        let Some(kinds) = &self.kinds else { return Some(kind) };
        if kinds.iter().any(|(known, _)| *known == kind) {
            return Some(kind);
        }
        mistakes
            .add(value.span(), format!("no [[notice]] declares `{word}`"))
            .expected(format!("a [[notice]] with kind = \"{word}\""))
            .did_you_mean(word, kinds.iter().map(|(known, _)| known.as_str()));
        None
    }

    /// Refuses an anchor of the other clock.
    fn anchor(&self, value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<Anchor> {
        let anchors =
            [("expiry", Anchor::Expiry), ("arrears", Anchor::Arrears), ("entry", Anchor::Entry)];
        let anchor = value::choice(value, "anchor", &anchors, mistakes)?;
        let stranger = match (self.clock, anchor) {
            (Some(Clock::Expiry), Anchor::Arrears) => Some(("arrears", "expiry")),
            (Some(Clock::Arrears), Anchor::Expiry) => Some(("expiry", "arrears")),
            _ => None,
        };
        let Some((anchor_name, clock)) = stranger else { return Some(anchor) };
        mistakes
            .add(value.span(), format!("`{anchor_name}` never happens under clock = \"{clock}\""))
            .expected(format!("`{clock}` or `entry`"));
        None
    }

    /// Refuses what belongs to the other clock.
    fn only_under(&self, clock: Clock, what: &str, place: Span, mistakes: &mut Mistakes) {
        if self.clock.is_some_and(|known| known != clock) {
            let name = if clock == Clock::Expiry { "expiry" } else { "arrears" };
            mistakes.add(place, format!("{what} needs clock = \"{name}\""));
        }
    }
}
