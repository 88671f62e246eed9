//! What templates can call: dates, money, counting, and comparisons that take an absent value for null.
//!
//! What is to be printed must be there: `date`, `money` and `plural` fail on an absent value, so that a notice never says
//! "expires on ." The signatures are data, so that `check` can hold every call against them.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, PathAndJson, RenderContext, RenderError,
    RenderErrorReason, ScopedJson,
};
use serde_json::Value;

/// What a helper takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Whatever, or nothing at all.
    Anything,
    /// An instant.
    Moment,
    /// An amount.
    Amount,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
}

/// One helper.
pub struct Signature {
    /// Its name.
    pub name: &'static str,
    /// What it takes, in order.
    pub takes: &'static [Takes],
    /// Whether more of the last one can follow.
    pub more: bool,
    /// What it does, for the documentation.
    pub about: &'static str,
    run: Option<Run>,
}

type Run = fn(&Helper<'_>) -> Result<Value, RenderError>;

const fn helper(
    name: &'static str,
    takes: &'static [Takes],
    run: Run,
    about: &'static str,
) -> Signature {
    Signature { name, takes, more: false, about, run: Some(run) }
}

const fn builtin(name: &'static str, takes: &'static [Takes], about: &'static str) -> Signature {
    Signature { name, takes, more: false, about, run: None }
}

use Takes::{Amount, Anything, List, Moment, Number, Text};

/// Everything that a template can call.
pub const HELPERS: [Signature; 20] = [
    helper("date", &[Moment], date, "`2026-03-10`"),
    helper("time", &[Moment], time, "`15:30`"),
    helper("datetime", &[Moment], datetime, "`2026-03-10 15:30 (UTC+8)`"),
    helper("money", &[Amount], money, "`12.00 CNY`"),
    helper("plural", &[Number, Text, Text], plural, "`1 resource`, `3 resources`"),
    helper("words", &[Text], words, "`load_balancer` as `load balancer`"),
    helper("list", &[List], list, "joins texts or labels: `{{list detached max=3 sep=\", \"}}`"),
    helper("default", &[Anything, Anything], default, "the second value where the first is absent"),
    helper("eq", &[Anything, Anything], |h| Ok((value(h, 0) == value(h, 1)).into()), "equal"),
    helper("ne", &[Anything, Anything], |h| Ok((value(h, 0) != value(h, 1)).into()), "not equal"),
    Signature {
        more: true,
        ..helper(
            "and",
            &[Anything, Anything],
            |h| Ok(h.params().iter().all(holds).into()),
            "all of them",
        )
    },
    Signature {
        more: true,
        ..helper(
            "or",
            &[Anything, Anything],
            |h| Ok(h.params().iter().any(holds).into()),
            "one of them",
        )
    },
    helper("not", &[Anything], |h| Ok((!h.param(0).is_some_and(holds)).into()), "none of it"),
    builtin("gt", &[Number, Number], "greater"),
    builtin("lt", &[Number, Number], "less"),
    builtin("gte", &[Number, Number], "greater or equal"),
    builtin(
        "if",
        &[Anything],
        "`{{#if x}}…{{else}}…{{/if}}`: there, not zero, not empty, not false",
    ),
    builtin("unless", &[Anything], "the other way round"),
    builtin("each", &[List], "once for each element, with `@index`, `@first`, `@last`, `../`"),
    builtin("with", &[Anything], "inside of an object; asks for it as `if` does"),
];

/// Adds the helpers to `registry` and takes away what cannot be checked.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    for signature in &HELPERS {
        if let Some(run) = signature.run {
            registry.register_helper(signature.name, Box::new(Computed(run)));
        }
    }
    for unchecked in ["lookup", "log", "raw", "lte", "len"] {
        registry.unregister_helper(unchecked);
    }
}

/// A helper that computes a value; the registry escapes it.
struct Computed(Run);

impl HelperDef for Computed {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        (self.0)(helper).map(ScopedJson::Derived)
    }
}

/// The value of a parameter; null where it is absent.
fn value<'a>(helper: &'a Helper<'_>, index: usize) -> &'a Value {
    helper.param(index).map_or(&Value::Null, PathAndJson::value)
}

fn holds(param: &PathAndJson<'_>) -> bool {
    use handlebars::JsonTruthy;
    param.value().is_truthy(false)
}

/// The text field `name` of the parameter, which must be an object that has it.
fn field<'a>(helper: &'a Helper<'_>, name: &str, what: &str) -> Result<&'a str, RenderError> {
    value(helper, 0).get(name).and_then(Value::as_str).ok_or_else(|| {
        let path = helper.param(0).and_then(|param| param.relative_path());
        let path = path.map_or("its parameter", String::as_str);
        other(format!("`{}` takes {what}; `{path}` is none or is absent", helper.name()))
    })
}

fn other(reason: String) -> RenderError {
    RenderErrorReason::Other(reason).into()
}

fn date(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let local = field(helper, "local", "a moment")?;
    Ok(local.split(' ').next().unwrap_or(local).into())
}

fn time(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let local = field(helper, "local", "a moment")?;
    Ok(local.split(' ').next_back().unwrap_or(local).into())
}

fn datetime(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let local = field(helper, "local", "a moment")?;
    Ok(format!("{local} ({})", field(helper, "offset", "a moment")?).into())
}

fn money(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let number = field(helper, "number", "an amount")?;
    Ok(format!("{number} {}", field(helper, "currency", "an amount")?).into())
}

fn plural(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let number = value(helper, 0).as_i64();
    let number = number.ok_or_else(|| other("`plural` takes a number".to_owned()))?;
    let word = value(helper, if number == 1 { 1 } else { 2 }).as_str();
    let word = word.ok_or_else(|| other("`plural` takes two words".to_owned()))?;
    Ok(format!("{number} {word}").into())
}

fn words(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let text = value(helper, 0).as_str();
    let text = text.ok_or_else(|| other("`words` takes a text".to_owned()))?;
    Ok(text.replace('_', " ").into())
}

fn default(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let first = value(helper, 0);
    Ok(if first.is_null() { value(helper, 1) } else { first }.clone())
}

fn list(helper: &Helper<'_>) -> Result<Value, RenderError> {
    let elements = value(helper, 0).as_array();
    let elements = elements.ok_or_else(|| other("`list` takes a list".to_owned()))?;
    let max = helper.hash_get("max").and_then(|max| max.value().as_u64()).unwrap_or(u64::MAX);
    let separator = helper.hash_get("sep").and_then(|sep| sep.value().as_str()).unwrap_or(", ");
    let texts = elements.iter().filter_map(|element| {
        element.as_str().or_else(|| element.get("label").and_then(Value::as_str))
    });
    let listed: Vec<&str> = texts.take(usize::try_from(max).unwrap_or(usize::MAX)).collect();
    Ok(listed.join(separator).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(template: &str) -> Result<String, RenderError> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        register(&mut registry);
        registry.render_template(
            template,
            &json!({
                "when": {"local": "2026-03-10 15:30", "offset": "UTC+8", "days": 7},
                "owed": {"number": "12.00", "currency": "CNY"},
                "one": 1, "many": 3, "kind": "load_balancer",
                "names": ["a", "b", "c"], "items": [{"label": "<x>"}],
            }),
        )
    }

    #[test]
    fn helpers_print_what_they_are_given() {
        for (template, expected) in [
            (
                "{{date when}}|{{time when}}|{{datetime when}}",
                "2026-03-10|15:30|2026-03-10 15:30 (UTC+8)",
            ),
            ("{{money owed}}", "12.00 CNY"),
            ("{{plural one \"day\" \"days\"}}, {{plural many \"day\" \"days\"}}", "1 day, 3 days"),
            ("{{words kind}}", "load balancer"),
            ("{{list names max=2 sep=\"; \"}}", "a; b"),
            ("{{list items}}", "&lt;x&gt;"),
            ("{{default absent \"-\"}}{{default kind \"-\"}}", "-load_balancer"),
        ] {
            assert_eq!(render(template).expect(template), expected);
        }
    }

    #[test]
    fn comparisons_take_an_absent_value_for_null() {
        for (condition, expected) in [
            ("(eq absent 1)", "n"),
            ("(ne absent 1)", "y"),
            ("(eq one 1)", "y"),
            ("(and one absent)", "n"),
            ("(or absent one)", "y"),
            ("(not absent)", "y"),
            ("(gt many 1)", "y"),
        ] {
            let template = format!("{{{{#if {condition}}}}}y{{{{else}}}}n{{{{/if}}}}");
            assert_eq!(render(&template).expect(condition), expected, "{condition}");
        }
    }

    #[test]
    fn nothing_is_printed_in_place_of_an_absent_value() {
        for template in [
            "{{date absent}}",
            "{{money absent}}",
            "{{plural absent \"a\" \"b\"}}",
            "{{list absent}}",
            "{{absent}}",
            "{{words absent}}",
        ] {
            assert!(render(template).is_err(), "{template}");
        }
    }

    #[test]
    fn what_cannot_be_checked_cannot_be_called() {
        assert!(render("{{lookup names 0}}").is_err());
    }
}
