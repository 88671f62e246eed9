//! Reads an operator's folder of templates, once, at start. The only file of `render` that touches a disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::render::Limits;
use crate::render::source::Templates;

/// Why a folder of templates could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The system said no.
    #[error("{}: {error}", path.display())]
    Io {
        /// What could not be read.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// Not text.
    #[error("{}: not UTF-8", .0.display())]
    NotText(PathBuf),
    /// Too large to be a template.
    #[error("{}: more than {limit} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// [`Limits::template_bytes`].
        limit: usize,
    },
    /// Too many to be a folder of templates.
    #[error("{}: more than {limit} templates, or folders more than 4 deep", path.display())]
    TooMany {
        /// Where.
        path: PathBuf,
        /// [`Limits::templates`].
        limit: usize,
    },
}

/// Folders below the folder of templates: a locale, a notice, and room for parts.
const DEPTH: usize = 4;

/// All `*.hbs` below `folder`, by their path below it.
pub fn folder(folder: &Path, limits: &Limits) -> Result<Templates, LoadError> {
    let mut templates = Templates::default();
    let mut folders = vec![(folder.to_path_buf(), String::new(), 0)];
    while let Some((path, prefix, depth)) = folders.pop() {
        let failed = |error| LoadError::Io { path: path.clone(), error };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let below = entry.path();
            let kind = fs::metadata(&below)
                .map_err(|error| LoadError::Io { path: below.clone(), error })?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() && !name.starts_with('.') {
                if depth == DEPTH {
                    return Err(LoadError::TooMany { path: below, limit: limits.templates });
                }
                folders.push((below, format!("{prefix}{name}/"), depth + 1));
            } else if name.ends_with(".hbs") {
                let text = read(&below, limits)?;
                templates.insert(&format!("{prefix}{name}"), &below.to_string_lossy(), text);
                if templates.len() > limits.templates {
                    return Err(LoadError::TooMany { path, limit: limits.templates });
                }
            }
        }
    }
    Ok(templates)
}

fn read(path: &Path, limits: &Limits) -> Result<String, LoadError> {
    let failed = |error| LoadError::Io { path: path.to_path_buf(), error };
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > limits.template_bytes as u64 {
        let limit = limits.template_bytes;
        return Err(LoadError::TooLarge { path: path.to_path_buf(), limit });
    }
    let bytes = fs::read(path).map_err(failed)?;
    String::from_utf8(bytes).map_err(|_| LoadError::NotText(path.to_path_buf()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_by_path_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let notice = folder.path().join("fr/expired");
        fs::create_dir_all(&notice).expect("folder");
        fs::write(notice.join("sms.txt.hbs"), "a").expect("file");
        fs::write(notice.join("notes.md"), "b").expect("file");
        let templates = super::folder(folder.path(), &Limits::default()).expect("read");
        assert_eq!(
            templates.iter().map(|(path, _)| path).collect::<Vec<_>>(),
            ["fr/expired/sms.txt"]
        );
    }

    #[test]
    fn what_is_too_large_or_missing_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("folder");
        fs::write(folder.path().join("x.txt.hbs"), vec![b'x'; 65_537]).expect("file");
        let error = super::folder(folder.path(), &Limits::default()).expect_err("too large");
        assert!(error.to_string().contains("x.txt.hbs: more than 65536 bytes"), "{error}");
        let gone = folder.path().join("gone");
        assert!(matches!(super::folder(&gone, &Limits::default()), Err(LoadError::Io { .. })));
    }
}
