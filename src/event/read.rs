//! JSON values to typed data, by serde: counts what nobody asked for, and says what is wrong without repeating it.
//!
//! `serde_json`'s own errors name no place and quote the offending value, which may be somebody's address.

use std::cell::Cell;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value, map};

use super::refusal::{RefusalCode, Trouble, one_of};

/// Reads `value` as a `T`. Returns it with the number of fields that it does not have.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<(T, usize), Trouble> {
    let ignored = Cell::new(0);
    let data = T::deserialize(Reader { value, ignored: &ignored })?;
    Ok((data, ignored.get()))
}

#[derive(Clone, Copy)]
struct Reader<'de> {
    value: &'de Value,
    ignored: &'de Cell<usize>,
}

impl<'de> Reader<'de> {
    fn mismatch(self, expected: &dyn Expected) -> Trouble {
        Trouble::invalid_type(unexpected(self.value), expected)
    }

    fn object(self) -> Result<Members<'de>, Trouble> {
        let object: &'de Map<String, Value> =
            self.value.as_object().ok_or_else(|| self.mismatch(&"an object"))?;
        Ok(Members { rest: object.iter(), current: None, ignored: self.ignored })
    }

    fn whole(self, max: u64) -> Result<u64, Trouble> {
        let expected = format!("a whole number from 0 to {max}");
        let number = self.value.as_u64().ok_or_else(|| self.mismatch(&expected.as_str()))?;
        if number > max { Err(self.mismatch(&expected.as_str())) } else { Ok(number) }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Trouble;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match number.as_u64() {
                Some(number) => visitor.visit_u64(number),
                None => Err(self.mismatch(&visitor)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => {
                visitor.visit_seq(Items { rest: items.iter(), at: 0, reader: self })
            }
            Value::Object(_) => visitor.visit_map(self.object()?),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    /// A scalar of ours: its name is the code of every mistake in it.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        visitor.visit_newtype_struct(self).map_err(|trouble| Trouble {
            code: RefusalCode::from_label(name).unwrap_or(trouble.code),
            ..trouble
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        visitor.visit_map(self.object()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        let Value::String(text) = self.value else {
            return Err(self.mismatch(&one_of(variants).as_str()));
        };
        let variant: StrDeserializer<'_, Trouble> = text.as_str().into_deserializer();
        visitor.visit_enum(variant)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        let items = self.value.as_array().ok_or_else(|| self.mismatch(&"a list"))?;
        visitor.visit_seq(Items { rest: items.iter(), at: 0, reader: self })
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        visitor.visit_u64(self.whole(u32::MAX.into())?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        visitor.visit_u64(self.whole(u64::MAX)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        self.ignored.set(self.ignored.get() + 1);
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct
        map identifier
    }
}

struct Items<'de> {
    rest: std::slice::Iter<'de, Value>,
    at: usize,
    reader: Reader<'de>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Trouble;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Trouble> {
        let Some(value) = self.rest.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(Reader { value, ..self.reader })
            .map(Some)
            .map_err(|trouble| trouble.under(&at.to_string()))
    }
}

struct Members<'de> {
    rest: map::Iter<'de>,
    current: Option<(&'de str, &'de Value)>,
    ignored: &'de Cell<usize>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Trouble;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Trouble> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.current = Some((key, value));
        let key: StrDeserializer<'_, Trouble> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Trouble> {
        let (key, value) = self.current.take().expect("serde asks for a value after its key");
        seed.deserialize(Reader { value, ignored: self.ignored })
            .map_err(|trouble| trouble.under(key))
    }
}

/// What a value is, to be shown: the value itself is left out.
fn unexpected(value: &Value) -> Unexpected<'static> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(_) => Unexpected::Bool(false),
        Value::Number(_) => Unexpected::Float(0.0),
        Value::String(_) => Unexpected::Str(""),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only reading it is tested")]
    struct Outer {
        items: Vec<Inner>,
        #[serde(default)]
        note: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only reading it is tested")]
    struct Inner {
        months: u32,
        mode: Option<Mode>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Auto,
        Manual,
    }

    fn trouble(value: &Value) -> Trouble {
        read::<Outer>(value).expect_err("refused")
    }

    #[test]
    fn unknown_fields_are_counted_at_every_level() {
        let value =
            json!({"items": [{"months": 1, "x": {"y": 1}}, {"months": 2, "mode": "auto"}], "z": 0});
        assert_eq!(read::<Outer>(&value).expect("reads").1, 2);
    }

    #[test]
    fn a_mistake_names_its_place_and_never_the_value() {
        for (value, path, reason) in [
            (json!(["secret"]), "", "expected an object, found a list"),
            (json!({}), "/items", "this field is missing"),
            (json!({"items": "secret"}), "/items", "expected a list, found a string"),
            (
                json!({"items": [{"months": 1}, {"months": "secret"}]}),
                "/items/1/months",
                "a whole number",
            ),
            (json!({"items": [{"months": 1.5}]}), "/items/0/months", "found a number"),
            (json!({"items": [{"months": -1}]}), "/items/0/months", "a whole number"),
            (json!({"items": [{"months": 4_294_967_296_u64}]}), "/items/0/months", "4294967295"),
            (
                json!({"items": [{"months": 1, "mode": "secret"}]}),
                "/items/0/mode",
                "one of auto, manual",
            ),
            (
                json!({"items": [{"months": 1, "mode": {"secret": 1}}]}),
                "/items/0/mode",
                "found an object",
            ),
            (json!({"items": [], "note": 7}), "/note", "found a number"),
            (json!({"items": [], "note": -7.5}), "/note", "found a number"),
        ] {
            let trouble = trouble(&value);
            assert_eq!(trouble.path, path, "{value}");
            assert!(trouble.reason.contains(reason), "{value}: {}", trouble.reason);
            assert!(!trouble.reason.contains("secret"), "{value}: {}", trouble.reason);
        }
    }
}
