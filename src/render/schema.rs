//! Which variables a notice has: those of all notices, less those that make no sense in it.
//!
//! A kind that is not listed has all of them, and none of the optional ones for certain.

use serde_json::Value;

use crate::engine::policy::Channel;
use crate::render::shape::{Field, Shape, Variable};
use crate::render::variables::Variables;

/// What is particular about one kind of notice. Paths go through lists without an index.
struct Particular {
    kind: &'static str,
    /// Optional elsewhere, always there here.
    always: &'static [&'static str],
    /// Never there.
    never: &'static [&'static [&'static str]],
}

/// What only text messages have: the space of an e-mail is not scarce.
const SMS_ONLY: [&str; 3] = ["names", "unnamed", "link"];
const TERM: &[&str] = &["expires_at", "groups.expires_at", "groups.auto_renew"];
const RATE: &[&str] = &["daily_consumption", "runway"];
const ARREARS: &[&str] = &["arrears_since"];
const MONEY: &[&str] = &["balance", "owed"];
const CHARGE: &[&str] = &["groups.items.attempt", "groups.items.attempts"];
const NEXT: &[&str] = &["next_attempt_at", "groups.items.next_attempt_at"];
const PRICE: &[&str] = &["total", "groups.items.price"];
const DETACHED: &[&str] = &["detached", "groups.items.detached"];
const FUTURE: &[&str] = &["act_by", "loss_at"];

const EXPIRES: &[&str] = &["expires_at", "groups.expires_at"];

/// What becomes of everything with a change, or with the end that is warned of.
const CHANGE: &[&str] =
    &["groups.items.destroyed", "groups.items.retained", "groups.items.retained_billable"];
/// What is to be done once it works again.
const HINTS: &[&str] = &["hints", "groups.items.hints"];
const REFUND: &[&str] = &["refunded", "groups.items.refund"];
const ENDS: &[&str] = &["ends_at", "groups.items.ends_at"];

const PARTICULARS: [Particular; 14] = [
    Particular {
        kind: "renewal-reminder",
        always: EXPIRES,
        never: &[RATE, ARREARS, CHANGE, HINTS, REFUND, ENDS],
    },
    Particular {
        kind: "expiry-warning",
        always: EXPIRES,
        never: &[RATE, ARREARS, CHARGE, CHANGE, HINTS, REFUND, ENDS],
    },
    Particular {
        kind: "charge-failed",
        always: &["expires_at", "groups.expires_at", "groups.items.attempt"],
        never: &[RATE, ARREARS, CHANGE, HINTS, REFUND, ENDS],
    },
    Particular {
        kind: "expired",
        always: EXPIRES,
        never: &[RATE, ARREARS, CHARGE, HINTS, REFUND, ENDS],
    },
    Particular {
        kind: "balance-warning",
        always: &["balance", "runway"],
        never: &[TERM, ARREARS, CHARGE, NEXT, PRICE, DETACHED, CHANGE, HINTS, REFUND, ENDS],
    },
    Particular {
        kind: "arrears",
        always: &[],
        never: &[TERM, RATE, CHARGE, NEXT, PRICE, CHANGE, HINTS, REFUND, ENDS],
    },
    Particular {
        kind: "reclaimed",
        always: &[],
        never: &[RATE, ARREARS, MONEY, CHARGE, NEXT, PRICE, DETACHED, FUTURE, HINTS, REFUND, ENDS],
    },
    Particular { kind: "stopped", always: &[], never: &[RATE, CHARGE, NEXT, HINTS, REFUND, ENDS] },
    Particular {
        kind: "release-warning",
        always: &[],
        never: &[RATE, CHARGE, NEXT, HINTS, REFUND, ENDS],
    },
    Particular {
        kind: "renewed",
        always: EXPIRES,
        // A price of the next renewal would be taken for that of this one.
        never: &[RATE, ARREARS, MONEY, CHARGE, PRICE, CHANGE, REFUND, ENDS],
    },
    Particular {
        kind: "restored",
        always: &[],
        never: &[RATE, ARREARS, CHARGE, PRICE, CHANGE, REFUND, ENDS],
    },
    Particular {
        kind: "terminated",
        always: &[],
        never: &[RATE, ARREARS, MONEY, CHARGE, NEXT, PRICE, HINTS, REFUND, ENDS],
    },
    Particular {
        kind: "termination-scheduled",
        always: ENDS,
        never: &[RATE, ARREARS, MONEY, CHARGE, NEXT, PRICE, DETACHED, HINTS, REFUND],
    },
    Particular {
        kind: "returned",
        always: REFUND,
        never: &[RATE, ARREARS, MONEY, CHARGE, NEXT, PRICE, HINTS, ENDS],
    },
];

/// The kinds of notices that something particular is known of, in the order in which a customer meets them.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    PARTICULARS.iter().map(|particular| particular.kind)
}

/// What the templates of `kind` can name on `channel`.
pub fn schema(kind: &str, channel: Channel) -> Shape {
    let mut shape = Variables::shape();
    if channel == Channel::Email {
        SMS_ONLY.iter().for_each(|path| remove(&mut shape, path));
    }
    if let Some(particular) = particular(kind) {
        particular.never().for_each(|path| remove(&mut shape, path));
        particular.always.iter().for_each(|path| require(&mut shape, path));
    }
    shape
}

/// The first variable that `kind` always has and that `data` does not.
pub(super) fn lacking(kind: &str, data: &Value) -> Option<&'static str> {
    let always = particular(kind)?.always;
    always.iter().find(|path| !has(data, path)).copied()
}

/// Takes out of `data` what `kind` never has, whatever the notice holds: so that what `check` saw is what is sent.
pub(super) fn prune(kind: &str, data: &mut Value) {
    if let Some(particular) = particular(kind) {
        particular.never().for_each(|path| take(data, path));
    }
}

fn take(data: &mut Value, path: &str) {
    match data {
        Value::Array(elements) => elements.iter_mut().for_each(|element| take(element, path)),
        Value::Object(fields) => match path.split_once('.') {
            None => drop(fields.remove(path)),
            Some((name, rest)) => {
                if let Some(inner) = fields.get_mut(name) {
                    take(inner, rest);
                }
            }
        },
        _ => {}
    }
}

/// The variables of `shape` as `path`, field, with lists as `groups[]`; what a document lists.
pub fn paths(shape: &Shape) -> Vec<(String, Field)> {
    let mut paths = Vec::new();
    walk(shape, "", &mut paths);
    paths
}

fn walk(shape: &Shape, prefix: &str, paths: &mut Vec<(String, Field)>) {
    match shape {
        Shape::List(element) => walk(element, &format!("{prefix}[]"), paths),
        Shape::Object(crate::render::shape::Sort::Plain, fields) => {
            for field in fields.iter().filter(|field| !field.never) {
                let path = if prefix.is_empty() {
                    field.name.to_owned()
                } else {
                    format!("{prefix}.{}", field.name)
                };
                paths.push((path.clone(), field.clone()));
                walk(&field.shape, &path, paths);
            }
        }
        _ => {}
    }
}

impl Particular {
    fn never(&self) -> impl Iterator<Item = &'static str> {
        self.never.iter().flat_map(|paths| paths.iter().copied())
    }
}

fn particular(kind: &str) -> Option<&'static Particular> {
    PARTICULARS.iter().find(|particular| particular.kind == kind)
}

fn remove(shape: &mut Shape, path: &str) {
    edit(shape, path, &mut |fields, name| {
        for field in fields.iter_mut().filter(|field| field.name == name) {
            (field.never, field.optional) = (true, true);
        }
    });
}

fn require(shape: &mut Shape, path: &str) {
    edit(shape, path, &mut |fields, name| {
        for field in fields.iter_mut().filter(|field| field.name == name) {
            field.optional = false;
        }
    });
}

fn edit(shape: &mut Shape, path: &str, change: &mut dyn FnMut(&mut Vec<Field>, &str)) {
    match (shape, path.split_once('.')) {
        (Shape::List(element), _) => edit(element, path, change),
        (Shape::Object(_, fields), None) => change(fields, path),
        (Shape::Object(_, fields), Some((name, rest))) => {
            if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
                edit(&mut field.shape, rest, change);
            }
        }
        _ => {}
    }
}

fn has(data: &Value, path: &str) -> bool {
    match data {
        Value::Array(elements) => elements.iter().all(|element| has(element, path)),
        Value::Object(fields) => match path.split_once('.') {
            None => fields.contains_key(path),
            Some((name, rest)) => fields.get(name).is_some_and(|inner| has(inner, rest)),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests;
