//! Shows that `tidy` bites: for each rule a snippet that breaks it, and for each trap one that does not.

use super::RULES;
use super::tree::machine_path;

fn findings(file: &str, source: &str, test_file: bool) -> Vec<String> {
    super::check::findings(RULES, file, source, test_file)
}

/// File, source, and what the finding must name.
const BAD: &[(&str, &str, &str)] = &[
    ("src/engine/gate.rs", "use crate::store::Row;", "Never 1"),
    ("src/engine/gate.rs", "use crate::{engine::Slot, clock};", "`crate::clock`"),
    ("src/engine/gate.rs", "fn f() { std::fs::read(\"x\"); }", "`std::fs::read`"),
    ("src/engine.rs", "async fn f() {}", "`async`"),
    ("src/engine/mod.rs", "/* a /* nested */ comment */ use tokio::time;", "Never 1"),
    ("src/event/mod.rs", "use std::{fs, str};", "`std::fs`"),
    ("src/policy/check.rs", "use std::{io, fs::{self, File}};", "no I/O after start"),
    ("src/render/mod.rs", "fn f(p: &Path) { p.read_dir(); }", "`read_dir`"),
    ("src/render/load.rs", "use tokio::fs;", "wait for nothing"),
    ("src/intake.rs", "use serde_json::Value;", "intake does not decode"),
    ("src/http/mod.rs", "const Q: &str = \"SELECT id\n FROM outbox\";", "SQL lives in the store"),
    ("src/worker/mod.rs", "fn f() { g(r#\"delete from \"inbox\"\"#); }", "SQL lives in the store"),
    ("src/app.rs", "fn f(c: rusqlite::Connection) {}", "SQL lives in the store"),
    ("src/http/mod.rs", "use ::lapin::Channel;", "lapin lives in"),
    ("src/intaker.rs", "use lapin::Channel;", "lapin lives in"),
    ("src/dispatch/sms/email.rs", "use lettre::Message;", "lettre lives in"),
    ("src/cli/template.rs", "use handlebars::Handlebars;", "handlebars lives in"),
    ("src/worker/wake.rs", "use crate::render::Catalogue;", "knows no template"),
    ("src/dispatch/relay.rs", "use crate::{engine, event};", "dispatch knows no event"),
    ("src/dispatch/relay.rs", "fn f() { engine::step(); }", "dispatch knows no event"),
    ("src/worker/mod.rs", "fn f() { let t = chrono::Utc::now(); }", "time is read in clock.rs"),
    ("src/worker/mod.rs", "fn f() { g(Instant::now) }", "time is read in clock.rs"),
    ("src/cli/run.rs", "use std::env::{self, var};", "environment is read in settings"),
    ("src/cli/run.rs", "use std::env::*;", "environment is read in settings"),
    ("src/store/sqlite.rs", "fn f() { std::thread::spawn(g); }", "spawned in app/tasks.rs"),
    (
        "src/http/mod.rs",
        "fn f(set: &mut JoinSet<()>) { set.spawn(g()); }",
        "spawned in app/tasks.rs",
    ),
    ("src/http/mod.rs", "use tokio::{net, task::*};", "spawned in app/tasks.rs"),
    ("src/clock.rs", "fn f() { g().unwrap(); }", "Never 7"),
    ("src/clock.rs", "#[cfg(test)]\nmod tests {}\nfn f() { g().unwrap(); }", "src/clock.rs:3:"),
    ("src/clock.rs", "#[cfg(test)]\nfn a<T, U>() {}\nfn f() { g().unwrap(); }", "src/clock.rs:3:"),
    ("src/app.rs", "fn f() { tracing::info!(to = %message.to_address, \"sent\"); }", "Never 8"),
    ("src/app.rs", "fn f() { warn!(\"refused {phone:?}\"); }", "`phone`"),
    ("src/app.rs", "fn f() { todo!() }", "half done"),
    ("src/app.rs", "#[cfg(test)] mod tests { fn f() { unimplemented!(\"later\") } }", "half done"),
    ("tests/it/broker.rs", "#[test]\n#[ignore]\nfn f() {}", "tests/it/broker.rs:2:"),
    ("tests/it/broker.rs", "#[cfg_attr(unix, ignore = \"slow\")] fn f() {}", "`ignore`"),
];

/// What must pass.
const GOOD: &[(&str, &str)] = &[
    ("src/engine/gate.rs", "//! No std::fs, no tokio here.\nuse crate::engine::{Slot as S, gate};"),
    ("src/engine/gate.rs", "fn f() -> &'static str { \"std::fs\" } // crate::store"),
    ("src/engine/gate.rs", "fn f() -> [char; 3] { ['\"', '\\'', 'a'] } // \" use std::fs;"),
    ("src/engine/gate.rs", "#[cfg(test)]\nmod tests { use std::fs; use crate::clock; }"),
    ("src/engine/gate.rs", "#![cfg(test)]\nuse std::fs;"),
    ("src/policy/load.rs", "use std::fs; fn f(p: &Path) { p.read_dir(); }"),
    ("src/store/sqlite.rs", "fn f() { g(\"select id from outbox\"); }"),
    ("src/cli/mod.rs", "/// Select a file from a folder.\nconst S: &str = \"selected from\";"),
    ("src/cli/mod.rs", "const S: &str = \"update the settings\"; const T: &str = \"with care\";"),
    ("src/broker/session.rs", "use lapin::Channel;"),
    ("src/dispatch/publish/confirm.rs", "use lapin::Channel;"),
    ("src/dispatch/email/pool.rs", "use lettre::Message;"),
    ("src/dispatch/email_mime.rs", "use lettre::Message;"),
    ("src/dispatch/relay.rs", "fn f(event_type: &str) { /* crate::event */ }"),
    ("src/cli/run.rs", "fn f() -> &'static str { env!(\"CARGO_PKG_VERSION\") }"),
    ("src/cli/run.rs", "fn f() { std::env::args(); }"),
    ("src/app/tasks.rs", "fn f() { tokio::spawn(g()); }"),
    ("src/clock.rs", "fn f() { g().unwrap_or_default(); self.unwrap; \".unwrap()\"; }"),
    ("src/clock.rs", "#[cfg(test)]\nfn a<T, U>() { g().unwrap(); }"),
    ("src/app.rs", "fn f() { info!(bytes = body.len(), \"email out\"); let email = 1; }"),
    ("src/app.rs", "fn f() { if todo != 3 {} } // todo!()"),
    ("tests/it/broker.rs", "fn f() { g().unwrap(); let ignore = [ignore]; }"),
];

#[test]
fn each_bad_snippet_is_found() {
    for (file, source, wanted) in BAD {
        let found = findings(file, source, false);
        assert!(found.iter().any(|one| one.contains(wanted)), "{file}: {source}\nfound {found:?}");
    }
}

#[test]
fn no_good_snippet_is_found() {
    for (file, source) in GOOD {
        assert_eq!(findings(file, source, false), Vec::<String>::new(), "{file}: {source}");
    }
}

#[test]
fn every_rule_has_been_seen_to_bite() {
    let found: Vec<String> =
        BAD.iter().flat_map(|(file, source, _)| findings(file, source, false)).collect();
    for rule in RULES {
        assert!(found.iter().any(|one| one.contains(rule.name)), "nothing bites for {}", rule.name);
    }
}

#[test]
fn a_module_of_tests_in_its_own_file_may_unwrap_but_not_be_ignored() {
    assert!(findings("src/engine/tests.rs", "fn f() { g().unwrap(); }", true).is_empty());
    assert!(!findings("src/engine/tests.rs", "#[ignore] fn f() {}", true).is_empty());
}

#[test]
fn a_path_of_a_machine_is_told_from_a_folder_of_the_project() {
    for bad in [
        concat!("cd /wo", "rk/x"),
        concat!("\"/ro", "ot/.cargo\""),
        concat!("file:///hom", "e/ann/x"),
    ] {
        assert!(machine_path(bad).is_some(), "{bad}");
    }
    for good in ["$HOME/root/x", "target/work/x", "src/worker/mod.rs", "the root/branch"] {
        assert!(machine_path(good).is_none(), "{good}");
    }
}
