//! `dunlin breaker`: what is held because it is too much at once, and the word of a person that lets it go on (SAFE-6).

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::explain::open;
use super::order::{Desk, Options, pretty};
use crate::order::{BatchOrder, Order};
use crate::settings::Settings;
use crate::store::sqlite::SqliteReader;
use crate::store::{BATCHES, Batch, BatchState, IntentRow, IntentsOf, Read as _};

/// Members that are read at a time.
const PAGE: usize = 1_000;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists the batches that a person has to decide about.
    List {
        /// Also those that were decided, and those of which nothing was left.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        from: From,
    },
    /// Shows a batch, with everything that is still in it.
    Show {
        /// Its hash.
        hash: String,
        #[command(flatten)]
        from: From,
    },
    /// Lets exactly this batch go on.
    Approve {
        /// Its hash, whole, as `list` and `show` print it.
        #[arg(long, value_name = "HASH")]
        batch: String,
        #[command(flatten)]
        options: Options,
    },
    /// Keeps a batch held; it can be approved later all the same.
    Reject {
        /// Its hash, whole, as `list` and `show` print it.
        #[arg(long, value_name = "HASH")]
        batch: String,
        #[command(flatten)]
        options: Options,
    },
}

/// What is read, and how it is printed.
#[derive(Debug, clap::Args)]
pub(super) struct From {
    /// The folder of an embedded run; the store of the configuration without it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl From {
    fn reader(&self, settings: &Settings) -> miette::Result<SqliteReader> {
        let data = self.data.as_ref().map(|data| data.join("dunlin.db"));
        open(data.as_ref().unwrap_or(&settings.store.path), settings)
    }
}

pub(super) async fn run(command: Command, settings: &Settings) -> miette::Result<ExitCode> {
    match command {
        Command::List { all, from } => list(all, &from, settings),
        Command::Show { hash, from } => show(&hash, &from, settings),
        Command::Approve { batch, options } => {
            let desk = Desk::open(options, settings)?;
            let reason = desk.reason();
            desk.give(&Order::ApproveBatch(BatchOrder { batch, reason })).await
        }
        Command::Reject { batch, options } => {
            let desk = Desk::open(options, settings)?;
            let reason = desk.reason();
            desk.give(&Order::RejectBatch(BatchOrder { batch, reason })).await
        }
    }
}

fn batches(reader: &SqliteReader) -> miette::Result<Vec<Batch>> {
    let rows = reader.registers(BATCHES).map_err(wrong)?;
    let read = |(_, body): (String, String)| serde_json::from_str(&body).map_err(wrong);
    let mut batches: Vec<Batch> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    batches.sort_by_key(|batch| (batch.tripped_at, batch.hash.clone()));
    Ok(batches)
}

fn wrong(error: impl std::fmt::Display) -> miette::Report {
    miette::miette!("{error}")
}

fn list(all: bool, from: &From, settings: &Settings) -> miette::Result<ExitCode> {
    let reader = from.reader(settings)?;
    let mut batches = batches(&reader)?;
    batches.retain(|batch| all || batch.state == BatchState::Held);
    if from.json {
        let rows: Vec<Value> = batches.iter().map(summary).collect();
        anstream::println!("{}", pretty(&Value::Array(rows))?);
        return Ok(ExitCode::SUCCESS);
    }
    if batches.is_empty() {
        anstream::println!("Nothing is held.");
    }
    for batch in &batches {
        anstream::println!("{}  {}", batch.hash, headline(batch));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(hash: &str, from: &From, settings: &Settings) -> miette::Result<ExitCode> {
    let reader = from.reader(settings)?;
    let found = batches(&reader)?.into_iter().find(|batch| batch.hash == hash);
    let batch = found.ok_or_else(|| {
        miette::miette!(help = "dunlin breaker list --all", "there is no batch {hash}")
    })?;
    let members = members(&reader, hash)?;
    if from.json {
        let mut whole = summary(&batch);
        whole["members"] = members.iter().map(member).collect();
        anstream::println!("{}", pretty(&whole)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = std::io::BufWriter::new(anstream::stdout());
    let mut print = || {
        writeln!(out, "batch   {}", batch.hash)?;
        writeln!(out, "what    {}", headline(&batch))?;
        writeln!(
            out,
            "why     at most {} in the window, of {} tracked; {} had been admitted before",
            batch.limit, batch.tracked, batch.admitted
        )?;
        if let Some(decided) = &batch.decided {
            let at = decided.at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let (word, by, reason) = (batch.state.word(), &decided.by, &decided.reason);
            writeln!(out, "decided {word} at {at} by {by}: {reason}")?;
        }
        writeln!(out, "in it   {} of {}", members.len(), batch.count)?;
        for row in &members {
            let due_at = row.due_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            match &row.resource {
                Some(id) => writeln!(out, "  {}  {id}  to {}, due {due_at}", row.account, row.to)?,
                None => writeln!(out, "  {}  below zero since {due_at}", row.account)?,
            }
        }
        out.flush()
    };
    print().map_err(wrong)?;
    Ok(ExitCode::SUCCESS)
}

fn members(reader: &SqliteReader, hash: &str) -> miette::Result<Vec<IntentRow>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = reader.intents(IntentsOf::Batch(hash), after.as_ref(), PAGE).map_err(wrong)?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
        after = all.last().map(IntentRow::key);
    }
}

/// What a batch is, in a line.
fn headline(batch: &Batch) -> String {
    let at = batch.tripped_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (kind, scope, state) = (batch.kind.word(), batch.scope.word(), batch.state.word());
    format!("{state}: {kind} of {scope}, {} at once at {at}", batch.count)
}

fn summary(batch: &Batch) -> Value {
    json!({
        "batch": batch.hash, "scope": batch.scope.word(), "kind": batch.kind.word(),
        "state": batch.state.word(), "tripped_at": batch.tripped_at, "count": batch.count,
        "admitted": batch.admitted, "tracked": batch.tracked, "limit": batch.limit,
        "decided": batch.decided,
    })
}

fn member(row: &IntentRow) -> Value {
    let to = row.resource.as_ref().map(|_| row.to.as_str());
    json!({
        "account": row.account, "resource": row.resource, "to": to, "due_at": row.due_at,
        "asked_at": row.asked_at, "state": row.state.word(),
    })
}
