//! Moratoria: somebody decided that steps wait for a policy, a region or everything (SAFE-7).
//!
//! Says what is held; `gate` decides with it. Placed and lifted converge as holds do.

use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::hold::{Hold, Holds};
use super::id::PolicyId;
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
        self.0
            .iter()
            .filter(|(target, _)| target.covers(resource))
            .filter_map(|(_, holds)| holds.stopping(irreversible, now))
            .max_by_key(|hold| (hold.until.is_none(), hold.until))
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
