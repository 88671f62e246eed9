//! `dunlin policy`: what an author and a colleague in billing see, from outside; and that the pictures in the
//! documentation are what the program draws.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::dunlin::{QUICK, bare};

const PREPAID: &str = "tencent-cvm-prepaid";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn policy(args: &[&str]) -> Output {
    bare(&[&["policy"], args].concat()).output().expect("dunlin starts")
}

/// What a command prints that ends with this exit code.
fn printed(output: &Output, code: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    assert_eq!(output.status.code(), Some(code), "{text}{errors}");
    text
}

fn fine(args: &[&str]) -> String {
    printed(&policy(args), 0)
}

/// What a command says on standard error that cannot do what it should.
fn complaint(args: &[&str]) -> String {
    let output = policy(args);
    assert_eq!(printed(&output, 1), "");
    String::from_utf8(output.stderr).expect("text")
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a folder of our own");
    }
    folder
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().expect("text").to_owned()
}

fn shipped_text(id: &str) -> String {
    fs::read_to_string(root().join(format!("config/policies/{id}.toml"))).expect("it ships")
}

#[test]
fn list_names_what_ships_and_what_a_folder_adds() {
    let folder = folder(&[("quick.toml", QUICK)]);
    let list = fine(&["list", "--policies", folder.path().to_str().expect("text")]);
    let of = |id: &str| list.lines().find(|line| line.split_whitespace().next() == Some(id));
    let prepaid = of(PREPAID).expect("it is listed");
    assert!(prepaid.contains("compiled in") && prepaid.contains("Asia/Shanghai"), "{list}");
    let quick = of("quick").expect("it is listed");
    assert!(quick.contains(&path(&folder, "quick.toml")), "{list}");
    assert!(!fine(&["list"]).contains("quick"), "a folder is looked into where it is named");
}

#[test]
fn show_says_a_policy_in_words_or_prints_its_very_text() {
    let words = fine(&["show", PREPAID]);
    for part in [
        "tencent-cvm-prepaid version 1: Tencent CVM, prepaid",
        "recycled  retained: not working, in the bin; data is kept",
        "active -> recycled    at expiry",
        "5 days before expiry",
        "1 of 1  at 00:00 on the day of expiry",
        "for 1 to 60 months",
    ] {
        assert!(words.contains(part), "{part} is missing in\n{words}");
    }
    assert_eq!(fine(&["show", &format!("{PREPAID}@1"), "--toml"]), shipped_text(PREPAID));
    let unknown = complaint(&["show", "tencent-cvm-prepaid@9"]);
    assert!(unknown.contains("there is no policy") && unknown.contains("@1"), "{unknown}");
}

#[test]
fn check_says_every_mistake_with_its_place_and_ends_with_one() {
    let wrong = QUICK.replace("from = \"expiry\", after", "from = \"expiri\", after");
    let untold = QUICK.replace("expiry-warning", "nobody-wrote-this");
    let changed = shipped_text(PREPAID).replace("after = \"7d\"", "after = \"6d\"");
    let folder = folder(&[
        ("changed.toml", &changed),
        ("right.toml", &QUICK.replace("\"quick\"", "\"right\"")),
        ("untold.toml", &untold),
        ("wrong.toml", &wrong),
    ]);
    let said = printed(&policy(&["check", folder.path().to_str().expect("text")]), 1);
    for part in [
        "wrong.toml:45:18: `expiri` is no anchor; expected one of",
        "untold.toml: policy `quick` version 1 sends `nobody-wrote-this` by sms, but there is no \
         template for it in `en`, the default locale",
        "`tencent-cvm-prepaid` version 1 has another text in config/policies/",
        "right.toml: fine",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    assert_eq!(said.matches(": fine").count(), 1, "{said}");
    let untold = printed(&policy(&["check", &path(&folder, "untold.toml")]), 1);
    assert!(!untold.contains("fine"), "{untold}");
    let right = path(&folder, "right.toml");
    assert_eq!(fine(&["check", &right]), format!("{right}: fine\n"));
    assert!(printed(&policy(&["check", "no-such.toml"]), 1).contains("cannot be read"));
}

#[test]
fn a_new_policy_works_as_it_is_and_never_takes_the_place_of_a_file() {
    let folder = folder(&[]);
    for clock in ["expiry", "arrears"] {
        let file = path(&folder, &format!("{clock}.toml"));
        let id = format!("my-{clock}");
        let new = ["new", &id, "--clock", clock, "--title", "\"Mine\"", "--zone", "Europe/Berlin"];
        fine(&[&new[..], &["--out", &file]].concat());
        let written = fs::read_to_string(&file).expect("written");
        assert_eq!(fine(&new), written, "the same on standard output");
        assert_eq!(fine(&["check", &file]), format!("{file}: fine\n"));
        let again = complaint(&[&new[..], &["--out", &file]].concat());
        assert!(again.contains("exists and was left as it is"), "{again}");
        let table = fine(&["timeline", &file]);
        assert!(table.contains("version 1: \"Mine\"") && table.contains("→ released"), "{table}");
    }
}

#[test]
fn a_timeline_follows_the_events_that_it_is_given() {
    let table = fine(&[
        "timeline",
        "alibaba-ecs-subscription",
        "--auto-renew",
        "--expires",
        "2026-03-01T16:00:00Z",
        "--event",
        "E+1d renewal.requested months=2",
    ]);
    for part in [
        "2026-02-27 08:00 +08:00  E-2d16h  charge  attempt 1 of 5 until 18:00",
        "2026-02-27 09:00 +08:00  E-2d15h  notice  charge-failed by e-mail",
        "event   renewal.requested months=2",
        "phase   grace → active",
        "term    new term of 2 months",
    ] {
        assert!(table.contains(part), "{part} is missing in\n{table}");
    }
    assert!(!table.contains("stopped"), "{table}");
    let returned = fine(&["timeline", PREPAID, "--event", "E-398d billing.return.requested"]);
    assert!(returned.contains("refund  1300.00 EUR as it was paid"), "{returned}");
    let wrong = complaint(&["timeline", PREPAID, "--event", "E renewal.requested months=x"]);
    assert!(wrong.contains("/data/months"), "{wrong}");
    let wrong = complaint(&["timeline", PREPAID, "--arrears", "2026-03-01T00:00:00Z"]);
    assert!(wrong.contains("runs on expiry"), "{wrong}");
    assert_eq!(policy(&["timeline", PREPAID, "--event", "soon"]).status.code(), Some(2));
}

#[test]
fn the_tutorial_of_the_documentation_ends_with_its_timeline() {
    let document = fs::read_to_string(root().join("docs/POLICIES.md")).expect("read");
    let block = |rest: &str| rest.split_once("\n```").expect("the block ends").0.to_owned();
    let steps: Vec<String> = document.split("```toml tutorial\n").skip(1).map(block).collect();
    let folder = folder(&[("mailbox.toml", &steps.join("\n\n"))]);
    let file = path(&folder, "mailbox.toml");
    let table = fine(&["timeline", &file, "--expires", "2026-06-15T10:00:00Z"]);
    let shown = document.split_once("```text timeline\n").map(|(_, rest)| block(rest));
    assert_eq!(Some(table.trim_end()), shown.as_deref());
    let checked = printed(&policy(&["check", &file]), 1);
    let said = "mailbox.toml: policy `mailbox` version 1 sends `mailbox-locked` by email, but there is no template";
    assert!(document.contains(said) && checked.contains(said), "{checked}");
}

#[test]
fn a_timeline_can_be_a_picture_and_a_page() {
    let folder = folder(&[]);
    let (svg, html) = (path(&folder, "x.svg"), path(&folder, "x.html"));
    fine(&["timeline", PREPAID, "--svg", &svg, "--html", &html]);
    let picture = fs::read_to_string(&svg).expect("written");
    let page = fs::read_to_string(&html).expect("written");
    assert!(picture.starts_with("<?xml") && picture.ends_with("</svg>\n"), "{picture}");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg "), "{page}");
    for text in [picture, page] {
        assert!(text.contains("2026-06-08 12:00") && text.contains("expiry-warning"), "{text}");
    }
}

#[test]
fn diff_says_what_changes_and_its_exit_code_only_if_asked() {
    let text = shipped_text("tencent-cvm-postpaid-15d");
    let later = text.replacen("after = \"2h\"", "after = \"4h\"", 1);
    let folder = folder(&[("later.toml", &later.replace("version = 1", "version = 2"))]);
    let later = path(&folder, "later.toml");
    let diff = ["diff", "tencent-cvm-postpaid-15d", &later];
    let said = fine(&diff);
    let line = "\nLater or more generous (what may reach cases in flight, SAFE-9)\n  `stopped` comes 2 hours \
                later: 2 hours after arrears -> 4 hours after arrears\n";
    assert!(said.contains(line), "{said}");
    assert_eq!(printed(&policy(&[&diff[..], &["--exit-code"]].concat()), 1), said);
    let back = fine(&["diff", &later, "tencent-cvm-postpaid-15d@1"]);
    assert!(back.contains("\nEarlier or harsher (never for cases in flight)\n"), "{back}");
    let same = fine(&["diff", PREPAID, PREPAID, "--exit-code"]);
    assert!(same.ends_with("\nnothing changes for a customer\n"), "{same}");
}

fn pictures(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).expect("a folder of pictures");
    let files = files.map(|file| file.expect("a file").path());
    let name = |file: &Path| file.file_name().expect("a file").to_string_lossy().into_owned();
    files.map(|file| (name(&file), fs::read(&file).expect("a picture"))).collect()
}

#[test]
fn the_pictures_of_the_documentation_are_what_the_program_draws() {
    let drawn = folder(&[]);
    let script = Command::new(root().join("scripts/pictures"))
        .arg(drawn.path())
        .env("DUNLIN", env!("CARGO_BIN_EXE_dunlin"))
        .output()
        .expect("a shell");
    assert!(script.status.success(), "{}", String::from_utf8_lossy(&script.stderr));
    let (drawn, kept) = (pictures(drawn.path()), pictures(&root().join("docs/pictures")));
    let names = |pictures: &BTreeMap<String, Vec<u8>>| pictures.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), names(&drawn), "run scripts/pictures and commit docs/pictures");
    for (name, picture) in &drawn {
        assert!(kept[name] == *picture, "{name} is stale: run scripts/pictures");
    }
    for page in ["README.md", "docs/POLICIES.md"] {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        assert!(text.contains("pictures/tencent-cvm-prepaid.svg"), "{page} shows no picture");
    }
    let policies = fs::read_to_string(root().join("docs/POLICIES.md")).expect("a page");
    for name in drawn.keys() {
        assert!(policies.contains(&format!("pictures/{name}")), "{name} is not shown");
    }
}
