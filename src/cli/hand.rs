//! The operator's hand: approve a release, put a step off, tell again, allow a return, pause and resume. Each needs a reason.
//!
//! Says what is meant; the worker decides whether it can be.

use std::process::ExitCode;

use chrono::{DateTime, Utc};

use super::order::{Desk, Options};
use crate::engine::id::NoticeKind;
use crate::engine::input::HoldScope;
use crate::engine::moratorium;
use crate::order::{About, Extend, LiftHold, Order, PAUSE, PlaceHold, Target, TellAgain, Told};
use crate::settings::Settings;

/// One resource.
#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// Which resource.
    resource: String,
    /// Whose, where several accounts have one of this id.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, clap::Args)]
pub(super) struct PutOff {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    options: Options,
    /// Not before this instant (RFC 3339).
    #[arg(long, value_name = "INSTANT")]
    until: DateTime<Utc>,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Notice {
    /// Tells again what was told, as things are now, to the contacts of now.
    Resend {
        /// The id of a notice; with --notice, a resource.
        which: String,
        /// The last notice of this kind about the resource.
        #[arg(long, value_name = "KIND")]
        notice: Option<String>,
        /// Whose resource, where several accounts have one of this id.
        #[arg(long, value_name = "ID", requires = "notice")]
        account: Option<String>,
        #[command(flatten)]
        options: Options,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Return {
    /// Lets a return be asked for again that was refused as suspicious; the other rules answer it (RET-5).
    Allow {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        options: Options,
    },
}

/// What is paused: one resource, an account, or everything.
#[derive(Debug, clap::Args)]
pub(super) struct Pause {
    /// One resource.
    #[arg(required_unless_present_any = ["account", "all"])]
    resource: Option<String>,
    /// All that an account has; with a resource, whose that is.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Everything.
    #[arg(long, conflicts_with_all = ["resource", "account"])]
    all: bool,
    #[command(flatten)]
    options: Options,
}

pub(super) async fn approve(args: Approve, settings: &Settings) -> miette::Result<ExitCode> {
    let desk = Desk::open(args.options, settings)?;
    let about = about(&desk, &args.one)?;
    desk.give(&Order::ApproveRelease(about)).await
}

pub(super) async fn extend(args: PutOff, settings: &Settings) -> miette::Result<ExitCode> {
    let desk = Desk::open(args.options, settings)?;
    let about = about(&desk, &args.one)?;
    desk.give(&Order::Extend(Extend { about, until: args.until })).await
}

pub(super) async fn notice(command: Notice, settings: &Settings) -> miette::Result<ExitCode> {
    let Notice::Resend { which, notice, account, options } = command;
    let desk = Desk::open(options, settings)?;
    let notice = match notice {
        Some(kind) => {
            let resource = desk.resource(&which, account.as_ref())?;
            Told::Last(resource.account, resource.id, NoticeKind::new(kind))
        }
        None => Told::Id(which),
    };
    let reason = desk.reason();
    desk.give(&Order::TellAgain(TellAgain { notice, reason })).await
}

pub(super) async fn of_return(command: Return, settings: &Settings) -> miette::Result<ExitCode> {
    let Return::Allow { one, options } = command;
    let desk = Desk::open(options, settings)?;
    let about = about(&desk, &one)?;
    desk.give(&Order::AllowReturn(about)).await
}

pub(super) async fn pause(args: Pause, settings: &Settings) -> miette::Result<ExitCode> {
    let (desk, target) = paused(args, settings)?;
    let (id, reason) = (Some(PAUSE.to_owned()), desk.reason());
    let hold = PlaceHold { target, id, reason, scope: HoldScope::All, until: None };
    desk.give(&Order::PlaceHold(hold)).await
}

pub(super) async fn resume(args: Pause, settings: &Settings) -> miette::Result<ExitCode> {
    let (desk, target) = paused(args, settings)?;
    let (id, reason) = (Some(PAUSE.to_owned()), desk.reason());
    desk.give(&Order::LiftHold(LiftHold { target, id, reason })).await
}

fn paused(args: Pause, settings: &Settings) -> miette::Result<(Desk<'_>, Target)> {
    let Pause { resource, account, all, options } = args;
    let desk = Desk::open(options, settings)?;
    let target = match (resource, account) {
        _ if all => Target::Moratorium(moratorium::Target::Everything),
        (Some(id), account) => desk.one(&id, account.as_ref())?,
        (None, account) => Target::Account(desk.account(account.as_deref().unwrap_or_default())?),
    };
    Ok((desk, target))
}

fn about(desk: &Desk<'_>, one: &One) -> miette::Result<About> {
    let resource = desk.resource(&one.resource, one.account.as_ref())?;
    Ok(About { account: resource.account, resource: resource.id, reason: desk.reason() })
}
