//! `dunlin policy new`: a commented policy to begin with, one that works as it is.
//!
//! Writes a new file or prints; it never writes over anything.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::policy;

const EXPIRY: &str = include_str!("skeletons/expiry.toml");
const ARREARS: &str = include_str!("skeletons/arrears.toml");

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Its id: lower-case letters, digits, `-`.
    id: String,
    /// What moves a resource to its end.
    #[arg(long, value_enum, default_value_t = ClockName::Expiry)]
    clock: ClockName,
    /// What it is, for people; the id without it.
    #[arg(long)]
    title: Option<String>,
    /// IANA name of the time zone of its calendar.
    #[arg(long, default_value = "UTC")]
    zone: String,
    /// Write it to this new file; to standard output without it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ClockName {
    /// The end of its own term: prepaid.
    Expiry,
    /// The deduction that takes its account below zero: postpaid.
    Arrears,
}

pub(super) fn run(args: &Args) -> miette::Result<ExitCode> {
    let text = skeleton(args)?;
    let Some(file) = &args.out else {
        anstream::print!("{text}");
        return Ok(ExitCode::SUCCESS);
    };
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut open| open.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            miette::miette!("{} exists and was left as it is", file.display())
        }
        _ => miette::miette!("{}: {error}", file.display()),
    })?;
    anstream::println!("{} written; `dunlin policy check` reads it", file.display());
    Ok(ExitCode::SUCCESS)
}

/// The text, read back: what is wrong with the id, the title or the zone is said as for any file.
fn skeleton(args: &Args) -> miette::Result<String> {
    let skeleton = match args.clock {
        ClockName::Expiry => EXPIRY,
        ClockName::Arrears => ARREARS,
    };
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let title = args.title.as_deref().unwrap_or(&args.id);
    let text = skeleton
        .replacen("\"ID\"", &quoted(&args.id), 1)
        .replacen("\"ZONE\"", &quoted(&args.zone), 1)
        .replacen("\"TITLE\"", &quoted(title), 1);
    let name =
        args.out.as_ref().map_or_else(|| "new.toml".to_owned(), |file| file.display().to_string());
    policy::parse(&name, &text).map_err(|errors| miette::miette!("{errors}"))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(id: &str, clock: ClockName) -> Args {
        Args { id: id.to_owned(), clock, title: None, zone: "Europe/Berlin".to_owned(), out: None }
    }

    #[test]
    fn a_skeleton_of_either_clock_is_a_policy_of_that_id_and_zone() {
        for clock in [ClockName::Expiry, ClockName::Arrears] {
            let text = skeleton(&args("my-policy", clock)).expect("a policy");
            let (policy, _) = policy::parse("x.toml", &text).expect("a policy");
            assert_eq!((policy.key.id.as_str(), policy.key.version), ("my-policy", 1));
            assert_eq!((policy.zone.name(), policy.title.as_str()), ("Europe/Berlin", "my-policy"));
        }
    }

    #[test]
    fn a_title_is_quoted_whatever_it_holds() {
        let mut args = args("x", ClockName::Expiry);
        args.title = Some("\"ID\" and\n\\ \"ZONE\"".to_owned());
        let text = skeleton(&args).expect("a policy");
        let (policy, _) = policy::parse("x.toml", &text).expect("a policy");
        assert_eq!(policy.title, args.title.expect("given"));
    }

    #[test]
    fn a_bad_id_or_zone_is_refused_with_its_place() {
        let said = skeleton(&args("Bad Id", ClockName::Expiry)).expect_err("refused").to_string();
        assert!(said.contains("new.toml:") && said.contains("Bad Id"), "{said}");
        let mut args = args("x", ClockName::Arrears);
        args.zone = "Europe/Berln".to_owned();
        let said = skeleton(&args).expect_err("refused").to_string();
        assert!(said.contains("Europe/Berlin"), "{said}");
    }
}
