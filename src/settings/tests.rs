//! What a user may count on: precedence, refusals, hints, secrets. On the real schema where that has what is needed,
//! otherwise on a small one of the same build.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::*;
use crate::settings::shape::Kind;

mod sections_of_others;
mod sources;

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load(file: &str, pairs: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dunlin.toml");
    fs::write(&path, file).expect("a file");
    let shown = path.display().to_string();
    Settings::load(Source { file: Some(path), env: env(pairs) }).map_err(|errors| {
        errors.iter().map(|error| error.to_string().replace(&shown, "FILE")).collect()
    })
}

fn refusals(file: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    load(file, pairs).map(|_| ()).expect_err("refused")
}

#[test]
fn the_defaults_alone_are_enough() {
    let loaded = Settings::load(Source::default()).map_err(|errors| format!("{errors:?}"));
    let settings = loaded.expect("the defaults are good").settings;
    assert_eq!(settings.store.group_max_events, 500);
    assert_eq!(settings.http.bind.to_string(), "127.0.0.1:9464");
    assert_eq!(settings.notices.support, None);
}

#[test]
fn default_toml_holds_every_key_of_the_types_and_nothing_else() {
    let schema = Schema::of::<Written>(DEFAULT_TOML, SECRETS);
    let of_types: BTreeSet<_> = schema.keys.keys().collect();
    let of_file: BTreeSet<_> = schema.defaults.leaves.keys().collect();
    assert_eq!(of_types, of_file);
}

#[test]
fn every_key_and_section_of_default_toml_has_a_comment_above_it() {
    let lines: Vec<_> = DEFAULT_TOML.lines().collect();
    for pair in lines.windows(2).filter(|pair| !pair[1].starts_with('#') && !pair[1].is_empty()) {
        assert!(pair[0].starts_with('#') || pair[0].ends_with(','), "no comment above {}", pair[1]);
    }
}

#[test]
fn every_default_is_of_the_kind_that_its_key_has() {
    let schema = Schema::of::<Written>(DEFAULT_TOML, SECRETS);
    let mut errors = Vec::new();
    schema.sift(schema.defaults.clone(), &mut errors);
    assert_eq!(errors, []);
}

#[test]
fn what_sounds_like_a_secret_is_one() {
    let schema = Schema::of::<Written>(DEFAULT_TOML, SECRETS);
    for (key, kind) in &schema.keys {
        let last = key.rsplit('.').next().unwrap_or_default();
        let sounds = ["password", "secret", "token", "uri", "credential"];
        let free = *kind == Kind::Table;
        if free || sounds.iter().any(|word| last.contains(word)) {
            assert!(schema.is_secret(key) || schema.names_secret_file(key), "{key}");
        }
    }
    assert!(SECRETS.iter().all(|secret| schema.keys.contains_key(*secret)), "{SECRETS:?}");
}

#[test]
fn a_variable_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "[store]\ngroup_max_events = 7\npath = 'file.db'\n";
    let loaded = load(file, &[("DUNLIN__STORE__PATH", "variable.db")]).map_err(|e| e.join("\n"));
    let store = loaded.expect("good").settings.store;
    assert_eq!((store.group_max_events, store.path.as_path()), (7, Path::new("variable.db")));
    assert_eq!(store.retention, crate::store::Retention::default());
}

#[test]
fn a_variable_is_read_as_the_kind_of_its_key() {
    let pairs = [
        ("DUNLIN__DISPATCH__RETRY_SECS", "1, 2,3"),
        ("DUNLIN__HTTP__ALLOW_REMOTE", "true"),
        ("DUNLIN__HTTP__BIND", "0.0.0.0:80"),
        ("DUNLIN__NOTICES__BRAND", "42"),
        ("DUNLIN__LOG__FORMAT", "json"),
    ];
    let settings = load("", &pairs).map_err(|e| e.join("\n")).expect("good").settings;
    assert_eq!(settings.dispatch.retry_after.iter().map(|d| d.as_secs()).sum::<u64>(), 6);
    assert_eq!(settings.http.bind.to_string(), "0.0.0.0:80");
    assert_eq!(settings.notices.name, "42");
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn all_mistakes_are_reported_at_once_with_key_origin_and_hint() {
    let file = "[store]\ngroup_max_event = 7\nkind = 'sqllite'\ninbox_retention_days = -1\n[lgo]\nlevel = 'info'\n\
                [http]\nbind = 'here'\n[worker]\nmax_depth = 500\nmax_body_bytes = '1 MB'\n";
    let pairs = [("DUNLIN__LOG__LEVELL", "debug"), ("DUNLIN__DISPATCH__ATTEMPTS_MAX", "many")];
    let mut refused = refusals(file, &pairs);
    refused.sort();
    assert_eq!(
        refused,
        [
            "dispatch.attempts_max: expected a whole number, found \"many\" (DUNLIN__DISPATCH__ATTEMPTS_MAX)",
            "http.bind: expected an address and a port, found \"here\" (FILE:8)",
            "lgo.level: no such key (FILE:6); did you mean `log.level`?",
            "log.levell: no such key (DUNLIN__LOG__LEVELL); did you mean `DUNLIN__LOG__LEVEL`?",
            "store.group_max_event: no such key (FILE:2); did you mean `store.group_max_events`?",
            "store.inbox_retention_days: -1 is out of range (FILE:4)",
            "store.kind: expected one of sqlite, found \"sqllite\" (FILE:3); did you mean \"sqlite\"?",
            "worker.max_body_bytes: expected a whole number, found \"1 MB\" (FILE:11)",
            "worker.max_depth: must be between 4 and 127, is 500 (FILE:10)",
        ]
    );
}

#[test]
fn a_value_where_a_section_belongs_is_refused() {
    let refused = refusals("store = 'dunlin.db'\n", &[]);
    assert_eq!(refused, ["store: is a section, not a value (FILE:1)"]);
}

#[test]
fn an_address_that_others_can_reach_needs_a_yes() {
    let refused = refusals("[http]\nbind = '0.0.0.0:9464'\n", &[]);
    assert!(refused[0].contains("http.allow_remote = true"), "{refused:?}");
    assert!(load("[http]\nbind = '[::1]:9464'\n", &[]).is_ok());
}

#[test]
fn a_variable_with_the_wrong_underscores_is_refused_and_a_stranger_is_only_reported() {
    let refused = refusals("", &[("DUNLIN_STORE__PATH", "x"), ("DUNLIN_LOG_LEVEL", "debug")]);
    assert_eq!(
        refused,
        [
            "DUNLIN_STORE__PATH: sets nothing in this form; did you mean `DUNLIN__STORE__PATH`?",
            "DUNLIN_LOG_LEVEL: sets nothing in this form; did you mean `DUNLIN__LOG__LEVEL`?",
        ]
    );
    let loaded = load("", &[("DUNLIN_PORT", "tcp://10.0.0.1:80"), ("PATH", "/bin")]);
    let warnings = loaded.map_err(|e| e.join("\n")).expect("good").warnings;
    assert_eq!(warnings.len(), 2);
    assert!(warnings[1].starts_with("notices.console_url is not set"));
    assert!(warnings[0].contains("DUNLIN_PORT") && !warnings[0].contains("10.0.0.1"));
}

#[test]
fn the_file_may_be_named_by_a_variable_and_must_exist() {
    let pairs = env(&[(CONFIG_VARIABLE, "/nowhere/dunlin.toml")]);
    let errors =
        Settings::load(Source { file: None, env: pairs }).map(|_| ()).expect_err("no file");
    assert!(errors[0].to_string().starts_with("DUNLIN_CONFIG: cannot read /nowhere/dunlin.toml"));
}

#[test]
fn show_tells_value_and_origin_of_every_key() {
    let file = "[store]\npath = 'a \"b\".db'\n";
    let loaded = load(file, &[("DUNLIN__LOG__LEVEL", "debug")]).map_err(|e| e.join("\n"));
    let shown = show(&loaded.expect("good"));
    assert_eq!(shown.lines().count(), Schema::of::<Written>(DEFAULT_TOML, SECRETS).keys.len());
    let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or("");
    assert!(line("log.level = \"debug\" ").ends_with("# DUNLIN__LOG__LEVEL"), "{shown}");
    assert!(line("store.path = 'a \"b\".db' ").ends_with("dunlin.toml:2"), "{shown}");
    assert!(line("http.bind = \"127.0.0.1:9464\" ").ends_with("# default"), "{shown}");
}

/// A small schema with secrets of both sorts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Small {
    link: Link,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    uri: SecretString,
    password: Option<SecretString>,
    headers: BTreeMap<String, SecretString>,
}

const SMALL: &str = "[link]\nuri = 'amqp://default'\nuri_file = ''\npassword = ''\npassword_file = ''\nheaders = {}\n";

fn small(file: &str, pairs: &[(&str, &str)]) -> Result<Small, Vec<String>> {
    let schema = Schema::of::<Small>(SMALL, &["link.uri", "link.password", "link.headers"]);
    let mut errors = Vec::new();
    let file =
        Layer::parse(file, "a.toml", |line| Origin::File { path: "a.toml".to_owned(), line });
    let file = schema.sift(file.expect("it is TOML"), &mut errors);
    let (variables, _) = schema.variables(env(pairs), &mut errors);
    let mut stack = Stack::new(&schema, [file, variables]);
    stack.open_secrets(&mut errors);
    stack.drop_unset();
    let merged = stack.merge::<Small>(&mut errors);
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    merged.filter(|_| errors.is_empty()).ok_or(errors)
}

fn secret_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), text).expect("written");
    file
}

#[test]
fn a_secret_may_lie_in_a_file_without_its_last_line_break() {
    let file = secret_file("hunter2\n");
    let path = file.path().display();
    let text = format!("[link]\npassword_file = '{path}'\n[link.headers]\nX-Key_file = '{path}'\n");
    let link = small(&text, &[]).expect("good").link;
    assert_eq!(link.uri.expose_secret(), "amqp://default");
    assert_eq!(link.password.expect("read").expose_secret(), "hunter2");
    assert_eq!(link.headers["X-Key"].expose_secret(), "hunter2");
}

#[test]
fn of_a_secret_and_its_file_the_higher_layer_counts_and_two_in_one_layer_are_refused() {
    let file = secret_file("from-file");
    let path = file.path().display().to_string();
    let by_variable = small(
        &format!("[link]\nuri_file = '{path}'\n"),
        &[("DUNLIN__LINK__URI", "amqp://variable")],
    );
    assert_eq!(by_variable.expect("good").link.uri.expose_secret(), "amqp://variable");
    let by_file = small("[link]\nuri = 'amqp://f'\n", &[("DUNLIN__LINK__URI_FILE", &path)]);
    assert_eq!(by_file.expect("good").link.uri.expose_secret(), "from-file");
    let both = small(&format!("[link]\nuri = 'amqp://f'\nuri_file = '{path}'\n"), &[]).map(|_| ());
    assert_eq!(
        both.expect_err("refused"),
        ["link.uri_file: is set, and so is link.uri: give one of them (a.toml:3)"]
    );
}

#[test]
fn a_secret_file_that_is_missing_or_empty_is_refused() {
    let empty = secret_file("\n");
    let empty = format!("[link]\npassword_file = '{}'\n", empty.path().display());
    assert!(
        small(&empty, &[]).map(|_| ()).expect_err("refused")[0].contains("is empty (a.toml:2)")
    );
    let missing = "[link]\npassword_file = '/nowhere/p'\n";
    assert!(small(missing, &[]).map(|_| ()).expect_err("refused")[0].contains("cannot read"));
}

#[test]
fn no_error_repeats_a_secret() {
    let text = "[link]\nuri = ['hunter2']\npasswort = 'hunter2'\n[link.headers]\nKey = 31337\n";
    let refused = small(text, &[("DUNLIN__LINK__HEADERS__KEY", "hunter2")]).map(|_| ());
    let refused = refused.expect_err("refused");
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert!(refused.iter().all(|e| !e.contains("hunter2") && !e.contains("31337")), "{refused:?}");
}

#[test]
fn one_mistake_is_told_once() {
    let file = "[email.smtp]\nusername = 'dunlin'\npassword_file = '/nowhere/password'\n";
    let refused = refusals(file, &[]);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].starts_with("email.smtp.password_file: cannot read"), "{refused:?}");
}
