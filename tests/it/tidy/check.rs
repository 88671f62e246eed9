//! Holds one file's text against the rules. Reads no file and knows no rule.

use super::scan::{self, Kind, Token};
use Ban::{Attribute, CrateBut, Logged, Macro, Method, Path, Sql};

/// One row: what code in `within`, `except` left out, must not say outside its tests.
///
/// In both, `a/b` is the module of that name (`a/b.rs` and `a/b/`), `a/b.rs` that one file, and `a/b*` all that begins so.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) within: &'static [&'static str],
    pub(super) except: &'static [&'static str],
    pub(super) bans: &'static [Ban],
}

/// Something that must not be said.
pub(super) enum Ban {
    /// These segments in a row in a path: `lapin`, `env::var`.
    Path(&'static str),
    /// `crate::` followed by anything but this module.
    CrateBut(&'static str),
    /// A call of a method.
    Method(&'static str),
    /// A macro, in tests too.
    Macro(&'static str),
    /// An attribute, in tests too.
    Attribute(&'static str),
    /// A string that begins like a statement of SQL.
    Sql,
    /// A log line or a metric that names one of these.
    Logged(&'static [&'static str]),
}

/// What in a log line stands between a name and its harmless measure: `body.len()`.
const HARMLESS: [&str; 4] = ["len", "name", "is_some", "is_empty"];

/// Macros whose arguments end in a log or a metric.
const LOGGING: [&str; 15] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "span",
    "trace_span",
    "debug_span",
    "info_span",
    "warn_span",
    "error_span",
    "counter",
    "gauge",
    "histogram",
];

/// What `source` in `file` says against `rules`, one line each: `file:line: rule: what`.
pub(super) fn findings(rules: &[Rule], file: &str, source: &str, test_file: bool) -> Vec<String> {
    let tokens = scan::tokens(source);
    let paths = scan::paths(&tokens);
    let mut out = Vec::new();
    for rule in rules.iter().filter(|rule| rule.covers(file)) {
        for ban in rule.bans {
            for (token, what) in ban.said(&tokens, &paths) {
                let excused = (test_file || token.test) && !matches!(ban, Macro(_) | Attribute(_));
                if !excused {
                    out.push(format!("{file}:{}: {}: `{what}`", token.line, rule.name));
                }
            }
        }
    }
    out
}

impl Rule {
    fn covers(&self, file: &str) -> bool {
        let stands_in = |places: &[&str]| places.iter().any(|place| belongs(file, place));
        stands_in(self.within) && !stands_in(self.except)
    }
}

pub(super) fn belongs(file: &str, place: &str) -> bool {
    if let Some(beginning) = place.strip_suffix('*') {
        return file.starts_with(beginning);
    }
    file == place
        || file.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

impl Ban {
    /// Where it is said, and in which words.
    fn said<'a>(&self, tokens: &'a [Token], paths: &[scan::Path]) -> Vec<(&'a Token, String)> {
        let words = |judge: fn(&[Token], usize) -> bool, name: &str| {
            let named = |at: usize| tokens[at].kind == Kind::Word && tokens[at].text == name;
            let hits = (0..tokens.len()).filter(|at| named(*at) && judge(tokens, *at));
            hits.map(|at| (&tokens[at], name.to_owned())).collect()
        };
        let named = |judge: &dyn Fn(&[String]) -> bool| {
            let hits = paths.iter().filter(|path| judge(&path.segments));
            hits.map(|path| (&tokens[path.end], path.segments.join("::"))).collect()
        };
        match self {
            Path(wanted) => {
                let wanted: Vec<&str> = wanted.split("::").collect();
                named(&|segments| segments.windows(wanted.len()).any(|some| some == wanted))
            }
            CrateBut(module) => named(&|segments| {
                segments[0] == "crate" && segments.get(1).is_some_and(|second| second != module)
            }),
            Method(name) => words(scan::is_method, name),
            Macro(name) => words(scan::is_macro, name),
            Attribute(name) => words(scan::is_attribute, name),
            Sql => {
                let hits = tokens.iter().filter(|t| t.kind == Kind::Text && is_sql(&t.text));
                hits.map(|token| (token, token.text.chars().take(30).collect())).collect()
            }
            Logged(private) => logged(tokens, private),
        }
    }
}

fn is_sql(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["select", ref rest @ ..] => rest.contains(&"from"),
        ["with", ref rest @ ..] => rest.contains(&"select"),
        ["update", ref rest @ ..] => rest.contains(&"set"),
        ["insert", "into" | "or", ..] | ["delete", "from", ..] | ["pragma", _, ..] => true,
        ["create" | "alter" | "drop", "table" | "index" | "unique" | "view" | "trigger", ..] => {
            true
        }
        ["begin", "immediate" | "exclusive" | "transaction", ..] => true,
        _ => false,
    }
}

fn logged<'a>(tokens: &'a [Token], private: &[&str]) -> Vec<(&'a Token, String)> {
    let mut out = Vec::new();
    for at in 0..tokens.len() {
        if !LOGGING.contains(&tokens[at].text.as_str()) || !scan::is_macro(tokens, at) {
            continue;
        }
        let body = scan::macro_body(tokens, at);
        for (inside, token) in body.iter().enumerate() {
            let measured =
                body.get(inside + 2).is_some_and(|word| HARMLESS.contains(&word.text.as_str()));
            let named = |name: &&&str| match token.kind {
                Kind::Word => token.text == **name && !measured,
                Kind::Text => {
                    token.text.contains(&format!("{{{name}}}"))
                        || token.text.contains(&format!("{{{name}:"))
                }
                Kind::Mark => false,
            };
            if let Some(name) = private.iter().find(named) {
                out.push((token, (*name).to_owned()));
            }
        }
    }
    out
}
