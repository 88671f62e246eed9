//! `dunlin policy timeline`: what will happen to one resource, as a table, a picture or a page.
//!
//! The same command always prints the same: a sample instant stands for "now".

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};

use crate::engine::policy::{Clock, Policy};
use crate::timeline::{self, Answer, Given, Story, html, svg, table};

/// Where E or A is if nobody says: 2026-06-15T04:00:00Z.
const SAMPLE: DateTime<Utc> = DateTime::from_timestamp(1_781_496_000, 0).expect("in range");

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// `ID`, `ID@VERSION` or a file.
    policy: String,
    /// When the term ends (E), of a policy that runs on expiry (RFC 3339).
    #[arg(long, value_name = "INSTANT", conflicts_with = "arrears")]
    expires: Option<DateTime<Utc>>,
    /// When the balance falls below zero (A), of a policy that runs on arrears (RFC 3339).
    #[arg(long, value_name = "INSTANT")]
    arrears: Option<DateTime<Utc>>,
    /// What else happens: `INSTANT TYPE [key=value …]`, such as `E+2d renewal.requested months=1`. May be repeated.
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<Given>,
    /// The resource renews itself.
    #[arg(long)]
    auto_renew: bool,
    /// How charge requests are answered, an hour after each.
    #[arg(long, value_enum, default_value_t = AnswerName::Refused)]
    charges: AnswerName,
    /// Let time run on to this instant; to the end of the resource or of its trouble without it (RFC 3339).
    #[arg(long, value_name = "INSTANT")]
    until: Option<DateTime<Utc>>,
    /// Write a picture to this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write a page with picture and table to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    pub(super) folder: super::Folder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum AnswerName {
    Refused,
    Paid,
    Never,
}

impl Args {
    /// Which policy.
    pub(super) fn policy(&self) -> &str {
        &self.policy
    }

    fn story(&self, policy: &Policy) -> miette::Result<Story> {
        let (given, wrong, option) = match policy.clock {
            Clock::Expiry => (self.expires, self.arrears, "--arrears"),
            Clock::Arrears => (self.arrears, self.expires, "--expires"),
        };
        let clock = crate::policy::words::clock(policy.clock);
        if wrong.is_some() {
            return Err(miette::miette!(
                "{option} says nothing: {} runs on {clock}",
                policy.key.id
            ));
        }
        if self.auto_renew && policy.clock == Clock::Arrears {
            let id = &policy.key.id;
            return Err(miette::miette!("--auto-renew says nothing: {id} runs on {clock}"));
        }
        Ok(Story {
            anchor: given.unwrap_or(SAMPLE),
            auto_renew: self.auto_renew,
            answer: match self.charges {
                AnswerName::Refused => Answer::Refused,
                AnswerName::Paid => Answer::Paid,
                AnswerName::Never => Answer::Never,
            },
            given: self.events.clone(),
            until: self.until,
        })
    }
}

pub(super) fn run(args: &Args, policy: &Policy) -> miette::Result<ExitCode> {
    let story = args.story(policy)?;
    let timeline = timeline::collect(policy, &story).map_err(|error| miette::miette!("{error}"))?;
    let picture = args.svg.as_ref().map(|file| (file, svg::svg(&timeline)));
    let page = args.html.as_ref().map(|file| (file, html::html(&timeline)));
    if picture.is_none() && page.is_none() {
        anstream::print!("{}", table::table(&timeline));
    }
    for (file, text) in picture.into_iter().chain(page) {
        fs::write(file, text).map_err(|error| miette::miette!("{}: {error}", file.display()))?;
        anstream::println!("{} written", file.display());
    }
    Ok(ExitCode::SUCCESS)
}
