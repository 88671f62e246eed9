//! AMQP properties and headers as text, for whoever decodes the message. Drops what has no plain text form
//! (tables, arrays, bytes) and judges nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use lapin::types::{AMQPValue, FieldTable};

/// The headers whose values have a plain text form.
pub(crate) fn headers(table: Option<&FieldTable>) -> BTreeMap<String, String> {
    let Some(table) = table else { return BTreeMap::new() };
    table.into_iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect()
}

fn text(value: &AMQPValue) -> Option<String> {
    Some(match value {
        AMQPValue::LongString(value) => core::str::from_utf8(value.as_bytes()).ok()?.to_owned(),
        AMQPValue::ShortString(value) => value.to_string(),
        AMQPValue::Boolean(value) => value.to_string(),
        AMQPValue::ShortShortInt(value) => value.to_string(),
        AMQPValue::ShortShortUInt(value) => value.to_string(),
        AMQPValue::ShortInt(value) => value.to_string(),
        AMQPValue::ShortUInt(value) => value.to_string(),
        AMQPValue::LongInt(value) => value.to_string(),
        AMQPValue::LongUInt(value) => value.to_string(),
        AMQPValue::LongLongInt(value) => value.to_string(),
        AMQPValue::Timestamp(seconds) => {
            instant(*seconds)?.to_rfc3339_opts(SecondsFormat::Secs, true)
        }
        AMQPValue::Float(_)
        | AMQPValue::Double(_)
        | AMQPValue::DecimalValue(_)
        | AMQPValue::FieldArray(_)
        | AMQPValue::FieldTable(_)
        | AMQPValue::ByteArray(_)
        | AMQPValue::Void => return None,
    })
}

fn instant(seconds: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_numbers_and_timestamps_become_text_and_the_rest_is_left_out() {
        let mut table = FieldTable::default();
        table.insert("ce-id".into(), AMQPValue::LongString("e-1".into()));
        table.insert("short".into(), AMQPValue::ShortString("s".into()));
        table.insert("number".into(), AMQPValue::LongLongInt(-7));
        table.insert("flag".into(), AMQPValue::Boolean(true));
        table.insert("ce-time".into(), AMQPValue::Timestamp(1_767_225_600));
        table.insert("not-utf8".into(), AMQPValue::LongString(vec![0xff, 0xfe].into()));
        table.insert("nested".into(), AMQPValue::FieldTable(FieldTable::default()));
        table.insert("beyond".into(), AMQPValue::Timestamp(u64::MAX));
        let headers = headers(Some(&table));
        let expected = [
            ("ce-id", "e-1"),
            ("ce-time", "2026-01-01T00:00:00Z"),
            ("flag", "true"),
            ("number", "-7"),
            ("short", "s"),
        ];
        assert!(headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(expected), "{headers:?}");
    }

    #[test]
    fn no_headers_are_no_headers() {
        assert!(headers(None).is_empty());
    }
}
