//! The same program, built with the feature `fault-injection`: obeys `DUNLIN_FAULT`. For `scripts/torture --self-test` only.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    dunlin::cli::run(dunlin::cli::Cli::parse())
}
