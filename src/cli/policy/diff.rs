//! `dunlin policy diff`: what changes for a customer, in two groups, so that a reader sees what may reach cases in flight.

use std::process::ExitCode;

use crate::engine::policy::Policy;
use crate::policy::diff::{Bearing, Change, diff};
use crate::policy::words;

/// Prints the changes. With `exit_code` it ends like `diff`: 1 if there are any.
pub(super) fn run(old: &Policy, new: &Policy, exit_code: bool) -> miette::Result<ExitCode> {
    let changes = diff(old, new);
    anstream::print!("{}", text(old, new, &changes));
    let differs = exit_code && !changes.is_empty();
    Ok(if differs { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn text(old: &Policy, new: &Policy, changes: &[Change]) -> String {
    let named = |policy: &Policy| {
        let title = words::plain(&policy.title);
        format!("{} version {} ({title})", policy.key.id, policy.key.version)
    };
    let mut text = format!("{} -> {}\n", named(old), named(new));
    if changes.is_empty() {
        return text + "nothing changes for a customer\n";
    }
    for bearing in [Bearing::Generous, Bearing::Harsh, Bearing::Other] {
        let of_it: Vec<&Change> = changes.iter().filter(|one| one.bearing == bearing).collect();
        if !of_it.is_empty() {
            text += &format!("\n{}\n", heading(bearing));
        }
        for change in of_it {
            text += &format!("  {}\n", words::plain(&change.text));
        }
    }
    text
}

fn heading(bearing: Bearing) -> &'static str {
    match bearing {
        Bearing::Generous => "Later or more generous (what may reach cases in flight, SAFE-9)",
        Bearing::Harsh => "Earlier or harsher (never for cases in flight)",
        Bearing::Other => "Different",
    }
}
