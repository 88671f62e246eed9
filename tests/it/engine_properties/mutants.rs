//! The bugs that `scripts/mutants` plants: that each can still be planted. What catches them takes a build for each, there.

use serde::Deserialize;

const LIST: &str = include_str!("../../mutants/list.json");

/// A bug: a text of a file, once in it, and what it becomes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    file: String,
    from: String,
    to: String,
    /// What is wrong then.
    breaks: String,
}

fn mutants() -> Vec<Mutant> {
    serde_json::from_str(LIST).expect("a list of bugs")
}

#[test]
fn every_planted_bug_still_has_its_place() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for Mutant { file, from, to, breaks } in mutants() {
        let text = std::fs::read_to_string(root.join(&file)).expect("a file of the engine");
        assert_eq!(text.matches(&from).count(), 1, "{file}: {breaks}");
        assert_ne!(from, to, "{breaks}");
    }
}

#[test]
fn the_bugs_are_many_and_in_every_part_of_the_rules() {
    let mutants = mutants();
    assert!(mutants.len() >= 20, "{} bugs", mutants.len());
    for part in [
        "slot", "charge", "term", "arrears", "gate", "hold", "deadline", "refund", "returns",
        "ledger",
    ] {
        assert!(mutants.iter().any(|one| one.file == format!("src/engine/{part}.rs")), "{part}");
    }
}
