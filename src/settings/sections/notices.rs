//! `[notices]`: what every notice says about its sender.

use serde::Deserialize;

use crate::render::Brand;
use crate::settings::report::Report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    brand: String,
    console_url: String,
    support: Option<String>,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> Brand {
        report.line("notices.brand", &self.brand);
        report.web_address("notices.console_url", &self.console_url);
        if let Some(support) = &self.support {
            report.line("notices.support", support);
        }
        Brand {
            name: report.required("notices.brand", self.brand),
            console_url: self.console_url,
            support: self.support,
        }
    }
}
