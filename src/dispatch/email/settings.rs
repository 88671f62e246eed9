//! What a person can set about outgoing e-mail, with the limits of every step.
//!
//! Durations are whole seconds; sizes are bytes. Reads no file and no environment: `settings` fills these in.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

/// Who sends, and over which relay.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmailSettings {
    /// Address in `From`, and the envelope sender unless `envelope_from` says otherwise.
    pub from_address: String,
    /// Display name in `From`.
    pub from_name: Option<String>,
    /// A box that somebody reads, for `Reply-To`.
    pub reply_to: Option<String>,
    /// Envelope sender (return path), where bounces go.
    pub envelope_from: Option<String>,
    /// Longest message handed to a relay, in bytes after encoding.
    pub max_message_bytes: usize,
    /// The relay.
    pub smtp: SmtpSettings,
}

impl Default for EmailSettings {
    fn default() -> Self {
        Self {
            from_address: "billing@localhost".to_owned(),
            from_name: None,
            reply_to: None,
            envelope_from: None,
            max_message_bytes: 1024 * 1024,
            smtp: SmtpSettings::default(),
        }
    }
}

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// Plain text: to a loopback address only, unless `allow_plaintext` is set.
    None,
    /// `STARTTLS`, required: a relay that does not offer it is refused.
    Starttls,
    /// TLS from the first byte (port 465).
    Implicit,
}

/// The relay, and the pool of connections to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpSettings {
    /// Host name or IP address of the relay. Its certificate must be valid for this name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// Lets `tls = "none"` reach a host that is not this machine.
    pub allow_plaintext: bool,
    /// PEM file of certificates to trust beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// Login; none: no AUTH.
    pub username: Option<String>,
    /// Password for `username`.
    pub password: Option<SecretString>,
    /// Name said in EHLO; none: the machine's host name.
    pub hello_name: Option<String>,
    /// Connections open at once, and so messages under way at once.
    pub max_connections: usize,
    /// Messages sent over one connection before it is replaced.
    pub max_messages_per_connection: u32,
    /// A connection unused for longer is not used again, in seconds; shorter than the relay's own limit.
    pub idle_secs: u64,
    /// How long each step may take.
    pub timeouts: SmtpTimeouts,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 587,
            tls: TlsMode::Starttls,
            allow_plaintext: false,
            ca_file: None,
            username: None,
            password: None,
            hello_name: None,
            max_connections: 8,
            max_messages_per_connection: 100,
            idle_secs: 30,
            timeouts: SmtpTimeouts::default(),
        }
    }
}

/// A deadline for every step, in seconds, after RFC 5321 4.5.3.2. A step that misses it costs the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpTimeouts {
    /// Waiting for a free connection.
    pub acquire_secs: u64,
    /// Name resolution and TCP.
    pub connect_secs: u64,
    /// Each greeting and EHLO reply.
    pub greeting_secs: u64,
    /// STARTTLS and the handshake.
    pub tls_secs: u64,
    /// The whole AUTH dialogue.
    pub auth_secs: u64,
    /// The reply to MAIL.
    pub mail_secs: u64,
    /// The reply to RCPT.
    pub rcpt_secs: u64,
    /// The reply to DATA.
    pub data_secs: u64,
    /// Writing the message.
    pub body_secs: u64,
    /// The reply after the final dot. A short one manufactures duplicates.
    pub final_reply_secs: u64,
    /// RSET and QUIT between and after messages.
    pub reset_secs: u64,
}

impl Default for SmtpTimeouts {
    fn default() -> Self {
        Self {
            acquire_secs: 600,
            connect_secs: 30,
            greeting_secs: 300,
            tls_secs: 60,
            auth_secs: 60,
            mail_secs: 300,
            rcpt_secs: 300,
            data_secs: 120,
            body_secs: 180,
            final_reply_secs: 600,
            reset_secs: 20,
        }
    }
}

/// A setting that cannot work, named by its key.
#[derive(Debug, thiserror::Error)]
pub enum EmailSettingsError {
    /// Not an e-mail address.
    #[error("email.{key} is not an e-mail address")]
    Address {
        /// The key below `email`.
        key: &'static str,
    },
    /// A value that cannot work.
    #[error("email.smtp.{key}: {problem}")]
    Smtp {
        /// The key below `email.smtp`.
        key: &'static str,
        /// What is wrong with it, without the value.
        problem: String,
    },
}
