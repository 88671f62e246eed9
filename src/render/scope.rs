//! What a name means at one place of a template: the values around it, and which of them are known to be there.
//!
//! Follows the rules of the engine: `each`, `with` and every partial are one step for `../`; `if` is none.

use handlebars::Path;
use handlebars::template::{Parameter, TemplateElement};

use crate::render::finding::closest;
use crate::render::shape::Shape;

/// Everything that is around one place.
#[derive(Debug, Clone)]
pub(super) struct Scope<'s> {
    /// From the notice inwards; never empty.
    frames: Vec<Frame<'s>>,
    /// Paths of values that are known to be there.
    present: Vec<String>,
}

/// One step inwards.
#[derive(Debug, Clone)]
pub(super) struct Frame<'s> {
    shape: &'s Shape,
    /// Where it is, from the notice: `groups[].items[]`.
    path: String,
    /// Whether it is an element of `each`, so that there is an `@index`.
    looping: bool,
    /// What a partial was given by name.
    given: Vec<(String, Value<'s>)>,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) struct Value<'s> {
    /// Its shape.
    pub shape: &'s Shape,
    /// Where it is, from the notice.
    pub path: String,
    /// As the template writes it.
    pub raw: String,
    /// The part of the name that may be absent and was not asked for, if there is one.
    pub may_be_absent: Option<String>,
    /// It, or what it is a part of, is never there in this notice.
    pub never: bool,
}

impl<'s> Frame<'s> {
    pub(super) fn new(shape: &'s Shape, path: String, looping: bool) -> Self {
        Self { shape, path, looping, given: Vec::new() }
    }

    /// Whether there is an `@index` here.
    pub(super) fn is_looping(&self) -> bool {
        self.looping
    }

    /// Gives a partial `value` by `name`.
    pub(super) fn add(&mut self, name: &str, value: Value<'s>) {
        self.given.retain(|(known, _)| known != name);
        self.given.push((name.to_owned(), value));
    }
}

impl<'s> Scope<'s> {
    pub(super) fn root(schema: &'s Shape) -> Self {
        let frame = Frame::new(schema, String::new(), false);
        Self { frames: vec![frame], present: Vec::new() }
    }

    /// The innermost step.
    pub(super) fn here(&self) -> &Frame<'s> {
        self.frames.last().expect("a scope begins with the notice")
    }

    /// One step further in.
    pub(super) fn enter(&self, frame: Frame<'s>) -> Self {
        let mut inner = self.clone();
        inner.frames.push(frame);
        inner
    }

    /// The same place where `paths` are known to be there.
    pub(super) fn with(&self, paths: Vec<String>) -> Self {
        let mut surer = self.clone();
        surer.present.extend(paths);
        surer
    }

    /// What `raw` stands for, or why it stands for nothing.
    pub(super) fn resolve(&self, raw: &str) -> Result<Value<'s>, String> {
        let (frame, name) = self.start(raw)?;
        let mut value = Value {
            shape: frame.shape,
            path: frame.path.clone(),
            raw: raw.to_owned(),
            may_be_absent: None,
            never: false,
        };
        let mut given = Some(&frame.given);
        let mut walked = raw[..raw.len() - name.len()].to_owned();
        for segment in name.split(['.', '/']).filter(|segment| !matches!(*segment, "" | "this")) {
            let segment = segment.trim_start_matches('[').trim_end_matches(']');
            walked = format!("{walked}{segment}");
            let found =
                given.take().and_then(|given| given.iter().find(|(name, _)| name == segment));
            if let Some((_, known)) = found {
                value.shape = known.shape;
                value.path.clone_from(&known.path);
            } else {
                let field = value
                    .shape
                    .field(segment)
                    .ok_or_else(|| self.unknown(raw, segment, value.shape))?;
                value.path = join(&value.path, segment);
                value.shape = &field.shape;
                value.never |= field.never;
                if field.optional
                    && value.may_be_absent.is_none()
                    && !self.present.contains(&value.path)
                {
                    value.may_be_absent = Some(walked.clone());
                }
            }
            walked.push('.');
        }
        Ok(value)
    }

    /// The step that `raw` begins at, and the rest of it.
    fn start<'r>(&self, raw: &'r str) -> Result<(Frame<'s>, &'r str), String> {
        let name = raw.strip_prefix("./").unwrap_or(raw);
        if let Some(name) = name.strip_prefix("@root") {
            return Ok((self.frames[0].clone(), name.trim_start_matches(['.', '/'])));
        }
        let (local, mut name) = name.strip_prefix('@').map_or((false, name), |name| (true, name));
        let mut depth = self.frames.len() - 1;
        while let Some(rest) = name.strip_prefix("..") {
            depth =
                depth.checked_sub(1).ok_or_else(|| format!("`{raw}` leads out of the notice"))?;
            name = rest.strip_prefix(['/', '.']).unwrap_or(rest);
        }
        if !local {
            return Ok((self.frames[depth].clone(), name));
        }
        let shape: &'static Shape = match name {
            "index" => &Shape::Number,
            "first" | "last" => &Shape::Flag,
            _ => return Err(format!("there is no `{raw}`")),
        };
        if !self.frames[depth].looping {
            return Err(format!("`{raw}` is known only inside of `each`"));
        }
        Ok((Frame::new(shape, String::new(), false), ""))
    }

    fn unknown(&self, raw: &str, segment: &str, shape: &Shape) -> String {
        let given = self.here().given.iter().map(|(name, _)| name.as_str());
        let fields = shape.fields().iter().filter(|field| !field.never);
        let known = fields.map(|field| field.name).chain(given);
        let hint = if let Some(near) = closest(segment, known) {
            format!("; did you mean `{near}`?")
        } else if let Some(outer) =
            self.frames.iter().rev().position(|frame| frame.shape.field(segment).is_some())
        {
            format!("; did you mean `{}{segment}`?", "../".repeat(outer))
        } else {
            String::new()
        };
        format!("this notice has no `{raw}` here{hint}")
    }

    /// Paths that are there where `condition` holds, and where it does not.
    pub(super) fn proves(&self, condition: &Parameter) -> (Vec<String>, Vec<String>) {
        match condition {
            Parameter::Path(Path::Relative((_, raw))) => {
                (self.resolve(raw).map(|value| vec![value.path]).unwrap_or_default(), Vec::new())
            }
            Parameter::Subexpression(call) => {
                let TemplateElement::Expression(tag) = call.as_element() else {
                    return Default::default();
                };
                let parts = || tag.params.iter().map(|parameter| self.proves(parameter));
                match tag.name.as_name().unwrap_or_default() {
                    "not" => parts().next().map(|(yes, no)| (no, yes)).unwrap_or_default(),
                    "and" => (parts().flat_map(|(yes, _)| yes).collect(), Vec::new()),
                    "or" => (Vec::new(), parts().flat_map(|(_, no)| no).collect()),
                    "eq" if tag.params.iter().any(is_something) => {
                        (parts().flat_map(|(yes, _)| yes).collect(), Vec::new())
                    }
                    _ => Default::default(),
                }
            }
            _ => Default::default(),
        }
    }
}

/// A literal that an absent value is not equal to.
fn is_something(parameter: &Parameter) -> bool {
    matches!(parameter, Parameter::Literal(literal) if !literal.is_null())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
