//! `dunlin template list`, `preview` and `check`: notices, before a customer sees them.
//!
//! The data of a preview comes out of the engine, so that it cannot promise what the product does not.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::app;
use crate::clock::{Clock, SystemClock};
use crate::dispatch::email::SmtpEmail;
use crate::dispatch::message::{EmailChannel, EmailMessage, Outcome};
use crate::engine::effect::Notice;
use crate::engine::input::Contact;
use crate::engine::policy::{Channel, PolicySet};
use crate::render::samples::{self, Sample};
use crate::render::{Finding, RenderedEmail, Renderer};
use crate::settings::Settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the notices, and the locales and channels that each has templates for.
    List,
    /// Shows a notice as a customer would get it, about a sample resource that went through the engine.
    Preview(Preview),
    /// Renders every notice in every locale for every channel; exit code 1 if anything is wrong.
    Check,
}

#[derive(Debug, clap::Args)]
pub(super) struct Preview {
    /// Which notice, such as `expiry-warning`.
    notice: String,
    /// BCP 47 tag of the reader; the default locale without it.
    #[arg(long)]
    locale: Option<String>,
    /// Only this channel.
    #[arg(long, value_enum)]
    channel: Option<ChannelName>,
    /// As this policy sends it; the first that does without it.
    #[arg(long)]
    policy: Option<String>,
    /// Write the HTML part to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Send it as a real e-mail over the SMTP server of the settings, so that it shows in MailHog.
    #[arg(long, value_name = "ADDRESS")]
    send_to: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ChannelName {
    Email,
    Sms,
}

pub(super) fn run(command: Command, settings: &Settings) -> miette::Result<ExitCode> {
    let renderer = app::renderer(settings).map_err(|error| miette::miette!("{error}"))?;
    let policies = app::policies(settings.policies.dir.as_deref())
        .map_err(|errors| miette::miette!("{errors}"))?;
    match command {
        Command::List => {
            list(&renderer);
            Ok(ExitCode::SUCCESS)
        }
        Command::Preview(wanted) => preview(&wanted, &renderer, &policies.set, settings),
        Command::Check => {
            let findings = check(&renderer, &policies.set);
            for finding in &findings {
                anstream::println!("{finding}");
            }
            let kinds = renderer.catalogue().kinds().len();
            let locales = renderer.catalogue().locales().len();
            if !findings.is_empty() {
                anstream::println!(
                    "{} found in {kinds} notices, {locales} locales",
                    findings.len()
                );
                return Ok(ExitCode::FAILURE);
            }
            anstream::println!("{kinds} notices in {locales} locales, by e-mail and by SMS: fine");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(renderer: &Renderer) {
    let catalogue = renderer.catalogue();
    for kind in catalogue.kinds() {
        for locale in catalogue.locales() {
            let has = |channel| {
                catalogue
                    .locale_of(kind, channel, locale, locale)
                    .is_some_and(|found| found == locale)
            };
            let channels = [(Channel::Email, "email"), (Channel::Sms, "sms")];
            let channels: Vec<&str> = channels
                .into_iter()
                .filter(|(channel, _)| has(*channel))
                .map(|(_, name)| name)
                .collect();
            anstream::println!("{kind:<18} {locale:<8} {}", channels.join(", "));
        }
    }
}

/// What is wrong with the templates, by file, line and column.
pub(super) fn check(renderer: &Renderer, policies: &PolicySet) -> Vec<Finding> {
    let notices: Vec<Notice> =
        samples::samples(policies).into_iter().map(|sample| sample.notice).collect();
    crate::render::check::check(renderer, &notices, &[])
}

fn preview(
    wanted: &Preview,
    renderer: &Renderer,
    policies: &PolicySet,
    settings: &Settings,
) -> miette::Result<ExitCode> {
    let sample = find(wanted, policies)?;
    let notice = &sample.notice;
    let contact =
        notice.contacts.first().ok_or_else(|| miette::miette!("the sample has no contact"))?;
    let tag = wanted.locale.as_deref().unwrap_or_else(|| renderer.default_locale());
    let shows = |channel| wanted.channel.is_none_or(|only| only == channel);
    if shows(ChannelName::Email) {
        let email = renderer
            .render_email(notice, contact, tag)
            .map_err(|error| miette::miette!("{error}"))?;
        anstream::println!("e-mail in {}, as {} sends it\n", email.language, sample.policy.id);
        anstream::println!("Subject: {}\n\n{}", email.subject, email.text);
        if let Some(file) = &wanted.html {
            fs::write(file, &email.html)
                .map_err(|error| miette::miette!("{}: {error}", file.display()))?;
            anstream::println!("HTML written to {}", file.display());
        }
        if let Some(address) = &wanted.send_to {
            let message = message(notice, contact, email, address);
            return super::with_network(send(message, settings));
        }
    }
    if shows(ChannelName::Sms) {
        let sms = renderer
            .render_sms(notice, contact, tag)
            .map_err(|error| miette::miette!("{error}"))?;
        let characters = sms.text.chars().count();
        anstream::println!(
            "text message in {}, as {} sends it\n\n{}\n",
            sms.language,
            sample.policy.id,
            sms.text
        );
        anstream::println!(
            "{}: {characters} characters, {} units, {} segments",
            sms.encoding.name(),
            sms.units,
            sms.segments
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn find(wanted: &Preview, policies: &PolicySet) -> miette::Result<Sample> {
    let mut samples = samples::samples(policies);
    let fits = |sample: &Sample| {
        sample.notice.kind.as_str() == wanted.notice
            && wanted.policy.as_ref().is_none_or(|policy| sample.policy.id.as_str() == policy)
    };
    match samples.iter().position(fits) {
        Some(index) => Ok(samples.swap_remove(index)),
        None => {
            let known: Vec<String> = samples
                .iter()
                .map(|sample| format!("{} ({})", sample.notice.kind, sample.policy.id))
                .collect();
            Err(miette::miette!(
                help = format!("what policies send: {}", known.join(", ")),
                "no policy sends `{}`",
                wanted.notice
            ))
        }
    }
}

fn message(
    notice: &Notice,
    contact: &Contact,
    email: RenderedEmail,
    address: &str,
) -> EmailMessage {
    let now = SystemClock.now();
    EmailMessage {
        message_id: format!("preview.{}.{}@dunlin.invalid", notice.kind, now.timestamp_micros()),
        to_name: Some(contact.name.clone()),
        to_address: address.to_owned(),
        subject: email.subject,
        text: email.text,
        html: email.html,
        language: email.language,
        date: now,
        thread: None,
        notice_id: format!("preview-{}", notice.kind),
    }
}

async fn send(message: EmailMessage, settings: &Settings) -> miette::Result<ExitCode> {
    let channel = SmtpEmail::new(&settings.email).map_err(|error| miette::miette!("{error}"))?;
    match channel.send(&message).await {
        Outcome::Sent { receipt } => {
            anstream::println!("sent: {receipt}");
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Failed { reason, .. } => Err(miette::miette!("not sent: {reason}")),
        Outcome::Unknown { reason } => {
            Err(miette::miette!("nobody can tell whether it was sent: {reason}"))
        }
    }
}
