//! What changes for a customer between two policies, in words. Judges which way each change goes; decides nothing.
//!
//! Later and earlier are judged along the way of a customer who never pays: a stop that moves takes the release after it
//! along. Where two instants cannot be compared for certain (a wall-clock time lies within its day), it does not say.

mod done;
mod hours;
mod moves;
mod notices;
mod returns;
mod terms;

use super::words;
use crate::engine::policy::{Phase, Policy};

/// Which way a change goes, seen from the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bearing {
    /// Later, or more than before.
    Generous,
    /// Earlier, or less than before.
    Harsh,
    /// Different.
    Other,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which way it goes.
    pub bearing: Bearing,
    /// What changes, in a sentence without its full stop.
    pub text: String,
}

/// Changes in the making.
#[derive(Debug, Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, bearing: Bearing, text: impl Into<String>) {
        self.0.push(Change { bearing, text: text.into() });
    }

    /// Something that is only there before, or only after.
    fn gained(&mut self, text: impl Into<String>) {
        self.add(Bearing::Generous, text);
    }

    fn lost(&mut self, text: impl Into<String>) {
        self.add(Bearing::Harsh, text);
    }

    fn other(&mut self, text: impl Into<String>) {
        self.add(Bearing::Other, text);
    }

    /// Something that is not the same, as `what: before -> after`.
    fn differs<T: PartialEq>(
        &mut self,
        what: &str,
        (old, new): (&T, &T),
        say: impl Fn(&T) -> String,
    ) {
        if old != new {
            self.other(format!("{what}: {} -> {}", say(old), say(new)));
        }
    }
}

/// What a customer notices when `new` takes the place of `old`. Titles, names of rules and comments are not noticed.
pub fn diff(old: &Policy, new: &Policy) -> Vec<Change> {
    let Policy {
        key: _,
        title: _,
        zone,
        clock,
        working_days: _,
        quiet_hours,
        phases,
        steps: _,
        recoveries: _,
        notices: _,
        balance_check,
        charges,
        renewal,
        termination,
        returns,
        expiry_sync,
        newest: _,
    } = old;
    let mut changes = Changes::default();
    changes.differs("local times and days are those of", (zone, &new.zone), |zone| {
        zone.name().to_owned()
    });
    changes.differs("what moves a resource on", (clock, &new.clock), |clock| {
        words::clock(*clock).to_owned()
    });
    compare_phases(phases, &new.phases, &mut changes);
    moves::compare(old, new, &mut changes);
    done::compare(old, new, &mut changes);
    hours::working_days(old, new, &mut changes);
    hours::quiet(quiet_hours.as_ref(), new.quiet_hours.as_ref(), &mut changes);
    notices::compare(old, new, &mut changes);
    terms::balance_check(balance_check.as_ref(), new.balance_check.as_ref(), &mut changes);
    terms::charges(charges.as_ref(), new.charges.as_ref(), &mut changes);
    terms::renewal(renewal.as_ref(), new.renewal.as_ref(), &mut changes);
    terms::termination(termination.as_ref(), new.termination.as_ref(), &mut changes);
    returns::returns(returns.as_ref(), new.returns.as_ref(), &mut changes);
    returns::expiry_sync(expiry_sync.as_ref(), new.expiry_sync.as_ref(), &mut changes);
    let mut changes = changes.0;
    changes.sort_by_key(|change| change.bearing);
    changes
}

fn compare_phases(old: &[Phase], new: &[Phase], changes: &mut Changes) {
    let find = |phases: &[Phase], name: &Phase| {
        phases.iter().find(|phase| phase.name == name.name).map(|phase| phase.class)
    };
    for phase in old {
        let words = words::meaning(phase.class);
        match find(new, phase) {
            None => changes.other(format!("there is no phase `{}` ({words}) any more", phase.name)),
            Some(class) if class != phase.class => {
                let bearing = if class > phase.class { Bearing::Harsh } else { Bearing::Generous };
                let new = words::meaning(class);
                changes.add(
                    bearing,
                    format!("`{}` means something else: {words} -> {new}", phase.name),
                );
            }
            Some(_) => {}
        }
    }
    for phase in new.iter().filter(|phase| find(old, phase).is_none()) {
        let words = words::meaning(phase.class);
        changes.other(format!("there is a new phase `{}`: {words}", phase.name));
    }
    let starts = [old, new].map(|phases| phases.first().map(|phase| &phase.name));
    if let [Some(before), Some(after)] = starts
        && before != after
    {
        changes.other(format!("a resource starts in another phase: {before} -> {after}"));
    }
}

#[cfg(test)]
mod tests;
