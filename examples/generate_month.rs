//! Writes `examples/month.jsonl`: a realistic month of billing events, the same file for the same seed.
//!
//! `cargo run --example generate_month -- --seed 7 > examples/month.jsonl`

use std::io::Write as _;

use clap::Parser;

#[path = "generate_month/month/mod.rs"]
mod month;

/// Writes a month of billing events as JSON lines.
#[derive(Debug, Parser)]
struct Arguments {
    /// What chance is drawn from; the committed file has the default.
    #[arg(long, default_value_t = month::COMMITTED_SEED)]
    seed: u64,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    std::io::stdout().lock().write_all(month::month(arguments.seed).as_bytes())
}
