//! Bytes to a JSON value, with what `serde_json` leaves open closed: a depth limit of ours, and no key twice.
//!
//! Does not know what the value means.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::refusal::{RefusalCode, Trouble};

/// A body that is not acceptable JSON, and what its outermost object held up to the mistake.
pub(super) struct Broken {
    pub(super) trouble: Trouble,
    pub(super) partial: Map<String, Value>,
}

/// Parses `bytes`, of which nothing may be nested deeper than `depth_max` (the outermost value counts as 1).
pub(super) fn parse(bytes: &[u8], depth_max: usize) -> Result<Value, Box<Broken>> {
    let mut state = State { depth_max, path: Vec::new(), trouble: None, partial: Map::new() };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Node { state: &mut state, depth: 1 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| {
        let trouble = state.trouble.unwrap_or_else(|| syntax(&error));
        Box::new(Broken { trouble, partial: state.partial })
    })
}

/// What the parser said. Its syntax errors name a place and never the text at it.
fn syntax(error: &serde_json::Error) -> Trouble {
    let (line, column) = (error.line(), error.column());
    let what = if error.is_eof() { "it ends too early" } else { "it is not well-formed" };
    let reason = format!("the body is not JSON: {what}, at line {line}, column {column}");
    Trouble::new(RefusalCode::NotJson, "", reason)
}

struct State {
    depth_max: usize,
    path: Vec<String>,
    trouble: Option<Trouble>,
    partial: Map<String, Value>,
}

impl State {
    fn refuse<E: serde::de::Error>(&mut self, code: RefusalCode, reason: String) -> E {
        let mut trouble = Trouble::new(code, "", reason);
        for segment in self.path.iter().rev() {
            trouble = trouble.under(segment);
        }
        self.trouble = Some(trouble);
        E::custom("refused")
    }

    /// Checks before anything inside is read, so that the recursion is bounded by the limit.
    fn enter<E: serde::de::Error>(&mut self, depth: usize) -> Result<(), E> {
        if depth <= self.depth_max {
            return Ok(());
        }
        self.path.clear();
        let reason = format!("the body is nested deeper than {} levels", self.depth_max);
        Err(self.refuse(RefusalCode::TooDeep, reason))
    }
}

struct Node<'s> {
    state: &'s mut State,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a finite number"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        self.state.enter::<A::Error>(self.depth)?;
        let mut items = Vec::new();
        self.state.path.push("0".to_owned());
        while let Some(item) =
            seq.next_element_seed(Node { state: &mut *self.state, depth: self.depth + 1 })?
        {
            items.push(item);
            if let Some(last) = self.state.path.last_mut() {
                *last = items.len().to_string();
            }
        }
        self.state.path.pop();
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.state.enter::<A::Error>(self.depth)?;
        let mut members = Map::new();
        let read = read_members(self.state, self.depth, &mut map, &mut members);
        if read.is_err() && self.depth == 1 {
            self.state.partial = std::mem::take(&mut members);
        }
        read.map(|()| Value::Object(members))
    }
}

fn read_members<'de, A: MapAccess<'de>>(
    state: &mut State,
    depth: usize,
    map: &mut A,
    members: &mut Map<String, Value>,
) -> Result<(), A::Error> {
    while let Some(key) = map.next_key::<String>()? {
        state.path.push(key.clone());
        if members.contains_key(&key) {
            let reason = "this key occurs twice in one object".to_owned();
            return Err(state.refuse(RefusalCode::DuplicateKey, reason));
        }
        let value = map.next_value_seed(Node { state: &mut *state, depth: depth + 1 })?;
        state.path.pop();
        members.insert(key, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(body: &str, depth: usize) -> Broken {
        *parse(body.as_bytes(), depth).expect_err("refused")
    }

    #[test]
    fn json_comes_out_as_it_went_in() {
        let body = r#"{"a":[1,-2,3.5,"x\n",null,true],"b":{"c":{}}}"#;
        let value = parse(body.as_bytes(), 8).unwrap_or_else(|_| panic!("parses"));
        assert_eq!(value, json!({"a": [1, -2, 3.5, "x\n", null, true], "b": {"c": {}}}));
    }

    #[test]
    fn the_depth_limit_is_exact_and_a_bomb_is_harmless() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(32).as_bytes(), 32).is_ok());
        assert_eq!(refused(&nested(33), 32).trouble.code, RefusalCode::TooDeep);
        assert_eq!(refused(&"[".repeat(200_000), 32).trouble.code, RefusalCode::TooDeep);
        assert_eq!(refused(&r#"{"a":"#.repeat(50_000), 32).trouble.code, RefusalCode::TooDeep);
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused_also_where_it_is_escaped() {
        let broken = refused(r#"{"id":"1","data":{"x":[0,{"b":1,"\u0062":2}]}}"#, 8);
        assert_eq!(broken.trouble.code, RefusalCode::DuplicateKey);
        assert_eq!(broken.trouble.path, "/data/x/1/b");
        assert_eq!(broken.partial.get("id"), Some(&json!("1")));
    }

    #[test]
    fn what_is_not_json_is_said_without_repeating_it() {
        for body in ["", "secret", "{\"a\":1", "{\"a\":1}x", "[1,]", "\u{feff}{}", "[1e999]"] {
            let broken = refused(body, 8);
            assert_eq!(broken.trouble.code, RefusalCode::NotJson, "{body}");
            assert!(!broken.trouble.reason.contains("secret"));
        }
        assert!(parse(b"\"\xff\"", 8).is_err());
    }
}
