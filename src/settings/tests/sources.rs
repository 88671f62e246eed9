//! `[[sources]]` and `[freshness]`: who may say what, and mistakes that would let something through or hold it for ever.

use super::*;
use crate::worker::{Freshness, Proof, Rules};

fn good(file: &str) -> Freshness {
    load(file, &[]).map_err(|e| e.join("\n")).expect("good").settings.freshness
}

#[test]
fn sources_are_listed_one_by_one_and_what_is_left_out_is_any() {
    let file = "[[sources]]\nsource = '/billing'\n\n[[sources]]\nsource = '/legal'\nfreshness = 'queue-only'\n\
                types = ['billing.hold.*']\nusers = ['legal']\n[freshness]\nonly_listed = true\npatience_secs = 3\n";
    let freshness = good(file);
    let sources = freshness.sources;
    assert!(sources.only_listed && sources.default == Proof::Heartbeat);
    assert_eq!(sources.listed["/billing"], Rules::default());
    let legal = &sources.listed["/legal"];
    assert_eq!(legal.freshness, Some(Proof::QueueOnly));
    assert_eq!(legal.users.as_deref(), Some(&["legal".to_owned()][..]));
    assert_eq!(freshness.patience.as_secs(), 3);
    let shown = show(&load(file, &[]).map_err(|e| e.join("\n")).expect("good"));
    let line = shown.lines().find(|line| line.starts_with("sources = ")).expect("it is listed");
    assert!(line.contains("/legal") && line.ends_with("dunlin.toml:1"), "{line}");
}

#[test]
fn a_mistake_in_a_source_is_told_with_its_place() {
    let refused = |file: &str| refusals(file, &[]).join("\n");
    let queue_only = "freshness = 'queue-only'\n";
    for (file, told) in [
        (
            "[[sources]]\nsource = '/a'\ntypo = 1\n".to_owned(),
            "sources: unknown field `typo`, expected one of `source`, `freshness`, `types`, `users` (FILE:1)",
        ),
        (
            format!("[[sources]]\nsource = '/a'\ntypes = ['billing.hlod.*']\n{queue_only}"),
            "sources[0].types: no event is of the type \"billing.hlod.*\" (FILE:1); `dunlin schema` lists the types; a final \
             * stands for any end",
        ),
        (
            "[[sources]]\nsource = '/a'\ntypes = ['billing.hold.*']\n".to_owned(),
            "sources[0].types: leaves out billing.heartbeat, without which nothing is ever released (FILE:1); let it \
             through, or say freshness = \"queue-only\" for this source",
        ),
        (
            "[[sources]]\nsource = '/a'\nusers = []\n".to_owned(),
            "sources[0].users: is empty, which could mean all or none (FILE:1); leave it out for all",
        ),
        (
            "[[sources]]\nsource = '/a'\n[[sources]]\nsource = '/a'\n".to_owned(),
            "sources[1].source: was listed before (FILE:1)",
        ),
        ("[[sources]]\nsource = ' '\n".to_owned(), "sources[0].source: is empty (FILE:1)"),
        (
            "[freshness]\nonly_listed = true\n".to_owned(),
            "freshness.only_listed: is true, and `sources` lists none: nobody could say anything (FILE:2)",
        ),
        (
            "[freshness]\ndefault = 'queue_only'\n".to_owned(),
            "freshness.default: expected one of heartbeat, queue-only, found \"queue_only\" (FILE:2); did you mean \
             \"queue-only\"?",
        ),
    ] {
        assert_eq!(refused(&file), told, "{file}");
    }
    let wrong = refused("[[sources]]\nsource = '/a'\nfreshness = 'never'\n");
    let told =
        "sources[0].freshness: expected one of heartbeat, queue-only, found \"never\" (FILE:1)";
    assert_eq!(wrong, told);
    assert!(refused("[sources]\nsource = '/a'\n").contains("sources"), "it is a list");
}
