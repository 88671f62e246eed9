//! Plays generated histories and says what they reached: `scripts/histories`.

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use clap::Parser;

#[path = "run/boundaries.rs"]
mod boundaries;
#[path = "../it/engine_properties/histories/mod.rs"]
mod histories;

use histories::Broken;
use histories::coverage::Coverage;

/// Plays generated histories of one account against the engine, checks every decision, and says what was reached.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// The number of the first one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many are played side by side.
    #[arg(long, default_value_t = 1)]
    jobs: u64,
    /// How often everything must be reached; in proportion to a thousand in a million by default.
    #[arg(long)]
    floor: Option<u64>,
    /// Holds the table of boundaries first.
    #[arg(long)]
    boundaries: bool,
    /// Prints the counts as JSON.
    #[arg(long)]
    json: bool,
}

/// The share of histories that each thing to be reached must turn up in.
const REACHED_IN_A_MILLION: u64 = 1000;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.boundaries {
        let failures = boundaries::failures();
        failures.iter().for_each(|failure| println!("{failure}"));
        if !failures.is_empty() {
            return ExitCode::FAILURE;
        }
    }
    // A broken promise is told once, below, with the smallest history that breaks it.
    std::panic::set_hook(Box::new(|_| {}));
    let began = Instant::now();
    let jobs = arguments.jobs.max(1);
    let (seed, count) = (arguments.seed, arguments.count);
    let played: Vec<_> = thread::scope(|scope| {
        let workers = (0..jobs).map(|job| {
            scope.spawn(move || {
                play((seed + job..seed + count).step_by(usize::try_from(jobs).unwrap_or(1)))
            })
        });
        let workers: Vec<_> = workers.collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a broken promise is an answer"))
            .collect()
    });
    let mut coverage = Coverage::new();
    for part in played {
        match part {
            Ok(counted) => coverage.add(&counted),
            Err(broken) => {
                println!("history {} breaks a promise\n  {}\n", broken.seed, broken.what);
                broken.events.iter().for_each(|event| println!("  {event}"));
                return ExitCode::FAILURE;
            }
        }
    }
    report(&arguments, &coverage, began.elapsed().as_secs_f64())
}

fn play(seeds: impl Iterator<Item = u64>) -> Result<Coverage, Box<Broken>> {
    let mut coverage = Coverage::new();
    for seed in seeds {
        histories::run(seed, &mut coverage)?;
    }
    Ok(coverage)
}

fn report(arguments: &Arguments, coverage: &Coverage, seconds: f64) -> ExitCode {
    let floor = arguments.floor.unwrap_or(arguments.count * REACHED_IN_A_MILLION / 1_000_000);
    let rare: Vec<_> = coverage.counts().into_iter().filter(|one| one.count < floor).collect();
    if arguments.json {
        let mut counts = coverage.json();
        counts["seconds"] = seconds.into();
        counts["floor"] = floor.into();
        println!("{counts}");
    } else {
        print!("{}", coverage.table());
        println!("\n{seconds:.0} s, {:.0} histories a second", coverage.histories as f64 / seconds);
    }
    for one in &rare {
        eprintln!("reached {} times, {floor} wanted: {} {}", one.count, one.what, one.name);
    }
    let unlisted = coverage.unlisted();
    for answer in &unlisted {
        eprintln!("an answer that is not in the list of reached.rs: {answer}");
    }
    if rare.is_empty() && unlisted.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
