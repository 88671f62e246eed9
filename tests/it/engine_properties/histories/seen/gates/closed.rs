//! What stands in the way of a step whoever wants it. Looks at the world, never at the gate.

use chrono::{DateTime, Utc};
use dunlin::engine::input::{Body, Event, HoldScope};
use dunlin::engine::moratorium::Target;

use super::{Gate, Gates, Holds, Moment, PhaseClass, PhaseName, Resource, class_of};

impl Gates {
    /// What is closed whoever wants a step: holds, moratoria, and the clocks where an hour decides.
    pub(super) fn closed(
        &self,
        moment: &Moment<'_>,
        holds: &Holds,
        resource: &Resource,
        (to, is_final, by_hour): (&PhaseName, bool, bool),
    ) -> Vec<Gate> {
        let Some((outside, _)) = moment.outside else { return Vec::new() };
        if class_of(resource, to) <= PhaseClass::Unpaid {
            return Vec::new();
        }
        let hold = holds.stop(&resource.id, is_final, moment.now);
        let moratorium = is_stopped(&outside.said, resource, is_final, moment.now);
        let clock = by_hour && !outside.clocks_agree;
        let all = [(hold, Gate::Hold), (moratorium, Gate::Moratorium), (clock, Gate::Clock)];
        all.into_iter().filter(|(is, _)| *is).map(|(_, gate)| gate).collect()
    }
}

/// Whether a moratorium stops steps of a resource, by what was said of moratoria (SAFE-7).
pub(super) fn is_stopped(
    said: &[Event],
    resource: &Resource,
    is_final: bool,
    now: DateTime<Utc>,
) -> bool {
    said.iter().enumerate().any(|(index, event)| match &event.body {
        Body::MoratoriumPlaced { target, moratorium, scope, until, .. } => {
            let covers = match target {
                Target::Everything => true,
                Target::Policy(id) => *id == resource.policy.id,
                Target::Region(region) => resource.traits.region.as_ref() == Some(region),
            };
            // They are said in order, and none at the instant of another.
            let is_ended = said[index + 1..].iter().any(|later| match &later.body {
                Body::MoratoriumLifted { target: other, moratorium: name } => {
                    other == target && (name.is_none() || name == moratorium)
                }
                Body::MoratoriumPlaced { target: other, moratorium: name, .. } => {
                    other == target && name.is_some() && name == moratorium
                }
                _ => false,
            });
            covers
                && (is_final || *scope == HoldScope::All)
                && until.is_none_or(|until| now < until)
                && !is_ended
        }
        _ => false,
    })
}
