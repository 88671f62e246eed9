//! Commands of operators: each becomes an input of the engine, and is answered in the commit that holds what it did.
//!
//! No side door: a command changes nothing but by a decision, which is recorded. What cannot be carried out is refused, and
//! changes nothing.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use super::WorkerError;
use super::group::Group;
use crate::engine::id::{AccountId, EventKey, ResourceId};
use crate::engine::input::{Body, Event};
use crate::order::{BatchOrder, LiftHold, Order, PlaceHold, Target};
use crate::store::{BatchState, Command, CommandState};

/// What is said to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    state: CommandState,
    said: String,
}

impl Answer {
    fn done(said: impl Into<String>) -> Self {
        Self { state: CommandState::Done, said: said.into() }
    }

    fn refused(said: impl Into<String>) -> Self {
        Self { state: CommandState::Refused, said: said.into() }
    }
}

impl Group<'_> {
    /// Carries out the commands that wait, at most `limit`, in the order in which they were given; whether there may be more.
    pub(super) fn obey(&mut self, now: DateTime<Utc>, limit: usize) -> Result<bool, WorkerError> {
        let waiting = self.tx().waiting_commands(limit)?;
        for command in &waiting {
            let answer = match Order::read(&command.kind, &command.body) {
                Ok(order) => self.carry_out(command, order, now)?,
                Err(error) => Answer::refused(format!("this dunlin knows no such order: {error}")),
            };
            tracing::info!(
                command = command.id,
                kind = command.kind,
                state = answer.state.word(),
                "a command was answered"
            );
            let said = (answer.state, answer.said.as_str());
            self.tx().answer_command(command.id, said, now)?;
        }
        Ok(waiting.len() == limit)
    }

    fn carry_out(
        &mut self,
        command: &Command,
        order: Order,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        match order {
            Order::PlaceHold(order) => self.place_hold(command, order, now),
            Order::LiftHold(order) => self.lift_hold(command, order, now),
            Order::ApproveBatch(order) => {
                self.decide_batch((command, &order), BatchState::Approved, now)
            }
            Order::RejectBatch(order) => {
                self.decide_batch((command, &order), BatchState::Rejected, now)
            }
        }
    }

    fn place_hold(
        &mut self,
        command: &Command,
        order: PlaceHold,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let PlaceHold { target, id, reason, scope, until } = order;
        let id = id.unwrap_or_else(|| format!("command-{}", command.id));
        let hold = Some(id.clone());
        let (account, resource) = split(target);
        if let Some(refusal) = self.unknown(&account, resource.as_ref(), now)? {
            return Ok(refusal);
        }
        let body = Body::HoldPlaced { resource, hold, reason, scope, until };
        self.tell(command, &account, body, now)?;
        Ok(Answer::done(format!("hold {id} is placed")))
    }

    fn lift_hold(
        &mut self,
        command: &Command,
        order: LiftHold,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let LiftHold { target, id, .. } = order;
        let (account, resource) = split(target);
        if let Some(refusal) = self.unknown(&account, resource.as_ref(), now)? {
            return Ok(refusal);
        }
        self.tell(command, &account, Body::HoldLifted { resource, hold: id }, now)?;
        Ok(Answer::done("lifted"))
    }

    fn decide_batch(
        &mut self,
        (command, order): (&Command, &BatchOrder),
        state: BatchState,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let key = EventKey { source: self.source_of_commands(), id: command.id.to_string() };
        Ok(match self.decide_about_batch((command, order), (state, key), now)? {
            Ok(done) => Answer::done(done),
            Err(refused) => Answer::refused(refused),
        })
    }

    /// What an order is told that is about nothing that is known.
    fn unknown(
        &mut self,
        account: &AccountId,
        resource: Option<&ResourceId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>, WorkerError> {
        let is_known = self.knows(account, resource, now)?;
        let what = resource.map_or_else(
            || format!("account {account}"),
            |id| format!("resource {id} of {account}"),
        );
        Ok((!is_known).then(|| Answer::refused(format!("there is no {what}"))))
    }

    /// Hands a command to the engine as the event that says the same.
    fn tell(
        &mut self,
        command: &Command,
        account: &AccountId,
        body: Body,
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        let key = EventKey { source: self.source_of_commands(), id: command.id.to_string() };
        let event = Event { key, time: command.at, account: account.clone(), body };
        self.conclude(account, &[event], false, now)?;
        Ok(())
    }
}

fn split(target: Target) -> (AccountId, Option<ResourceId>) {
    match target {
        Target::Resource(account, resource) => (account, Some(resource)),
        Target::Account(account) => (account, None),
    }
}
