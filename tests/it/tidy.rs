//! Rules about the source text that no compiler checks: who may name what, and what no file may hold.
//!
//! `RULES` is the table behind the "Never" list of `docs/ARCHITECTURE.md`. Judges names, not meaning: an import under
//! another name (`use std::env as e`) gets past it and is left to clippy's `disallowed-methods` and to review.

mod bites;
mod scan;
mod tree;

use scan::{Kind, Token};

/// One row: what code in `within`, `except` left out, must not say outside its tests.
struct Rule {
    name: &'static str,
    within: &'static [&'static str],
    except: &'static [&'static str],
    bans: &'static [Ban],
}

/// Something that must not be said.
enum Ban {
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

use Ban::{Attribute, CrateBut, Logged, Macro, Method, Path, Sql};

/// In `within` and `except`, `a/b` is the module of that name (`a/b.rs` and `a/b/`), `a/b.rs` that one file,
/// and `a/b*` all that begins so.
const RULES: &[Rule] = &[
    Rule {
        name: "Never 1: the engine is pure and imports nothing else of the crate",
        within: &["src/engine"],
        except: &[],
        bans: &[
            CrateBut("engine"),
            Path("std"),
            Path("async"),
            Path("await"),
            Path("tokio"),
            Path("tracing"),
            Path("rand"),
            Path("Utc::now"),
        ],
    },
    Rule {
        name: "Never 2: event, policy and render do no I/O after start; load.rs reads the folders before it",
        within: &["src/event", "src/policy", "src/render"],
        except: &["src/policy/load.rs", "src/render/load.rs"],
        bans: &[
            Path("std::fs"),
            Path("File::open"),
            Method("read_dir"),
            Method("is_file"),
            Method("is_dir"),
            Method("canonicalize"),
            Method("try_exists"),
            Method("register_template_file"),
            Method("register_templates_directory"),
        ],
    },
    Rule {
        name: "Never 2: event, policy and render wait for nothing",
        within: &["src/event", "src/policy", "src/render"],
        except: &[],
        bans: &[Path("tokio"), Path("async"), Path("std::net"), Path("std::process")],
    },
    Rule {
        name: "Never 2: intake does not decode",
        within: &["src/intake"],
        except: &[],
        bans: &[Path("serde_json"), Path("crate::event")],
    },
    Rule {
        name: "Never 2: SQL lives in the store",
        within: &["src"],
        except: &["src/store"],
        bans: &[Sql, Path("rusqlite"), Path("refinery"), Path("tokio_postgres")],
    },
    Rule {
        name: "Never 2: lapin lives in broker, intake and dispatch::publish",
        within: &["src"],
        except: &["src/broker", "src/intake", "src/dispatch/publish"],
        bans: &[Path("lapin")],
    },
    Rule {
        name: "Never 2: lettre lives in dispatch::email",
        within: &["src"],
        except: &["src/dispatch/email*"],
        bans: &[Path("lettre")],
    },
    Rule {
        name: "Never 2: handlebars lives in render",
        within: &["src"],
        except: &["src/render"],
        bans: &[Path("handlebars")],
    },
    Rule {
        name: "Never 3: the worker knows no template and no channel",
        within: &["src/worker"],
        except: &[],
        bans: &[
            Path("crate::render"),
            Path("crate::dispatch::email"),
            Path("crate::dispatch::sms"),
            Path("crate::dispatch::publish"),
        ],
    },
    Rule {
        name: "Never 3: dispatch knows no event and never steps the engine",
        within: &["src/dispatch"],
        except: &[],
        bans: &[Path("crate::event"), Path("engine::step")],
    },
    Rule {
        name: "Never 5: time is read in clock.rs",
        within: &["src"],
        except: &["src/clock.rs"],
        bans: &[
            Path("Utc::now"),
            Path("Local::now"),
            Path("SystemTime::now"),
            Path("Instant::now"),
            Path("Uuid::now_v7"),
        ],
    },
    Rule {
        name: "Never 5: the environment is read in settings",
        within: &["src"],
        except: &["src/settings"],
        bans: &[
            Path("env::var"),
            Path("env::var_os"),
            Path("env::vars"),
            Path("env::vars_os"),
            Path("env::set_var"),
            Path("env::remove_var"),
            Path("env::*"),
        ],
    },
    // Not `spawn_blocking`: who awaits it has joined it.
    Rule {
        name: "Never 5: tasks and threads are spawned in app.rs",
        within: &["src"],
        except: &["src/app.rs"],
        bans: &[
            Path("spawn"),
            Path("spawn_local"),
            Path("spawn_scoped"),
            Path("tokio::task::*"),
            Path("std::thread::*"),
        ],
    },
    Rule {
        name: "Never 7: no unwrap outside tests; expect says the invariant",
        within: &["src"],
        except: &[],
        bans: &[
            Method("unwrap"),
            Method("unwrap_err"),
            Path("Option::unwrap"),
            Path("Result::unwrap"),
        ],
    },
    Rule {
        name: "Never 8: no address, number, name, secret or body in a log line or a metric",
        within: &["src"],
        except: &[],
        bans: &[Logged(&[
            "address",
            "to_address",
            "to_name",
            "email",
            "phone",
            "recipient",
            "contact",
            "subject",
            "body",
            "html",
            "password",
            "secret",
            "expose_secret",
        ])],
    },
    Rule {
        name: "Nothing lands half done",
        within: &["src", "tests", "benches", "examples"],
        except: &[],
        bans: &[Macro("todo"), Macro("unimplemented"), Macro("dbg"), Attribute("ignore")],
    },
];

/// What in a log line stands between a name and its harmless measure: `body.len()`.
const HARMLESS: [&str; 4] = ["len", "name", "is_some", "is_empty"];

/// Macros whose arguments end in a log or a metric.
const LOGGING: [&str; 14] = [
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
    "histogram",
];

/// What `source` in `file` says against the rules, one line each: `file:line: rule: what`.
fn findings(file: &str, source: &str, test_file: bool) -> Vec<String> {
    let tokens = scan::tokens(source);
    let paths = scan::paths(&tokens);
    let mut out = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.covers(file)) {
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

fn belongs(file: &str, place: &str) -> bool {
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
