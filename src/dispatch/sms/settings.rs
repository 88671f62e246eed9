//! What a person can set about outgoing texts.
//!
//! Durations are whole seconds; sizes are bytes. Reads no file and no environment: `settings` fills these in.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;

/// Which gateway, and each gateway's own settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmsSettings {
    /// Which of them is used.
    pub kind: SmsKind,
    /// Texts as e-mail.
    pub email_gateway: EmailGatewaySettings,
    /// Texts by HTTP.
    pub http: HttpSmsSettings,
}

/// How texts are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsKind {
    /// Not at all: notices go by e-mail only.
    #[default]
    None,
    /// JSON lines in `DIR/sms.jsonl`.
    File,
    /// As e-mail over the e-mail channel.
    EmailGateway,
    /// To an HTTP gateway.
    Http,
}

/// A gateway that takes e-mail and sends it on as a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmailGatewaySettings {
    /// Address of a number: `{to}` is the number in E.164, `{digits}` the same without `+`.
    pub address: String,
    /// Subject of these e-mails; many gateways ignore it, some put it into the text.
    pub subject: String,
}

impl Default for EmailGatewaySettings {
    fn default() -> Self {
        Self { address: "{digits}@sms.localhost".to_owned(), subject: "SMS".to_owned() }
    }
}

/// HTTP method of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// With a body.
    Post,
    /// With a body.
    Put,
    /// Everything in the query.
    Get,
}

/// How `body` is written, and so how values are escaped in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyKind {
    /// A JSON document whose strings hold the placeholders; a string that is `"{params}"` alone becomes the
    /// list or object itself.
    Json,
    /// `name=value` pairs, joined by `&`, as `application/x-www-form-urlencoded`.
    Form,
    /// The same pairs, appended to the URL; the request has no body.
    Query,
}

/// How the parameters of a registered template are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamsShape {
    /// `["value", …]` in the template's order.
    List,
    /// `{"name": "value", …}`.
    Object,
}

/// Any gateway that takes one text in one HTTP request.
///
/// Placeholders in `url` and `body`: `{to}` (E.164), `{digits}` (without `+`), `{text}`, `{id}` (of the delivery),
/// `{template}`, `{params}`. Any other `{word}` is refused at start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSmsSettings {
    /// Address of the gateway. `https`, except on this machine or with `allow_plaintext`.
    pub url: String,
    /// Lets `http://` reach a host that is not this machine.
    pub allow_plaintext: bool,
    /// Method of the request.
    pub method: HttpMethod,
    /// Headers by name; values may be secret.
    pub headers: BTreeMap<String, SecretString>,
    /// How `body` is written.
    pub body_kind: BodyKind,
    /// The body, with placeholders.
    pub body: String,
    /// How `{params}` is written.
    pub params: ParamsShape,
    /// Statuses that mean the gateway took the text.
    pub success_statuses: Vec<u16>,
    /// JSON pointer (RFC 6901) to the gateway's own verdict in the reply; none: the status alone decides.
    pub result_pointer: Option<String>,
    /// Values there that mean the gateway took the text.
    pub accepted_values: Vec<String>,
    /// Values there that mean: never for this number.
    pub recipient_values: Vec<String>,
    /// Values there that mean: not now for this number.
    pub retryable_values: Vec<String>,
    /// JSON pointer to the gateway's id of the text, kept as the receipt.
    pub receipt_pointer: Option<String>,
    /// Statuses that mean: not taken, try later.
    pub retryable_statuses: Vec<u16>,
    /// Statuses that mean: never for this number.
    pub recipient_statuses: Vec<u16>,
    /// Header for the idempotency key. Only where the gateway really drops a second text with the same key.
    pub idempotency_header: Option<String>,
    /// TCP and TLS, in seconds.
    pub connect_secs: u64,
    /// The whole request, in seconds.
    pub request_secs: u64,
    /// A connection unused for longer is closed, in seconds; shorter than the gateway's own limit.
    pub idle_secs: u64,
    /// Longest reply that is read, in bytes.
    pub max_reply_bytes: usize,
}

impl Default for HttpSmsSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            allow_plaintext: false,
            method: HttpMethod::Post,
            headers: BTreeMap::new(),
            body_kind: BodyKind::Json,
            body: r#"{"to":"{to}","text":"{text}","id":"{id}"}"#.to_owned(),
            params: ParamsShape::Object,
            success_statuses: vec![200, 201, 202],
            result_pointer: None,
            accepted_values: Vec::new(),
            recipient_values: Vec::new(),
            retryable_values: Vec::new(),
            receipt_pointer: None,
            retryable_statuses: vec![429, 503],
            recipient_statuses: Vec::new(),
            idempotency_header: None,
            connect_secs: 10,
            request_secs: 60,
            idle_secs: 10,
            max_reply_bytes: 64 * 1024,
        }
    }
}

/// A setting that cannot work, named by its key, without its value.
#[derive(Debug, thiserror::Error)]
#[error("sms.{key}: {problem}")]
pub struct SmsSettingsError {
    /// The key below `sms`.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl SmsSettingsError {
    pub(super) fn new(key: &'static str, problem: impl Into<String>) -> Self {
        Self { key, problem: problem.into() }
    }
}
