//! What holds of the language as a whole, and where policies come from.

mod form;
mod proof;
mod returns;
mod sense;
mod shipped;

use std::fs;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

use super::*;
use crate::engine::id::{NoticeKind, PolicyId};
use crate::engine::policy::Channel;

/// Two small lifecycles that are right, for tests that make them wrong.
const PREPAID: &str = include_str!("prepaid.toml");
const POSTPAID: &str = include_str!("postpaid.toml");

fn assert_refused(file: &str, right: &str, wrong: &str, answer: &[&str]) {
    assert!(file.contains(right), "the file does not hold {right}");
    let said = match parse("x.toml", &file.replacen(right, wrong, 1)) {
        Ok(_) => panic!("taken, with {wrong}"),
        Err(errors) => errors.to_string(),
    };
    assert_eq!(said.lines().collect::<Vec<_>>(), answer, "with {wrong}");
}

fn parsed(text: &str) -> Policy {
    match parse("x.toml", text) {
        Ok((policy, _)) => policy,
        Err(errors) => panic!("{errors}"),
    }
}

#[test]
fn the_files_that_tests_make_wrong_are_right() {
    assert_eq!(parsed(PREPAID).phases.len(), 3);
    assert_eq!(parsed(POSTPAID).phases.len(), 4);
}

#[test]
fn the_complete_example_of_the_documentation_is_a_policy() {
    let blocks: Vec<_> = include_str!("../../../docs/POLICIES.md")
        .split("```toml complete\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("the block ends").0)
        .collect();
    assert_eq!(blocks.len(), 1, "one block is marked as complete");
    assert_eq!(parsed(blocks[0]).key.id, PolicyId::from("example-prepaid"));
}

#[test]
fn the_tutorial_of_the_documentation_says_what_each_of_its_steps_lacks() {
    let document = include_str!("../../../docs/POLICIES.md");
    let mut file = String::new();
    let mut steps = 0;
    for (place, _) in document.match_indices("```toml tutorial\n") {
        let (block, rest) = document[place..]
            .split_once('\n')
            .and_then(|(_, rest)| rest.split_once("\n```\n"))
            .expect("the block ends");
        if steps > 0 {
            file.push('\n');
        }
        file.push_str(block);
        file.push('\n');
        steps += 1;
        let lacks = rest.trim_start().strip_prefix("```text tutorial\n");
        let lacks = lacks.map(|said| said.split_once("```").expect("the block ends").0.trim_end());
        let said = parse("mailbox.toml", &file).err().map(|errors| errors.to_string());
        assert_eq!(said.as_deref().map(str::trim_end), lacks, "step {steps}");
    }
    assert_eq!(steps, 5);
}

#[test]
fn all_mistakes_of_a_file_are_said_at_once_in_the_order_of_their_lines() {
    let bad = PREPAID
        .replace("version = 1", "version = -1")
        .replace("after = \"7d\"", "after = \"a week\"")
        .replace("window =", "windw =");
    let errors = parse("x.toml", &bad).expect_err("refused");
    let places: Vec<_> = errors.iter().filter_map(PolicyError::position).collect();
    assert_eq!(places, [(2, 11), (28, 32), (47, 1), (49, 1)]);
}

#[test]
fn columns_count_characters() {
    let bad = PREPAID.replace("title = \"Small\"", "title = \"小\"; x");
    let errors = parse("x.toml", &bad).expect_err("refused");
    assert_eq!(errors.iter().next().and_then(PolicyError::position), Some((3, 12)));
}

#[test]
fn a_mistake_shows_its_line_with_a_label_and_help() {
    let bad = PREPAID.replace("Asia/Shanghai", "Asia/Shangai");
    let error = parse("x.toml", &bad).expect_err("refused").into_iter().next().expect("one");
    assert_eq!(
        error.help().map(|help| help.to_string()),
        Some("did you mean `Asia/Shanghai`?".into())
    );
    let mut shown = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .render_report(&mut shown, &error)
        .expect("rendered");
    for part in ["x.toml:4:8", "zone = \"Asia/Shangai\"", "expected an IANA name", "did you mean"] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
}

#[test]
fn a_notice_without_a_template_is_named_once_for_each_channel() {
    let policy = parsed(PREPAID);
    let missing = check_notices(&policy, |kind, channel| {
        kind.as_str() == "warning" || channel == Channel::Sms
    });
    assert_eq!(
        missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["policy `small` version 1 sends `reclaimed` by email, but there is no template for it"]
    );
    assert_eq!(missing[0].kind, NoticeKind::from("reclaimed"));
    assert!(check_notices(&policy, |_, _| true).is_empty());
}

#[test]
fn a_folder_adds_policies_and_new_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = &Policies::shipped().texts[0];
    fs::write(folder.path().join("a.toml"), PREPAID).expect("written");
    fs::write(folder.path().join("b.toml"), PREPAID.replace("version = 1", "version = 2"))
        .expect("written");
    fs::write(folder.path().join("same.toml"), &shipped.text).expect("written");
    fs::write(folder.path().join("notes.txt"), "not a policy").expect("written");
    let policies = Policies::with_folder(folder.path()).expect("taken");
    assert_eq!(policies.texts.len(), Policies::shipped().texts.len() + 2);
    assert_eq!(policies.set.iter().count(), policies.texts.len());
    let newest = policies.set.newest(&PolicyId::from("small")).expect("known");
    assert_eq!(newest.key.version, 2);
    assert!(policies.texts.is_sorted_by_key(|text| &text.key));
    for text in &policies.texts {
        assert_eq!(text.hash, hash(&text.text));
        assert!(policies.set.get(&text.key).is_some());
    }
}

#[test]
fn one_version_never_has_two_texts() {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = &Policies::shipped().texts[0];
    fs::write(folder.path().join("other.toml"), format!("{}\n# changed", shipped.text))
        .expect("written");
    let errors = Policies::with_folder(folder.path()).expect_err("refused").to_string();
    let id = &shipped.key.id;
    assert!(errors.contains("other.toml:5:6: "), "{errors}");
    let why = format!("`{id}` version 1 has another text in {}", shipped.file);
    assert!(errors.contains(&why), "{errors}");
}

#[test]
fn every_bad_file_of_a_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.toml"), "id = 1").expect("written");
    fs::write(folder.path().join("b.toml"), [0xff, 0xfe]).expect("written");
    let size = usize::try_from(MAX_FILE_BYTES).expect("fits") + 1;
    fs::write(folder.path().join("c.toml"), vec![b'#'; size]).expect("written");
    let errors = Policies::with_folder(folder.path()).expect_err("refused").to_string();
    for part in ["a.toml:1:6: wrong type", "b.toml: cannot be read", "c.toml: has 1048577 bytes"] {
        assert!(errors.contains(part), "{part} is missing in\n{errors}");
    }
    let gone = Policies::with_folder(&folder.path().join("no")).expect_err("refused").to_string();
    assert!(gone.contains("the folder cannot be read"), "{gone}");
}

#[test]
fn the_hash_is_the_sha_256_of_the_text() {
    assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

fn some_policy() -> impl Strategy<Value = String> {
    let mut texts: Vec<_> = Policies::shipped().texts.into_iter().map(|text| text.text).collect();
    texts.extend([PREPAID, POSTPAID].map(str::to_owned));
    prop::sample::select(texts)
}

/// Pieces that turn one valid thing into another thing.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "",
        "\"",
        "[",
        "]",
        "{",
        "}",
        "=",
        "\n",
        ",",
        "-",
        "0",
        "99999999999999999999",
        "-1",
        "0d",
        "\"36525d\"",
        "\"-36525d876600h\"",
        "active",
        "\"released\"",
        "entry",
        "arrears",
        "expiry",
        "true",
        "[[step]]",
        "[renewal]",
        "é",
        "\u{0}",
        "1.5",
        "1979-05-27",
        "\"23:59:60\"",
    ];
    prop_oneof![prop::sample::select(pieces.to_vec()).prop_map(str::to_owned), ".{0,3}"]
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        text in some_policy(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, piece()), 1..4),
    ) {
        let mut text: Vec<char> = text.chars().collect();
        for (at, cut, piece) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(errors) = parse("x.toml", &text) {
            prop_assert!(errors.iter().all(|error| error.position().is_some()));
            prop_assert!(!errors.to_string().is_empty());
        }
    }

    #[test]
    fn no_exchanged_line_makes_the_parser_panic(
        text in some_policy(),
        lines in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let mut all: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        for (one, other) in lines {
            let (one, other) = (one.index(all.len()), other.index(all.len()));
            all.swap(one, other);
        }
        if let Err(errors) = parse("x.toml", &all.join("\n")) {
            prop_assert!(errors.iter().count() > 0);
        }
    }
}
