//! `[templates]`: where the texts come from, and how large they may be.

use std::path::PathBuf;

use serde::Deserialize;

use crate::render::Limits;
use crate::settings::report::Report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    dir: Option<PathBuf>,
    default_locale: String,
    limits: WrittenLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimits {
    template_bytes: usize,
    templates: usize,
    output_bytes: usize,
    listed: usize,
    sms_segments: usize,
}

/// Where the texts come from, and how large they may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSettings {
    /// A folder whose files replace compiled-in ones of the same name.
    pub dir: Option<PathBuf>,
    /// The locale of the last resort, a BCP 47 tag.
    pub default_locale: String,
    /// How large templates and messages may be.
    pub limits: Limits,
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
        TemplateSettings {
            dir: self.dir,
            default_locale: self.default_locale,
            limits: self.limits.check(report),
        }
    }
}

impl WrittenLimits {
    fn check(self, report: &mut Report<'_>) -> Limits {
        const MIB: usize = 1024 * 1024;
        report.within("templates.limits.template_bytes", self.template_bytes, 1_024..=MIB);
        report.within("templates.limits.templates", self.templates, 1..=100_000);
        report.within("templates.limits.output_bytes", self.output_bytes, 16_384..=16 * MIB);
        report.within("templates.limits.listed", self.listed, 1..=1_000);
        report.within("templates.limits.sms_segments", self.sms_segments, 1..=10);
        Limits {
            template_bytes: self.template_bytes,
            templates: self.templates,
            output_bytes: self.output_bytes,
            listed: self.listed,
            sms_segments: self.sms_segments,
        }
    }
}
