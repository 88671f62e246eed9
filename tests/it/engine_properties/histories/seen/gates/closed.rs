//! What stands in the way of a step whoever wants it. Looks at the world, never at the gate.

use super::{Gate, Gates, Holds, Moment, PhaseClass, PhaseName, Resource, class_of, is_stopped};

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
