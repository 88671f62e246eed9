//! `dunlin hold`: steps wait because somebody said so, or need not any more (SAFE-7).

use std::process::ExitCode;

use chrono::{DateTime, Utc};

use super::held;
use super::order::{Desk, Options};
use crate::engine::id::PolicyId;
use crate::engine::input::HoldScope;
use crate::engine::moratorium;
use crate::order::{LiftHold, Order, PlaceHold, Target};
use crate::settings::Settings;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lets steps wait, until an instant or until the hold is lifted.
    Place {
        #[command(flatten)]
        on: On,
        #[command(flatten)]
        options: Options,
        /// Which steps wait: no release, or nothing that takes anything away.
        #[arg(long, value_enum, default_value_t = Scope::Release)]
        scope: Scope,
        /// When it is over (RFC 3339); never by itself without it.
        #[arg(long, value_name = "INSTANT")]
        until: Option<DateTime<Utc>>,
        /// Its id; one is made up without it.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Lists the holds that are in force.
    List(held::Args),
    /// Ends a hold; what it held comes at once.
    Lift {
        #[command(flatten)]
        on: On,
        #[command(flatten)]
        options: Options,
        /// Which; every hold on the same target without it.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
}

/// What a hold is on.
#[derive(Debug, clap::Args)]
pub(super) struct On {
    /// One resource.
    #[arg(long, value_name = "ID", required_unless_present_any = ["account", "policy", "region", "everything"])]
    resource: Option<String>,
    /// All that an account has; with --resource, whose that is.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Everything that follows a policy, in any version.
    #[arg(long, value_name = "ID", conflicts_with_all = ["resource", "account", "region", "everything"])]
    policy: Option<String>,
    /// Everything in a region, as resources are activated with.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["resource", "account", "everything"])]
    region: Option<String>,
    /// Everything.
    #[arg(long, conflicts_with_all = ["resource", "account"])]
    everything: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scope {
    /// No release.
    Release,
    /// No stop, no bin and no release.
    All,
}

impl From<Scope> for HoldScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Release => Self::Release,
            Scope::All => Self::All,
        }
    }
}

pub(super) async fn run(command: Command, settings: &Settings) -> miette::Result<ExitCode> {
    match command {
        Command::Place { on, options, scope, until, id } => {
            let desk = Desk::open(options, settings)?;
            let (target, reason) = (target(&desk, &on)?, desk.reason());
            let scope = scope.into();
            desk.give(&Order::PlaceHold(PlaceHold { target, id, reason, scope, until })).await
        }
        Command::List(args) => held::holds(args, settings),
        Command::Lift { on, options, id } => {
            let desk = Desk::open(options, settings)?;
            let (target, reason) = (target(&desk, &on)?, desk.reason());
            desk.give(&Order::LiftHold(LiftHold { target, id, reason })).await
        }
    }
}

fn target(desk: &Desk<'_>, on: &On) -> miette::Result<Target> {
    let of_many = match (&on.policy, &on.region) {
        (Some(policy), _) => Some(moratorium::Target::Policy(PolicyId::new(policy.clone()))),
        (None, Some(region)) => Some(moratorium::Target::Region(region.clone())),
        (None, None) => on.everything.then_some(moratorium::Target::Everything),
    };
    if let Some(target) = of_many {
        return Ok(Target::Moratorium(target));
    }
    if let Some(id) = &on.resource {
        return desk.one(id, on.account.as_ref());
    }
    let account = on.account.as_deref().unwrap_or_default();
    Ok(Target::Account(desk.account(account)?))
}
