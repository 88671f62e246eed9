//! Collects every mistake that the checks of the sections find, with the origin of each key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::error::SettingsError;
use super::layer::{Leaf, variable_of_key};
use super::origin::Origin;

/// What the checks of the sections write their complaints to.
pub(super) struct Report<'a> {
    effective: &'a BTreeMap<String, Leaf>,
    /// Keys that were already complained about: their values are now the defaults, which are not to blame.
    faulty: BTreeSet<String>,
    errors: Vec<SettingsError>,
}

impl<'a> Report<'a> {
    /// Goes on from what was found before.
    pub(super) fn new(effective: &'a BTreeMap<String, Leaf>, errors: Vec<SettingsError>) -> Self {
        // A secret whose file cannot be read is not missing: that was said already.
        let secret = |key: &str| key.strip_suffix("_file").unwrap_or(key).to_owned();
        let faulty =
            errors.iter().flat_map(|error| [error.key.clone(), secret(&error.key)]).collect();
        Self { effective, faulty, errors }
    }

    /// All mistakes.
    pub(super) fn into_errors(self) -> Vec<SettingsError> {
        self.errors
    }

    /// Refuses the value of `key`.
    pub(super) fn refuse(&mut self, key: &str, problem: impl Into<String>) {
        self.push(SettingsError::new(key, problem));
    }

    /// Refuses the value of `key` and says what to do.
    pub(super) fn refuse_with(
        &mut self,
        key: &str,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(SettingsError::new(key, problem).hint(hint));
    }

    fn push(&mut self, error: SettingsError) {
        // `broker.input.queues[1].name` is part of the value of `broker.input.queues`.
        let key = error.key.split('[').next().unwrap_or_default();
        if self.faulty.contains(key) {
            return;
        }
        // A default that is not good enough was written by nobody.
        let leaf = self.effective.get(key).filter(|leaf| leaf.origin != Origin::Default);
        self.errors.push(match leaf {
            Some(leaf) => error.at(leaf.origin.clone()),
            None => error,
        });
    }

    /// Refuses a number outside its bounds.
    pub(super) fn within<T>(&mut self, key: &str, value: T, bounds: RangeInclusive<T>)
    where
        T: PartialOrd + Display,
    {
        if !bounds.contains(&value) {
            let (low, high) = (bounds.start(), bounds.end());
            self.refuse(key, format!("must be between {low} and {high}, is {value}"));
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: &str, value: String) -> String {
        if value.trim().is_empty() {
            self.refuse_with(
                key,
                "is empty",
                format!("set it here or by {}", variable_of_key(key)),
            );
        }
        value
    }

    /// A text that goes into a header or a line: no line break or other control character.
    pub(super) fn line(&mut self, key: &str, value: &str) {
        if value.chars().any(char::is_control) {
            self.refuse(key, "holds a line break or another control character");
        }
    }

    /// An absolute `http` or `https` address.
    pub(super) fn web_address(&mut self, key: &str, value: &str) {
        self.line(key, value);
        let fine = reqwest::Url::parse(value)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !fine {
            self.refuse(key, "is not an http or https address");
        }
    }

    /// A folder that must be there if it is named.
    pub(super) fn folder(&mut self, key: &str, path: Option<&PathBuf>) {
        if let Some(path) = path.filter(|path| !path.is_dir()) {
            self.refuse(key, format!("is not a folder: {}", path.display()));
        }
    }
}
