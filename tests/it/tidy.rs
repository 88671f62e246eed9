//! Rules about the source text that no compiler checks: who may name what, and what no file may hold.
//!
//! `RULES` is the table behind the "Never" list of `docs/ARCHITECTURE.md`. Judges names, not meaning: an import under
//! another name (`use std::env as e`) gets past it and is left to clippy's `disallowed-methods` and to review.

mod bites;
mod check;
mod scan;
mod tree;

use check::Ban::{Attribute, CrateBut, Logged, Macro, Method, Path, Sql};
use check::Rule;

/// The table. A rule bites in code, not in comments, strings or tests.
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
        name: "Never 5: tasks and threads are spawned in app/tasks.rs",
        within: &["src"],
        except: &["src/app/tasks.rs"],
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
