//! Events that a story holds: `INSTANT TYPE [key=value …]`, read by the decoder that reads the pipeline's.
//!
//! Knows no type of event: what a key may hold is the decoder's to say.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::TimelineError;
use super::world::{ACCOUNT, RESOURCE};
use crate::engine::input::Event;
use crate::engine::policy::Offset;
use crate::event::{self, Limits};
use crate::intake::{Delivery, Tag};
use crate::policy;

/// An event of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    text: String,
    at: At,
    event_type: String,
    pairs: Vec<(String, String)>,
}

/// When it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Instant(DateTime<Utc>),
    /// Counted from E or from A, whichever letter it is.
    Relative(char, Offset),
}

/// Not an event as `--event` takes it.
#[derive(Debug, thiserror::Error)]
#[error("{0}; expected `INSTANT TYPE [key=value …]`, such as `E+2d renewal.requested months=1`")]
pub struct MalformedEvent(String);

impl std::str::FromStr for Given {
    type Err = MalformedEvent;

    fn from_str(text: &str) -> Result<Self, MalformedEvent> {
        let mut words = text.split_whitespace();
        let at = words.next().ok_or_else(|| MalformedEvent("nothing is said".to_owned()))?;
        let event_type = words.next();
        let event_type =
            event_type.ok_or_else(|| MalformedEvent(format!("no type after `{at}`")))?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        for word in words {
            match (word.split_once('='), pairs.last_mut()) {
                (Some((key, value)), _) if !key.is_empty() => {
                    pairs.push((key.to_owned(), value.to_owned()));
                }
                // A value goes on until the next key: free text has spaces.
                (_, Some((_, value))) => {
                    value.push(' ');
                    value.push_str(word);
                }
                (_, None) => return Err(MalformedEvent(format!("`{word}` is no key=value"))),
            }
        }
        Ok(Self {
            text: std::iter::once(event_type)
                .chain(text.split_whitespace().skip(2))
                .collect::<Vec<_>>()
                .join(" "),
            at: read_at(at).ok_or_else(|| MalformedEvent(format!("`{at}` is no instant")))?,
            event_type: full_type(event_type),
            pairs,
        })
    }
}

/// RFC 3339, or a distance from E or A: `E`, `E-7d`, `A+1h30m`.
fn read_at(word: &str) -> Option<At> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(word) {
        return Some(At::Instant(instant.with_timezone(&Utc)));
    }
    let letter = word.chars().next().filter(|letter| matches!(letter, 'E' | 'A'))?;
    let distance = &word[letter.len_utf8()..];
    let offset = match distance.strip_prefix('+') {
        _ if distance.is_empty() => policy::span("0d"),
        Some(later) => policy::span(later).filter(|_| !later.starts_with('-')),
        None => policy::span(distance).filter(|_| distance.starts_with('-')),
    };
    offset.map(|offset| At::Relative(letter, offset))
}

fn full_type(name: &str) -> String {
    if name.starts_with("billing.") { name.to_owned() } else { format!("billing.{name}") }
}

impl Given {
    /// As it was given, without its instant.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// When it happens, where `letter` is what `anchor` is called.
    pub(super) fn at(
        &self,
        letter: char,
        anchor: DateTime<Utc>,
        zone: Tz,
    ) -> Result<DateTime<Utc>, TimelineError> {
        match self.at {
            At::Instant(instant) => Ok(instant),
            At::Relative(named, offset) if named == letter => {
                offset.from(anchor, zone).ok_or(TimelineError::OutOfRange)
            }
            At::Relative(named, _) => {
                let reason = format!("this policy counts from {letter}, not from {named}");
                Err(TimelineError::Event { event: self.text.clone(), reason })
            }
        }
    }

    /// What the engine is told. What it does not say is the story's account, resource and, of charges, the one that was
    /// asked for last.
    ///
    /// A value is text where its type takes text, and JSON (a number, a list) where it does not.
    pub(super) fn event(
        &self,
        at: DateTime<Utc>,
        number: usize,
        last_charge: Option<&str>,
    ) -> Result<Event, String> {
        let mut data = self.data(last_charge);
        loop {
            let refusal = match self.decode(&data, at, number) {
                Ok(event) => return Ok(event),
                Err(refusal) => refusal,
            };
            let field = refusal.field.clone().unwrap_or_default();
            let key = field.strip_prefix("/data/").unwrap_or_default();
            let key = key.split('/').next().unwrap_or_default().to_owned();
            let other = data.get(&key).and_then(Value::as_str).and_then(|text| {
                serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_string())
            });
            let Some(other) = other else { return Err(refusal.to_string()) };
            data.insert(key, other);
        }
    }

    fn data(&self, last_charge: Option<&str>) -> Map<String, Value> {
        let mut data = Map::new();
        data.insert("account".to_owned(), ACCOUNT.into());
        data.insert("resource".to_owned(), RESOURCE.into());
        data.insert("resources".to_owned(), json!([RESOURCE]));
        if self.event_type.starts_with("billing.charge.") {
            data.extend(last_charge.map(|name| ("charge".to_owned(), name.into())));
        }
        if self.event_type.starts_with("billing.balance.") || self.event_type.contains("arrears") {
            data.insert("currency".to_owned(), super::world::CURRENCY.into());
        }
        data.extend(self.pairs.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
        data
    }

    fn decode(
        &self,
        data: &Map<String, Value>,
        at: DateTime<Utc>,
        number: usize,
    ) -> Result<Event, Box<event::Refusal>> {
        let envelope = json!({
            "specversion": "1.0", "id": format!("given-{number}"), "source": "/timeline",
            "type": self.event_type, "time": at.to_rfc3339(), "data": data,
        });
        let delivery = Delivery {
            body: envelope.to_string().into_bytes(),
            content_type: None,
            headers: BTreeMap::new(),
            user_id: None,
            origin: "--event".to_owned(),
            tag: Tag { session: 0, number: 0 },
            mark: None,
        };
        event::decode(&delivery, &Limits::default()).map(|decoded| decoded.event).map_err(Box::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::input::Body;

    const NOON: DateTime<Utc> = DateTime::from_timestamp(1_781_496_000, 0).expect("in range");

    fn body(text: &str) -> Body {
        let given: Given = text.parse().expect("an event");
        given.event(NOON, 1, Some("c-1")).expect("understood").body
    }

    #[test]
    fn a_value_is_what_its_type_takes() {
        let renewal = body("E renewal.requested months=3");
        assert!(matches!(renewal, Body::RenewalRequested { months: 3, .. }), "{renewal:?}");
        let balance = body("A+1d billing.balance.changed balance=12.50 sequence=7");
        let Body::BalanceReported { balance, sequence: Some(7) } = balance else { panic!() };
        assert_eq!(balance.amount.to_string(), "12.50");
        let sync = body("E-9d expiry_sync.requested day_of_month=12");
        assert!(matches!(sync, Body::ExpirySyncRequested { day_of_month: 12, .. }));
        let hold = body("E hold.placed scope=all reason=a court says so hold=7");
        let Body::HoldPlaced { reason, hold, resource, .. } = hold else { panic!() };
        assert_eq!((reason.as_str(), hold.as_deref()), ("a court says so", Some("7")));
        assert_eq!(resource, Some(RESOURCE.into()));
    }

    #[test]
    fn a_charge_is_the_last_one_unless_it_is_named() {
        for (text, name) in [("E charge.failed", "c-1"), ("E charge.failed charge=c-2", "c-2")] {
            let Body::ChargeFailed { charge, .. } = body(text) else { panic!() };
            assert_eq!(charge, name);
        }
    }

    #[test]
    fn an_instant_is_absolute_or_counted_from_the_anchor_by_the_calendar() {
        let anchor: DateTime<Utc> = "2026-03-28T11:00:00Z".parse().expect("an instant");
        for (word, expected) in [
            ("2026-01-02T03:04:05+08:00", "2026-01-01T19:04:05Z"),
            ("E", "2026-03-28T11:00:00Z"),
            // The day on which clocks change has 23 hours.
            ("E+1d", "2026-03-29T10:00:00Z"),
            ("A-1h30m", "2026-03-28T09:30:00Z"),
        ] {
            let given: Given = format!("{word} heartbeat").parse().expect("an event");
            let letter = if word.starts_with('A') { 'A' } else { 'E' };
            let at = given.at(letter, anchor, Tz::Europe__Berlin).expect("in range");
            assert_eq!(at, expected.parse::<DateTime<Utc>>().expect("an instant"), "{word}");
        }
    }

    #[test]
    fn a_distance_from_what_the_policy_does_not_count_from_is_a_mistake() {
        let given: Given = "A+1d heartbeat".parse().expect("an event");
        assert!(given.at('E', NOON, Tz::UTC).is_err());
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for text in ["", "E", "E7d x", "E+-1d x", "tomorrow x", "E x y"] {
            assert!(text.parse::<Given>().is_err(), "{text}");
        }
        let given: Given = "E renewal.requested months=many".parse().expect("an event");
        let reason = given.event(NOON, 1, None).expect_err("refused");
        assert!(reason.contains("/data/months"), "{reason}");
    }
}
