//! An operator, who approves and puts off: sometimes what is held, sometimes at random, and then is refused.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::act::{Act, What};
use dunlin::engine::decision::Portfolio;
use dunlin::engine::gate::Because;
use dunlin::engine::id::{EventKey, ResourceId};
use dunlin::engine::resource::Resource;

use super::Outside;

impl Outside {
    /// What the operator decides now.
    pub(super) fn decided(&mut self, now: DateTime<Utc>, whole: &Portfolio) -> Vec<Act> {
        let is_held =
            |one: &&Resource| one.held.as_ref().is_some_and(|held| held.because == Because::Proof);
        let held: Vec<ResourceId> =
            whole.resources.values().filter(is_held).map(|one| one.id.clone()).collect();
        let all: Vec<ResourceId> = whole.resources.keys().cloned().collect();
        let mut wanted = Vec::new();
        for id in held {
            if self.is_over || self.chance.percent(50) {
                wanted.push(What::ApproveRelease(id));
            }
        }
        if !self.is_over && !all.is_empty() {
            let id = all[self.chance.below(all.len())].clone();
            let until = now + TimeDelta::hours(self.chance.pick(&[-1, 5, 100, 400, 700]));
            wanted.push(What::Extend(id.clone(), until));
            if self.chance.percent(20) {
                wanted.push(What::ApproveRelease(id));
            }
            if self.chance.percent(3) {
                wanted.push(What::Erase);
            }
        }
        wanted.into_iter().map(|what| self.act(what)).collect()
    }

    fn act(&mut self, what: What) -> Act {
        self.acts += 1;
        let key = EventKey { source: "/hand".into(), id: self.acts.to_string() };
        Act { key, by: "somebody".into(), reason: "a case".into(), what }
    }
}
