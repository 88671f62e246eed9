//! What all orders of an operator have in common: who gives them, to which store, and how long an answer is waited for.
//!
//! Puts the order where the worker looks for some, and reads what it says. Changes nothing itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::explain::{complaint, is_there};
use crate::clock::{Clock as _, SystemClock, monotonic};
use crate::engine::id::{AccountId, ResourceId};
use crate::engine::resource::Resource;
use crate::explain::{self, Explanation, Question, ahead_text};
use crate::order::{Order, Target};
use crate::settings::{self, Settings};
use crate::store::sqlite::{SqliteCommands, SqliteReader};
use crate::store::{Command, CommandState, NewCommand, Read as _};

/// How often it is looked whether there is an answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Exit code of an order that nobody has taken yet.
const WAITING: u8 = 3;

/// What every order takes.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Why: it goes on record with the order. No names of customers.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// Who gives it; the user of this process without it.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Seconds to wait for the answer of a running dunlin.
    #[arg(long, value_name = "SECS", default_value_t = 10)]
    wait: u64,
    /// The folder of an embedded run; the store of the configuration without it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The store that orders go to.
pub(super) struct Desk<'s> {
    options: Options,
    settings: &'s Settings,
    store: PathBuf,
}

impl<'s> Desk<'s> {
    pub(super) fn open(options: Options, settings: &'s Settings) -> miette::Result<Self> {
        if options.reason.trim().is_empty() {
            miette::bail!(help = "it goes on record: say why", "--reason is empty");
        }
        let store = options.data.as_ref();
        let store =
            store.map_or_else(|| settings.store.path.clone(), |data| data.join("dunlin.db"));
        is_there(&store)?;
        Ok(Self { options, settings, store })
    }

    pub(super) fn reason(&self) -> String {
        self.options.reason.trim().to_owned()
    }

    fn reader(&self) -> miette::Result<SqliteReader> {
        SqliteReader::open(&self.store, &self.settings.store.limits)
            .map_err(|error| miette::miette!("{}: {error}", self.store.display()))
    }

    /// The one resource that is meant.
    pub(super) fn resource(&self, id: &str, account: Option<&String>) -> miette::Result<Resource> {
        let account = account.map(|account| AccountId::new(account.clone()));
        let id = ResourceId::new(id.to_owned());
        explain::find(&self.reader()?, &id, account.as_ref()).map_err(complaint)
    }

    /// The same, as what an order is about.
    pub(super) fn one(&self, id: &str, account: Option<&String>) -> miette::Result<Target> {
        let resource = self.resource(id, account)?;
        Ok(Target::Resource(resource.account, resource.id))
    }

    /// What the resource that an order is about has ahead of it now; nothing where it is about no single one.
    fn ahead(&self, order: &Order) -> miette::Result<Option<Explanation>> {
        let Some((account, resource)) = order.resource() else { return Ok(None) };
        let (account, resource) = (Some(account.clone()), resource.clone());
        let question = Question { resource, account, at: SystemClock.now(), is_past: false };
        explain::explain(&self.reader()?, &question).map(Some).map_err(complaint)
    }

    /// An account that something is known of.
    pub(super) fn account(&self, id: &str) -> miette::Result<AccountId> {
        let id = AccountId::new(id.to_owned());
        let known = self.reader()?.account(&id).map_err(|error| miette::miette!("{error}"))?;
        let known = known.filter(|account| account.value.profile.is_some());
        known.map(|_| id.clone()).ok_or_else(|| miette::miette!("there is no account {id}"))
    }

    /// Gives the order, waits for the answer, prints it.
    pub(super) async fn give(self, order: &Order) -> miette::Result<ExitCode> {
        let command = self.send(order).await?;
        let said = command.answer.as_deref().unwrap_or_default();
        let is_done = command.state == CommandState::Done;
        let ahead = if is_done { self.ahead(order)? } else { None };
        if self.options.json {
            let answer = json!({
                "command": command.id, "given_at": command.at, "by": command.by,
                "order": command.kind, "state": command.state.word(), "answer": command.answer,
                "held": ahead.as_ref().map(|now| &now.held),
                "next": ahead.as_ref().map(|now| &now.next),
            });
            anstream::println!("{}", pretty(&answer)?);
        } else {
            match command.state {
                CommandState::Done => {
                    anstream::println!("{said}");
                    anstream::print!("{}", ahead.as_ref().map(ahead_text).unwrap_or_default());
                }
                CommandState::Refused => {}
                CommandState::Waiting => anstream::println!(
                    "Order {} waits: no dunlin that works on {} has taken it. It is durable, and taken as soon as one does.",
                    command.id,
                    self.store.display()
                ),
            }
        }
        match command.state {
            CommandState::Done => Ok(ExitCode::SUCCESS),
            CommandState::Refused if self.options.json => Ok(ExitCode::FAILURE),
            CommandState::Refused => {
                Err(miette::miette!("order {} is refused: {said}", command.id))
            }
            CommandState::Waiting => Ok(ExitCode::from(WAITING)),
        }
    }

    async fn send(&self, order: &Order) -> miette::Result<Command> {
        let wrong = |error| miette::miette!("{}: {error}", self.store.display());
        let by = self.options.by.clone().or_else(settings::user);
        let by = by.ok_or_else(|| {
            miette::miette!(help = "--by NAME", "nobody knows who gives the order")
        })?;
        let (kind, body) = order.written().map_err(|error| miette::miette!("{error}"))?;
        let mut commands =
            SqliteCommands::open(&self.store, &self.settings.store.limits).map_err(wrong)?;
        let command = NewCommand { at: SystemClock.now(), by: &by, kind: &kind, body: &body };
        let id = commands.give(&command).map_err(wrong)?;
        drop(commands);
        let (reader, asked) = (self.reader()?, monotonic());
        loop {
            let command = reader.command(id).map_err(wrong)?;
            let command = command.ok_or_else(|| miette::miette!("order {id} is gone"))?;
            let is_answered = command.state != CommandState::Waiting;
            if is_answered || asked.elapsed() >= Duration::from_secs(self.options.wait) {
                return Ok(command);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn pretty(value: &Value) -> miette::Result<String> {
    serde_json::to_string_pretty(value).map_err(|error| miette::miette!("{error}"))
}
