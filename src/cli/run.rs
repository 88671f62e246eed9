//! `dunlin run`: the worker, beside a broker or on a folder.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use tracing::Instrument as _;

use super::summary;
use crate::app::{self, Embedded, Place, Time};
use crate::embedded::Source;
use crate::settings::Loaded;
use crate::shadow::mode::Mode;
use crate::telemetry;

/// What `dunlin run` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whether what is decided is done, or another system is in charge and dunlin only decides and records.
    #[arg(long, value_enum, default_value_t = InMode::Live)]
    mode: InMode,
    /// Work without a broker: events from a file, everything else in a folder.
    #[arg(long, requires_all = ["events", "data"])]
    embedded: bool,
    /// Events as JSON lines; `-` for standard input.
    #[arg(long, requires = "embedded", value_name = "FILE|-")]
    events: Option<PathBuf>,
    /// What moves time: the machine's clock, or the events.
    #[arg(long, requires = "embedded", value_enum, default_value_t = Clock::Wall)]
    clock: Clock,
    /// With `--clock events`: let time run on to this instant (RFC 3339).
    #[arg(long, requires = "embedded")]
    until: Option<DateTime<Utc>>,
    /// Where dunlin.db, mail/, sms.jsonl and state-changes.jsonl go.
    #[arg(long, requires = "embedded", value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Clock {
    Wall,
    Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum InMode {
    Live,
    Shadow,
}

impl From<InMode> for Mode {
    fn from(mode: InMode) -> Self {
        match mode {
            InMode::Live => Self::Live,
            InMode::Shadow => Self::Shadow,
        }
    }
}

/// Runs until a signal, or until the events are over.
pub(super) fn run(args: Args, loaded: Loaded) -> miette::Result<ExitCode> {
    let Loaded { settings, warnings, .. } = loaded;
    if args.until.is_some() && args.clock == Clock::Wall {
        miette::bail!(
            "--until goes with --clock events: the machine's clock cannot be told where to end"
        );
    }
    telemetry::init_log(&settings.log).map_err(|error| miette::miette!("log: {error}"))?;
    let replayed = args.embedded && args.clock == Clock::Events;
    let place = match (args.embedded, args.events, args.data.clone()) {
        (true, Some(events), Some(data)) => {
            let events =
                if events.as_os_str() == "-" { Source::Stdin } else { Source::File(events) };
            let time = if replayed { Time::Events(args.until) } else { Time::Wall };
            Place::Embedded(Embedded { events, time, data })
        }
        _ => Place::Broker,
    };
    // An embedded run reaches nobody: a placeholder in a notice is no harm there.
    for warning in warnings.iter().filter(|_| !args.embedded) {
        tracing::warn!("{warning}");
    }
    let mode = Mode::from(args.mode);
    let code = super::with_network(async {
        let run = app::run(settings, place, mode);
        // Every line of a shadow's log says so.
        let run = match mode {
            Mode::Live => run.instrument(tracing::Span::none()),
            Mode::Shadow => run.instrument(tracing::error_span!("shadow", mode = "shadow")),
        };
        run.await.map_err(|error| miette::miette!("{error}"))?;
        Ok(ExitCode::SUCCESS)
    })?;
    if let Some(data) = args.data.filter(|_| replayed && mode == Mode::Live) {
        summary::print(&data).map_err(|error| miette::miette!("{}: {error}", data.display()))?;
    }
    Ok(code)
}
