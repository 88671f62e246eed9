//! `dunlin reachability`: accounts that nobody can be told about, before something is taken from them.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::json;

use crate::clock::{Clock as _, SystemClock};
use crate::dispatch::sms::SmsKind;
use crate::engine::policy::Channel;
use crate::reach::{Eye, Unreachable};
use crate::settings::Settings;
use crate::store::Read as _;

/// Accounts that are looked up at a time.
const PAGE: usize = 500;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How far ahead (`90s`, `15m`, `12h`, `30d`).
    #[arg(long, default_value = "30d", value_parser = super::span)]
    within: TimeDelta,
    /// From this instant on (RFC 3339); now without it.
    #[arg(long, value_name = "INSTANT")]
    at: Option<DateTime<Utc>>,
    /// The folder of an embedded run; the store of the configuration without it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, settings: &Settings) -> miette::Result<ExitCode> {
    let complaint = |error: &dyn std::fmt::Display| miette::miette!("{error}");
    let now = args.at.unwrap_or_else(|| SystemClock.now());
    let until = now.checked_add_signed(args.within);
    let until = until.ok_or_else(|| miette::miette!("--within is beyond the calendar"))?;
    // A folder has mail and texts, whatever the settings say.
    let has_texts = args.data.is_some() || settings.sms.kind != SmsKind::None;
    let channels = [Some(Channel::Email), has_texts.then_some(Channel::Sms)];
    let channels: Vec<Channel> = channels.into_iter().flatten().collect();
    let (mut found, mut looked_at, mut after) = (Vec::new(), 0, None);
    loop {
        // Some accounts at one commit each time: a running worker is not kept from tidying up.
        let reader = super::reader(args.data.clone(), settings)?;
        let eye = Eye::open(&reader, channels.clone(), (now, until)).map_err(|e| complaint(&e))?;
        let page = reader.account_ids(after.as_ref(), PAGE).map_err(|e| complaint(&e))?;
        for account in &page {
            found.extend(eye.look(&reader, account).map_err(|e| complaint(&e))?);
        }
        looked_at += page.len();
        let is_last = page.len() < PAGE;
        after = page.into_iter().last();
        if is_last {
            break;
        }
    }
    print(&found, looked_at, &args)?;
    Ok(ExitCode::SUCCESS)
}

fn print(found: &[Unreachable], looked_at: usize, args: &Args) -> miette::Result<()> {
    let steps: usize = found.iter().map(|one| one.ahead.len()).sum();
    if args.json {
        let all = json!({ "unreachable": found, "accounts": looked_at });
        let text = serde_json::to_string_pretty(&all);
        anstream::println!("{}", text.map_err(|error| miette::miette!("{error}"))?);
        return Ok(());
    }
    for one in found {
        anstream::println!("{}: {}", one.account, one.why);
        for ahead in &one.ahead {
            let at = ahead.at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let lost = if ahead.irreversible { ", which cannot be undone" } else { "" };
            let held = if ahead.held { ", held" } else { "" };
            anstream::println!("  {at}  {} to {}{lost}{held}", ahead.resource, ahead.to);
        }
    }
    let within = super::span_text(args.within);
    anstream::println!(
        "{} of {looked_at} accounts cannot be told, with {steps} steps within {within}",
        found.len()
    );
    Ok(())
}
