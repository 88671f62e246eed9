//! Moves a recorded event in time, so that an old example happens today. Pure; knows field names, no meaning.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value};

/// The fields of `data`, at any depth, that hold an instant.
const INSTANTS: [&str; 10] = [
    "arrears_since",
    "at",
    "changed_at",
    "expires_at",
    "period_end",
    "period_start",
    "purchased_at",
    "since",
    "starts_at",
    "until",
];

/// By how much to move every event of a run, and what to add to their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shift {
    by: TimeDelta,
    suffix: String,
}

impl Shift {
    /// Such that `earliest` becomes `now`. By whole seconds, so that instants keep their shape. Ids get a suffix made
    /// of `now`: dunlin takes them for new events, while copies within the run stay copies.
    pub(crate) fn new(earliest: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let by = TimeDelta::seconds((now - earliest).num_seconds());
        Self { by, suffix: format!("-{}", now.format("%Y%m%dT%H%M%S%6fZ")) }
    }

    /// Moves one event.
    pub(crate) fn apply(&self, event: &mut Map<String, Value>) {
        if let Some(time) = event.get_mut("time") {
            self.instant(time);
        }
        if let Some(Value::String(id)) = event.get_mut("id") {
            id.push_str(&self.suffix);
        }
        if let Some(data) = event.get_mut("data") {
            self.instants(data);
        }
    }

    fn instants(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if INSTANTS.contains(&name.as_str()) && value.is_string() {
                        self.instant(value);
                    } else {
                        self.instants(value);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.instants(value)),
            _ => {}
        }
    }

    /// What is no RFC 3339 instant, or would leave the calendar, stays: dunlin shall judge it as it is.
    fn instant(&self, value: &mut Value) {
        let Some(parsed) = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        else {
            return;
        };
        if let Some(moved) = parsed.checked_add_signed(self.by) {
            *value = Value::String(moved.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
    }
}

/// The `time` of an event, if it has a valid one.
pub(crate) fn time(event: &Map<String, Value>) -> Option<DateTime<Utc>> {
    let text = event.get("time")?.as_str()?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
    }

    fn moved(event: Value) -> Value {
        let shift = Shift::new(at("2026-01-01T00:00:00Z"), at("2026-03-02T01:00:00.9Z"));
        let Value::Object(mut fields) = event else { panic!("an object") };
        shift.apply(&mut fields);
        Value::Object(fields)
    }

    #[test]
    fn time_and_every_instant_in_data_move_by_one_constant() {
        let before = json!({
            "id": "e-1", "time": "2026-01-02T00:00:00Z",
            "data": {
                "expires_at": "2026-02-01T08:00:00+08:00",
                "notices_sent": [{"kind": "x", "at": "2026-01-01T12:00:00.5Z"}],
                "orders": [{"starts_at": "2026-01-01T00:00:00Z", "term_days": 30}],
            },
        });
        let after = json!({
            "id": "e-1-20260302T010000900000Z", "time": "2026-03-03T01:00:00Z",
            "data": {
                "expires_at": "2026-04-02T09:00:00+08:00",
                "notices_sent": [{"kind": "x", "at": "2026-03-02T13:00:00.500Z"}],
                "orders": [{"starts_at": "2026-03-02T01:00:00Z", "term_days": 30}],
            },
        });
        assert_eq!(moved(before), after);
    }

    #[test]
    fn what_is_no_instant_is_left_for_dunlin_to_judge() {
        let event = json!({"data": {"until": "soon", "at": 5, "since": null, "name": "2026-01-01T00:00:00Z"}});
        assert_eq!(moved(event.clone()), event);
    }

    #[test]
    fn copies_in_one_run_stay_copies_and_a_second_run_is_new() {
        let now = at("2026-03-02T00:00:00Z");
        let run = |now| {
            let mut event = Map::from_iter([("id".to_owned(), json!("e-1"))]);
            Shift::new(at("2026-01-01T00:00:00Z"), now).apply(&mut event);
            event
        };
        assert_eq!(run(now), run(now));
        assert_ne!(run(now), run(now + TimeDelta::seconds(1)));
    }
}
