//! `[http]`: where health and metrics are served.

use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::settings::report::Report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    bind: String,
    allow_remote: bool,
    shutdown_grace_secs: u64,
}

/// Where health and metrics are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Address and port. Loopback, unless the user allowed others.
    pub bind: SocketAddr,
    /// The longest that an open request may delay the stop.
    pub shutdown_grace: Duration,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> HttpSettings {
        let bind = self.bind.parse().unwrap_or_else(|_| {
            report.refuse(
                "http.bind",
                format!("expected an address and a port, found {:?}", self.bind),
            );
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
        });
        if !bind.ip().is_loopback() && !self.allow_remote {
            report.refuse_with(
                "http.bind",
                format!("{bind} can be reached from other machines"),
                "the pages have no login: if that is meant, set http.allow_remote = true",
            );
        }
        report.within("http.shutdown_grace_secs", self.shutdown_grace_secs, 0..=60);
        HttpSettings { bind, shutdown_grace: Duration::from_secs(self.shutdown_grace_secs) }
    }
}
