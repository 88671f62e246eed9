//! `docs/EVENTS.md`, read: a section for each type, with its fields and an example.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::{schemas, types, validator};

/// One type on the page.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// The fields of its table; `?` after those that may be missing.
    fields: BTreeSet<String>,
    /// The type whose fields it has too.
    like: Option<String>,
    /// The `data` of its example.
    pub(super) example: Value,
}

/// The sections of the page, by type.
pub(super) fn sections() -> BTreeMap<String, Section> {
    let text = text();
    let parts = text.split("\n### `").skip(1).map(|part| {
        let (name, body) = part.split_once('`').expect("the type in backticks");
        (name.to_owned(), section(body))
    });
    let mut sections = BTreeMap::new();
    for (name, section) in parts {
        assert!(sections.insert(name.clone(), section).is_none(), "{name} is there twice");
    }
    sections
}

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/EVENTS.md");
    std::fs::read_to_string(path).expect("the page")
}

fn section(body: &str) -> Section {
    let field = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let like = body.split_once("All fields of `").map(|(_, rest)| rest);
    Section {
        fields: body.lines().filter_map(field).collect(),
        like: like.and_then(|rest| Some(rest.split_once('`')?.0.to_owned())),
        example: block(body, "```json\n"),
    }
}

fn block(text: &str, fence: &str) -> Value {
    let (_, rest) = text.split_once(fence).expect("an example");
    let (example, _) = rest.split_once("```").expect("the end of the example");
    serde_json::from_str(example).expect("JSON")
}

/// A whole event around some data.
pub(super) fn event(event_type: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{event_type}-1"), "source": "/billing", "type": event_type,
        "time": "2026-03-01T02:00:00Z", "subject": "acc-1", "data": data,
    })
}

/// The one whole event of the page.
pub(super) fn whole() -> Value {
    block(&text(), "```json event\n")
}

/// The fields of a schema as the page writes them: `contacts[].email?`.
fn fields(root: &Value, schema: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    if let Some(part) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        fields(root, &root["$defs"][part], prefix, found);
    }
    for way in schema["anyOf"].as_array().into_iter().flatten() {
        fields(root, way, prefix, found);
    }
    let required = schema["required"].as_array();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
        found.insert(format!("{prefix}{name}{}", if is_required { "" } else { "?" }));
        fields(root, property, &format!("{prefix}{name}."), found);
    }
    if schema["items"].is_object() {
        fields(root, &schema["items"], &format!("{}[].", prefix.trim_end_matches('.')), found);
    }
}

#[test]
fn the_page_has_every_type_and_every_field_and_no_other() {
    let (schemas, sections) = (schemas(), sections());
    assert!(schemas.keys().eq(sections.keys()), "{:?}", sections.keys());
    for (name, schema) in &schemas {
        let mut expected = BTreeSet::new();
        fields(schema, schema, "", &mut expected);
        // Said once for all types.
        expected.remove("account");
        expected.remove("resource");
        let like = sections[name].like.as_ref().map(|like| &sections[like].fields);
        let told: BTreeSet<String> =
            sections[name].fields.iter().chain(like.into_iter().flatten()).cloned().collect();
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn every_example_of_the_page_follows_the_printed_schema() {
    let schemas = schemas();
    for (name, section) in sections() {
        if let Err(error) = validator(&schemas[&name]).validate(&section.example) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
    }
    let whole = whole();
    let name = whole["type"].as_str().expect("a type");
    assert!(types(&schemas, "billing.").iter().any(|known| known == name));
    assert!(validator(&schemas[name]).is_valid(&whole["data"]));
}
