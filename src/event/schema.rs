//! The JSON Schemas that `dunlin schema` prints: one for the `data` of every event in and out.
//!
//! They come from the types that read and write the events, so that they cannot say anything else.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{kinds, out};

/// The JSON Schema (2020-12) of the `data` of every event of spec §3 and §4, by type.
pub fn schemas() -> BTreeMap<&'static str, Value> {
    let mut schemas = kinds::schemas_in();
    schemas.extend(out::schemas_out());
    for (event_type, schema) in &mut schemas {
        schema["title"] = Value::from(*event_type);
    }
    schemas
}

#[cfg(test)]
mod tests;
