//! One layer of configuration as a flat list of leaves, each with its origin, and as a source for the `config` crate.
//!
//! Parses TOML and maps variable names to keys. Does not know which keys exist: that is `schema`.

use std::collections::BTreeMap;
use std::fmt;

use config::{ConfigError, Map, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::SettingsError;
use super::origin::Origin;

/// What every variable that sets a key begins with; the parts of a key are joined by two underscores as well.
pub(super) const PREFIX: &str = "DUNLIN__";

/// A value and where it was written.
#[derive(Clone)]
pub(super) struct Leaf {
    /// The value. A list is one leaf; a table never is.
    pub(super) value: ValueKind,
    /// Where it was written.
    pub(super) origin: Origin,
}

/// Dotted keys and their leaves.
#[derive(Clone, Default)]
pub(super) struct Layer {
    /// The leaves by dotted key.
    pub(super) leaves: BTreeMap<String, Leaf>,
}

impl Layer {
    /// Reads TOML. `origin_of` makes an origin of a line number.
    ///
    /// # Errors
    /// Every syntax error, with its line. The text of the file is not repeated: it may hold a secret.
    pub(super) fn parse(
        text: &str,
        name: &str,
        origin_of: impl Fn(usize) -> Origin,
    ) -> Result<Self, Vec<SettingsError>> {
        let line_of = |offset: usize| {
            1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(errors
                .iter()
                .map(|error| {
                    let line = error.span().map_or(1, |span| line_of(span.start));
                    SettingsError::new(name, format!("is not TOML: {}", error.message()))
                        .at(origin_of(line))
                })
                .collect());
        }
        let mut layer = Self::default();
        layer.flatten("", table.get_ref(), &|offset| origin_of(line_of(offset)));
        Ok(layer)
    }

    fn flatten(&mut self, prefix: &str, table: &DeTable<'_>, origin_at: &dyn Fn(usize) -> Origin) {
        for (key, value) in table {
            let path = if prefix.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{prefix}.{}", key.get_ref())
            };
            match value.get_ref() {
                DeValue::Table(inner) if !inner.is_empty() => {
                    self.flatten(&path, inner, origin_at);
                }
                _ => {
                    let origin = origin_at(key.span().start);
                    self.leaves.insert(path, Leaf { value: plain(value), origin });
                }
            }
        }
    }

    /// The layer as nested tables, which is how the `config` crate merges.
    fn nested(&self) -> Map<String, Value> {
        let mut root = Map::new();
        for (key, leaf) in &self.leaves {
            let value = Value::new(Some(&leaf.origin.to_string()), leaf.value.clone());
            insert(&mut root, key, value);
        }
        root
    }
}

/// Values are left out: they may be secret, and the `config` crate prints its sources.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.leaves.keys()).finish()
    }
}

impl config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.nested())
    }
}

/// The key that a variable sets: `DUNLIN__EMAIL__SMTP__HOST` sets `email.smtp.host`.
pub(super) fn key_of_variable(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    Some(rest.to_ascii_lowercase().replace("__", "."))
}

/// The variable that sets a key.
pub(super) fn variable_of_key(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

fn insert(table: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((head, rest)) => {
            let child = table
                .entry(head.to_owned())
                .or_insert_with(|| Value::new(None, ValueKind::Table(Map::new())));
            if !matches!(child.kind, ValueKind::Table(_)) {
                child.kind = ValueKind::Table(Map::new());
            }
            if let ValueKind::Table(inner) = &mut child.kind {
                insert(inner, rest, value);
            }
        }
    }
}

fn plain(value: &Spanned<DeValue<'_>>) -> ValueKind {
    match value.get_ref() {
        DeValue::String(text) => ValueKind::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| ValueKind::String(number.as_str().to_owned()), ValueKind::I64),
        DeValue::Float(number) => number.as_str().parse().map_or(ValueKind::Nil, ValueKind::Float),
        DeValue::Boolean(yes) => ValueKind::Boolean(*yes),
        DeValue::Datetime(instant) => ValueKind::String(instant.to_string()),
        DeValue::Array(items) => {
            ValueKind::Array(items.iter().map(|item| Value::new(None, plain(item))).collect())
        }
        DeValue::Table(table) => ValueKind::Table(
            table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), Value::new(None, plain(value))))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Layer, Vec<SettingsError>> {
        Layer::parse(text, "a.toml", |line| Origin::File { path: "a.toml".to_owned(), line })
    }

    #[test]
    fn a_leaf_knows_the_line_of_its_key() {
        let layer = parse("[a]\n\nb = 1\n[a.c]\nd = [1,\n2]\n").expect("it is TOML");
        let at = |key: &str| layer.leaves[key].origin.to_string();
        assert_eq!((at("a.b"), at("a.c.d")), ("a.toml:3".to_owned(), "a.toml:5".to_owned()));
    }

    #[test]
    fn every_syntax_error_is_reported_and_repeats_nothing_of_the_file() {
        let errors = parse("a = hunter2\nb = 1\n[c\n").expect_err("it is not TOML");
        assert!(errors.len() >= 2, "{errors:?}");
        assert!(errors.iter().all(|error| !error.to_string().contains("hunter2")), "{errors:?}");
    }

    #[test]
    fn a_key_and_its_variable_name_each_other() {
        let name = variable_of_key("email.smtp.password_file");
        assert_eq!(name, "DUNLIN__EMAIL__SMTP__PASSWORD_FILE");
        assert_eq!(key_of_variable(&name).as_deref(), Some("email.smtp.password_file"));
    }

    #[test]
    fn a_layer_does_not_print_its_values() {
        let layer = parse("a = 'hunter2'").expect("it is TOML");
        assert_eq!(format!("{layer:?}"), r#"["a"]"#);
    }
}
