//! `[email]`: the type is `dispatch::email`'s own; here are the checks that need no relay.

use std::net::IpAddr;

use crate::dispatch::email::{
    EmailSettings, EmailSettingsError, Sender, SmtpEmail, SmtpTimeouts, TlsMode,
};
use crate::settings::report::Report;

/// The longest deadline of a step: RFC 5321 asks for ten minutes at most.
const STEP_SECS_MAX: u64 = 3_600;

/// Reports what cannot work. The channel, if it can be built, serves to check what is built on it.
pub(in crate::settings) fn check(
    email: &EmailSettings,
    report: &mut Report<'_>,
) -> Option<SmtpEmail> {
    let smtp = &email.smtp;
    report.within("email.max_message_bytes", email.max_message_bytes, 16_384..=64 * 1024 * 1024);
    report.within("email.smtp.port", smtp.port, 1..=u16::MAX);
    report.within("email.smtp.max_connections", smtp.max_connections, 1..=256);
    let per_connection = smtp.max_messages_per_connection;
    report.within("email.smtp.max_messages_per_connection", per_connection, 1..=100_000);
    report.within("email.smtp.idle_secs", smtp.idle_secs, 1..=STEP_SECS_MAX);
    for (key, secs) in deadlines(&smtp.timeouts) {
        report.within(&format!("email.smtp.timeouts.{key}"), secs, 1..=STEP_SECS_MAX);
    }
    if smtp.tls == TlsMode::None && !smtp.allow_plaintext && !is_this_machine(&smtp.host) {
        report.refuse_with(
            "email.smtp.tls",
            format!("without TLS the network between here and {} reads every mail", smtp.host),
            "use starttls or implicit; or set email.smtp.allow_plaintext = true where the network is private",
        );
    }
    // Apart from the channel, which stops at its first complaint.
    if let Err(error) = Sender::new(email) {
        report.refuse(&key_of(&error), problem_of(&error));
    }
    match SmtpEmail::new(email) {
        Ok(channel) => Some(channel),
        // Both were said above.
        Err(
            EmailSettingsError::Address { .. }
            | EmailSettingsError::Smtp { key: "max_connections", .. },
        ) => None,
        Err(error) => {
            report.refuse(&key_of(&error), problem_of(&error));
            None
        }
    }
}

fn key_of(error: &EmailSettingsError) -> String {
    match error {
        EmailSettingsError::Address { key } => format!("email.{key}"),
        EmailSettingsError::Smtp { key, .. } => format!("email.smtp.{key}"),
    }
}

fn problem_of(error: &EmailSettingsError) -> String {
    match error {
        EmailSettingsError::Address { .. } => "is not an e-mail address".to_owned(),
        EmailSettingsError::Smtp { problem, .. } => problem.clone(),
    }
}

/// Whether mail to this host does not leave the machine.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn deadlines(timeouts: &SmtpTimeouts) -> [(&'static str, u64); 11] {
    let SmtpTimeouts {
        acquire_secs,
        connect_secs,
        greeting_secs,
        tls_secs,
        auth_secs,
        mail_secs,
        rcpt_secs,
        data_secs,
        body_secs,
        final_reply_secs,
        reset_secs,
    } = *timeouts;
    [
        ("acquire_secs", acquire_secs),
        ("connect_secs", connect_secs),
        ("greeting_secs", greeting_secs),
        ("tls_secs", tls_secs),
        ("auth_secs", auth_secs),
        ("mail_secs", mail_secs),
        ("rcpt_secs", rcpt_secs),
        ("data_secs", data_secs),
        ("body_secs", body_secs),
        ("final_reply_secs", final_reply_secs),
        ("reset_secs", reset_secs),
    ]
}
