//! An operator, who approves and puts off: sometimes what is held, sometimes at random, and then is refused.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::act::{Act, What};
use dunlin::engine::decision::Portfolio;
use dunlin::engine::gate::Because;
use dunlin::engine::id::{EventKey, ResourceId};

use super::Outside;

impl Outside {
    /// What the operator decides now.
    pub(super) fn decided(&mut self, now: DateTime<Utc>, whole: &Portfolio) -> Vec<Act> {
        let all: Vec<ResourceId> = whole.resources.keys().cloned().collect();
        let mut wanted = Vec::new();
        for one in whole.resources.values() {
            // Drawn for each, whatever it is said to be held for: that may hang on who looked at it.
            let is_approved = self.chance.percent(50) || self.is_over;
            if is_approved && one.held.as_ref().is_some_and(|held| held.because == Because::Proof) {
                wanted.push(What::ApproveRelease(one.id.clone()));
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
