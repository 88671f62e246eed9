//! One file a section. Each holds what the user writes (`Written`), what the program uses, and the checks between.
//!
//! The broker and the channels bring a type of their own, which is both; of those only the checks are here.

pub(super) mod breaker;
pub(super) mod broker;
pub(super) mod dispatch;
pub(super) mod email;
pub(super) mod freshness;
pub(super) mod http;
pub(super) mod log;
pub(super) mod notices;
pub(super) mod policies;
pub(super) mod sms;
pub(super) mod store;
pub(super) mod templates;
pub(super) mod worker;

use serde::Deserialize;

use super::Settings;
use super::report::Report;
use crate::broker::BrokerSettings;
use crate::dispatch::email::EmailSettings;
use crate::dispatch::sms::SmsSettings;

/// What the user wrote, all layers merged; nothing checked yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    broker: BrokerSettings,
    email: EmailSettings,
    sms: SmsSettings,
    store: store::Written,
    worker: worker::Written,
    breaker: breaker::Written,
    templates: templates::Written,
    policies: policies::Written,
    http: http::Written,
    log: log::Written,
    notices: notices::Written,
    dispatch: dispatch::Written,
    freshness: freshness::Written,
    sources: Vec<freshness::Source>,
}

impl Written {
    /// Checks every section, so that all mistakes are found.
    pub(super) fn check(self, report: &mut Report<'_>) -> Settings {
        broker::check(&self.broker, report);
        let relay = email::check(&self.email, report);
        sms::check(&self.sms, &self.email, relay, report);
        Settings {
            broker: self.broker,
            email: self.email,
            sms: self.sms,
            store: self.store.check(report),
            worker: self.worker.check(report),
            breaker: self.breaker.check(report),
            templates: self.templates.check(report),
            policies: self.policies.check(report),
            http: self.http.check(report),
            log: self.log.check(report),
            notices: self.notices.check(report),
            dispatch: self.dispatch.check(report),
            freshness: self.freshness.check(self.sources, report),
        }
    }
}
