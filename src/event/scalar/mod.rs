//! The single values of an event: each knows its check, its schema and the code of its mistakes.
//!
//! One definition serves reading and the published JSON Schema, so that they cannot drift apart.

mod address;
mod instant;
mod money;
mod text;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};
use serde_json::Value;

pub(super) use address::{Email, Phone};
pub(super) use instant::{Instant, parse_instant, to_micros};
pub(super) use money::{Amount, CurrencyCode, Price, money_text};
pub(super) use text::{Id, Locale, Name, PolicyName, Text, check_id};

use super::refusal::RefusalCode;

/// A value that is a JSON string of a certain form.
pub(super) trait Scalar: Sized {
    /// Every mistake in it has this code.
    const CODE: RefusalCode;
    /// What it is: "expected …".
    const EXPECTED: &'static str;

    /// Checks and takes the text. The error says what is wrong and does not repeat the text.
    fn parse(text: &str) -> Result<Self, &'static str>;

    /// Its JSON Schema.
    fn schema() -> Value;
}

/// Reads a scalar; `read` takes the code from the name.
pub(super) fn deserialize<'de, T: Scalar, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(T::CODE.label(), ScalarVisitor(PhantomData))
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<'de, T: Scalar> Visitor<'de> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        inner.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).map_err(|wrong| E::custom(format_args!("expected {}: {wrong}", T::EXPECTED)))
    }
}

macro_rules! scalars {
    ($($name:ty),+ $(,)?) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize(deserializer)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let schema = <Self as Scalar>::schema();
                schemars::Schema::try_from(schema).expect("every scalar's schema is an object")
            }
        }
    )+};
}

scalars! { Id, PolicyName, Name, Text, Locale, Amount, Price, CurrencyCode, Instant, Email, Phone }
