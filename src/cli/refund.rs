//! `dunlin refund quote`: what a return pays back, with every term of its sum. The engine answers; nothing is returned by it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::simulate::{self, Format, Options};
use crate::app;
use crate::engine::decision::Proofs;
use crate::engine::effect::{Effect, Rejected, Request};
use crate::engine::refund::{Factors, Payout, Refund, RefundMethod, RefundPart, RefundTerm};
use crate::event::Limits;
use crate::simulate::Decided;

/// Widest text before the numbers, in characters.
const LABEL: usize = 44;
/// Decimal places that a term is shown with; the amount has those of its currency.
const PLACES: u32 = 6;

/// `dunlin refund`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Answers the returns in a file of events, or one that is asked for here. Exit code 1 where one is refused.
    Quote(Quote),
}

/// What to quote.
#[derive(Debug, Args)]
pub(super) struct Quote {
    /// Quote the return of this resource instead of those in the file.
    #[arg(long, value_name = "RESOURCE", requires = "at")]
    resource: Option<String>,
    /// When it would be returned (RFC 3339); the file is read up to the first event after that.
    #[arg(long, value_name = "INSTANT", requires = "resource")]
    at: Option<DateTime<Utc>>,
    /// A folder of policies beside those compiled in.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// The answers as dunlin would publish them, one CloudEvent a line.
    #[arg(long)]
    json: bool,
    /// Events as JSON lines; `-` or nothing for standard input.
    file: Option<PathBuf>,
}

pub(super) fn run(command: Command) -> miette::Result<ExitCode> {
    let Command::Quote(quote) = command;
    let policies =
        app::policies(quote.policies.as_deref()).map_err(|errors| miette::miette!("{errors}"))?;
    let events = Events::read(quote.file.as_deref())?;
    let (lines, until) = match quote.resource.as_deref().zip(quote.at) {
        Some((resource, at)) => (events.with_return(resource, at)?, at),
        None => (events.lines.join("\n"), events.last()),
    };
    let options = Options {
        policies: &policies.set,
        limits: Limits::default(),
        until,
        format: Format::Trace,
        proofs: Proofs::Assumed,
    };
    let mut answers = Answers { resource: quote.resource, json: quote.json, ..Answers::default() };
    let mut left_out = 0;
    let mut complain = |complaint| {
        left_out += 1;
        anstream::eprintln!("{complaint}");
    };
    simulate::decide(&options, lines.as_bytes(), &mut complain, |decided| {
        answers.take(decided);
        Ok(())
    })
    .map_err(|error| miette::miette!("{error}"))?;
    anstream::print!("{}", answers.text);
    if answers.count == 0 {
        anstream::eprintln!("no return was answered");
    }
    let is_fine = answers.count > 0 && answers.refused == 0 && left_out == 0;
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A file of events. Judged by the engine; here only their times and whose a resource is are looked at.
struct Events {
    lines: Vec<String>,
}

impl Events {
    fn read(file: Option<&Path>) -> miette::Result<Self> {
        let text = match file.filter(|path| *path != Path::new("-")) {
            Some(path) => fs::read_to_string(path)
                .map_err(|error| miette::miette!("{}: {error}", path.display()))?,
            None => {
                let mut text = String::new();
                stdin()
                    .read_to_string(&mut text)
                    .map_err(|error| miette::miette!("standard input: {error}"))?;
                text
            }
        };
        Ok(Self { lines: text.lines().map(str::to_owned).collect() })
    }

    fn parsed(&self) -> impl Iterator<Item = (&String, Value)> {
        self.lines.iter().map(|line| (line, serde_json::from_str(line).unwrap_or_default()))
    }

    /// The latest time that an event names.
    fn last(&self) -> DateTime<Utc> {
        self.parsed().filter_map(|(_, event)| time_of(&event)).max().unwrap_or_default()
    }

    /// The events up to `at`, in their order, and a return at that instant.
    fn with_return(&self, resource: &str, at: DateTime<Utc>) -> miette::Result<String> {
        let mut lines = Vec::new();
        let mut account = None;
        for (line, event) in self.parsed() {
            if time_of(&event).is_some_and(|time| time > at) {
                break;
            }
            if event.pointer("/data/resource").and_then(Value::as_str) == Some(resource) {
                account = event.pointer("/data/account").cloned().or(account);
            }
            lines.push(line.clone());
        }
        let account = account.ok_or_else(|| {
            miette::miette!(
                help = "it must be activated in the file before the instant of --at",
                "the events say nothing of a resource `{resource}`"
            )
        })?;
        let asked = json!({
            "specversion": "1.0", "id": "quote", "source": "/dunlin/refund/quote",
            "type": "billing.return.requested", "subject": account.clone(), "time": at.to_rfc3339(),
            "datacontenttype": "application/json",
            "data": {"account": account, "resource": resource},
        });
        lines.push(asked.to_string());
        Ok(lines.join("\n"))
    }
}

fn time_of(event: &Value) -> Option<DateTime<Utc>> {
    event.get("time").and_then(Value::as_str).and_then(|time| time.parse().ok())
}

/// What the engine answered to returns.
#[derive(Default)]
struct Answers {
    /// Only about this one.
    resource: Option<String>,
    json: bool,
    text: String,
    count: usize,
    refused: usize,
}

impl Answers {
    fn take(&mut self, decided: &Decided) {
        let wanted = self.resource.clone();
        let is_about = |effect: &Effect| {
            let resource = match effect {
                Effect::Refund(refund) => Some(&refund.resource),
                Effect::Rejected(Rejected { request: Request::Return, resource, .. }) => {
                    resource.as_ref()
                }
                Effect::Rejected(_)
                | Effect::Transition(_)
                | Effect::ChargeRequested(_)
                | Effect::ChargeCancelled { .. }
                | Effect::Renewal(_)
                | Effect::Held(_)
                | Effect::Notice(_)
                | Effect::Unreachable { .. } => None,
            };
            resource.is_some_and(|one| wanted.as_ref().is_none_or(|wanted| one.as_str() == wanted))
        };
        for effect in decided.decision.effects.iter().filter(|effect| is_about(effect)) {
            self.count += 1;
            self.refused += usize::from(matches!(effect, Effect::Rejected(_)));
            if !self.json {
                self.text.push_str(&table(decided, effect));
            }
        }
        if self.json {
            for publication in simulate::publications(decided, is_about) {
                self.text.push_str(&String::from_utf8_lossy(&publication.body));
                self.text.push('\n');
            }
        }
    }
}

fn table(decided: &Decided, effect: &Effect) -> String {
    let (account, at) = (&decided.account, decided.at.format("%Y-%m-%d %H:%M:%S UTC"));
    let mut text = String::new();
    let written = match effect {
        Effect::Refund(refund) => write!(
            text,
            "{account} {}, returned {at}: {}\n{}\n",
            refund.resource,
            method(refund),
            sum(refund)
        ),
        Effect::Rejected(Rejected { resource: Some(resource), code, reason, .. }) => {
            let code = json!(code);
            let code = code.as_str().unwrap_or_default();
            writeln!(text, "{account} {resource}, asked for {at}: {code}, {reason}\n")
        }
        _ => Ok(()),
    };
    written.expect("a string takes everything");
    text
}

fn method(refund: &Refund) -> String {
    match (refund.method, &refund.payout) {
        (RefundMethod::Unconditional, Payout::Tenders(paid)) => {
            let parts = [
                ("cash", paid.cash),
                ("revenue", paid.revenue),
                ("complimentary", paid.complimentary),
            ];
            let parts: Vec<String> = parts
                .iter()
                .filter(|(_, amount)| !amount.is_zero())
                .map(|(tender, amount)| format!("{amount} to {tender}"))
                .collect();
            format!("unconditional, {}", parts.join(", "))
        }
        (_, Payout::Voucher { valid_until }) => {
            format!(
                "ordinary, one voucher valid until {}",
                valid_until.format("%Y-%m-%d %H:%M UTC")
            )
        }
        (RefundMethod::Ordinary, Payout::Tenders(_)) => "ordinary".to_owned(),
    }
}

fn sum(refund: &Refund) -> String {
    let mut lines: Vec<String> = refund
        .terms
        .iter()
        .map(|term| {
            let amount = term.amount.round_dp(PLACES).normalize();
            format!("  {:<LABEL$}  {:<30}  {amount:>14}", label(term), factors(term))
        })
        .collect();
    let exact: Decimal = refund.terms.iter().map(|term| term.amount).sum();
    if exact.is_sign_negative() && !exact.is_zero() {
        lines.push(format!("  {:<LABEL$}  {:<30}  {:>14}", "never below zero", "", "0"));
    }
    let (amount, currency) = (refund.amount.amount, refund.amount.currency);
    lines.push(format!("  {:<LABEL$}  {:<30}  {amount:>14} {currency}\n", "refund", ""));
    lines.join("\n")
}

fn label(term: &RefundTerm) -> String {
    let order = term.order.as_deref().unwrap_or_default();
    match term.what {
        RefundPart::EffectiveOrder => format!("paid for order {order}, in effect"),
        RefundPart::FutureOrder => format!("paid for order {order}, not in effect yet"),
        RefundPart::UnusedUpgrade => format!("unused days of upgrade {order}"),
        RefundPart::InstanceHours => "use of the instance, by the second".to_owned(),
        RefundPart::InstanceMonths => "use of the instance, by the month".to_owned(),
        RefundPart::BandwidthHours => "use of the bandwidth, by the second".to_owned(),
    }
}

fn factors(term: &RefundTerm) -> String {
    let Some(Factors { price, count, of }) = term.factors else { return String::new() };
    match term.what {
        RefundPart::InstanceHours | RefundPart::BandwidthHours => {
            let (hours, minutes, seconds) = (count / of, count % of / 60, count % 60);
            format!("{price} × {hours}:{minutes:02}:{seconds:02} h")
        }
        RefundPart::InstanceMonths => format!("{price} × {count} months"),
        RefundPart::UnusedUpgrade => format!("{price} × {count} of {of} days"),
        RefundPart::EffectiveOrder | RefundPart::FutureOrder => String::new(),
    }
}
