//! The wire as others see it: what `dunlin schema` prints, what `docs/EVENTS.md` says, what is read and what is published.
//!
//! A type without an example on that page, or that no story publishes, fails here.

mod asyncapi;
mod incoming;
mod outgoing;
mod page;

use std::collections::BTreeMap;
use std::process::Output;

use jsonschema::Validator;
use serde_json::Value;

use crate::support::dunlin::bare;

/// What `dunlin schema` prints, by type.
fn schemas() -> BTreeMap<String, Value> {
    serde_json::from_str(&printed(&["schema"])).expect("JSON by type")
}

/// The types of one direction, `billing.` or `lifecycle.`.
fn types(schemas: &BTreeMap<String, Value>, direction: &str) -> Vec<String> {
    schemas.keys().filter(|name| name.starts_with(direction)).cloned().collect()
}

/// A check of JSON Schema 2020-12, formats included.
fn validator(schema: &Value) -> Validator {
    let draft = schema["$schema"].as_str();
    assert_eq!(draft, Some("https://json-schema.org/draft/2020-12/schema"));
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a valid schema")
}

fn printed(args: &[&str]) -> String {
    finished(&bare(args).output().expect("dunlin starts"))
}

fn finished(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).expect("text")
}
