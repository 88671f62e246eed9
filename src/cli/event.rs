//! `dunlin event publish` and `dunlin event tail`: a broker by hand, for local runs.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use crate::broker::tools;
use crate::clock::{Clock, SystemClock};
use crate::settings::Settings;
use crate::shutdown::Signals;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Puts events from a file of JSON lines into RabbitMQ, in order, each confirmed.
    Publish {
        /// The file.
        file: PathBuf,
        /// Move all of it in time, so that the earliest event happens now: an old example happens today.
        #[arg(long, value_enum)]
        shift_to: Option<ShiftTo>,
    },
    /// Prints what dunlin publishes from now on, one JSON object a line, until interrupted.
    Tail {
        /// Only routing keys that match, such as `lifecycle.resource.changed.#`.
        #[arg(default_value = "#")]
        pattern: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ShiftTo {
    Now,
}

pub(super) async fn run(command: Command, settings: &Settings) -> miette::Result<ExitCode> {
    match command {
        Command::Publish { file, shift_to } => {
            let now = shift_to.map(|ShiftTo::Now| SystemClock.now());
            let published = tools::publish_file(&settings.broker, &file, now)
                .await
                .map_err(|error| miette::miette!("{error}"))?;
            anstream::println!("{} events published and confirmed", published.events);
        }
        Command::Tail { pattern } => tail(&pattern, settings).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn tail(pattern: &str, settings: &Settings) -> miette::Result<()> {
    let stop = CancellationToken::new();
    let signals =
        Signals::register().map_err(|error| miette::miette!("the handler of signals: {error}"))?;
    let print = |seen: tools::Seen| {
        let mut out = anstream::stdout().lock();
        // A reader that went away, as `head` does, ends this.
        if out
            .write_all(&seen.body)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())
            .is_err()
        {
            stop.cancel();
        }
    };
    tokio::select! {
        done = tools::tail(&settings.broker, pattern, print, stop.clone()) => done.map_err(|error| miette::miette!("{error}")),
        () = signals.run(stop.clone()) => Ok(()),
    }
}
