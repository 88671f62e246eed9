//! Which keys a settings type has, and of what kind each is: asked of the type itself, by deserialising it from nothing.
//!
//! So the list of keys cannot drift from the types. Reads no values.

use core::cell::RefCell;
use std::collections::BTreeMap;

use serde::de::value::{Error, MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    Visitor,
};

/// What may be written at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// A section whose keys are free.
    Table,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// The kind, after "expected".
    pub(super) fn describe(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::List => "a list".to_owned(),
            Self::Table => "a section".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// The dotted keys of `T`.
pub(super) fn keys<T: DeserializeOwned>() -> BTreeMap<String, Kind> {
    let found = RefCell::default();
    let probed = T::deserialize(Probe { path: String::new(), found: &found });
    // The value is of no use; an error would mean a kind of field that settings do not have.
    probed.map(drop).expect("every settings type is made of the kinds that Probe knows");
    found.into_inner()
}

struct Probe<'a> {
    path: String,
    found: &'a RefCell<BTreeMap<String, Kind>>,
}

impl Probe<'_> {
    fn note(self, kind: Kind) {
        self.found.borrow_mut().insert(self.path, kind);
    }
}

macro_rules! leaves {
    ($($method:ident $kind:ident $visit:ident $value:expr;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.note(Kind::$kind);
            visitor.$visit($value)
        }
    )* };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    leaves! {
        deserialize_bool Boolean visit_bool false;
        deserialize_u8 Integer visit_u8 1;
        deserialize_u16 Integer visit_u16 1;
        deserialize_u32 Integer visit_u32 1;
        deserialize_u64 Integer visit_u64 1;
        deserialize_i64 Integer visit_i64 1;
        deserialize_str Text visit_str "";
        deserialize_string Text visit_str "";
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note(Kind::List);
        visitor.visit_seq(SeqDeserializer::<_, Error>::new(core::iter::empty::<()>()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note(Kind::Table);
        visitor.visit_map(MapDeserializer::<_, Error>::new(core::iter::empty::<((), ())>()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let first = variants.first().ok_or_else(|| Error::custom(name))?;
        self.note(Kind::Choice(variants));
        let word: StrDeserializer<'_, Error> = first.into_deserializer();
        visitor.visit_enum(word)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { left: fields.iter(), current: "", probe: self })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom(format!("{} is of a kind that settings do not have", self.path)))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Fields<'a> {
    left: core::slice::Iter<'static, &'static str>,
    current: &'static str,
    probe: Probe<'a>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(field) = self.left.next() else { return Ok(None) };
        self.current = field;
        let name: StrDeserializer<'_, Error> = field.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let parent = &self.probe.path;
        let path = if parent.is_empty() {
            self.current.to_owned()
        } else {
            format!("{parent}.{}", self.current)
        };
        seed.deserialize(Probe { path, found: self.probe.found })
    }
}
