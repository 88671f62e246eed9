//! `[notices]`: what every notice says about its sender.

use serde::Deserialize;

use crate::settings::report::Report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    brand: String,
    support_contact: Option<String>,
    support_url: Option<String>,
    console_url: Option<String>,
}

/// What every notice says about its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeSettings {
    /// The name that customers know.
    pub brand: String,
    /// A mail address or a phone number to turn to.
    pub support_contact: Option<String>,
    /// A page to turn to.
    pub support_url: Option<String>,
    /// Where customers renew and top up; links to a resource are built on it. Ends without a slash.
    pub console_url: Option<String>,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> NoticeSettings {
        report.line("notices.brand", &self.brand);
        if let Some(contact) = &self.support_contact {
            report.line("notices.support_contact", contact);
        }
        if let Some(url) = &self.support_url {
            report.web_address("notices.support_url", url);
        }
        if let Some(url) = &self.console_url {
            report.web_address("notices.console_url", url);
        }
        NoticeSettings {
            brand: report.required("notices.brand", self.brand),
            support_contact: self.support_contact,
            support_url: self.support_url,
            console_url: self.console_url.map(|url| url.trim_end_matches('/').to_owned()),
        }
    }
}
