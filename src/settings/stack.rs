//! The layers on top of each other: what counts for each key, secrets out of their files, and the merge by `config`.

use std::collections::BTreeMap;
use std::fs;

use config::{Config, ConfigError, Map, ValueKind};
use serde::de::DeserializeOwned;

use super::error::SettingsError;
use super::layer::{Layer, Leaf};
use super::origin::Origin;
use super::schema::Schema;

/// A longer file is no secret but a mistake.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Layers, the lowest first.
pub(super) struct Stack<'a> {
    schema: &'a Schema,
    layers: Vec<Layer>,
}

impl<'a> Stack<'a> {
    /// The defaults, with `above` on top.
    pub(super) fn new(schema: &'a Schema, above: impl IntoIterator<Item = Layer>) -> Self {
        let layers = core::iter::once(schema.defaults.clone()).chain(above).collect();
        Self { schema, layers }
    }

    /// What counts for each key, and where it was written.
    pub(super) fn effective(&self) -> BTreeMap<String, Leaf> {
        let leaves = self.layers.iter().flat_map(|layer| &layer.leaves);
        leaves.map(|(key, leaf)| (key.clone(), leaf.clone())).collect()
    }

    /// Puts the content of each secret file where the secret belongs, and forgets the names of the files. Of a secret
    /// and its file the one in the higher layer counts; both in one layer is a mistake. Answers what was opened.
    pub(super) fn open_secrets(&mut self, errors: &mut Vec<SettingsError>) -> Layer {
        let mut opened = Layer::default();
        let effective = self.effective();
        for (file_key, file) in &effective {
            let Some(key) = file_key.strip_suffix("_file") else { continue };
            if !self.schema.names_secret_file(file_key) {
                continue;
            }
            self.forget(file_key);
            let ValueKind::String(path) = &file.value else { continue };
            let direct = effective.get(key).filter(|leaf| !is_empty(&leaf.value));
            let direct_rank = direct.map(|leaf| leaf.origin.rank());
            if path.is_empty() || direct_rank > Some(file.origin.rank()) {
                continue;
            }
            if direct_rank == Some(file.origin.rank()) {
                let problem = format!("is set, and so is {key}: give one of them");
                errors.push(SettingsError::new(file_key, problem).at(file.origin.clone()));
                continue;
            }
            match read_secret(path) {
                Ok(text) => {
                    let value = ValueKind::String(text);
                    opened
                        .leaves
                        .insert(key.to_owned(), Leaf { value, origin: file.origin.clone() });
                }
                Err(problem) => {
                    errors.push(SettingsError::new(file_key, problem).at(file.origin.clone()));
                }
            }
        }
        self.layers.push(opened.clone());
        opened
    }

    /// Takes out the keys that are not set, so that they come out as `None`.
    pub(super) fn drop_unset(&mut self) {
        for (key, leaf) in self.effective() {
            if is_empty(&leaf.value) && self.schema.is_optional(&key) {
                self.forget(&key);
                // The section stays, though it may be empty now.
                if let Some((section, _)) = key.rsplit_once('.') {
                    let value = ValueKind::Table(Map::new());
                    let leaf = Leaf { value, origin: Origin::Default };
                    self.layers[0].leaves.insert(section.to_owned(), leaf);
                }
            }
        }
    }

    fn forget(&mut self, key: &str) {
        for layer in &mut self.layers {
            layer.leaves.remove(key);
        }
    }

    /// Merges and deserialises. `serde` stops at the first mistake, so each one is noted, its key taken out of the
    /// layers above the defaults, and the rest tried again.
    pub(super) fn merge<T: DeserializeOwned>(
        mut self,
        errors: &mut Vec<SettingsError>,
    ) -> Option<T> {
        loop {
            let build = self
                .layers
                .iter()
                .fold(Config::builder(), |builder, layer| builder.add_source(layer.clone()))
                .build();
            let error = match build.and_then(Config::try_deserialize) {
                Ok(merged) => return Some(merged),
                Err(error) => error,
            };
            let (key, problem) = self.explain(&error);
            let written = self.layers.iter().rev().find_map(|layer| layer.leaves.get(&key));
            let origin = written.map(|leaf| leaf.origin.clone());
            let mistake = SettingsError::new(key.clone(), problem);
            errors.push(match &origin {
                Some(origin) => mistake.at(origin.clone()),
                None => mistake,
            });
            if origin.is_none_or(|origin| origin == Origin::Default) {
                return None;
            }
            for layer in self.layers.iter_mut().skip(1) {
                layer.leaves.remove(&key);
            }
        }
    }

    /// The key of the mistake, without list positions, and what is wrong, without the value of a secret.
    fn explain(&self, error: &ConfigError) -> (String, String) {
        let bare = |key: &Option<String>| {
            let key = key.as_deref().unwrap_or("configuration");
            key.split('[').next().unwrap_or_default().to_owned()
        };
        match error {
            ConfigError::Type { unexpected, expected, key, .. } => {
                let key = bare(key);
                let written = self.layers.iter().rev().find_map(|layer| layer.leaves.get(&key));
                let problem = match written.map(|leaf| &leaf.value) {
                    // The kind was checked before, so what is left is the width of the number.
                    Some(ValueKind::I64(number)) => format!("{number} is out of range"),
                    _ if self.schema.is_secret(&key) => format!("expected {expected}"),
                    _ => format!("expected {expected}, found {unexpected}"),
                };
                (key, problem)
            }
            ConfigError::At { error, key, .. } => (bare(key), error.to_string()),
            ConfigError::NotFound(key) => (bare(&Some(key.clone())), "is missing".to_owned()),
            other => (bare(&None), other.to_string()),
        }
    }
}

fn is_empty(value: &ValueKind) -> bool {
    matches!(value, ValueKind::String(text) if text.is_empty())
}

/// The content of the file without the line break that editors and `echo` leave at its end.
fn read_secret(path: &str) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot read {path}: {error}");
    if fs::metadata(path).map_err(unreadable)?.len() > SECRET_FILE_BYTES_MAX {
        return Err(format!("{path} is too long to hold a secret"));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(format!("{path} is empty")) } else { Ok(secret.to_owned()) }
}
