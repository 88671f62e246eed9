//! `dunlin held` and `dunlin hold list`: what waits, and because of what. Reads, beside a running worker too.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::explain::{complaint, open};
use crate::clock::{Clock as _, SystemClock};
use crate::explain;
use crate::settings::Settings;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of an embedded run; the store of the configuration without it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON, with instants in UTC.
    #[arg(long)]
    json: bool,
}

/// What is due and does not happen.
pub(super) fn held(args: Args, settings: &Settings) -> miette::Result<ExitCode> {
    let now = SystemClock.now();
    list(args, settings, |store| explain::held(store, now), explain::held_text)
}

/// The holds that are in force.
pub(super) fn holds(args: Args, settings: &Settings) -> miette::Result<ExitCode> {
    let now = SystemClock.now();
    list(args, settings, |store| explain::standing(store, now), explain::standing_text)
}

fn list<T: Serialize>(
    args: Args,
    settings: &Settings,
    ask: impl FnOnce(&dyn crate::store::Read) -> Result<Vec<T>, explain::ExplainError>,
    text: impl FnOnce(&[T]) -> String,
) -> miette::Result<ExitCode> {
    let store =
        args.data.map_or_else(|| settings.store.path.clone(), |data| data.join("dunlin.db"));
    let reader = open(&store, settings)?;
    let rows = ask(&reader).map_err(complaint)?;
    if args.json {
        let json = serde_json::to_string_pretty(&rows);
        anstream::println!("{}", json.map_err(|error| miette::miette!("{error}"))?);
    } else {
        anstream::print!("{}", text(&rows));
    }
    Ok(ExitCode::SUCCESS)
}
