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
use histories::gated;
use histories::seen::{Gate, Tally};

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
    /// How many with a world outside, whose gates close and open; a quarter of the others by default.
    #[arg(long)]
    gated: Option<u64>,
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
    let gated = arguments.gated.unwrap_or(count / 4);
    let played: Vec<Result<_, Box<Broken>>> = thread::scope(|scope| {
        let workers = (0..jobs).map(|job| {
            scope.spawn(move || {
                let step = usize::try_from(jobs).unwrap_or(1);
                let gated = play_gated((seed + job..seed + gated).step_by(step))?;
                Ok((play((seed + job..seed + count).step_by(step))?, gated))
            })
        });
        let workers: Vec<_> = workers.collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a broken promise is an answer"))
            .collect()
    });
    let mut coverage = Coverage::new();
    let mut tally = Tally::new();
    for part in played {
        match part {
            Ok((counted, gates)) => {
                coverage.add(&counted);
                gated::add(&mut tally, gates);
            }
            Err(broken) => {
                println!("history {} breaks a promise\n  {}\n", broken.seed, broken.what);
                broken.events.iter().for_each(|event| println!("  {event}"));
                return ExitCode::FAILURE;
            }
        }
    }
    report(&arguments, (&coverage, &tally), began.elapsed().as_secs_f64())
}

fn play_gated(seeds: impl Iterator<Item = u64>) -> Result<Tally, Box<Broken>> {
    let mut tally = Tally::new();
    for seed in seeds {
        gated::run(seed, &mut tally)?;
    }
    Ok(tally)
}

fn play(seeds: impl Iterator<Item = u64>) -> Result<Coverage, Box<Broken>> {
    let mut coverage = Coverage::new();
    for seed in seeds {
        histories::run(seed, &mut coverage)?;
    }
    Ok(coverage)
}

fn report(arguments: &Arguments, (coverage, tally): (&Coverage, &Tally), seconds: f64) -> ExitCode {
    let floor = arguments.floor.unwrap_or(arguments.count * REACHED_IN_A_MILLION / 1_000_000);
    let rare: Vec<_> = coverage.counts().into_iter().filter(|one| one.count < floor).collect();
    let gates = Gate::ALL.map(|gate| (gate, tally.get(&gate).copied().unwrap_or_default()));
    if arguments.json {
        let mut counts = coverage.json();
        for (gate, (held, let_go)) in gates {
            counts["gates"][gate.word()] = [held, let_go].into_iter().collect();
        }
        counts["seconds"] = seconds.into();
        counts["floor"] = floor.into();
        println!("{counts}");
    } else {
        print!("{}", coverage.table());
        println!("\ngates {:>24}{:>15}", "held", "let go");
        for (gate, (held, let_go)) in gates {
            println!("  {:14}{held:>14}{let_go:>15}", gate.word());
        }
        println!("\n{seconds:.0} s, {:.0} histories a second", coverage.histories as f64 / seconds);
    }
    for one in &rare {
        eprintln!("reached {} times, {floor} wanted: {} {}", one.count, one.what, one.name);
    }
    let mut is_rare = !rare.is_empty();
    for (gate, (held, let_go)) in gates.into_iter().filter(|(_, (held, go))| held.min(go) < &floor)
    {
        eprintln!("held {held} times, let go {let_go} times, {floor} wanted: gate {}", gate.word());
        is_rare = true;
    }
    let unlisted = coverage.unlisted();
    for answer in &unlisted {
        eprintln!("an answer that is not in the list of reached.rs: {answer}");
    }
    if !is_rare && unlisted.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
