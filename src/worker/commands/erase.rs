//! Erases the person of an account: from the state by the engine, from what is kept beside it by the store, in one commit.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use super::Answer;
use crate::engine::act::{Act, What};
use crate::order::Erase;
use crate::store::Command;
use crate::worker::WorkerError;
use crate::worker::group::Group;

impl Group<'_> {
    pub(super) fn erase(
        &mut self,
        command: &Command,
        order: Erase,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let Erase { account, reason } = order;
        // What this group has decided so far is looked at as well.
        self.flush()?;
        if self.tx.account(&account)?.is_none() {
            return Ok(Answer::refused(format!("there is no account {account}")));
        }
        // First, so that the record of the erasure keeps its reason.
        self.tx.erase(&account)?;
        let act =
            Act { key: self.key_of(command), by: command.by.clone(), reason, what: What::Erase };
        self.decided(&account, act, now)
    }
}
