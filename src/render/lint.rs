//! Finds variables that a notice does not have, before anybody waits for it: in every branch of every template, also inside
//! `if`, where the engine's strict mode looks away.
//!
//! Walks the parsed template with the notice's schema: `each`, `with` and partials change what a name means, `if` and `with`
//! prove that an optional value is there. Renders nothing.

use handlebars::template::{
    BlockParam, DecoratorTemplate, HelperTemplate, Parameter, Template, TemplateElement,
};
use handlebars::{JsonValue, Path};

use crate::render::catalogue::Catalogue;
use crate::render::finding::{Finding, Position, closest, position_of};
use crate::render::helpers::{HELPERS, Signature, Takes};
use crate::render::scope::{Frame, Scope, Value};
use crate::render::shape::{Shape, Sort};
use crate::render::structure::PARTIAL_BLOCK;

/// What is wrong with the variables of the template at `path`, and in what it includes, for a notice with `schema`.
pub(super) fn lint(catalogue: &Catalogue, path: &str, schema: &Shape) -> Vec<Finding> {
    let mut linter = Linter { catalogue, top: path, path: path.to_owned(), findings: Vec::new() };
    if let Some(template) = catalogue.compiled(path) {
        linter.template(template, (1, 1), &Scope::root(schema));
    }
    linter.findings
}

struct Linter<'a> {
    catalogue: &'a Catalogue,
    /// The template of the notice.
    top: &'a str,
    /// The template that is being looked at: that one or a partial.
    path: String,
    findings: Vec<Finding>,
}

/// What is asked of a value where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It is asked whether it is there.
    Asked,
    /// It must be there.
    Needed,
}

impl Linter<'_> {
    fn template(&mut self, template: &Template, parent: Position, scope: &Scope<'_>) {
        for (index, element) in template.elements.iter().enumerate() {
            let at = template.mapping.get(index).map_or(parent, |mapping| (mapping.0, mapping.1));
            match element {
                TemplateElement::Expression(tag) => self.expression(tag, at, scope),
                TemplateElement::HelperBlock(block) => self.block(block, at, scope),
                TemplateElement::PartialExpression(partial)
                | TemplateElement::PartialBlock(partial) => self.partial(partial, at, scope),
                // Text and comments; what else there is was refused when the template was compiled.
                _ => {}
            }
        }
    }

    fn expression(&mut self, tag: &HelperTemplate, at: Position, scope: &Scope<'_>) {
        match &tag.name {
            Parameter::Path(path) if tag.params.is_empty() && tag.hash.is_empty() => {
                if let Some(value) = self.path(path, at, scope, Use::Needed) {
                    self.printed(&value, at);
                }
            }
            name => {
                let name = name.as_name().unwrap_or_default().to_owned();
                self.call(&name, tag, at, scope);
            }
        }
    }

    /// A value on its own in a tag: text and numbers only.
    fn printed(&mut self, value: &Value<'_>, at: Position) {
        let advice = match &value.shape {
            Shape::Text | Shape::Number => return,
            Shape::Object(Sort::Moment, _) => "print it with `date`, `time` or `datetime`",
            Shape::Object(Sort::Amount, _) => "print it with `money`",
            Shape::List(_) => "go through it with `each`, or print it with `list`",
            Shape::Flag => "ask for it with `if`",
            Shape::Object(Sort::Plain, _) => "print one of its fields",
        };
        let noun = value.shape.noun();
        self.find(&value.raw, at, format!("`{}` is a {noun}: {advice}", value.raw));
    }

    /// A helper with its parameters, also inside of another tag.
    fn call(&mut self, name: &str, tag: &HelperTemplate, at: Position, scope: &Scope<'_>) {
        let Some(signature) = HELPERS.iter().find(|helper| helper.name == name) else {
            let known = closest(name, HELPERS.iter().map(|helper| helper.name));
            let hint = known.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
            return self.find(name, at, format!("there is no helper `{name}`{hint}"));
        };
        let given = tag.params.len();
        if given < signature.takes.len() || given > signature.takes.len() && !signature.more {
            let takes = signature.takes.len();
            self.find(name, at, format!("`{name}` takes {takes} values, here are {given}"));
        }
        for (index, parameter) in tag.params.iter().enumerate() {
            let takes = signature.takes.get(index).or_else(|| signature.takes.last());
            self.argument(
                signature,
                takes.copied().unwrap_or(Takes::Anything),
                parameter,
                at,
                scope,
            );
        }
        for parameter in tag.hash.values() {
            self.argument(signature, Takes::Anything, parameter, at, scope);
        }
    }

    fn argument(
        &mut self,
        signature: &Signature,
        takes: Takes,
        parameter: &Parameter,
        at: Position,
        scope: &Scope<'_>,
    ) {
        let using = if takes == Takes::Anything { Use::Asked } else { Use::Needed };
        let Some(value) = self.parameter(parameter, at, scope, using) else { return };
        if !fits(takes, value.shape) {
            let (name, noun) = (signature.name, value.shape.noun());
            self.find(&value.raw, at, format!("`{name}` cannot take `{}`, a {noun}", value.raw));
        }
    }

    /// What a parameter stands for; `None` for a call, of which only the parameters are looked at, and for what is unknown.
    fn parameter<'s>(
        &mut self,
        parameter: &Parameter,
        at: Position,
        scope: &Scope<'s>,
        using: Use,
    ) -> Option<Value<'s>> {
        match parameter {
            Parameter::Path(path) => self.path(path, at, scope, using),
            Parameter::Literal(literal) => Some(of_literal(literal)),
            Parameter::Subexpression(call) => {
                if let TemplateElement::Expression(tag) = call.as_element() {
                    self.expression_in_call(tag, at, scope);
                }
                None
            }
            other => {
                let name = other.as_name().unwrap_or_default();
                self.find(name, at, format!("`{name}` is not a value"));
                None
            }
        }
    }

    fn expression_in_call(&mut self, tag: &HelperTemplate, at: Position, scope: &Scope<'_>) {
        match &tag.name {
            Parameter::Path(path) if tag.params.is_empty() => {
                self.path(path, at, scope, Use::Asked);
            }
            name => {
                let name = name.as_name().unwrap_or_default().to_owned();
                self.call(&name, tag, at, scope);
            }
        }
    }

    fn path<'s>(
        &mut self,
        path: &Path,
        at: Position,
        scope: &Scope<'s>,
        using: Use,
    ) -> Option<Value<'s>> {
        let (Path::Relative((_, raw)) | Path::Local((_, _, raw))) = path;
        match scope.resolve(raw) {
            Err(message) => {
                self.find(raw, at, message);
                None
            }
            Ok(value) if value.never && self.path == self.top => {
                self.find(raw, at, format!("this notice has no `{raw}` here"));
                None
            }
            Ok(value) => {
                if let (Use::Needed, Some(absent)) = (using, &value.may_be_absent) {
                    let message =
                        format!("`{absent}` may be absent: ask first, with {{{{#if {absent}}}}}");
                    self.find(raw, at, message);
                }
                Some(value)
            }
        }
    }

    fn block(&mut self, block: &HelperTemplate, at: Position, scope: &Scope<'_>) {
        let name = block.name.as_name().unwrap_or_default().to_owned();
        if let Some(BlockParam::Single(_) | BlockParam::Pair(_)) = &block.block_param {
            self.find(
                &name,
                at,
                "block parameters (`as |x|`) cannot be checked: use the name".to_owned(),
            );
        }
        match name.as_str() {
            "if" | "unless" => {
                self.call(&name, block, at, scope);
                let (yes, no) = block
                    .params
                    .first()
                    .map_or_else(Default::default, |condition| scope.proves(condition));
                let (then, otherwise) = if name == "if" { (yes, no) } else { (no, yes) };
                self.branch(block.template.as_ref(), at, &scope.with(then));
                self.branch(block.inverse.as_ref(), at, &scope.with(otherwise));
            }
            "each" | "with" => self.enter(&name, block, at, scope),
            _ => {
                self.find(&name, at, format!("there is no block `{name}`"));
                self.branch(block.template.as_ref(), at, scope);
                self.branch(block.inverse.as_ref(), at, scope);
            }
        }
    }

    fn branch(&mut self, template: Option<&Template>, at: Position, scope: &Scope<'_>) {
        if let Some(template) = template {
            self.template(template, at, scope);
        }
    }

    /// `each` and `with`: what is inside is seen from inside the value.
    fn enter(&mut self, name: &str, block: &HelperTemplate, at: Position, scope: &Scope<'_>) {
        self.branch(block.inverse.as_ref(), at, scope);
        let Some(parameter) = block.params.first() else {
            return self.find(name, at, format!("`{name}` takes a value"));
        };
        // Without an else branch the engine fails on an absent value.
        let using = if block.inverse.is_some() { Use::Asked } else { Use::Needed };
        let Some(value) = self.parameter(parameter, at, scope, using) else { return };
        let looping = name == "each";
        let inner = match (&value.shape, looping) {
            (Shape::List(element), true) => Frame::new(element, format!("{}[]", value.path), true),
            (Shape::Object(..), false) => {
                Frame::new(value.shape, value.path.clone(), scope.here().is_looping())
            }
            (shape, _) => {
                let message =
                    format!("`{name}` cannot go into `{}`, a {}", value.raw, shape.noun());
                return self.find(&value.raw, at, message);
            }
        };
        let inside = scope.with(vec![value.path]).enter(inner);
        self.branch(block.template.as_ref(), at, &inside);
    }

    fn partial(&mut self, partial: &DecoratorTemplate, at: Position, scope: &Scope<'_>) {
        let name = partial.name.as_name().unwrap_or_default();
        if name == PARTIAL_BLOCK {
            return;
        }
        let mut frame = match partial.params.first() {
            // A partial sees what its user sees, and what that was given itself.
            None => scope.here().clone(),
            Some(parameter) => match self.parameter(parameter, at, scope, Use::Needed) {
                Some(value) => Frame::new(value.shape, value.path, scope.here().is_looping()),
                None => return,
            },
        };
        let mut hash: Vec<_> = partial.hash.iter().collect();
        hash.sort_by_key(|(name, _)| name.as_str());
        for (name, parameter) in hash {
            if let Some(value) = self.parameter(parameter, at, scope, Use::Needed) {
                frame.add(name, value);
            }
        }
        let inside = scope.enter(frame);
        // What is wrapped in a partial is rendered inside of it, before it.
        self.branch(partial.template.as_ref(), at, &inside);
        if let Some(template) = self.catalogue.compiled(name) {
            let path = std::mem::replace(&mut self.path, name.to_owned());
            self.template(template, (1, 1), &inside);
            self.path = path;
        }
    }

    fn find(&mut self, name: &str, at: Position, mut message: String) {
        let Some(source) = self.catalogue.templates().get(&self.path) else { return };
        let (line, column) = position_of(&source.text, name, at);
        if self.path != self.top {
            message = format!("{message} (as included by {}.hbs)", self.top);
        }
        let finding = Finding { file: source.file.clone(), line, column, message };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

fn of_literal(literal: &JsonValue) -> Value<'static> {
    let shape = match literal {
        JsonValue::Number(_) => &Shape::Number,
        JsonValue::Bool(_) => &Shape::Flag,
        _ => &Shape::Text,
    };
    Value {
        shape,
        path: String::new(),
        raw: literal.to_string(),
        may_be_absent: None,
        never: false,
    }
}

fn fits(takes: Takes, shape: &Shape) -> bool {
    match takes {
        Takes::Anything => true,
        Takes::Moment => matches!(shape, Shape::Object(Sort::Moment, _)),
        Takes::Amount => matches!(shape, Shape::Object(Sort::Amount, _)),
        Takes::Number => *shape == Shape::Number,
        Takes::Text => *shape == Shape::Text,
        Takes::List => matches!(shape, Shape::List(_)),
    }
}
