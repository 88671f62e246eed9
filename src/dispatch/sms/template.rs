//! A few named placeholders in a gateway's URL and body, escaped for where they stand.
//!
//! No template language: no conditions, no loops, and a value is never read for placeholders again. A JSON
//! body is a document whose strings are filled, so that no value can end a string or add a field.

use serde_json::{Map, Value};

use super::settings::ParamsShape;
use crate::dispatch::message::{SmsBody, SmsMessage};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    To,
    Digits,
    Text,
    Id,
    Template,
    Params,
}

#[derive(Debug, Clone)]
enum Piece {
    Literal(String),
    Slot(Slot),
}

/// Text with placeholders.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Piece>);

/// A JSON document with placeholders in its strings.
#[derive(Debug, Clone)]
pub(super) enum JsonPattern {
    Text(Pattern),
    /// `"{params}"` alone: the list or object, not a string.
    Params,
    Fixed(Value),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// `name=value` pairs with placeholders in the values.
#[derive(Debug, Clone)]
pub(super) struct PairsPattern(Vec<(String, Pattern)>);

/// What the placeholders stand for in one message.
pub(super) struct Values<'a> {
    message: &'a SmsMessage,
    params: ParamsShape,
}

impl<'a> Values<'a> {
    pub(super) fn new(message: &'a SmsMessage, params: ParamsShape) -> Self {
        Self { message, params }
    }

    fn get(&self, slot: Slot) -> String {
        let message = self.message;
        match (slot, &message.body) {
            (Slot::To, _) => message.to.clone(),
            (Slot::Digits, _) => message.to.trim_start_matches('+').to_owned(),
            (Slot::Id, _) => message.id.clone(),
            (Slot::Text, SmsBody::FreeText(text)) => text.clone(),
            (Slot::Template, SmsBody::Registered { template, .. }) => template.clone(),
            (Slot::Params, _) => self.params().to_string(),
            (Slot::Text | Slot::Template, _) => String::new(),
        }
    }

    fn params(&self) -> Value {
        let params: &[(String, String)] = match &self.message.body {
            SmsBody::Registered { params, .. } => params,
            SmsBody::FreeText(_) => &[],
        };
        let pairs = params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        match self.params {
            ParamsShape::List => Value::Array(pairs.map(|(_, value)| value).collect()),
            ParamsShape::Object => Value::Object(pairs.collect::<Map<_, _>>()),
        }
    }
}

impl Pattern {
    /// Reads `{word}` as a placeholder; braces around anything else are text.
    ///
    /// # Errors
    /// The `{word}` that is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(open) = rest.find('{') {
            literal.push_str(&rest[..open]);
            rest = &rest[open..];
            let word = rest[1..].split('}').next().unwrap_or_default();
            let closed = rest.len() > word.len() + 1;
            let is_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
            if !(closed && is_word) {
                literal.push('{');
                rest = &rest[1..];
                continue;
            }
            let slot = match word {
                "to" => Slot::To,
                "digits" => Slot::Digits,
                "text" => Slot::Text,
                "id" => Slot::Id,
                "template" => Slot::Template,
                "params" => Slot::Params,
                _ => return Err(format!("{{{word}}} is not a placeholder")),
            };
            pieces.push(Piece::Literal(core::mem::take(&mut literal)));
            pieces.push(Piece::Slot(slot));
            rest = &rest[word.len() + 2..];
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        Ok(Self(pieces))
    }

    pub(super) fn uses(&self, slot: Slot) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Slot(used) if *used == slot))
    }

    pub(super) fn fill(&self, values: &Values<'_>, escape: fn(&str) -> String) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Slot(slot) => escape(&values.get(*slot)),
        };
        self.0.iter().map(piece).collect()
    }
}

impl JsonPattern {
    /// # Errors
    /// Not JSON, or an unknown placeholder.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| {
            format!("not JSON: line {} column {}", error.line(), error.column())
        })?;
        Self::read(document)
    }

    fn read(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) if text == "{params}" => Self::Params,
            Value::String(text) => Self::Text(Pattern::parse(&text)?),
            Value::Array(items) => {
                Self::List(items.into_iter().map(Self::read).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let field = |(name, value)| Ok::<_, String>((name, Self::read(value)?));
                Self::Object(fields.into_iter().map(field).collect::<Result<_, _>>()?)
            }
            fixed => Self::Fixed(fixed),
        })
    }

    pub(super) fn uses(&self, slot: Slot) -> bool {
        match self {
            Self::Text(pattern) => pattern.uses(slot),
            Self::Params => slot == Slot::Params,
            Self::Fixed(_) => false,
            Self::List(items) => items.iter().any(|item| item.uses(slot)),
            Self::Object(fields) => fields.iter().any(|(_, field)| field.uses(slot)),
        }
    }

    pub(super) fn fill(&self, values: &Values<'_>) -> Value {
        match self {
            Self::Text(pattern) => Value::String(pattern.fill(values, str::to_owned)),
            Self::Params => values.params(),
            Self::Fixed(value) => value.clone(),
            Self::List(items) => items.iter().map(|item| item.fill(values)).collect(),
            Self::Object(fields) => {
                let filled = fields.iter().map(|(name, field)| (name.clone(), field.fill(values)));
                Value::Object(filled.collect())
            }
        }
    }
}

impl PairsPattern {
    /// # Errors
    /// A pair without `=`, or an unknown placeholder.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').ok_or("a pair without =")?;
            Ok::<_, String>((name.to_owned(), Pattern::parse(value)?))
        };
        Ok(Self(text.trim().split('&').map(pair).collect::<Result<_, _>>()?))
    }

    pub(super) fn uses(&self, slot: Slot) -> bool {
        self.0.iter().any(|(_, value)| value.uses(slot))
    }

    /// Names and values percent-encoded, joined by `&`.
    pub(super) fn fill(&self, values: &Values<'_>) -> String {
        let pair = |(name, value): &(String, Pattern)| {
            format!("{}={}", percent(name), percent(&value.fill(values, str::to_owned)))
        };
        self.0.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}

/// RFC 3986: everything but unreserved characters, which suits paths, queries and forms alike.
pub(super) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    pub(in crate::dispatch::sms) fn sms(text: &str) -> SmsMessage {
        SmsMessage {
            id: "sms-1".to_owned(),
            to: "+8613800000000".to_owned(),
            body: SmsBody::FreeText(text.to_owned()),
            language: "en".to_owned(),
            date: DateTime::from_timestamp(1_795_317_300, 0).unwrap(),
            notice_id: "n1".to_owned(),
        }
    }

    pub(in crate::dispatch::sms) fn registered() -> SmsMessage {
        let params = vec![("b".to_owned(), "12\"".to_owned()), ("a".to_owned(), "&".to_owned())];
        let body = SmsBody::Registered { template: "T 1".to_owned(), params };
        SmsMessage { body, ..sms("") }
    }

    const HOSTILE: &str = "\",\"to\":\"+1\"}{to}&to=+1#\r\nX: y%00\u{0}";

    #[test]
    fn no_text_can_change_a_json_body() {
        let pattern = JsonPattern::parse(r#"{"m":[{"to":"{digits}","text":"A: {text}"}],"n":1}"#);
        let message = sms(HOSTILE);
        let filled = pattern.unwrap().fill(&Values::new(&message, ParamsShape::List));
        let text = format!("A: {HOSTILE}");
        assert_eq!(filled, json!({"m": [{"to": "8613800000000", "text": text}], "n": 1}));
    }

    #[test]
    fn no_text_can_change_a_form_or_a_query() {
        let pattern = PairsPattern::parse("to={to}&text={text}&key=a b").unwrap();
        let filled = pattern.fill(&Values::new(&sms("a&to=+1 é\r\n{id}"), ParamsShape::List));
        let text = "a%26to%3D%2B1%20%C3%A9%0D%0A%7Bid%7D";
        assert_eq!(filled, format!("to=%2B8613800000000&text={text}&key=a%20b"));
    }

    #[test]
    fn registered_parameters_are_a_list_in_order_or_an_object_by_name() {
        let pattern = JsonPattern::parse(r#"{"t":"{template}","p":"{params}"}"#).unwrap();
        let message = registered();
        let filled = |shape| pattern.fill(&Values::new(&message, shape));
        assert_eq!(filled(ParamsShape::List), json!({"t": "T 1", "p": ["12\"", "&"]}));
        assert_eq!(filled(ParamsShape::Object)["p"], json!({"a": "&", "b": "12\""}));
        let form = PairsPattern::parse("p={params}").unwrap();
        let filled = form.fill(&Values::new(&message, ParamsShape::List));
        assert_eq!(filled, "p=%5B%2212%5C%22%22%2C%22%26%22%5D");
    }

    #[test]
    fn an_unknown_placeholder_is_named_and_other_braces_are_text() {
        assert_eq!(Pattern::parse("a {phone}").unwrap_err(), "{phone} is not a placeholder");
        let kept = Pattern::parse("{ {} {A} {to {").unwrap();
        let filled = kept.fill(&Values::new(&sms(""), ParamsShape::List), str::to_owned);
        assert_eq!(filled, "{ {} {A} {to {");
        assert!(JsonPattern::parse("{to}").is_err() && PairsPattern::parse("to").is_err());
    }
}
