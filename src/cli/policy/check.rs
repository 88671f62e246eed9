//! `dunlin policy check`: everything that is wrong with files of policies, as the worker would say it at start.
//!
//! They are read beside the policies that are compiled in: a version that already has another text is refused there too.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::app;
use crate::policy::{self, Policies};
use crate::settings::Settings;

pub(super) fn run(paths: &[PathBuf], settings: &Settings) -> miette::Result<ExitCode> {
    let renderer = app::renderer(settings).map_err(|error| miette::miette!("{error}"))?;
    let default = renderer.default_locale();
    let mut policies = Policies::shipped();
    let (right, errors) = policies.read_all(paths);
    let mut wrong = errors.len();
    for error in &errors {
        anstream::println!("{error}");
    }
    for text in &right {
        let Some(policy) = policies.set.get(&text.key) else { continue };
        let missing = policy::check_notices(policy, |kind, channel| {
            renderer.catalogue().locale_of(kind.as_str(), channel, default, default).is_some()
        });
        for one in &missing {
            anstream::println!("{}: {one} in `{default}`, the default locale", text.file);
        }
        if missing.is_empty() {
            anstream::println!("{}: fine", text.file);
        }
        wrong += missing.len();
    }
    if right.is_empty() && wrong == 0 {
        return Err(miette::miette!("there is no *.toml file in what was named"));
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
