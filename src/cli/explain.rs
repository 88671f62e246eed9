//! `dunlin explain`: why a resource is where it is, from what the store has on record. Reads, beside a running worker too.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};

use crate::clock::{Clock as _, SystemClock};
use crate::engine::id::{AccountId, ResourceId};
use crate::explain::{self, ExplainError, Question};
use crate::settings::Settings;
use crate::store::sqlite::SqliteReader;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which resource.
    resource: String,
    /// Whose, where several accounts have one of this id.
    #[arg(long)]
    account: Option<String>,
    /// As it was at this instant (RFC 3339), by what is on record; now without it.
    #[arg(long, value_name = "INSTANT")]
    at: Option<DateTime<Utc>>,
    /// The folder of an embedded run; the store of the configuration without it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON, with instants in UTC.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, settings: &Settings) -> miette::Result<ExitCode> {
    let reader = super::reader(args.data, settings)?;
    let question = Question {
        resource: ResourceId::new(args.resource),
        account: args.account.map(AccountId::new),
        at: args.at.unwrap_or_else(|| SystemClock.now()),
        is_past: args.at.is_some(),
    };
    let explanation = explain::explain(&reader, &question).map_err(complaint)?;
    if args.json {
        let json = serde_json::to_string_pretty(&explanation);
        anstream::println!("{}", json.map_err(|error| miette::miette!("{error}"))?);
    } else {
        anstream::print!("{}", explain::text(&explanation));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether there is a store.
pub(super) fn is_there(path: &Path) -> miette::Result<()> {
    if path.is_file() {
        return Ok(());
    }
    Err(miette::miette!(
        help = "--data names the folder of an embedded run, `store.path` of the configuration the file",
        "there is no store {}",
        path.display()
    ))
}

/// Opens a store that is there; creates and migrates nothing.
pub(super) fn open(path: &Path, settings: &Settings) -> miette::Result<SqliteReader> {
    is_there(path)?;
    SqliteReader::at_one_commit(path, &settings.store.limits)
        .map_err(|error| miette::miette!("{}: {error}", path.display()))
}

pub(super) fn complaint(error: ExplainError) -> miette::Report {
    let help = match &error {
        ExplainError::Unknown { near, .. } if near.is_empty() => {
            Some("the store has no resource at all".to_owned())
        }
        ExplainError::Unknown { near, .. } => {
            let named = near.iter().map(|one| format!("{} of {}", one.resource, one.account));
            Some(format!("near it: {}", named.collect::<Vec<_>>().join(", ")))
        }
        ExplainError::Several { accounts, .. } => {
            let named: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
            Some(format!("one of {}", named.join(", ")))
        }
        ExplainError::NotYet { .. }
        | ExplainError::Policy { .. }
        | ExplainError::Record { .. }
        | ExplainError::Store(_) => None,
    };
    match help {
        Some(help) => miette::miette!(help = help, "{error}"),
        None => miette::miette!("{error}"),
    }
}
