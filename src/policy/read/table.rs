//! TOML tables and lists with their places: asks for keys, and says which were not known or are missing.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::policy::error::{Mistakes, Span};

/// A value and where it stands.
pub(super) type Value<'t, 'i> = &'t Spanned<DeValue<'i>>;

/// A table that remembers what it was asked for: the rest is unknown.
pub(super) struct Table<'t, 'i> {
    name: &'static str,
    span: Span,
    entries: &'t DeTable<'i>,
    asked: Vec<&'static str>,
}

impl<'t, 'i> Table<'t, 'i> {
    /// The whole file.
    pub(super) fn file(root: &'t Spanned<DeTable<'i>>) -> Self {
        Self { name: "the file", span: 0..0, entries: root.get_ref(), asked: Vec::new() }
    }

    /// A value that must be a table; `name` is how messages call it.
    pub(super) fn open(
        name: &'static str,
        value: Value<'t, 'i>,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(entries) => {
                Some(Self { name, span: value.span(), entries, asked: Vec::new() })
            }
            _ => wrong_type(value, "a table", mistakes),
        }
    }

    /// Where it stands: the header of a `[table]`.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The value of a key that may be missing.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Value<'t, 'i>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.get(key)
    }

    /// The value of a key that must be there.
    pub(super) fn need(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Value<'t, 'i>> {
        let value = self.get(key);
        if value.is_none() {
            mistakes.add(self.span(), format!("`{key}` is missing in {}", self.name));
        }
        value
    }

    /// The tables of an `[[array]]`; none if the key is missing.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        name: &'static str,
        mistakes: &mut Mistakes,
    ) -> Vec<Self> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            wrong_type::<()>(value, format!("tables that begin with {name}"), mistakes);
            return Vec::new();
        };
        items.iter().filter_map(|item| Self::open(name, item, mistakes)).collect()
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn close(self, mistakes: &mut Mistakes) {
        for key in self.entries.keys() {
            let word: &str = key.get_ref();
            if !self.asked.contains(&word) {
                mistakes
                    .add(key.span(), format!("unknown key `{word}` in {}", self.name))
                    .expected(format!("one of {}", self.asked.join(", ")))
                    .did_you_mean(word, self.asked.iter().copied());
            }
        }
    }
}

/// Reads every item of a list; `None` if it is no list or one item is wrong.
pub(super) fn list<'t, 'i, T>(
    value: Value<'t, 'i>,
    expected: &str,
    mistakes: &mut Mistakes,
    mut item: impl FnMut(Value<'t, 'i>, &mut Mistakes) -> Option<T>,
) -> Option<Vec<T>> {
    let DeValue::Array(values) = value.get_ref() else {
        return wrong_type(value, expected, mistakes);
    };
    let items: Vec<_> = values.iter().map(|value| item(value, mistakes)).collect();
    items.into_iter().collect()
}

/// Reads a list, or one item that stands for a list of one.
pub(super) fn one_or_list<'t, 'i, T>(
    value: Value<'t, 'i>,
    expected: &str,
    mistakes: &mut Mistakes,
    mut item: impl FnMut(Value<'t, 'i>, &mut Mistakes) -> Option<T>,
) -> Option<Vec<T>> {
    if value.get_ref().is_array() {
        list(value, expected, mistakes, item)
    } else {
        item(value, mistakes).map(|item| vec![item])
    }
}

/// Reports a value of another type than `expected`.
pub(super) fn wrong_type<T>(
    value: Value<'_, '_>,
    expected: impl Into<String>,
    mistakes: &mut Mistakes,
) -> Option<T> {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    mistakes.add(value.span(), format!("wrong type: {found}")).expected(expected);
    None
}
