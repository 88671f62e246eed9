//! Configuration: what the user wrote, checked and turned into what the program uses.
//!
//! Three layers, later ones win: `config/default.toml` (compiled in, every key), one file (`--config`, else
//! `DUNLIN_CONFIG`), and variables of exactly one form, `DUNLIN__SECTION__KEY`. Unknown keys are refused, every mistake
//! is reported at once with its key, its origin and a guess at what was meant, and no secret is ever shown.
//!
//! The only module that reads the environment. Opens no connection.

mod error;
mod layer;
mod origin;
mod report;
mod schema;
mod sections;
mod shape;
mod show;
mod stack;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

pub use error::SettingsError;
pub use origin::Origin;
pub use sections::dispatch::DispatchSettings;
pub use sections::http::HttpSettings;
pub use sections::log::{LogFormat, LogSettings};
pub use sections::policies::PolicySettings;
pub use sections::store::{StoreKind, StoreSettings};
pub use sections::templates::TemplateSettings;
pub use sections::worker::WorkerSettings;
pub use show::show;

use layer::{Layer, Leaf};
use report::Report;
use schema::Schema;
use sections::Written;
use stack::Stack;

use crate::broker::BrokerSettings;
use crate::dispatch::email::EmailSettings;
use crate::dispatch::sms::SmsSettings;
use crate::render::Brand;
use crate::worker;

/// The defaults: every key there is, with its comment.
pub const DEFAULT_TOML: &str = include_str!("../../config/default.toml");

/// Names the configuration file where `--config` does not.
pub const CONFIG_VARIABLE: &str = "DUNLIN_CONFIG";

/// Names a fault to commit: `acknowledge-before-commit`, or none.
#[cfg(feature = "fault-injection")]
const FAULT_VARIABLE: &str = "DUNLIN_FAULT";

/// Its default serves to look around; customers need a real one.
const CONSOLE_URL: &str = "notices.console_url";

/// Keys whose values are never shown, logged or repeated in an error.
const SECRETS: &[&str] = &[
    "broker.uri",
    "email.smtp.password",
    // Some gateways want their key in the address or in the body.
    "sms.http.body",
    "sms.http.headers",
    "sms.http.url",
];

/// Where configuration comes from.
#[derive(Default)]
pub struct Source {
    /// The file that `--config` names. It must exist.
    pub file: Option<PathBuf>,
    /// Names and values of environment variables.
    pub env: Vec<(String, String)>,
}

impl Source {
    /// The environment of this process, with the file that `--config` names.
    ///
    /// # Errors
    /// If a variable of ours is not Unicode.
    pub fn of_process(file: Option<PathBuf>) -> Result<Self, Vec<SettingsError>> {
        let (mut env, mut errors) = (Vec::new(), Vec::new());
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => env.push((name, value)),
                (Ok(name), Err(_)) if name.starts_with("DUNLIN_") => {
                    errors.push(SettingsError::new(name, "is not Unicode"));
                }
                // Somebody else's variable.
                _ => {}
            }
        }
        if errors.is_empty() { Ok(Self { file, env }) } else { Err(errors) }
    }
}

/// The user of this process, as the system's login sets it: who gives an order that names nobody else.
#[expect(clippy::disallowed_methods, reason = "this is the one place where it is read")]
pub fn user() -> Option<String> {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(std::env::var_os);
    named.filter_map(|name| name.into_string().ok()).find(|name| !name.trim().is_empty())
}

/// What the program uses: complete, checked, with secrets read. Not to be printed as a whole.
#[derive(Clone)]
pub struct Settings {
    /// The link to RabbitMQ.
    pub broker: BrokerSettings,
    /// Who sends mail, and over which relay.
    pub email: EmailSettings,
    /// How texts are sent.
    pub sms: SmsSettings,
    /// Where state is kept, and for how long.
    pub store: StoreSettings,
    /// How much the worker takes in, and how it stops.
    pub worker: WorkerSettings,
    /// Where the texts come from.
    pub templates: TemplateSettings,
    /// Where lifecycles come from.
    pub policies: PolicySettings,
    /// Where health and metrics are served.
    pub http: HttpSettings,
    /// What is logged and how it looks.
    pub log: LogSettings,
    /// What every notice says about its sender.
    pub notices: Brand,
    /// How the outbox is worked off.
    pub dispatch: DispatchSettings,
}

/// Settings, and where each of them comes from.
pub struct Loaded {
    /// What the program uses.
    pub settings: Settings,
    /// Oddities that do not stop the program. To be logged.
    pub warnings: Vec<String>,
    effective: BTreeMap<String, Leaf>,
    schema: Schema,
}

impl Settings {
    /// What the worker is given.
    pub fn for_worker(&self) -> worker::Settings {
        worker::Settings {
            group_max: self.store.group_max_events,
            limits: self.worker.limits,
            source: self.worker.source.clone(),
            retention: self.store.retention.clone(),
            command_poll: self.worker.command_poll,
            #[cfg(feature = "fault-injection")]
            acknowledges_before_commit: std::env::var(FAULT_VARIABLE)
                .is_ok_and(|fault| fault == "acknowledge-before-commit"),
            ..worker::Settings::default()
        }
    }

    /// Reads all layers and checks everything.
    ///
    /// # Errors
    /// Every mistake there is, not only the first.
    pub fn load(source: Source) -> Result<Loaded, Vec<SettingsError>> {
        let schema = Schema::of::<Written>(DEFAULT_TOML, SECRETS);
        let mut errors = Vec::new();
        let file = read_file(&source)?;
        let file = schema.sift(file, &mut errors);
        let (variables, mut warnings) = schema.variables(source.env, &mut errors);

        let mut stack = Stack::new(&schema, [file, variables]);
        let mut effective = stack.effective();
        effective.extend(stack.open_secrets(&mut errors).leaves);
        stack.drop_unset();
        let Some(written) = stack.merge::<Written>(&mut errors) else { return Err(errors) };

        let mut report = Report::new(&effective, errors);
        let settings = written.check(&mut report);
        let errors = report.into_errors();
        if effective.get(CONSOLE_URL).is_some_and(|leaf| leaf.origin == Origin::Default) {
            warnings.push(format!("{CONSOLE_URL} is not set: the links in notices lead nowhere"));
        }
        if errors.is_empty() {
            Ok(Loaded { settings, warnings, effective, schema })
        } else {
            Err(errors)
        }
    }
}

/// The file as a layer; an empty one if no file is named.
fn read_file(source: &Source) -> Result<Layer, Vec<SettingsError>> {
    let by_variable = || {
        let named =
            source.env.iter().find(|(name, value)| name == CONFIG_VARIABLE && !value.is_empty());
        named.map(|(name, value)| (PathBuf::from(value), name.clone()))
    };
    let by_flag = source.file.clone().map(|path| (path, "--config".to_owned()));
    let Some((path, named_by)) = by_flag.or_else(by_variable) else { return Ok(Layer::default()) };
    let shown = path.display().to_string();
    let text = fs::read_to_string(&path).map_err(|error| {
        vec![SettingsError::new(named_by, format!("cannot read {shown}: {error}"))]
    })?;
    Layer::parse(&text, &shown, |line| Origin::File { path: shown.clone(), line })
}

#[cfg(test)]
mod tests;
