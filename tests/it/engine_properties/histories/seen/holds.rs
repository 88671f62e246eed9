//! Holds, by the events alone: which are in force (SAFE-7).

use chrono::{DateTime, Utc};
use dunlin::engine::id::ResourceId;
use dunlin::engine::input::{Body, Event, HoldScope};

use super::Moment;

/// Every hold that was placed or lifted, as it was said.
#[derive(Debug, Default)]
pub(super) struct Holds {
    said: Vec<Event>,
}

impl Holds {
    pub(super) fn note(&mut self, moment: &Moment<'_>) {
        let about_holds = |event: &&Event| {
            matches!(event.body, Body::HoldPlaced { .. } | Body::HoldLifted { .. })
        };
        self.said.extend(moment.events.iter().filter(about_holds).cloned());
    }

    /// Whether anything stops a step of `resource` at `now`.
    pub(super) fn stop(
        &self,
        resource: &ResourceId,
        irreversible: bool,
        now: DateTime<Utc>,
    ) -> bool {
        self.said.iter().any(|event| match &event.body {
            Body::HoldPlaced { resource: target, scope, until, .. } => {
                target.as_ref().is_none_or(|target| target == resource)
                    && (irreversible || *scope == HoldScope::All)
                    && until.is_none_or(|until| now < until)
                    && !self.is_ended(event)
            }
            _ => false,
        })
    }

    /// Whether a hold was lifted since it was placed, or placed again under its name.
    fn is_ended(&self, placed: &Event) -> bool {
        let Body::HoldPlaced { resource: target, hold: name, .. } = &placed.body else {
            return true;
        };
        self.said.iter().any(|event| match &event.body {
            Body::HoldLifted { resource, hold } => {
                resource == target
                    && event.time >= placed.time
                    && (hold.is_none() || (hold.is_some() && hold == name))
            }
            Body::HoldPlaced { resource, hold, .. } => {
                resource == target
                    && hold.is_some()
                    && hold == name
                    && (event.time, &event.key) > (placed.time, &placed.key)
            }
            _ => false,
        })
    }
}
