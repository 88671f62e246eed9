//! The command line: what each subcommand takes, and which part of the program does it. One file a subcommand.

mod account;
mod breaker;
mod event;
mod explain;
mod hand;
mod held;
mod hold;
mod inspect;
mod ledger;
mod order;
mod policy;
mod reachability;
mod refund;
mod run;
mod shadow;
pub mod simulate;
mod span;
mod summary;
mod template;

use std::fs::File;
use std::io::{BufReader, Read, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};

use self::span::{span, span_text};
use crate::app;
use crate::event::Limits;
use crate::settings::{Loaded, Settings, Source};
use crate::store::sqlite::SqliteReader;

/// A notification and dunning worker: billing events in, warnings and state changes out.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    /// Configuration file; every key has a default, and DUNLIN__SECTION__KEY variables come last.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the worker.
    Run(run::Args),
    /// Runs events through the engine on a simulated clock and prints what is decided, one JSON object a line.
    Simulate {
        /// Let time run on to this instant (RFC 3339).
        #[arg(long)]
        until: DateTime<Utc>,
        /// A folder of policies beside those compiled in.
        #[arg(long)]
        policies: Option<PathBuf>,
        /// What to print.
        #[arg(long, value_enum, default_value_t = simulate::Format::Trace)]
        format: simulate::Format,
        /// What counts as proof that somebody was told (SAFE-4).
        #[arg(long, value_enum, default_value_t = simulate::ProofsOption::Assumed)]
        proofs: simulate::ProofsOption,
        /// Events as JSON lines; `-` or nothing for standard input.
        file: Option<PathBuf>,
    },
    /// Looks at lifecycles before a customer does.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Looks at notices before a customer does.
    #[command(subcommand)]
    Template(template::Command),
    /// Quotes refunds before a customer asks.
    #[command(subcommand)]
    Refund(refund::Command),
    /// Explains a resource: where it is, how it came there, who was told, what comes next, what would change it.
    Explain(explain::Args),
    /// Erases the person of an account.
    #[command(subcommand)]
    Account(account::Command),
    /// Lists accounts that nobody can be told about, with what is stopped or released meanwhile.
    Reachability(reachability::Args),
    /// Verifies and exports the chained record of decisions.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Compares a shadow with the system in charge, and hands over to it.
    #[command(subcommand)]
    Shadow(shadow::Command),
    /// Lets steps wait, or lets them go on (SAFE-7).
    #[command(subcommand)]
    Hold(hold::Command),
    /// Lists what is due and does not happen, because of what, and what would let it go.
    Held(held::Args),
    /// Lets a release go on that is held because nobody is known to have been told (SAFE-4).
    ApproveRelease(hand::Approve),
    /// Puts off what is next taken away (SAFE-9).
    Extend(hand::PutOff),
    /// Tells again what was told.
    #[command(subcommand)]
    Notice(hand::Notice),
    /// Stops what the clock takes away, of a resource, an account or everything, until `resume`. Notices go on.
    Pause(hand::Pause),
    /// Ends what `pause` began.
    Resume(hand::Pause),
    /// Lets through what looks like abuse.
    #[command(subcommand)]
    Return(hand::Return),
    /// Shows what is held as too much at once, and lets it go on (SAFE-6).
    #[command(subcommand)]
    Breaker(breaker::Command),
    /// Puts events into RabbitMQ by hand, or watches what comes out.
    #[command(subcommand)]
    Event(event::Command),
    /// Checks configuration, policies and templates together.
    Check,
    /// Shows the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Prints the JSON Schema of the data of an event type, or of all; or an AsyncAPI document of everything.
    Schema {
        /// Such as `billing.balance.changed`.
        event_type: Option<String>,
        /// Print an AsyncAPI 3.0 document: every message, the exchanges of the default settings, how it travels.
        #[arg(long, conflicts_with = "event_type")]
        asyncapi: bool,
    },
    /// Asks a running dunlin whether it is alive; exit code 1 if not.
    Healthcheck {
        /// Its page; by default that of `http.bind`.
        url: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Every key, its value and where that comes from.
    Show,
}

/// Runs what the command line asks for.
pub fn run(cli: Cli) -> ExitCode {
    match dispatch(cli) {
        Ok(code) => code,
        Err(report) => {
            anstream::eprintln!("{report:?}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> miette::Result<ExitCode> {
    // The one TLS provider of the program, before anything could ask for one.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| miette::miette!("a TLS provider is installed already"))?;
    let config = cli.config;
    match cli.command {
        Command::Run(args) => run::run(args, settings(config)?),
        Command::Simulate { until, policies, format, proofs, file } => {
            run_simulate(until, policies.as_deref(), (format, proofs), file.as_deref())
        }
        Command::Policy(command) => policy::run(command, config),
        Command::Template(command) => template::run(command, &settings(config)?.settings),
        Command::Refund(command) => refund::run(command),
        Command::Explain(args) => explain::run(args, &settings(config)?.settings),
        Command::Account(command) => {
            let settings = settings(config)?.settings;
            with_network(account::run(command, &settings))
        }
        Command::Reachability(args) => reachability::run(args, &settings(config)?.settings),
        Command::Ledger(command) => ledger::run(command, &settings(config)?.settings),
        Command::Shadow(command) => shadow::run(command, &settings(config)?.settings),
        Command::Held(args) => held::held(args, &settings(config)?.settings),
        Command::ApproveRelease(args) => {
            let settings = settings(config)?.settings;
            with_network(hand::approve(args, &settings))
        }
        Command::Extend(args) => {
            let settings = settings(config)?.settings;
            with_network(hand::extend(args, &settings))
        }
        Command::Notice(command) => {
            let settings = settings(config)?.settings;
            with_network(hand::notice(command, &settings))
        }
        Command::Pause(args) => {
            let settings = settings(config)?.settings;
            with_network(hand::pause(args, &settings))
        }
        Command::Resume(args) => {
            let settings = settings(config)?.settings;
            with_network(hand::resume(args, &settings))
        }
        Command::Return(command) => {
            let settings = settings(config)?.settings;
            with_network(hand::of_return(command, &settings))
        }
        Command::Hold(command) => {
            let settings = settings(config)?.settings;
            with_network(hold::run(command, &settings))
        }
        Command::Breaker(command) => {
            let settings = settings(config)?.settings;
            with_network(breaker::run(command, &settings))
        }
        Command::Event(command) => {
            let settings = settings(config)?.settings;
            with_network(event::run(command, &settings))
        }
        Command::Check => inspect::check(&settings(config)?),
        Command::Config(ConfigCommand::Show) => Ok(inspect::config_show(&settings(config)?)),
        Command::Schema { asyncapi: true, .. } => inspect::asyncapi(),
        Command::Schema { event_type, .. } => inspect::schema(event_type.as_deref()),
        Command::Healthcheck { url } => {
            let settings = settings(config)?.settings;
            with_network(inspect::healthcheck(url, &settings))
        }
    }
}

/// Runs something that talks to others.
fn with_network(work: impl Future<Output = miette::Result<ExitCode>>) -> miette::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| miette::miette!("the runtime cannot start: {error}"))?;
    let done = runtime.block_on(work);
    // Not waited for: a thread that reads standard input cannot be called back.
    runtime.shutdown_background();
    done
}

fn run_simulate(
    until: DateTime<Utc>,
    policies: Option<&Path>,
    (format, proofs): (simulate::Format, simulate::ProofsOption),
    file: Option<&Path>,
) -> miette::Result<ExitCode> {
    let policies = app::policies(policies).map_err(|errors| miette::miette!("{errors}"))?;
    let options = simulate::Options {
        policies: &policies.set,
        limits: Limits::default(),
        until,
        format,
        proofs: proofs.into(),
    };
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

/// Opens a store that is there, for a look at one commit of it; creates and migrates nothing.
fn reader(data: Option<PathBuf>, settings: &Settings) -> miette::Result<SqliteReader> {
    let path = data.map_or_else(|| settings.store.path.clone(), |data| data.join("dunlin.db"));
    explain::open(&path, settings)
}

/// Reads the configuration, or says everything that is wrong with it.
fn settings(file: Option<PathBuf>) -> miette::Result<Loaded> {
    let loaded = Source::of_process(file).and_then(Settings::load).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        miette::miette!("{}", lines.join("\n"))
    })?;
    Ok(loaded)
}
