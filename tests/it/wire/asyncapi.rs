//! The AsyncAPI document: the parser of asyncapi.com accepts it and sees every type in it; real messages follow it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::page::{event, sections};
use super::{printed, schemas};
use crate::support::node;

#[test]
fn the_parser_of_asyncapi_accepts_the_document_and_finds_every_type() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("asyncapi.json");
    std::fs::write(&file, printed(&["schema", "--asyncapi"])).expect("a folder of our own");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/asyncapi/check.cjs");
    let mut check = Command::new("node");
    let output = check.arg(script).arg(node::packages()).arg(file).output().expect("node starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_str(&said).expect("JSON");
    let names = |key: &str| -> BTreeSet<String> {
        let all = seen[key].as_array().expect("a list").iter();
        all.map(|name| name.as_str().expect("text").to_owned()).collect()
    };
    let messages = names("messages");
    for name in schemas().into_keys() {
        assert!(messages.contains(&name), "{name}: {messages:?}");
    }
    assert!(names("operations").contains("receive"));
    assert!(names("channels").contains("billing"));
}

#[test]
fn the_examples_of_the_page_are_messages_of_the_document() {
    let document: Value = serde_json::from_str(&printed(&["schema", "--asyncapi"])).expect("JSON");
    for (name, section) in sections() {
        let mut event = event(&name, &section.example);
        if name.starts_with("lifecycle.") {
            event["datacontenttype"] = json!("application/json");
            event["partitionkey"] = json!("acc-1");
        }
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "allOf": [{ "$ref": format!("#/components/messages/{name}/payload") }],
            "components": document["components"],
        });
        let validator = jsonschema::draft7::new(&schema).expect("a valid schema");
        if let Err(error) = validator.validate(&event) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
        event["type"] = json!("other");
        assert!(!validator.is_valid(&event), "{name} under another type");
    }
}
