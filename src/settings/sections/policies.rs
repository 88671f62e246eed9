//! `[policies]`: where lifecycles come from.

use std::path::PathBuf;

use serde::Deserialize;

use crate::settings::report::Report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    dir: Option<PathBuf>,
}

/// Where lifecycles come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySettings {
    /// A folder of `*.toml` used instead of the compiled-in policies.
    pub dir: Option<PathBuf>,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> PolicySettings {
        report.folder("policies.dir", self.dir.as_ref());
        PolicySettings { dir: self.dir }
    }
}
