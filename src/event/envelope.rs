//! CloudEvents 1.0 from a delivery: structured mode, and binary mode over AMQP headers.
//!
//! Does not look into `data`. Extension attributes that it does not know are ignored.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::Limits;
use super::json;
use super::refusal::{Identity, RefusalCode, Trouble};
use super::scalar::{Id, Instant, Scalar, check_id, parse_instant, to_micros};
use crate::engine::id::{AccountId, EventKey};
use crate::intake::Delivery;

/// Header prefixes of binary mode that are in use: Knative's for RabbitMQ, and the two of the AMQP 1.0 binding.
pub(super) const PREFIXES: [&str; 3] = [SCHEMA_PREFIX, "cloudEvents_", "cloudEvents:"];
/// The one that the published schema is written with.
pub(super) const SCHEMA_PREFIX: &str = "ce-";

/// A CloudEvent, checked as far as its attributes go.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Envelope {
    pub(super) key: EventKey,
    pub(super) event_type: String,
    pub(super) subject: Option<AccountId>,
    pub(super) time: DateTime<Utc>,
    /// `null` where the event has none.
    pub(super) data: Value,
}

/// The JSON Schema of an event in structured mode, except its `data`.
pub(super) fn schema() -> Value {
    schema_with("")
}

/// The JSON Schema of the headers of an event in binary mode.
pub(super) fn header_schema() -> Value {
    schema_with(SCHEMA_PREFIX)
}

/// What `check` asks for.
fn schema_with(prefix: &str) -> Value {
    let text = Id::schema;
    let attributes = [
        ("specversion", json!({ "const": "1.0" })),
        ("id", described(text(), "With `source` it identifies the event.")),
        ("source", described(text(), "Where it comes from, as a URI reference.")),
        ("type", described(text(), "What happened.")),
        ("time", described(Instant::schema(), "When it happened: deadlines count from here.")),
        (
            "subject",
            described(
                text(),
                "The account id; where it is missing, `account` of the data says it.",
            ),
        ),
        ("datacontenttype", described(json!({ "type": "string" }), "JSON, where it is said.")),
    ];
    let named = attributes.map(|(name, schema)| (format!("{prefix}{name}"), schema));
    let required =
        ["specversion", "id", "source", "type", "time"].map(|name| format!("{prefix}{name}"));
    json!({ "type": "object", "properties": Map::from_iter(named), "required": required })
}

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = Value::from(description);
    schema
}

/// How a delivery carries its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Structured,
    Binary,
}

/// Opens a delivery. What could be read of its identity is left in `identity`, also where it is refused.
pub(super) fn open(
    delivery: &Delivery,
    limits: &Limits,
    identity: &mut Identity,
) -> Result<Envelope, Trouble> {
    let mode = mode(delivery)?;
    let mut attributes = if mode == Mode::Binary { from_headers(delivery)? } else { Map::new() };
    sniff(&attributes, identity);
    if delivery.body.len() > limits.body_bytes {
        let reason = format!(
            "the body has {} bytes, the limit is {}",
            delivery.body.len(),
            limits.body_bytes
        );
        return Err(Trouble::new(RefusalCode::TooLarge, "", reason));
    }
    let data = match mode {
        Mode::Binary => binary_data(delivery, limits)?,
        Mode::Structured => {
            attributes = structured(delivery, limits, identity)?;
            sniff(&attributes, identity);
            if attributes.contains_key("data_base64") {
                let reason = "expected JSON in data; data_base64 is not read";
                return Err(Trouble::new(RefusalCode::Schema, "/data_base64", reason));
            }
            attributes.remove("data").unwrap_or(Value::Null)
        }
    };
    if identity.account.is_none() {
        identity.account = data.get("account").and_then(id_text).map(AccountId::new);
    }
    check(&attributes, data)
}

fn mode(delivery: &Delivery) -> Result<Mode, Trouble> {
    let Some(content_type) = delivery.content_type.as_deref().map(media_type) else {
        // A file's line, or a publisher that says nothing: the headers decide.
        let binary = delivery.headers.keys().any(|name| attribute_of(name) == Some("specversion"));
        return Ok(if binary { Mode::Binary } else { Mode::Structured });
    };
    if content_type.starts_with("application/cloudevents-batch") {
        return Err(batch());
    }
    match content_type.as_str() {
        "application/cloudevents+json" => Ok(Mode::Structured),
        other if other.starts_with("application/cloudevents") => Err(Trouble::new(
            RefusalCode::NotCloudEvent,
            "",
            "expected the content type application/cloudevents+json: no other event format is read",
        )),
        _ => Ok(Mode::Binary),
    }
}

fn batch() -> Trouble {
    Trouble::new(
        RefusalCode::Batch,
        "",
        "expected one event in a message: batch mode is not part of the AMQP binding",
    )
}

/// A content type without its parameters, in lower case.
fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(content_type: &str) -> bool {
    let media_type = media_type(content_type);
    media_type == "application/json" || media_type == "text/json" || media_type.ends_with("+json")
}

/// The attribute that a header stands for.
fn attribute_of(header: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| {
        let (start, name) = header.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(name)
    })
}

fn from_headers(delivery: &Delivery) -> Result<Map<String, Value>, Trouble> {
    let mut attributes = Map::new();
    for (header, text) in &delivery.headers {
        let Some(name) = attribute_of(header) else { continue };
        let before = attributes.insert(name.to_owned(), Value::String(text.clone()));
        if before.is_some_and(|before| before.as_str() != Some(text)) {
            let reason = "this attribute has two headers that differ";
            return Err(Trouble::new(RefusalCode::NotCloudEvent, "", reason).under(name));
        }
    }
    if let Some(Value::String(time)) = attributes.get_mut("time")
        && let Some(instant) = amqp_timestamp(time)
    {
        *time = instant.to_rfc3339();
    }
    Ok(attributes)
}

/// An AMQP timestamp as text: seconds in AMQP 0-9-1, milliseconds in the AMQP 1.0 binding. The years that make sense do
/// not overlap.
fn amqp_timestamp(text: &str) -> Option<DateTime<Utc>> {
    let digits = text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = digits.then(|| text.parse().ok())??;
    to_micros(number.checked_mul(1_000_000)?).or_else(|_| to_micros(number * 1_000)).ok()
}

fn binary_data(delivery: &Delivery, limits: &Limits) -> Result<Value, Trouble> {
    if delivery.content_type.as_deref().is_some_and(|content_type| !is_json(content_type)) {
        let reason = "expected the content type application/json, or application/cloudevents+json in structured mode";
        return Err(Trouble::new(RefusalCode::NotJson, "/datacontenttype", reason));
    }
    if delivery.body.is_empty() {
        return Ok(Value::Null);
    }
    json::parse(&delivery.body, limits.depth).map_err(|broken| match broken.trouble.code {
        RefusalCode::DuplicateKey => broken.trouble.under("data"),
        _ => broken.trouble,
    })
}

fn structured(
    delivery: &Delivery,
    limits: &Limits,
    identity: &mut Identity,
) -> Result<Map<String, Value>, Trouble> {
    match json::parse(&delivery.body, limits.depth) {
        Ok(Value::Object(attributes)) => Ok(attributes),
        Ok(Value::Array(_)) => Err(batch()),
        Ok(_) => Err(Trouble::new(RefusalCode::NotCloudEvent, "", "expected a JSON object")),
        Err(broken) => {
            sniff(&broken.partial, identity);
            Err(broken.trouble)
        }
    }
}

/// Takes what is readable of an event's identity, checking nothing else.
fn sniff(attributes: &Map<String, Value>, identity: &mut Identity) {
    let text = |name: &str| attributes.get(name).and_then(id_text);
    if let (Some(source), Some(id)) = (text("source"), text("id")) {
        identity.key = Some(EventKey { source: source.to_owned(), id: id.to_owned() });
    }
    if let Some(event_type) = text("type") {
        identity.event_type = Some(event_type.to_owned());
    }
    if let Some(account) = text("subject") {
        identity.account = Some(AccountId::new(account));
    }
    if let Some(Ok(time)) = text("time").map(parse_instant) {
        identity.time = Some(time);
    }
}

fn id_text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| check_id(text).is_ok())
}

fn check(attributes: &Map<String, Value>, data: Value) -> Result<Envelope, Trouble> {
    if optional(attributes, "specversion")? != Some("1.0") {
        let reason = "expected a CloudEvent with specversion 1.0: structured as application/cloudevents+json, or binary \
                      with ce-, cloudEvents_ or cloudEvents: headers";
        return Err(Trouble::new(RefusalCode::NotCloudEvent, "/specversion", reason));
    }
    let key = EventKey {
        source: required(attributes, "source")?.to_owned(),
        id: required(attributes, "id")?.to_owned(),
    };
    let event_type = required(attributes, "type")?.to_owned();
    let subject = match optional(attributes, "subject")? {
        Some(text) => Some(AccountId::new(checked(text, "subject")?)),
        None => None,
    };
    let time = parse_instant(required(attributes, "time")?).map_err(|wrong| {
        let reason = format!("expected an RFC 3339 instant of the years 2000 to 2199: {wrong}");
        Trouble::new(RefusalCode::Instant, "/time", reason)
    })?;
    if !optional(attributes, "datacontenttype")?.is_none_or(is_json) {
        let reason = "expected data in JSON";
        return Err(Trouble::new(RefusalCode::NotJson, "/datacontenttype", reason));
    }
    Ok(Envelope { key, event_type, subject, time, data })
}

fn optional<'a>(
    attributes: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a str>, Trouble> {
    match attributes.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => {
            Err(Trouble::new(RefusalCode::NotCloudEvent, "", "expected a string").under(name))
        }
    }
}

fn required<'a>(attributes: &'a Map<String, Value>, name: &str) -> Result<&'a str, Trouble> {
    let Some(text) = optional(attributes, name)? else {
        return Err(
            Trouble::new(RefusalCode::NotCloudEvent, "", "this attribute is missing").under(name)
        );
    };
    checked(text, name)
}

fn checked<'a>(text: &'a str, name: &str) -> Result<&'a str, Trouble> {
    check_id(text).map(|()| text).map_err(|wrong| {
        let reason =
            format!("expected a text of 1 to 256 bytes without control characters: {wrong}");
        Trouble::new(RefusalCode::Text, "", reason).under(name)
    })
}

#[cfg(test)]
mod tests;
