//! The rules of `tidy`, held against the files of this repository.
//!
//! Reads the folder rather than git's index, so that it also works in an export of the source.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::check::{belongs, findings};
use super::{RULES, scan};

/// No file of code is longer. Above `LINES_WISHED` it is only pointed at.
const LINES_MAX: usize = 500;
const LINES_WISHED: usize = 300;

/// Folders that `.gitignore` names, and git's own.
const SKIPPED: [&str; 5] = [".git", "target", "var", ".venv", "__pycache__"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` as a path from the root with `/`, sorted.
fn files(folder: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.map(|entry| entry.expect("a folder of the source can be read")) {
            let path: PathBuf = entry.path();
            if SKIPPED.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let inside = path.strip_prefix(root()).expect("the walk began at the root");
                out.push(inside.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    out.sort();
    out
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn rust_files() -> Vec<String> {
    let folders = ["src", "tests", "benches", "examples"];
    folders.iter().flat_map(|folder| files(folder)).filter(|file| file.ends_with(".rs")).collect()
}

/// The folder where the modules declared in `file` have their files.
fn children(file: &str) -> String {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder.to_owned(),
        _ => stem.to_owned(),
    }
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn nobody_names_what_is_not_theirs() {
    let sources: Vec<(String, String)> =
        rust_files().into_iter().map(|file| (file.clone(), read(&file))).collect();
    let tests: BTreeSet<String> = sources
        .iter()
        .flat_map(|(file, source)| {
            let below = children(file);
            scan::test_modules(&scan::tokens(source))
                .into_iter()
                .map(move |name| format!("{below}/{name}"))
        })
        .collect();
    let is_test = |file: &str| tests.iter().any(|module| belongs(file, module));
    let found: Vec<String> = sources
        .iter()
        .flat_map(|(file, source)| findings(RULES, file, source, is_test(file)))
        .collect();
    assert_none(&found);
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let silent = rust_files().into_iter().filter(|file| !read(file).starts_with("//!"));
    assert_none(&silent.map(|file| format!("{file}: opens with no `//!`")).collect::<Vec<_>>());
}

#[test]
fn no_file_of_code_runs_away() {
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    for file in files("") {
        let code =
            ["rs", "py", "sql", "hbs", "sh"].iter().any(|end| file.ends_with(&format!(".{end}")));
        if !code && !file.starts_with("scripts/") {
            continue;
        }
        let lines = read(&file).lines().count();
        if lines > LINES_MAX {
            found.push(format!("{file}: {lines} lines, {LINES_MAX} at most"));
        } else if lines > LINES_WISHED {
            notes.push(format!("{file}: {lines} lines, {LINES_WISHED} wished\n"));
        }
    }
    if !notes.is_empty() {
        notes.insert(0, "\n".to_owned());
    }
    // Past the test runner's capture: a wish is of use only where it is seen.
    std::io::stderr().write_all(notes.concat().as_bytes()).expect("standard error is open");
    assert_none(&found);
}

#[test]
fn no_file_is_forgotten_by_its_parent() {
    let all: BTreeSet<String> = rust_files().into_iter().collect();
    let mut declared = BTreeSet::new();
    for file in &all {
        let below = children(file);
        for name in scan::modules(&scan::tokens(&read(file))) {
            declared.insert(format!("{below}/{name}.rs"));
            declared.insert(format!("{below}/{name}/mod.rs"));
        }
    }
    let is_root = |file: &str| {
        let top = file.starts_with("benches/") || file.starts_with("examples/");
        let entry = [
            "src/lib.rs",
            "src/main.rs",
            "tests/it/main.rs",
            "tests/engine-alone/lib.rs",
            "tests/histories/lib.rs",
            "tests/histories/run.rs",
            "tests/fault-injection/main.rs",
        ];
        (top && file.matches('/').count() == 1) || entry.contains(&file)
    };
    let lost = all.iter().filter(|file| !declared.contains(*file) && !is_root(file));
    assert_none(&lost.map(|file| format!("{file}: no `mod` names it")).collect::<Vec<_>>());
}

#[test]
fn the_list_of_integration_tests_is_sorted() {
    let names = scan::modules(&scan::tokens(&read("tests/it/main.rs")));
    assert!(names.is_sorted(), "tests/it/main.rs: {names:?}");
}

#[test]
fn both_migration_folders_hold_the_same_names() {
    let names = |folder: &str| {
        let inside = |file: String| file.strip_prefix(folder).map(ToOwned::to_owned);
        files(folder).into_iter().filter_map(inside).collect::<Vec<_>>()
    };
    if root().join("migrations/postgres").is_dir() {
        assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
    }
}

#[test]
fn no_file_holds_a_path_of_somebodys_machine() {
    let mut found = Vec::new();
    for file in files("") {
        let Ok(text) =
            String::from_utf8(fs::read(root().join(&file)).expect("a file of the source"))
        else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if let Some(path) = machine_path(line) {
                found.push(format!("{file}:{}: `{path}`", number + 1));
            }
        }
    }
    assert_none(&found);
}

/// The first absolute path in `line` that exists on one machine only.
pub(super) fn machine_path(line: &str) -> Option<&'static str> {
    // In two pieces, so that this file passes.
    let paths = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/hom", "e/")];
    let absolute = |(at, _): (usize, &str)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.}$".contains(c))
    };
    paths.into_iter().find(|path| line.match_indices(path).any(absolute))
}

#[test]
fn what_is_built_apart_is_built_with_the_versions_that_ship() {
    let versions = |lock: &str, package: &str| -> BTreeSet<String> {
        let lock: toml::Table = read(lock).parse().expect("a lock file is TOML");
        let packages = lock["package"].as_array().expect("a lock file lists packages");
        let named = packages.iter().filter(|one| one["name"].as_str() == Some(package));
        named.map(|one| one["version"].to_string()).collect()
    };
    for package in ["chrono", "chrono-tz", "rust_decimal", "serde"] {
        let ours = versions("Cargo.lock", package);
        for apart in ["tests/engine-alone/Cargo.lock", "tests/histories/Cargo.lock"] {
            assert_eq!(ours, versions(apart, package), "{apart}: {package}");
        }
    }
}
