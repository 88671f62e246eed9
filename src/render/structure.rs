//! What a template may be made of, whatever it is about: limits, forbidden tags, and partials that exist and end.
//!
//! A template is an operator's code. The engine underneath bounds neither recursion nor nesting, and running out of stack
//! ends the process: all of that is settled here, before anything is rendered.

use std::collections::BTreeMap;

use handlebars::template::{DecoratorTemplate, Parameter, Template, TemplateElement};

use crate::render::Limits;
use crate::render::finding::{Finding, Position, position_of};
use crate::render::source::{Source, Templates};

/// Deepest nesting of blocks and of parentheses.
const DEPTH: usize = 40;

/// Where each template includes which others.
pub(super) type Includes = BTreeMap<String, Vec<(String, Position)>>;

/// What is wrong with a text before it is parsed.
pub(super) fn before_parsing(source: &Source, limits: &Limits) -> Option<String> {
    if source.text.len() > limits.template_bytes {
        return Some(format!("larger than {} bytes", limits.template_bytes));
    }
    let (mut blocks, mut parentheses, mut deepest) = (0_usize, 0_usize, 0_usize);
    for (index, character) in source.text.char_indices() {
        match character {
            '{' if opens(&source.text[index..], '#') => blocks += 1,
            '{' if opens(&source.text[index..], '/') => blocks = blocks.saturating_sub(1),
            '(' => parentheses += 1,
            ')' => parentheses = parentheses.saturating_sub(1),
            '}' => parentheses = 0,
            _ => {}
        }
        deepest = deepest.max(blocks).max(parentheses);
    }
    (deepest > DEPTH).then(|| format!("nested more than {DEPTH} deep"))
}

/// Whether `text` begins with a tag of this sigil, as `{{#` or `{{~#`.
fn opens(text: &str, sigil: char) -> bool {
    let tag = text.strip_prefix("{{");
    tag.is_some_and(|tag| tag.strip_prefix('~').unwrap_or(tag).starts_with(sigil))
}

/// Looks for what is forbidden in `template` and collects what it includes.
pub(super) fn inspect(
    template: &Template,
    source: &Source,
    includes: &mut Vec<(String, Position)>,
    findings: &mut Vec<Finding>,
) {
    let mut inspection = Inspection { source, includes, findings };
    inspection.template(template, (1, 1));
}

struct Inspection<'a> {
    source: &'a Source,
    includes: &'a mut Vec<(String, Position)>,
    findings: &'a mut Vec<Finding>,
}

impl Inspection<'_> {
    fn template(&mut self, template: &Template, parent: Position) {
        for (index, element) in template.elements.iter().enumerate() {
            let at = template.mapping.get(index).map_or(parent, |mapping| (mapping.0, mapping.1));
            self.element(element, at);
        }
    }

    fn element(&mut self, element: &TemplateElement, at: Position) {
        match element {
            TemplateElement::RawString(_)
            | TemplateElement::Comment(_)
            | TemplateElement::Expression(_) => {}
            TemplateElement::HtmlExpression(_) => {
                self.refuse(at, "{{{…}}} and {{&…}} do not escape: use {{…}}");
            }
            TemplateElement::HelperBlock(block) => {
                for inner in block.template.iter().chain(&block.inverse) {
                    self.template(inner, at);
                }
            }
            TemplateElement::PartialExpression(partial) => self.include(partial, at),
            TemplateElement::PartialBlock(partial) => {
                self.include(partial, at);
                partial.template.iter().for_each(|inner| self.template(inner, at));
            }
            _ => {
                self.refuse(at, "decorators and inline partials cannot be checked: use a file in a folder that begins with _");
            }
        }
    }

    fn include(&mut self, partial: &DecoratorTemplate, at: Position) {
        match partial.name {
            Parameter::Name(_) | Parameter::Path(_) => {
                let name = partial.name.as_name().unwrap_or_default();
                if name != PARTIAL_BLOCK {
                    let at = position_of(&self.source.text, name, at);
                    self.includes.push((name.to_owned(), at));
                }
            }
            _ => self.refuse(at, "the name of a partial must be written out"),
        }
    }

    fn refuse(&mut self, (line, column): Position, message: &str) {
        let file = self.source.file.clone();
        self.findings.push(Finding { file, line, column, message: message.to_owned() });
    }
}

/// Where a partial puts what its user wraps in it.
pub(super) const PARTIAL_BLOCK: &str = "@partial-block";

/// Partials that do not exist, are of the other kind (text in HTML), or include themselves by a detour.
pub(super) fn broken_includes(templates: &Templates, includes: &Includes) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, included) in includes {
        let Some(source) = templates.get(path) else { continue };
        for (name, (line, column)) in included {
            let problem = if templates.get(name).is_none() {
                Some(format!("there is no template `{name}`"))
            } else if is_html(name) != is_html(path) {
                Some(format!("`{name}` is not of the same kind: text and HTML do not mix"))
            } else if reaches(includes, name, path, &mut Vec::new()) {
                Some(format!("`{name}` includes this template again"))
            } else {
                None
            };
            findings.extend(problem.map(|message| Finding {
                file: source.file.clone(),
                line: *line,
                column: *column,
                message,
            }));
        }
    }
    findings
}

/// Whether a template is for HTML, by its path.
pub(super) fn is_html(path: &str) -> bool {
    path.ends_with(".html")
}

fn reaches<'a>(includes: &'a Includes, from: &'a str, goal: &str, seen: &mut Vec<&'a str>) -> bool {
    if from == goal {
        return true;
    }
    if seen.contains(&from) {
        return false;
    }
    seen.push(from);
    let further = includes.get(from).into_iter().flatten();
    further.into_iter().any(|(name, _)| reaches(includes, name, goal, seen))
}
