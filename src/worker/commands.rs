//! Commands of operators: each becomes an input of the engine, and is answered in the commit that holds what it did.
//!
//! No side door: a command changes nothing but by a decision, which is recorded. What cannot be carried out is refused, and
//! changes nothing.

mod erase;
mod holds;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use super::WorkerError;
use super::group::Group;
use crate::engine::act::{Act, What};
use crate::engine::decision::{Input, Portfolio, Scope};
use crate::engine::effect::{Effect, Notice};
use crate::engine::id::{AccountId, EventKey, NoticeKind, ResourceId};
use crate::order::{About, BatchOrder, Order, Told};
use crate::store::{BatchState, Command, CommandState, DecisionQuery};

/// How many decisions are read at a time in search of a notice.
const PAGE: usize = 100;

/// What is said to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
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
        let waiting = self.tx.waiting_commands(limit)?;
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
            self.tx.answer_command(command.id, said, now)?;
        }
        Ok(waiting.len() == limit)
    }

    /// What this dunlin calls itself where an order of an operator is the cause.
    fn source_of_commands(&self) -> String {
        format!("{}/commands", self.settings.source)
    }

    /// The account, with the resource if one is named, with what this group has changed.
    fn sight(
        &mut self,
        account: &AccountId,
        resource: Option<&ResourceId>,
        now: DateTime<Utc>,
    ) -> Result<Portfolio, WorkerError> {
        let named: Vec<ResourceId> = resource.into_iter().cloned().collect();
        let scope = Scope { named, ..Scope::default() };
        Ok(self.cache.portfolio(&*self.tx, account, &scope, now)?)
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
            Order::ApproveRelease(About { account, resource, reason }) => {
                self.act(command, &account, (What::ApproveRelease(resource), reason), now)
            }
            Order::Extend(order) => {
                let About { account, resource, reason } = order.about;
                self.act(command, &account, (What::Extend(resource, order.until), reason), now)
            }
            Order::TellAgain(order) => match self.told(&order.notice)? {
                Some(notice) => {
                    let account = notice.account.clone();
                    self.act(command, &account, (What::TellAgain(notice), order.reason), now)
                }
                None => Ok(Answer::refused("nothing like that was told")),
            },
            Order::Erase(order) => self.erase(command, order, now),
            Order::AllowReturn(About { account, resource, reason }) => {
                self.act(command, &account, (What::AllowReturn(resource), reason), now)
            }
            Order::ApproveBatch(order) => {
                self.decide_batch((command, &order), BatchState::Approved, now)
            }
            Order::RejectBatch(order) => {
                self.decide_batch((command, &order), BatchState::Rejected, now)
            }
        }
    }

    /// Hands an act to the engine, which answers it.
    fn act(
        &mut self,
        command: &Command,
        account: &AccountId,
        (what, reason): (What, String),
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let act = Act { key: self.key_of(command), by: command.by.clone(), reason, what };
        if let Some(refusal) = self.unknown(account, act.resources().first().copied(), now)? {
            return Ok(refusal);
        }
        self.decided(account, act, now)
    }

    /// What the engine says to an act.
    fn decided(
        &mut self,
        account: &AccountId,
        act: Act,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let input = Input { acts: &[act], ..Input::default() };
        let decision = self.conclude(account, input, now)?;
        Ok(match decision.answers.into_iter().next() {
            Some(Ok(said)) => Answer::done(said),
            Some(Err(why)) => Answer::refused(why),
            None => Answer::refused("it was not answered"),
        })
    }

    /// The command, as the cause of what it does.
    fn key_of(&self, command: &Command) -> EventKey {
        EventKey { source: self.source_of_commands(), id: command.id.to_string() }
    }

    fn decide_batch(
        &mut self,
        (command, order): (&Command, &BatchOrder),
        state: BatchState,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let key = self.key_of(command);
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
        let sight = self.sight(account, resource, now)?;
        let what = match resource {
            _ if sight.account.profile.is_none() => format!("account {account}"),
            Some(id) if !sight.resources.contains_key(id) => format!("resource {id} of {account}"),
            Some(_) | None => return Ok(None),
        };
        Ok(Some(Answer::refused(format!("there is no {what}"))))
    }

    /// A notice that was told. Its contacts are not needed: it is told to those of now.
    fn told(&mut self, which: &Told) -> Result<Option<Notice>, WorkerError> {
        match which {
            Told::Id(id) => Ok(self.tx.notice(id)?),
            Told::Last(account, resource, kind) => self.last_told(account, resource, kind),
        }
    }

    fn last_told(
        &mut self,
        account: &AccountId,
        resource: &ResourceId,
        kind: &NoticeKind,
    ) -> Result<Option<Notice>, WorkerError> {
        let mut before = None;
        loop {
            let query = DecisionQuery { account, resource: Some(resource), before, limit: PAGE };
            let page = self.tx.decisions(&query)?;
            for row in &page {
                // A record of another version that cannot be read is no reason to stop: nothing is told by it.
                let Ok(body) = serde_json::from_str::<Recorded>(&row.body) else { continue };
                let told = body.effects.into_iter().find_map(|effect| match effect {
                    Effect::Notice(notice) if notice.kind == *kind => Some(notice),
                    _ => None,
                });
                let is_about =
                    |one: &Notice| one.items.iter().any(|item| item.resource == *resource);
                if let Some(notice) = told.filter(is_about) {
                    return Ok(Some(notice));
                }
            }
            before = page.last().map(|row| row.id);
            if page.len() < PAGE {
                return Ok(None);
            }
        }
    }
}

/// The part of a decision record that names notices.
#[derive(serde::Deserialize)]
struct Recorded {
    effects: Vec<Effect>,
}
