//! The command line: what each subcommand takes, and which part of the program does it. One file a subcommand.

pub mod simulate;

use std::fs::File;
use std::io::{BufReader, Read, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};

use crate::event::Limits;
use crate::policy::Policies;

/// A notification and dunning worker: billing events in, warnings and state changes out.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs events through the engine on a simulated clock and prints what is decided, one JSON object a line.
    Simulate {
        /// Let time run on to this instant (RFC 3339).
        #[arg(long)]
        until: DateTime<Utc>,
        /// A folder of policies instead of those compiled in.
        #[arg(long)]
        policies: Option<PathBuf>,
        /// What to print.
        #[arg(long, value_enum, default_value_t = simulate::Format::Trace)]
        format: simulate::Format,
        /// Events as JSON lines; `-` or nothing for standard input.
        file: Option<PathBuf>,
    },
}

/// Runs what the command line asks for.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Simulate { until, policies, format, file } => {
            run_simulate(until, policies.as_deref(), format, file.as_deref())
        }
    };
    match done {
        Ok(code) => code,
        Err(report) => {
            anstream::eprintln!("{report:?}");
            ExitCode::FAILURE
        }
    }
}

fn run_simulate(
    until: DateTime<Utc>,
    policies: Option<&Path>,
    format: simulate::Format,
    file: Option<&Path>,
) -> miette::Result<ExitCode> {
    let policies = load_policies(policies)?;
    let options =
        simulate::Options { policies: &policies.set, limits: Limits::default(), until, format };
    let input: Box<dyn Read> = match file.filter(|path| *path != Path::new("-")) {
        Some(path) => Box::new(
            File::open(path).map_err(|error| miette::miette!("{}: {error}", path.display()))?,
        ),
        None => Box::new(stdin()),
    };
    let mut output = std::io::BufWriter::new(stdout().lock());
    simulate::simulate(&options, BufReader::new(input), &mut output, |complaint| {
        anstream::eprintln!("{complaint}");
    })
    .map_err(|error| miette::miette!("{error}"))?;
    Ok(ExitCode::SUCCESS)
}

fn load_policies(folder: Option<&Path>) -> miette::Result<Policies> {
    match folder {
        Some(folder) => Policies::with_folder(folder).map_err(|errors| miette::miette!("{errors}")),
        None => Ok(Policies::shipped()),
    }
}
