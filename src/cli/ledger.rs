//! `dunlin ledger`: verifies the chained record, and exports that of one account. Reads, beside a running worker too.

use std::io::{BufWriter, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::engine::id::AccountId;
use crate::ledger::verify::{Verified, verify};
use crate::ledger::{export, hex};
use crate::settings::Settings;
use crate::store::{Read as _, sqlite::SqliteReader};

/// Accounts that are looked up at a time.
const PAGE: usize = 500;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Walks the chains and says of each whether it holds; exit code 1 if one does not.
    Verify {
        /// Only the chain of this account.
        #[arg(long)]
        account: Option<String>,
        /// The folder of an embedded run; the store of the configuration without it.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Print one JSON object for each account, a line each.
        #[arg(long)]
        json: bool,
    },
    /// Prints every record of an account with its hashes, to be kept or verified elsewhere.
    Export {
        /// Whose.
        #[arg(long)]
        account: String,
        /// The folder of an embedded run; the store of the configuration without it.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// How.
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
        /// With the names and amounts that are kept apart: an erasure does not reach the export.
        #[arg(long)]
        with_texts: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// JSON lines.
    Jsonl,
}

pub(super) fn run(command: Command, settings: &Settings) -> miette::Result<ExitCode> {
    match command {
        Command::Verify { account, data, json } => {
            let open = || super::reader(data.clone(), settings);
            match account {
                Some(account) => verify_one(&open()?, &AccountId::new(account), json),
                None => verify_all(open, json),
            }
        }
        Command::Export { account, data, format: Format::Jsonl, with_texts } => {
            let reader = super::reader(data, settings)?;
            let mut out = BufWriter::new(stdout().lock());
            export::export(&reader, &AccountId::new(account), with_texts, &mut out)
                .map_err(|error| miette::miette!("{error}"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn verify_one(reader: &SqliteReader, account: &AccountId, json: bool) -> miette::Result<ExitCode> {
    let mut sums = Sums::default();
    sums.add(&verify(reader, account).map_err(|error| miette::miette!("{error}"))?, json)?;
    Ok(sums.over(json))
}

/// Some accounts at one commit each time: a running worker is not kept from tidying up behind one that takes long.
fn verify_all(
    open: impl Fn() -> miette::Result<SqliteReader>,
    json: bool,
) -> miette::Result<ExitCode> {
    let complaint = |error| miette::miette!("{error}");
    let (mut sums, mut after) = (Sums::default(), None);
    loop {
        let reader = open()?;
        let page = reader.account_ids(after.as_ref(), PAGE).map_err(complaint)?;
        for account in &page {
            sums.add(&verify(&reader, account).map_err(complaint)?, json)?;
        }
        let is_last = page.len() < PAGE;
        after = page.into_iter().last();
        if is_last {
            return Ok(sums.over(json));
        }
    }
}

#[derive(Default)]
struct Sums {
    accounts: u64,
    records: u64,
    before: u64,
    broken: u64,
}

impl Sums {
    fn add(&mut self, one: &Verified, json: bool) -> miette::Result<()> {
        self.accounts += 1;
        self.records += one.records;
        self.before += one.before;
        self.broken += u64::from(one.wrong.is_some());
        if json {
            let line = serde_json::to_string(one).map_err(|error| miette::miette!("{error}"))?;
            anstream::println!("{line}");
            return Ok(());
        }
        let account = &one.account;
        match &one.wrong {
            Some(wrong) => anstream::println!("{account}: broken: {wrong}"),
            None => anstream::println!("{account}: ok, {}", said(one)),
        }
        Ok(())
    }

    fn over(&self, json: bool) -> ExitCode {
        if !json {
            let Self { accounts, records, before, broken } = self;
            anstream::println!(
                "{accounts} accounts, {records} records, {before} older than the chain, {broken} broken"
            );
        }
        if self.broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn said(one: &Verified) -> String {
    let mut said = format!("{} records", one.records);
    if one.before > 0 {
        said += &format!(", {} older than the chain", one.before);
    }
    if one.erased > 0 {
        said += &format!(", names erased from {}", one.erased);
    }
    if let Some(head) = &one.head {
        said += &format!(", ends at {}", hex(head));
    }
    said
}
