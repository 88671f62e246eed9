//! What becomes of notices: accepted at once, late, twice or never; some come back.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::effect::Notice;

use super::{Outside, Trouble, Turn};

/// A notice of which a message came back.
#[derive(Debug, Clone)]
pub(in super::super) struct Back {
    pub(in super::super) notice: Notice,
    /// When another message of it was accepted, which did not.
    pub(in super::super) still: Option<DateTime<Utc>>,
}

impl Outside {
    /// Takes a notice to the post; nobody accepts one to nobody.
    pub(super) fn send(&mut self, notice: &Notice, now: DateTime<Utc>) {
        if !notice.is_reachable() {
            return;
        }
        if !self.has(Trouble::Mail) {
            self.put(now + TimeDelta::minutes(1), Turn::Accepted(notice.clone()));
            return;
        }
        let minutes = self.chance.weighted(&[(4, 1), (3, 60), (3, 3600), (2, 15_000), (3, 0)]);
        if minutes == 0 {
            return;
        }
        let first = now + TimeDelta::minutes(self.chance.between(1, minutes));
        self.put(first, Turn::Accepted(notice.clone()));
        if !self.chance.percent(25) {
            if let Some(again) = self.again {
                self.put(first + again, Turn::Accepted(notice.clone()));
            }
            return;
        }
        let minutes = self.chance.pick(&[2, 600, 10_000]);
        let back = first + TimeDelta::minutes(self.chance.between(2, minutes));
        let still = self.chance.percent(40).then(|| first + TimeDelta::minutes(1));
        self.put(back, Turn::Bounced(Back { notice: notice.clone(), still }));
    }
}
