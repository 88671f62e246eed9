//! Whether two events with one key say the same: a hash over a canonical form, independent of the mode they came in, of
//! the order of keys and of the map that `serde_json` was built with.
//!
//! Every part is written with its kind and length, so that no two forms run together.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::envelope::Envelope;
use crate::engine::id::AccountId;

/// The fingerprint of an event: its attributes that mean something, whose it is, and all of its data.
pub(super) fn of(envelope: &Envelope, account: &AccountId) -> [u8; 32] {
    let mut hash = Sha256::new();
    text(&mut hash, b'A', &envelope.key.source);
    text(&mut hash, b'A', &envelope.key.id);
    text(&mut hash, b'A', &envelope.event_type);
    text(&mut hash, b'A', account.as_str());
    hash.update(envelope.time.timestamp_micros().to_be_bytes());
    value(&mut hash, &envelope.data);
    hash.finalize().into()
}

/// Bounded recursion: the depth of the value was checked when it was parsed.
fn value(hash: &mut Sha256, of: &Value) {
    match of {
        Value::Null => hash.update(b"z"),
        Value::Bool(flag) => hash.update([b'b', u8::from(*flag)]),
        Value::Number(number) => text(hash, b'n', &number.to_string()),
        Value::String(string) => text(hash, b's', string),
        Value::Array(items) => {
            length(hash, b'l', items.len());
            items.iter().for_each(|item| value(hash, item));
        }
        Value::Object(members) => {
            length(hash, b'o', members.len());
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            for (key, member) in sorted {
                text(hash, b'k', key);
                value(hash, member);
            }
        }
    }
}

fn text(hash: &mut Sha256, kind: u8, text: &str) {
    length(hash, kind, text.len());
    hash.update(text.as_bytes());
}

fn length(hash: &mut Sha256, kind: u8, length: usize) {
    hash.update([kind]);
    hash.update((length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::id::EventKey;
    use serde_json::json;

    fn fingerprint(data: Value, id: &str, time: &str) -> [u8; 32] {
        let envelope = Envelope {
            key: EventKey { source: "/billing".into(), id: id.into() },
            event_type: "billing.balance.changed".into(),
            subject: None,
            time: time.parse().expect("instant"),
            data,
        };
        of(&envelope, &AccountId::from("acc-1"))
    }

    #[test]
    fn only_what_differs_in_meaning_differs() {
        let now = "2026-03-01T00:00:00Z";
        let one = fingerprint(json!({"a": 1, "b": ["x", null]}), "1", now);
        assert_eq!(one, fingerprint(json!({"b": ["x", null], "a": 1}), "1", now));
        assert_eq!(
            one,
            fingerprint(json!({"a": 1, "b": ["x", null]}), "1", "2026-03-01T08:00:00+08:00")
        );
        for other in [
            json!({"a": 1, "b": ["x"]}),
            json!({"a": "1", "b": ["x", null]}),
            json!({"a": 2, "b": ["x", null]}),
            json!({"a": 1, "b": [null, "x"]}),
            json!({"a": 1, "b": {"x": null}}),
            json!({"a": 1}),
            Value::Null,
        ] {
            assert_ne!(one, fingerprint(other.clone(), "1", now), "{other}");
        }
        assert_ne!(one, fingerprint(json!({"a": 1, "b": ["x", null]}), "2", now));
        assert_ne!(
            one,
            fingerprint(json!({"a": 1, "b": ["x", null]}), "1", "2026-03-01T00:00:01Z")
        );
    }
}
