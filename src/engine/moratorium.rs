//! Moratoria: somebody decided that steps wait for a policy, a region or everything (SAFE-7).
//!
//! Says what is held; `gate` decides with it. Placed and lifted converge as holds do.

use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fact;
use super::hold::{Hold, Holds};
use super::id::PolicyId;
use super::input::{Body, Event};
use super::resource::Resource;

/// What a moratorium covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Every resource.
    Everything,
    /// Those that follow a policy, in any version.
    Policy(PolicyId),
    /// Those in a region, as the pipeline spells it.
    Region(String),
}

/// All that were placed, also those that are over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Moratoria(Vec<(Target, Holds)>);

impl Moratoria {
    /// Takes an event in that places one or lifts one; the target, if it is such an event.
    pub fn take(&mut self, event: &Event) -> Option<Target> {
        match &event.body {
            Body::MoratoriumPlaced { target, moratorium, reason, scope, until } => {
                let id = moratorium.clone().unwrap_or_else(|| fact::unnamed(event));
                let hold = fact::placed(event, reason, *scope, *until);
                self.on(target.clone()).place(id, hold);
                Some(target.clone())
            }
            Body::MoratoriumLifted { target, moratorium } => {
                self.on(target.clone()).lift(moratorium.clone(), event.time);
                Some(target.clone())
            }
            _ => None,
        }
    }

    /// The holds on a target, to place one or to lift one.
    pub fn on(&mut self, target: Target) -> &mut Holds {
        let known = self.0.iter().position(|(one, _)| *one == target);
        let index = known.unwrap_or_else(|| {
            self.0.push((target, Holds::default()));
            self.0.len() - 1
        });
        &mut self.0[index].1
    }

    /// Every target with its holds.
    pub fn iter(&self) -> impl Iterator<Item = (&Target, &Holds)> {
        self.0.iter().map(|(target, holds)| (target, holds))
    }

    /// The one that stops steps of this kind of a resource at `now`, and lasts longest.
    pub fn stopping(
        &self,
        resource: &Resource,
        irreversible: bool,
        now: DateTime<Utc>,
    ) -> Option<&Hold> {
        self.named_stopping(resource, irreversible, now).map(|(_, _, hold)| hold)
    }

    /// The same with what it is on and its id.
    pub fn named_stopping(
        &self,
        resource: &Resource,
        irreversible: bool,
        now: DateTime<Utc>,
    ) -> Option<(&Target, &str, &Hold)> {
        self.covering(resource)
            .filter_map(|(target, holds)| {
                let (id, hold) = holds.named_stopping(irreversible, now)?;
                Some((target, id, hold))
            })
            .max_by_key(|(_, _, hold)| (hold.until.is_none(), hold.until))
    }

    /// Those that cover a resource.
    pub fn covering(&self, resource: &Resource) -> impl Iterator<Item = (&Target, &Holds)> {
        self.iter().filter(|(target, _)| target.covers(resource))
    }
}

impl core::fmt::Display for Target {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Policy(id) => write!(f, "policy {id}"),
            Self::Region(region) => write!(f, "region {region}"),
        }
    }
}

impl Target {
    fn covers(&self, resource: &Resource) -> bool {
        match self {
            Self::Everything => true,
            Self::Policy(id) => resource.policy.id == *id,
            Self::Region(region) => resource.traits.region.as_ref() == Some(region),
        }
    }
}
