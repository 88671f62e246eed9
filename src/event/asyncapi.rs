//! The AsyncAPI 3.0 document that `dunlin schema --asyncapi` prints: every event in and out, and how it travels over AMQP.
//!
//! Made from the tables of types and from the schemas that the reader and the writer use, so that it cannot say anything
//! else. Knows no setting: the names of the exchanges are given. Names no server that exists, and no secret.

use serde_json::{Map, Value, json};

use super::envelope::{self, PREFIXES, SCHEMA_PREFIX};
use super::{EVENT_TYPES, kinds, out, schemas};

/// The version of the AMQP bindings that is written.
const BINDING_VERSION: &str = "0.3.0";
/// Names of the shared parts, under which no event type can be.
const ENVELOPE_IN: &str = "cloudevent.in";
const ENVELOPE_OUT: &str = "cloudevent.out";
const HEADERS_IN: &str = "cloudevent.in.headers";

/// What the settings call the exchanges.
#[derive(Debug, Clone, Copy)]
pub struct Exchanges<'a> {
    /// `broker.input.exchange`.
    pub input: &'a str,
    /// `broker.input.exchange_type`, as AMQP calls it.
    pub input_type: &'a str,
    /// `broker.output.exchange`.
    pub output: &'a str,
}

/// The document, as JSON.
pub fn asyncapi(exchanges: &Exchanges<'_>) -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "dunlin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Billing events in; state changes, charges and what became of notices out. CloudEvents 1.0 in \
                            JSON over RabbitMQ. The names of the exchanges are those of the default settings. Amounts of \
                            money are JSON strings, instants RFC 3339 in UTC.",
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "rabbitmq": {
                "host": "rabbitmq.example.com:5671",
                "protocol": "amqps",
                "protocolVersion": "0.9.1",
                "description": "A placeholder: `broker.uri` of the settings says where it is and who logs in.",
            },
        },
        "channels": channels(exchanges),
        "operations": operations(),
        "components": { "messages": messages(), "schemas": components() },
    })
}

fn channels(exchanges: &Exchanges<'_>) -> Value {
    let names = EVENT_TYPES.iter().flat_map(|name| [(*name).to_owned(), binary(name)]);
    let received: Map<String, Value> =
        names.map(|name| (name.clone(), reference("messages", &name))).collect();
    let mut channels = Map::from_iter([(
        "billing".to_owned(),
        json!({
            "address": "{account}",
            "title": "Events in",
            "description": "The routing key is the account id, so that the events of one account stay in order.",
            "parameters": { "account": { "description": "The id of the account." } },
            "servers": [{ "$ref": "#/servers/rabbitmq" }],
            "messages": received,
            "bindings": exchange(exchanges.input, exchanges.input_type),
        }),
    )]);
    for event_type in out::EVENT_TYPES {
        let channel = json!({
            "address": format!("{event_type}.{{policy}}"),
            "title": event_type,
            "parameters": {
                "policy": { "description": "The id of the policy that the resource follows, or `none`." },
            },
            "servers": [{ "$ref": "#/servers/rabbitmq" }],
            "messages": { *event_type: reference("messages", event_type) },
            "bindings": exchange(exchanges.output, "topic"),
        });
        channels.insert((*event_type).to_owned(), channel);
    }
    Value::Object(channels)
}

fn exchange(name: &str, kind: &str) -> Value {
    let exchange = json!({
        "name": name, "type": kind, "durable": true, "autoDelete": false, "vhost": "/",
    });
    json!({ "amqp": { "is": "routingKey", "exchange": exchange, "bindingVersion": BINDING_VERSION } })
}

fn operations() -> Value {
    let mut operations = Map::from_iter([(
        "receive".to_owned(),
        json!({
            "action": "receive",
            "title": "Take events in",
            "summary": "An event is acknowledged after everything that it changes is durable.",
            "channel": { "$ref": "#/channels/billing" },
            "bindings": { "amqp": { "ack": true, "bindingVersion": BINDING_VERSION } },
        }),
    )]);
    for event_type in out::EVENT_TYPES {
        let mandatory = out::is_mandatory(event_type);
        let amqp = json!({
            "deliveryMode": 2, "mandatory": mandatory, "bindingVersion": BINDING_VERSION,
        });
        let send = json!({
            "action": "send",
            "title": format!("Publish {event_type}"),
            "summary": if mandatory {
                "Published with confirms until a queue takes it."
            } else {
                "Published with confirms; gone where no queue takes it."
            },
            "channel": { "$ref": format!("#/channels/{event_type}") },
            "bindings": { "amqp": amqp },
        });
        operations.insert(format!("send.{event_type}"), send);
    }
    Value::Object(operations)
}

fn messages() -> Value {
    let mut messages = Map::new();
    for (event_type, schema) in schemas() {
        let is_in = EVENT_TYPES.contains(&event_type);
        let data_may_be_absent = is_in && kinds::data_may_be_absent(event_type);
        let what = &schema["description"];
        messages.insert(
            event_type.to_owned(),
            json!({
                "name": event_type,
                "title": event_type,
                "summary": what,
                "contentType": "application/cloudevents+json",
                "payload": structured(event_type, is_in, data_may_be_absent),
            }),
        );
        if is_in {
            let headers = json!({
                "allOf": [
                    reference("schemas", HEADERS_IN),
                    {
                        "type": "object",
                        "properties": { format!("{SCHEMA_PREFIX}type"): { "const": event_type } },
                    },
                ],
            });
            let binary_mode = json!({
                "name": binary(event_type),
                "title": format!("{event_type}, binary mode"),
                "summary": what,
                "contentType": "application/json",
                "headers": headers,
                "payload": reference("schemas", event_type),
            });
            messages.insert(binary(event_type), binary_mode);
        }
    }
    Value::Object(messages)
}

/// The whole event: its attributes and its data in one JSON object.
fn structured(event_type: &str, is_in: bool, data_may_be_absent: bool) -> Value {
    let envelope = reference("schemas", if is_in { ENVELOPE_IN } else { ENVELOPE_OUT });
    let mut own = json!({
        "type": "object",
        "properties": { "type": { "const": event_type }, "data": reference("schemas", event_type) },
    });
    if !data_may_be_absent {
        own["required"] = json!(["data"]);
    }
    json!({ "allOf": [envelope, own] })
}

/// The name of a type's message in binary mode.
fn binary(event_type: &str) -> String {
    format!("{event_type}.binary")
}

/// Every schema: the data of each type, what it is made of, and the envelopes.
fn components() -> Value {
    let mut components = Map::new();
    for (event_type, schema) in schemas() {
        adopt(event_type, schema, &mut components);
    }
    let mut headers = envelope::header_schema();
    headers["description"] = Value::from(format!(
        "The attributes as AMQP headers. These prefixes mean the same: {}.",
        PREFIXES.map(|prefix| format!("`{prefix}`")).join(", ")
    ));
    adopt(HEADERS_IN, headers, &mut components);
    adopt(ENVELOPE_IN, envelope::schema(), &mut components);
    adopt(ENVELOPE_OUT, out::envelope_schema(), &mut components);
    Value::Object(components)
}

/// Puts a schema among the components. AsyncAPI's own dialect is that of draft 7, which knows no `$defs` and reads nothing
/// beside a `$ref`; the keywords that are used mean the same in both.
fn adopt(name: &str, mut schema: Value, components: &mut Map<String, Value>) {
    if let Some(root) = schema.as_object_mut() {
        root.remove("$schema");
        if let Some(Value::Object(parts)) = root.remove("$defs") {
            for (part, mut schema) in parts {
                point_to_components(&mut schema, name);
                components.insert(format!("{name}.{part}"), schema);
            }
        }
    }
    point_to_components(&mut schema, name);
    components.insert(name.to_owned(), schema);
}

fn point_to_components(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(members) => {
            for member in members.values_mut() {
                point_to_components(member, name);
            }
            let target = members.get("$ref").and_then(Value::as_str);
            let Some(part) = target.and_then(|target| target.strip_prefix("#/$defs/")) else {
                return;
            };
            let reference = reference("schemas", &format!("{name}.{part}"));
            if members.len() == 1 {
                *schema = reference;
            } else {
                members.remove("$ref");
                members.insert("allOf".to_owned(), json!([reference]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_to_components(item, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn reference(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{section}/{name}") })
}

#[cfg(test)]
mod tests;
