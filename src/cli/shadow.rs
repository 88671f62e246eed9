//! `dunlin shadow`: what a shadow would have done against what the system in charge did, and the hand-over.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::clock::{Clock as _, SystemClock};
use crate::engine::id::AccountId;
use crate::settings::Settings;
use crate::shadow::diff::{Did, Difference, Subject, Summary, compare, ours};
use crate::shadow::mode::hand_over;
use crate::shadow::theirs::{self, Theirs};
use crate::store::sqlite::{SqliteReader, SqliteStore};
use crate::store::{Read as _, Store as _};

/// Accounts that are looked up at a time.
const PAGE: usize = 500;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Compares what dunlin decided with what the system in charge did; exit code 1 if they differ.
    Diff {
        /// What it did, as JSON lines: `transition` and `notice` lines of a trace, or `lifecycle.resource.changed` events;
        /// `-` for standard input.
        file: PathBuf,
        /// How far apart in time the same thing may be done (`90s`, `15m`, `1h`, `2d`).
        #[arg(long, default_value = "1h", value_parser = super::span)]
        tolerance: TimeDelta,
        /// Compare nothing that the system in charge did before this instant (RFC 3339); by default, before dunlin's first
        /// record less the tolerance.
        #[arg(long, value_name = "INSTANT")]
        from: Option<DateTime<Utc>>,
        /// The folder of an embedded run; the store of the configuration without it.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Puts dunlin in charge: the store is live from the next start on. What was decided so far is never sent.
    HandOver {
        /// Why, and who decided it; for the record.
        #[arg(long)]
        reason: String,
        /// The folder of an embedded run; the store of the configuration without it.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}

pub(super) fn run(command: Command, settings: &Settings) -> miette::Result<ExitCode> {
    match command {
        Command::Diff { file, tolerance, from, data, json } => {
            let theirs = read(&file)?;
            let reader = super::reader(data, settings)?;
            let found = diff(&reader, &theirs, from, tolerance)?;
            print(&found, theirs.passed_over, json)
        }
        Command::HandOver { reason, data } => {
            let path =
                data.map_or_else(|| settings.store.path.clone(), |data| data.join("dunlin.db"));
            take_charge(&path, &reason, settings)
        }
    }
}

fn read(file: &Path) -> miette::Result<Theirs> {
    let input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(stdin())
    } else {
        let opened = File::open(file);
        Box::new(opened.map_err(|error| miette::miette!("{}: {error}", file.display()))?)
    };
    theirs::read(BufReader::new(input))
        .map_err(|error| miette::miette!("{}: {error}", file.display()))
}

type Found = (Vec<Difference>, Summary);

fn diff(
    reader: &SqliteReader,
    theirs: &Theirs,
    from: Option<DateTime<Utc>>,
    tolerance: TimeDelta,
) -> miette::Result<Found> {
    let complaint = |error: &dyn std::fmt::Display| miette::miette!("{error}");
    let mut accounts: BTreeSet<AccountId> = theirs.did.keys().cloned().collect();
    let mut after = None;
    loop {
        let page = reader.account_ids(after.as_ref(), PAGE).map_err(|error| complaint(&error))?;
        let is_last = page.len() < PAGE;
        after = page.last().cloned();
        accounts.extend(page);
        if is_last {
            break;
        }
    }
    let from = match from {
        Some(from) => from,
        None => first_record(reader, &accounts)
            .map_err(|error| complaint(&error))?
            .and_then(|first| first.checked_sub_signed(tolerance))
            .unwrap_or(DateTime::<Utc>::MIN_UTC),
    };
    let (mut differences, mut summary) = (Vec::new(), Summary::default());
    for account in accounts {
        let dunlin: Vec<Did> = ours(reader, &account).map_err(|error| complaint(&error))?;
        let old = theirs.did.get(&account).map_or(&[][..], Vec::as_slice);
        let of_account = compare(&account, old, &dunlin, (from, tolerance), &mut summary);
        differences.extend(of_account);
    }
    Ok((differences, summary))
}

fn first_record(
    reader: &SqliteReader,
    accounts: &BTreeSet<AccountId>,
) -> crate::store::Result<Option<DateTime<Utc>>> {
    let mut first = None;
    for account in accounts {
        let row = reader.ledger(account, None, 1)?.pop();
        let at = row.map(|row| row.decision.at);
        first = first.into_iter().chain(at).min();
    }
    Ok(first)
}

fn print((differences, summary): &Found, passed_over: u64, json: bool) -> miette::Result<ExitCode> {
    if json {
        let all = serde_json::json!({
            "differences": differences, "summary": summary, "passed_over": passed_over,
        });
        let text = serde_json::to_string_pretty(&all);
        anstream::println!("{}", text.map_err(|error| miette::miette!("{error}"))?);
    } else {
        differences.iter().for_each(|one| anstream::println!("{}", line(one)));
        let Summary { same, earlier, later, only_old, only_dunlin, before_shadow } = summary;
        anstream::println!(
            "{same} the same, {earlier} earlier, {later} later, {only_old} only by the old system, {only_dunlin} only by dunlin"
        );
        if *before_shadow > 0 {
            anstream::println!(
                "{before_shadow} of the old system's are older than the shadow: not compared"
            );
        }
        if passed_over > 0 {
            anstream::println!("{passed_over} lines of other kinds: not compared");
        }
    }
    Ok(if summary.differs() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(one: &Difference) -> String {
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (resource, what) = match &one.subject {
        Subject::Transition { resource, to } => (resource, format!("to {to}")),
        Subject::Notice { resource, notice } => (resource, format!("told {notice}")),
    };
    let who = format!("{} {resource} {what}", one.account);
    match (one.old, one.dunlin) {
        (Some(old), Some(dunlin)) => {
            let later = dunlin - old;
            let word = if later < TimeDelta::zero() { "earlier" } else { "later" };
            format!(
                "{} {who}: dunlin {} {word}, at {}",
                text(old),
                super::span_text(later.abs()),
                text(dunlin)
            )
        }
        (Some(old), None) => format!("{} {who}: only the old system", text(old)),
        (None, Some(dunlin)) => format!("{} {who}: only dunlin", text(dunlin)),
        (None, None) => who,
    }
}

fn take_charge(path: &Path, reason: &str, settings: &Settings) -> miette::Result<ExitCode> {
    if reason.trim().is_empty() {
        miette::bail!("--reason is for the record: say why, and who decided it");
    }
    if !path.is_file() {
        miette::bail!("there is no store {}", path.display());
    }
    let mut store = SqliteStore::open(path, settings.store.limits.clone()).map_err(|error| {
        miette::miette!(
            help = "stop the shadow first: the hand-over is for the next start",
            "{error}"
        )
    })?;
    let now = SystemClock.now();
    let complaint = |error: &dyn std::fmt::Display| miette::miette!("{error}");
    let mut tx = store.begin().map_err(|error| complaint(&error))?;
    let since = hand_over(tx.as_mut(), reason, now).map_err(|error| complaint(&error))?;
    tx.commit().map_err(|error| complaint(&error))?;
    store.wind_up().map_err(|error| complaint(&error))?;
    let since_text = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    if since == now {
        anstream::println!("live since {since_text}: start it with `dunlin run`");
    } else {
        anstream::println!("it is live already, since {since_text}");
    }
    Ok(ExitCode::SUCCESS)
}
