//! Holds and moratoria by order of an operator: the same facts that events tell, with who said so on record (SAFE-7).

use chrono::{DateTime, Utc};

use super::Answer;
use crate::engine::act::What;
use crate::engine::hold::Holds;
use crate::engine::id::{AccountId, ResourceId};
use crate::engine::input::{Body, Event};
use crate::engine::moratorium;
use crate::order::{LiftHold, PlaceHold, Target};
use crate::store::Command;
use crate::worker::WorkerError;
use crate::worker::group::Group;

impl Group<'_> {
    pub(super) fn place_hold(
        &mut self,
        command: &Command,
        order: PlaceHold,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let PlaceHold { target, id, reason, scope, until } = order;
        if until.is_some_and(|until| until <= now) {
            return Ok(Answer::refused("it would be over already"));
        }
        let id = id.unwrap_or_else(|| format!("command-{}", command.id));
        let hold = Some(id.clone());
        let answer = match target {
            Target::Moratorium(target) => {
                let said = Some(format!(" by {}: {reason}", command.by));
                let reason = format!("{reason} (by {})", command.by);
                let body =
                    Body::MoratoriumPlaced { target, moratorium: hold, reason, scope, until };
                self.take_moratorium(&self.event(command, "", body), said, now)?;
                Answer::done("")
            }
            Target::Resource(account, resource) => {
                let (said, resource) = (reason.clone(), Some(resource));
                let body = Body::HoldPlaced { resource, hold, reason, scope, until };
                self.tell(command, account, (body, said), now)?
            }
            Target::Account(account) => {
                let said = reason.clone();
                let body = Body::HoldPlaced { resource: None, hold, reason, scope, until };
                self.tell(command, account, (body, said), now)?
            }
        };
        Ok(answer.saying(format!("hold {id} is placed")))
    }

    pub(super) fn lift_hold(
        &mut self,
        command: &Command,
        order: LiftHold,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let LiftHold { target, id, reason } = order;
        let standing = match &target {
            Target::Moratorium(target) => {
                let all = self.moratoria();
                let mut of_target = all.iter().filter(|(one, _)| *one == target);
                names(of_target.next().map(|(_, holds)| holds), now)
            }
            Target::Resource(account, resource) => {
                let sight = self.sight(account, Some(resource), now)?;
                names(sight.resources.get(resource).map(|one| &one.holds), now)
            }
            Target::Account(account) => {
                names(Some(&self.sight(account, None, now)?.account.holds), now)
            }
        };
        if let Some(refusal) = nothing_to_lift(id.as_ref(), &standing) {
            return Ok(refusal);
        }
        let said = match &id {
            Some(id) => format!("hold {id} is lifted"),
            None => format!("lifted: {}", standing.join(", ")),
        };
        let answer = match target {
            Target::Moratorium(target) => {
                self.lift_moratorium((command, reason), target, id, now)?
            }
            Target::Resource(account, resource) => {
                let body = Body::HoldLifted { resource: Some(resource), hold: id };
                self.tell(command, account, (body, reason), now)?
            }
            Target::Account(account) => {
                let body = Body::HoldLifted { resource: None, hold: id };
                self.tell(command, account, (body, reason), now)?
            }
        };
        Ok(answer.saying(said))
    }

    fn lift_moratorium(
        &mut self,
        (command, reason): (&Command, String),
        target: moratorium::Target,
        moratorium: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let body = Body::MoratoriumLifted { target, moratorium };
        let said = Some(format!(" by {}: {reason}", command.by));
        self.take_moratorium(&self.event(command, "", body), said, now)?;
        Ok(Answer::done(""))
    }

    /// Hands a command to the engine as the fact that an event would tell.
    fn tell(
        &mut self,
        command: &Command,
        account: AccountId,
        (body, reason): (Body, String),
        now: DateTime<Utc>,
    ) -> Result<Answer, WorkerError> {
        let resource: Option<ResourceId> = body.resources().next().cloned();
        if let Some(refusal) = self.unknown(&account, resource.as_ref(), now)? {
            return Ok(refusal);
        }
        let event = self.event(command, account.as_str(), body);
        self.act(command, &account, (What::Fact(event), reason), now)
    }

    fn event(&self, command: &Command, account: &str, body: Body) -> Event {
        Event { key: self.key_of(command), time: command.at, account: account.into(), body }
    }
}

impl Answer {
    /// With these words where it was carried out.
    fn saying(self, said: String) -> Self {
        match self.state {
            crate::store::CommandState::Done => Self { said, ..self },
            crate::store::CommandState::Refused | crate::store::CommandState::Waiting => self,
        }
    }
}

fn names(holds: Option<&Holds>, now: DateTime<Utc>) -> Vec<String> {
    let in_force = holds.into_iter().flat_map(|holds| holds.in_force(now));
    in_force.map(|(id, _)| id.to_owned()).collect()
}

fn nothing_to_lift(id: Option<&String>, standing: &[String]) -> Option<Answer> {
    match id {
        _ if standing.is_empty() => Some(Answer::refused("no hold is in force there")),
        Some(id) if !standing.contains(id) => {
            let standing = standing.join(", ");
            Some(Answer::refused(format!("no hold {id} is in force there; there is {standing}")))
        }
        Some(_) | None => None,
    }
}
