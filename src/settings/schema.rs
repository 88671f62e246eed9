//! Which keys exist, of what kind each is, what their defaults are, and what a wrong one was meant to be.
//!
//! Reads no file and no environment.

use std::collections::BTreeMap;

use config::{Map, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::error::SettingsError;
use super::layer::{Layer, Leaf, key_of_variable, variable_of_key};
use super::origin::Origin;
use super::shape::{self, Kind};

/// How alike (Jaro-Winkler) a key must be to be offered as what was meant.
const ALIKE: f64 = 0.85;

/// The keys, their kinds and their defaults.
pub(super) struct Schema {
    /// Every key that can be written, with those of secret files.
    pub(super) keys: BTreeMap<String, Kind>,
    /// The default of each.
    pub(super) defaults: Layer,
    /// Keys (or sections with free keys) whose values are never shown. Each may be given as `<key>_file` instead.
    pub(super) secrets: &'static [&'static str],
}

impl Schema {
    /// The keys of `T` and of its secrets' files, with the defaults in `text`.
    pub(super) fn of<T: DeserializeOwned>(text: &str, secrets: &'static [&'static str]) -> Self {
        let mut keys = shape::keys::<T>();
        for secret in secrets {
            if keys.get(*secret) == Some(&Kind::Text) {
                keys.insert(format!("{secret}_file"), Kind::Text);
            }
        }
        let defaults = Layer::parse(text, "config/default.toml", |_| Origin::Default)
            .expect("config/default.toml is compiled in, and a test parses it");
        Self { keys, defaults, secrets }
    }

    /// Whether the value of `key` must not be shown.
    pub(super) fn is_secret(&self, key: &str) -> bool {
        self.secrets.iter().any(|secret| {
            key.strip_prefix(secret).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }) && !self.names_secret_file(key)
    }

    /// Whether `key` holds the path of a file that holds a secret.
    pub(super) fn names_secret_file(&self, key: &str) -> bool {
        key.strip_suffix("_file").is_some_and(|key| {
            self.secrets.contains(&key)
                || self.table_of(key).is_some_and(|t| self.secrets.contains(&t))
        })
    }

    /// Whether an empty text at `key` means that it is not set: so it is where that is the default.
    pub(super) fn is_optional(&self, key: &str) -> bool {
        let default = self.defaults.leaves.get(key).map(|leaf| &leaf.value);
        matches!(default, Some(ValueKind::String(text)) if text.is_empty())
    }

    /// The section with free keys that `key` lies in.
    fn table_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let (table, _) = key.rsplit_once('.')?;
        (self.keys.get(table) == Some(&Kind::Table)).then_some(table)
    }

    /// Takes out of `layer` what is not a key or not of its kind, and reports it.
    pub(super) fn sift(&self, layer: Layer, errors: &mut Vec<SettingsError>) -> Layer {
        let mut leaves = BTreeMap::new();
        for (key, leaf) in layer.leaves {
            match self.fit(&key, &leaf) {
                Ok(Some(value)) => {
                    leaves.insert(key, Leaf { value, origin: leaf.origin });
                }
                Ok(None) => {}
                Err(error) => errors.push(error.at(leaf.origin)),
            }
        }
        Layer { leaves }
    }

    /// The value as its key wants it; `None` for an empty section, which says nothing.
    fn fit(&self, key: &str, leaf: &Leaf) -> Result<Option<ValueKind>, SettingsError> {
        let from_variable = matches!(leaf.origin, Origin::Variable(_));
        let kind = match self.keys.get(key) {
            Some(Kind::Table) if empty_table(&leaf.value) => return Ok(None),
            Some(kind) => *kind,
            None if self.table_of(key).is_some() && !from_variable => Kind::Text,
            None => return self.unknown(key, leaf),
        };
        let fitting = match (kind, &leaf.value) {
            (Kind::Text, ValueKind::String(_))
            | (Kind::Integer, ValueKind::I64(_))
            | (Kind::Boolean, ValueKind::Boolean(_))
            | (Kind::List, ValueKind::Array(_)) => Some(leaf.value.clone()),
            (Kind::Choice(words), ValueKind::String(word)) if words.contains(&word.as_str()) => {
                Some(leaf.value.clone())
            }
            (_, ValueKind::String(text)) if from_variable => read_as(kind, text),
            _ => None,
        };
        fitting.map(Some).ok_or_else(|| self.misfit(key, kind, leaf))
    }

    fn misfit(&self, key: &str, kind: Kind, leaf: &Leaf) -> SettingsError {
        let found = match &leaf.value {
            value if self.is_secret(key) => name_of(value).to_owned(),
            value => spell(value),
        };
        let error = SettingsError::new(key, format!("expected {}, found {found}", kind.describe()));
        match (kind, &leaf.value) {
            (Kind::Choice(words), ValueKind::String(word)) => {
                match nearest(words.iter().copied(), |known| strsim::jaro_winkler(word, known)) {
                    Some(near) => error.hint(format!("did you mean {near:?}?")),
                    None => error,
                }
            }
            _ => error,
        }
    }

    fn unknown(&self, key: &str, leaf: &Leaf) -> Result<Option<ValueKind>, SettingsError> {
        let section = format!("{key}.");
        if self.keys.keys().any(|known| known.starts_with(&section)) {
            return match &leaf.value {
                ValueKind::Table(_) => Ok(None),
                _ => Err(SettingsError::new(key, "is a section, not a value")),
            };
        }
        let from_variable = matches!(leaf.origin, Origin::Variable(_));
        if from_variable && self.table_of(key).is_some() {
            return Err(SettingsError::new(key, "can be set in the file only")
                .hint("there, a key that ends in _file reads its value from a file"));
        }
        let error = SettingsError::new(key, "no such key");
        Err(match self.meant(key) {
            None => error.hint("`dunlin config show` lists them all"),
            Some(near) if from_variable => {
                error.hint(format!("did you mean `{}`?", variable_of_key(near)))
            }
            Some(near) => error.hint(format!("did you mean `{near}`?")),
        })
    }

    /// The key most like `wrong`. The right name in the wrong section is a likelier slip than a far-off name.
    fn meant(&self, wrong: &str) -> Option<&str> {
        let last = |key: &str| key.rsplit('.').next().map(str::to_owned);
        nearest(self.keys.keys().map(String::as_str), |known| {
            let whole = strsim::jaro_winkler(wrong, known);
            if last(wrong) == last(known) { whole.max(ALIKE) } else { whole }
        })
    }

    /// Variables as a layer. Also reports those that look like ours and set nothing: an error where a key was clearly
    /// meant, otherwise a warning (Kubernetes, for one, adds `DUNLIN_PORT` beside a service of that name).
    pub(super) fn variables(
        &self,
        env: impl IntoIterator<Item = (String, String)>,
        errors: &mut Vec<SettingsError>,
    ) -> (Layer, Vec<String>) {
        let (mut layer, mut warnings) = (Layer::default(), Vec::new());
        for (name, text) in env {
            if let Some(key) = key_of_variable(&name) {
                let value = ValueKind::String(text);
                layer.leaves.insert(key, Leaf { value, origin: Origin::Variable(name) });
            } else if name.starts_with("DUNLIN_") && name != super::CONFIG_VARIABLE {
                match self.meant_by(&name) {
                    Some(meant) => errors.push(
                        SettingsError::new(name, "sets nothing in this form")
                            .hint(format!("did you mean `{meant}`?")),
                    ),
                    None => warnings.push(format!(
                        "{name} is set, but dunlin does not read it: keys are set as DUNLIN__SECTION__KEY"
                    )),
                }
            }
        }
        (self.sift(layer, errors), warnings)
    }

    /// The variable that was meant by one whose underscores are wrong.
    fn meant_by(&self, name: &str) -> Option<String> {
        let folded = |text: &str| text.replace("__", "_");
        let wrong = folded(name);
        self.keys.keys().map(|key| variable_of_key(key)).find(|right| folded(right) == wrong)
    }
}

/// A value as a person would write it in TOML.
pub(super) fn spell(value: &ValueKind) -> String {
    match value {
        ValueKind::String(text) => toml::Value::String(text.clone()).to_string(),
        ValueKind::Boolean(yes) => yes.to_string(),
        ValueKind::I64(number) => number.to_string(),
        ValueKind::Float(number) => number.to_string(),
        ValueKind::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| spell(&item.kind)).collect();
            format!("[{}]", items.join(", "))
        }
        ValueKind::Table(table) => {
            let sorted: BTreeMap<_, _> = table.iter().collect();
            let pairs: Vec<_> = sorted
                .into_iter()
                .map(|(key, value)| format!("{key} = {}", spell(&value.kind)))
                .collect();
            if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
        other => name_of(other).to_owned(),
    }
}

fn name_of(value: &ValueKind) -> &'static str {
    match value {
        ValueKind::String(_) => "a text",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::Float(_) => "a fraction",
        ValueKind::Array(_) => "a list",
        ValueKind::Table(_) => "a section",
        ValueKind::Nil => "nothing",
        _ => "a whole number",
    }
}

fn empty_table(value: &ValueKind) -> bool {
    matches!(value, ValueKind::Table(table) if table == &Map::new())
}

fn nearest<'k>(
    known: impl Iterator<Item = &'k str>,
    score: impl Fn(&str) -> f64,
) -> Option<&'k str> {
    let best = known.map(|key| (score(key), key)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}

/// Reads the text of a variable as the kind that its key has. A list's items are separated by commas.
fn read_as(kind: Kind, text: &str) -> Option<ValueKind> {
    match kind {
        Kind::Integer => text.trim().parse().ok().map(ValueKind::I64),
        Kind::Boolean => text.trim().parse().ok().map(ValueKind::Boolean),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            let item = |item: &str| {
                let number = item.parse().map(ValueKind::I64);
                Value::new(None, number.unwrap_or_else(|_| ValueKind::String(item.to_owned())))
            };
            Some(ValueKind::Array(items.map(item).collect()))
        }
        Kind::Text | Kind::Table | Kind::Choice(_) => None,
    }
}
