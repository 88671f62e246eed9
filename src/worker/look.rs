//! Looks again at what waits at a gate, once what it waits for has changed: a page a commit, so that events never wait for it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::WorkerError;
use super::group::Group;
use crate::engine::gate::Because;
use crate::engine::id::AccountId;

/// What has to be looked at.
#[derive(Debug, Default)]
pub(super) struct Looks(BTreeMap<Because, Look>);

#[derive(Debug)]
struct Look {
    /// Steps that were due by then.
    until: DateTime<Utc>,
    /// The last account of the page before.
    after: Option<AccountId>,
}

impl Looks {
    /// What waits for this and was due by `until` has to be looked at, from the beginning.
    pub(super) fn at(&mut self, by: Because, until: DateTime<Utc>) {
        let until = self.0.get(&by).map_or(until, |look| look.until.max(until));
        self.0.insert(by, Look { until, after: None });
    }
}

impl Group<'_> {
    /// Looks at one page for each gate that has moved; whether there is more to look at.
    pub(super) fn look_further(&mut self, now: DateTime<Utc>) -> Result<bool, WorkerError> {
        let looks = std::mem::take(&mut self.world.looks);
        if looks.0.is_empty() {
            return Ok(false);
        }
        self.flush()?;
        for (by, look) in looks.0 {
            let last = self.look_at_gate(by, look.until, look.after.as_ref(), now)?;
            if last.is_some() {
                self.world.looks.0.insert(by, Look { after: last, ..look });
            }
        }
        Ok(!self.world.looks.0.is_empty())
    }
}
