//! `[templates]`: where the texts come from.

use std::path::PathBuf;

use serde::Deserialize;

use crate::settings::report::Report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    dir: Option<PathBuf>,
    default_locale: String,
}

/// Where the texts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSettings {
    /// A folder whose files replace compiled-in ones of the same name.
    pub dir: Option<PathBuf>,
    /// The locale of the last resort, a BCP 47 tag.
    pub default_locale: String,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> TemplateSettings {
        let tag = &self.default_locale;
        let well_formed = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if !tag.split('-').all(well_formed) {
            report.refuse("templates.default_locale", "is not a language tag such as en or zh-CN");
        }
        report.folder("templates.dir", self.dir.as_ref());
        TemplateSettings { dir: self.dir, default_locale: self.default_locale }
    }
}
