//! `dunlin policy`: lifecycles, before a customer lives through one. One file a subcommand.
//!
//! Finds the policies that a command names; what there is to say about them is `policy`'s and `timeline`'s.

mod check;
mod diff;
mod list;
mod new;
mod show;
mod timeline;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use crate::app;
use crate::engine::policy::Policy;
use crate::policy::{Policies, PolicyText};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the policies, with their versions and where each comes from.
    List {
        #[command(flatten)]
        folder: Folder,
    },
    /// Says in words what a policy does: phases, what moves between them, who is told what, when.
    Show {
        /// `ID`, `ID@VERSION` or a file.
        policy: String,
        /// Print the text as it was read.
        #[arg(long)]
        toml: bool,
        #[command(flatten)]
        folder: Folder,
    },
    /// Reads files and folders of policies and says everything that is wrong; exit code 1 if anything is.
    Check {
        /// Files, and folders of `*.toml` files.
        #[arg(required = true, value_name = "FILE|DIR")]
        paths: Vec<PathBuf>,
    },
    /// Writes a commented policy to begin with, one that works as it is.
    New(new::Args),
    /// Shows what will happen to one resource: a table, or a picture for a manual.
    Timeline(Box<timeline::Args>),
    /// Says in words what changes for a customer between two policies.
    Diff {
        /// `ID`, `ID@VERSION` or a file.
        old: String,
        /// `ID`, `ID@VERSION` or a file.
        new: String,
        /// End with exit code 1 if anything changes.
        #[arg(long)]
        exit_code: bool,
        #[command(flatten)]
        folder: Folder,
    },
}

/// Where policies are looked for.
#[derive(Debug, clap::Args)]
pub(super) struct Folder {
    /// A folder of policies beside those compiled in; `policies.dir` of the configuration without it.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
}

impl Folder {
    fn read(&self, config: Option<PathBuf>) -> miette::Result<Policies> {
        let folder = match &self.policies {
            Some(folder) => Some(folder.clone()),
            None => super::settings(config)?.settings.policies.dir,
        };
        app::policies(folder.as_deref()).map_err(|errors| miette::miette!("{errors}"))
    }
}

pub(super) fn run(command: Command, config: Option<PathBuf>) -> miette::Result<ExitCode> {
    match command {
        Command::List { folder } => list::run(&folder.read(config)?),
        Command::Show { policy, toml, folder } => {
            let (policy, text) = find(&policy, || folder.read(config))?;
            show::run(&policy, &text, toml)
        }
        Command::Check { paths } => check::run(&paths, &super::settings(config)?.settings),
        Command::New(args) => new::run(&args),
        Command::Timeline(args) => {
            let (policy, _) = find(args.policy(), || args.folder.read(config))?;
            timeline::run(&args, &policy)
        }
        Command::Diff { old, new, exit_code, folder } => {
            let (old, _) = find(&old, || folder.read(config.clone()))?;
            let (new, _) = find(&new, || folder.read(config))?;
            diff::run(&old, &new, exit_code)
        }
    }
}

/// The policy that `name` means: a file if it looks like one, else the newest version of an id, or the version after `@`.
fn find(
    name: &str,
    policies: impl FnOnce() -> miette::Result<Policies>,
) -> miette::Result<(Policy, PolicyText)> {
    if name.contains(['/', std::path::MAIN_SEPARATOR]) || name.ends_with(".toml") {
        return crate::policy::file(Path::new(name)).map_err(|errors| miette::miette!("{errors}"));
    }
    let policies = policies()?;
    let (id, version) = match name.split_once('@') {
        None => (name, None),
        Some((id, version)) => {
            let number = version.parse::<u32>();
            let number = number
                .map_err(|_| miette::miette!("`{version}` is no version: a whole number from 1"))?;
            (id, Some(number))
        }
    };
    let fits = |text: &&PolicyText| {
        text.key.id.as_str() == id && version.is_none_or(|wanted| wanted == text.key.version)
    };
    // By id and version: the last one is the newest.
    let found = policies.texts.iter().rfind(fits);
    let found = found.and_then(|text| Some((policies.set.get(&text.key)?.clone(), text.clone())));
    found.ok_or_else(|| {
        let known: Vec<String> = policies
            .texts
            .iter()
            .map(|text| format!("{}@{}", text.key.id, text.key.version))
            .collect();
        miette::miette!(
            help = format!("there are {}; a file is named by its path", known.join(", ")),
            "there is no policy `{name}`"
        )
    })
}
