//! Templates, compiled: one registry that escapes for HTML and one that does not, both strict.
//!
//! Knows no notice beyond the names of its folders.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use handlebars::{Context, Handlebars, html_escape, no_escape};

use crate::engine::policy::Channel;
use crate::render::Limits;
use crate::render::finding::Finding;
use crate::render::source::{Part, Place, Source, Templates, place};
use crate::render::structure::{self, Includes, is_html};
use crate::render::{helpers, locale};

/// Every template, ready to render.
pub struct Catalogue {
    html: Handlebars<'static>,
    text: Handlebars<'static>,
    templates: Templates,
    /// Which parts there are, by locale and kind.
    notices: BTreeMap<(String, String), BTreeSet<Part>>,
    limits: Limits,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue")
            .field("templates", &self.templates.len())
            .finish_non_exhaustive()
    }
}

impl Catalogue {
    /// Compiles `templates`. What is wrong with their structure is an error; `check` looks at the rest.
    pub fn compile(templates: Templates, limits: Limits) -> Result<Self, Vec<Finding>> {
        let mut catalogue = Self {
            html: registry(html_escape),
            text: registry(no_escape),
            notices: BTreeMap::new(),
            templates: Templates::default(),
            limits,
        };
        let mut findings = Vec::new();
        let mut includes = Includes::new();
        for (path, source) in templates.iter() {
            findings.extend(catalogue.add(path, source, &mut includes));
        }
        findings.extend(structure::broken_includes(&templates, &includes));
        catalogue.templates = templates;
        if findings.is_empty() {
            return Ok(catalogue);
        }
        findings.sort();
        Err(findings)
    }

    fn add(&mut self, path: &str, source: &Source, includes: &mut Includes) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut finding = |(line, column), message: String| {
            findings.push(Finding { file: source.file.clone(), line, column, message });
        };
        match place(path) {
            Place::Unknown => {
                finding((1, 1), UNUSED.to_owned());
                return findings;
            }
            Place::Partial => {}
            Place::Notice { locale, kind, part } => {
                let key = (locale.to_owned(), kind.to_owned());
                self.notices.entry(key).or_default().insert(part);
            }
        }
        if let Some(problem) = structure::before_parsing(source, &self.limits) {
            finding((1, 1), problem);
            return findings;
        }
        let registry = if is_html(path) { &mut self.html } else { &mut self.text };
        match registry.register_template_string(path, &source.text) {
            Err(error) => finding(error.pos().unwrap_or((1, 1)), error.reason().to_string()),
            Ok(()) => {
                let template = registry.get_template(path).expect("it was registered just now");
                let included = includes.entry(path.to_owned()).or_default();
                structure::inspect(template, source, included, &mut findings);
            }
        }
        findings
    }

    /// Locales that there are templates for.
    pub fn locales(&self) -> BTreeSet<&str> {
        self.notices.keys().map(|(locale, _)| locale.as_str()).collect()
    }

    /// Kinds of notices that there are templates for.
    pub fn kinds(&self) -> BTreeSet<&str> {
        self.notices.keys().map(|(_, kind)| kind.as_str()).collect()
    }

    /// The locale in which a reader of `tag` gets `kind` on `channel`: the first of the chain that has all of it.
    pub fn locale_of(
        &self,
        kind: &str,
        channel: Channel,
        tag: &str,
        default: &str,
    ) -> Option<&str> {
        locale::chain(tag, default).iter().find_map(|candidate| {
            let mut locales = self.notices.keys().filter(|(_, known)| known == kind);
            let (locale, _) = locales.find(|(locale, _)| locale.eq_ignore_ascii_case(candidate))?;
            self.has_notice(locale, kind, channel).then_some(locale.as_str())
        })
    }

    /// Whether `locale` has the part of `kind`.
    pub fn has(&self, locale: &str, kind: &str, part: Part) -> bool {
        let key = (locale.to_owned(), kind.to_owned());
        self.notices.get(&key).is_some_and(|parts| parts.contains(&part))
    }

    /// Whether `locale` has all that a message of `kind` on `channel` is made of.
    pub fn has_notice(&self, locale: &str, kind: &str, channel: Channel) -> bool {
        parts(channel).iter().all(|part| self.has(locale, kind, *part))
    }

    /// The sources.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    pub(super) fn compiled(&self, path: &str) -> Option<&handlebars::Template> {
        let registry = if is_html(path) { &self.html } else { &self.text };
        registry.get_template(path)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The file of a part, as a person finds it.
    pub(super) fn file(&self, path: &str) -> String {
        let source = self.templates.get(path);
        source.map_or_else(|| format!("{path}.hbs"), |source| source.file.clone())
    }

    /// Renders one part; what is wrong is said with file, line and column, and without data.
    pub(super) fn render(
        &self,
        (locale, kind, part): (&str, &str, Part),
        data: &Context,
    ) -> Result<String, Finding> {
        let path = path_of(locale, kind, part);
        let registry = if is_html(&path) { &self.html } else { &self.text };
        let mut output = Limited { bytes: Vec::new(), limit: self.limits.output_bytes };
        registry.render_with_context_to_write(&path, data, &mut output).map_err(|error| {
            let template = error.template_name.as_deref().unwrap_or(&path);
            Finding {
                file: self.file(template),
                line: error.line_no.unwrap_or(1),
                column: error.column_no.unwrap_or(1),
                message: error.reason().to_string(),
            }
        })?;
        String::from_utf8(output.bytes).map_err(|_| Finding {
            file: self.file(&path),
            line: 1,
            column: 1,
            message: "rendered to something that is not text".to_owned(),
        })
    }
}

const UNUSED: &str = "never used: a notice has `<locale>/<notice>/` with subject.txt.hbs, body.txt.hbs, body.html.hbs and \
                      sms.txt.hbs; what they include is in a folder that begins with _ and ends in .txt.hbs or .html.hbs";

/// What a message on `channel` is made of.
pub fn parts(channel: Channel) -> &'static [Part] {
    match channel {
        Channel::Email => &Part::EMAIL,
        Channel::Sms => &Part::SMS,
    }
}

/// Where a part is.
pub(super) fn path_of(locale: &str, kind: &str, part: Part) -> String {
    format!("{locale}/{kind}/{}", part.file())
}

fn registry(escape: fn(&str) -> String) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.set_prevent_indent(true);
    registry.register_escape_fn(escape);
    helpers::register(&mut registry);
    registry
}

/// Takes so much and no more.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::Error::other(format!(
                "the output is longer than {} bytes",
                self.limit
            )));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(files: &[(&str, &str)]) -> Result<Catalogue, Vec<Finding>> {
        let mut templates = Templates::default();
        for (path, text) in files {
            templates.insert(path, path, *text);
        }
        Catalogue::compile(templates, Limits::default())
    }

    fn first(files: &[(&str, &str)]) -> String {
        compile(files).expect_err("refused")[0].to_string()
    }

    #[test]
    fn a_syntax_error_has_line_and_column() {
        let found = first(&[("en/a/sms.txt", "one\ntwo {{#if x}}three")]);
        assert!(found.starts_with("en/a/sms.txt:2:"), "{found}");
    }

    #[test]
    fn what_cannot_be_checked_or_does_not_escape_is_refused() {
        for (text, expected) in [
            ("a {{{x}}}", "en/a/sms.txt:1:3: {{{…}}}"),
            ("\n {{&x}}", "en/a/sms.txt:2:2: {{{…}}}"),
            ("{{#*inline \"x\"}}{{/inline}}", "en/a/sms.txt:1:1: decorators"),
            ("{{> (eq 1 2)}}", "en/a/sms.txt:1:1: the name of a partial"),
            ("{{#if x}}{{> nowhere}}{{/if}}", "en/a/sms.txt:1:14: there is no template `nowhere`"),
        ] {
            let found = first(&[("en/a/sms.txt", text)]);
            assert!(found.starts_with(expected), "{found}");
        }
        let misplaced = first(&[("en/a/sms.text", "x")]);
        assert!(misplaced.starts_with("en/a/sms.text:1:1: never used"), "{misplaced}");
    }

    #[test]
    fn partials_that_include_each_other_are_refused() {
        let found = first(&[
            ("_l/a.txt", "{{> _l/b.txt}}"),
            ("_l/b.txt", "{{> _l/c.txt}}"),
            ("_l/c.txt", "{{> _l/a.txt}}"),
        ]);
        assert_eq!(found, "_l/a.txt:1:5: `_l/b.txt` includes this template again");
        let found = first(&[("_l/a.txt", ""), ("en/a/body.html", "{{> _l/a.txt}}")]);
        assert!(found.contains("do not mix"), "{found}");
    }

    #[test]
    fn a_template_is_limited_in_size_and_depth() {
        assert!(first(&[("en/a/sms.txt", &"x".repeat(65_537))]).contains("larger than 65536"));
        let deep = format!("{}{}", "{{#if a}}".repeat(3000), "{{/if}}".repeat(3000));
        assert!(first(&[("en/a/sms.txt", &deep)]).contains("nested"));
        let deep = format!("{{{{#if {}a{}}}}}{{{{/if}}}}", "(not ".repeat(3000), ")".repeat(3000));
        assert!(first(&[("en/a/sms.txt", &deep)]).contains("nested"));
    }

    #[test]
    fn the_output_is_limited() {
        let mut templates = Templates::default();
        templates.insert("en/a/sms.txt", "f", "{{#each l}}0123456789{{/each}}");
        let limits = Limits { output_bytes: 64, ..Limits::default() };
        let catalogue = Catalogue::compile(templates, limits).expect("fine");
        let data = Context::wraps(serde_json::json!({"l": [0, 0, 0, 0, 0, 0, 0]})).expect("data");
        let error = catalogue.render(("en", "a", Part::Sms), &data).expect_err("too long");
        assert!(error.message.contains("longer than 64 bytes"), "{error}");
    }

    #[test]
    fn only_html_is_escaped() {
        let catalogue =
            compile(&[("en/a/sms.txt", "{{x}}"), ("en/a/body.html", "{{x}}")]).expect("fine");
        let data = Context::wraps(serde_json::json!({"x": "<a>&'\"`="})).expect("data");
        assert_eq!(catalogue.render(("en", "a", Part::Sms), &data).expect("text"), "<a>&'\"`=");
        let html = catalogue.render(("en", "a", Part::Html), &data).expect("html");
        assert_eq!(html, "&lt;a&gt;&amp;&#x27;&quot;&#x60;&#x3D;");
    }

    #[test]
    fn an_incomplete_locale_is_passed_over() {
        let catalogue = compile(&[
            ("en/a/subject.txt", ""),
            ("en/a/body.txt", ""),
            ("en/a/body.html", ""),
            ("en/a/sms.txt", ""),
            ("zh/a/subject.txt", ""),
            ("zh/a/sms.txt", ""),
        ])
        .expect("fine");
        assert_eq!(catalogue.locale_of("a", Channel::Sms, "zh-Hans-SG", "en"), Some("zh"));
        assert_eq!(catalogue.locale_of("a", Channel::Email, "zh-Hans-SG", "en"), Some("en"));
        assert_eq!(catalogue.locale_of("b", Channel::Email, "zh", "en"), None);
    }
}
