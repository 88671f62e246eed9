//! `[sms]`: the type is `dispatch::sms`'s own; here are the checks that need no gateway.

use std::sync::Arc;

use crate::dispatch::email::{EmailSettings, SmtpEmail};
use crate::dispatch::sms::{EmailGatewaySms, HttpSms, SmsKind, SmsSettings};
use crate::settings::report::Report;

/// Reports what cannot work with the gateway that is chosen; the other ones may stay unfinished.
///
/// The HTTP gateway's client needs the process's TLS provider, which `main` installs.
pub(in crate::settings) fn check(
    sms: &SmsSettings,
    email: &EmailSettings,
    relay: Option<SmtpEmail>,
    report: &mut Report<'_>,
) {
    report.within("sms.http.connect_secs", sms.http.connect_secs, 1..=600);
    report.within("sms.http.request_secs", sms.http.request_secs, 1..=600);
    report.within("sms.http.idle_secs", sms.http.idle_secs, 0..=600);
    report.within("sms.http.max_reply_bytes", sms.http.max_reply_bytes, 1_024..=16 * 1024 * 1024);
    let checked = match (sms.kind, relay) {
        (SmsKind::Http, _) => HttpSms::new(&sms.http).map(drop),
        (SmsKind::EmailGateway, Some(relay)) => {
            EmailGatewaySms::new(&sms.email_gateway, Arc::new(relay), email).map(drop)
        }
        // Without a relay the reason was said under `email`.
        (SmsKind::EmailGateway, None) | (SmsKind::None | SmsKind::File, _) => Ok(()),
    };
    if let Err(error) = checked {
        report.refuse(&format!("sms.{}", error.key), error.problem);
    }
}
