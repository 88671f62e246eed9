//! Where policies come from: the files that are compiled in, and a folder that is read once, at start.

use std::fs;
use std::path::{Path, PathBuf};

use rust_embed::Embed;

use super::error::{Mistakes, PolicyError, PolicyErrors, Span};
use super::{Policies, PolicyText, parse_placed};
use crate::engine::policy::Policy;

/// The largest policy file that is read. The longest shipped one has 8 KiB.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

#[derive(Embed)]
#[folder = "config/policies/"]
#[include = "*.toml"]
struct Shipped;

impl Policies {
    /// The policies that dunlin ships.
    pub fn shipped() -> Self {
        let mut policies = Self::default();
        let mut errors = Vec::new();
        for file in Shipped::iter() {
            let content = Shipped::get(&file).expect("the embedded folder lists what it holds");
            let text = String::from_utf8_lossy(&content.data);
            policies.add(&format!("config/policies/{file}"), &text, &mut errors);
        }
        assert!(errors.is_empty(), "the tests parse every shipped policy: {errors:?}");
        policies
    }

    /// The shipped policies and every `*.toml` of a folder, in the order of their names.
    ///
    /// A file with the id and version of another one must have its very text; a new text is a new version.
    ///
    /// # Errors
    ///
    /// Every mistake in every file, and every file that cannot be read.
    pub fn with_folder(folder: &Path) -> Result<Self, PolicyErrors> {
        let mut policies = Self::shipped();
        let mut errors = Vec::new();
        match files(folder) {
            Ok(files) => {
                for file in files {
                    policies.take(&file, &mut errors);
                }
            }
            Err(error) => {
                let reason = format!("the folder cannot be read: {error}");
                errors.push(PolicyError::unreadable(folder.display().to_string(), reason));
            }
        }
        match PolicyErrors::from_all(errors) {
            Some(errors) => Err(errors),
            None => Ok(policies),
        }
    }

    /// Reads files, and every `*.toml` of folders, beside what is known already, and goes on after a mistake: for whoever
    /// looks at files rather than runs them. Says what each file that is right holds.
    pub fn read_all(&mut self, paths: &[PathBuf]) -> (Vec<PolicyText>, Vec<PolicyError>) {
        let (mut right, mut errors) = (Vec::new(), Vec::new());
        for path in paths {
            let found = if path.is_dir() { files(path) } else { Ok(vec![path.clone()]) };
            match found {
                Ok(files) => {
                    right.extend(files.iter().filter_map(|file| self.take(file, &mut errors)));
                }
                Err(error) => {
                    let reason = format!("the folder cannot be read: {error}");
                    errors.push(PolicyError::unreadable(path.display().to_string(), reason));
                }
            }
        }
        (right, errors)
    }

    fn take(&mut self, file: &Path, errors: &mut Vec<PolicyError>) -> Option<PolicyText> {
        let name = file.display().to_string();
        match read(file) {
            Ok(text) => self.add(&name, &text, errors),
            Err(reason) => {
                errors.push(PolicyError::unreadable(name, reason));
                None
            }
        }
    }

    fn add(&mut self, file: &str, text: &str, errors: &mut Vec<PolicyError>) -> Option<PolicyText> {
        let (policy, text, id) = match parse_placed(file, text) {
            Ok(read) => read,
            Err(mistakes) => {
                errors.extend(mistakes);
                return None;
            }
        };
        match self.texts.iter().find(|known| known.key == text.key) {
            None => {
                self.set.insert(policy);
                let at = self.texts.partition_point(|known| known.key < text.key);
                self.texts.insert(at, text.clone());
                Some(text)
            }
            Some(known) if known.hash == text.hash => Some(text),
            Some(known) => {
                errors.extend(contradiction(known, &text, id));
                None
            }
        }
    }
}

/// Reads one file by itself, beside no other.
///
/// # Errors
///
/// Every mistake in it, or why it cannot be read.
pub fn file(path: &Path) -> Result<(Policy, PolicyText), PolicyErrors> {
    let name = path.display().to_string();
    let text = read(path)
        .map_err(|reason| PolicyErrors::of_one(PolicyError::unreadable(name.clone(), reason)))?;
    super::parse(&name, &text)
}

fn contradiction(known: &PolicyText, new: &PolicyText, id: Span) -> PolicyErrors {
    let mut mistakes = Mistakes::default();
    mistakes
        .add(
            id,
            format!(
                "`{}` version {} has another text in {}",
                new.key.id, new.key.version, known.file
            ),
        )
        .help("a changed lifecycle is a new version: cases in flight keep the old one");
    mistakes.of_file(&new.file, &new.text)
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<String, String> {
    let size = fs::metadata(file).map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("has {size} bytes; a policy may have {MAX_FILE_BYTES}"));
    }
    fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"))
}
