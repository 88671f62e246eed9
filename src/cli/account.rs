//! `dunlin account`: what can be done to an account by hand. Says what is meant; the worker does it.

use std::process::ExitCode;

use super::order::{Desk, Options};
use crate::engine::id::AccountId;
use crate::order::{Erase, Order};
use crate::settings::Settings;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Erases the person: contacts, names, messages, free text. The account and its record stay, and nothing is released by it.
    Erase {
        /// Which account.
        account: String,
        #[command(flatten)]
        options: Options,
    },
}

pub(super) async fn run(command: Command, settings: &Settings) -> miette::Result<ExitCode> {
    let Command::Erase { account, options } = command;
    let desk = Desk::open(options, settings)?;
    let (account, reason) = (AccountId::new(account), desk.reason());
    desk.give(&Order::Erase(Erase { account, reason })).await
}
