//! The `dunlin` program. Hands over to the command line; holds no logic of its own.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    dunlin::cli::run(dunlin::cli::Cli::parse())
}
