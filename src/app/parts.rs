//! Builds the parts that the program is made of, from the settings. Opens the store and connects to nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::dispatch::email::{EmailSettingsError, FileEmail, SmtpEmail};
use crate::dispatch::message::{EmailChannel, SmsChannel};
use crate::dispatch::sms::{EmailGatewaySms, FileSms, HttpSms, SmsKind, SmsSettingsError};
use crate::engine::id::NoticeKind;
use crate::engine::policy::PolicySet;
use crate::policy::{self, MissingTemplate, Policies, PolicyErrors};
use crate::render::{self, Renderer, Templates};
use crate::settings::Settings;
use crate::shadow::mode::{self, Mode, ModeError};
use crate::store::sqlite::SqliteStore;
use crate::store::{PolicyRow, Store, StoreError};

/// What the program is made of.
pub(super) struct Parts {
    pub(super) store: Box<dyn Store>,
    /// Shipped or from a folder, and every version that a case in flight was started with.
    pub(super) policies: Arc<PolicySet>,
    pub(super) renderer: Arc<Renderer>,
    pub(super) email: Option<Arc<dyn EmailChannel>>,
    pub(super) sms: Option<Arc<dyn SmsChannel>>,
    /// Domain of the `Message-ID`s.
    pub(super) message_domain: String,
}

/// Why a part cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// A policy makes no sense.
    #[error(transparent)]
    Policies(#[from] PolicyErrors),
    /// A policy that cases in flight follow cannot be read any more.
    #[error(
        "policy {id} version {version}, as it was stored when it was first used, cannot be read by this program: {source}"
    )]
    StoredPolicy {
        /// Which policy.
        id: String,
        /// Which version.
        version: u32,
        /// Why.
        source: PolicyErrors,
    },
    /// A notice of a policy has no template.
    #[error("{0}")]
    Template(MissingTemplate),
    /// Templates that cannot be used.
    #[error("{0}")]
    Templates(String),
    /// The store.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// The store has another mode.
    #[error("{0}")]
    Mode(#[from] ModeError),
    /// The e-mail channel.
    #[error("{0}")]
    Email(#[from] EmailSettingsError),
    /// The SMS channel.
    #[error("{0}")]
    Sms(#[from] SmsSettingsError),
    /// A file of embedded mode.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Parts {
    /// Everything for a broker, or, with `data`, for a folder.
    pub(super) fn build(
        settings: &Settings,
        data: Option<&Path>,
        mode: Mode,
        clock: &dyn Clock,
    ) -> Result<Self, PartsError> {
        let policies = policies(settings.policies.dir.as_deref())?;
        let renderer = renderer(settings)?;
        if let Some(missing) = missing_templates(&policies.set, &renderer).into_iter().next() {
            return Err(PartsError::Template(missing));
        }
        let path = data.map_or_else(|| settings.store.path.clone(), |data| data.join("dunlin.db"));
        if let Some(data) = data {
            std::fs::create_dir_all(data)
                .map_err(|source| PartsError::File { path: data.to_owned(), source })?;
        }
        let mut store: Box<dyn Store> =
            Box::new(SqliteStore::open(&path, settings.store.limits.clone())?);
        claim(store.as_mut(), mode, clock)?;
        let set = remember(store.as_mut(), policies, clock)?;
        let (email, sms) = channels(settings, data)?;
        let message_domain =
            settings.email.from_address.rsplit('@').next().unwrap_or("localhost").to_owned();
        Ok(Self {
            store,
            policies: Arc::new(set),
            renderer: Arc::new(renderer),
            email,
            sms,
            message_domain,
        })
    }
}

/// The notices of policies that nobody could render.
pub fn missing_templates(policies: &PolicySet, renderer: &Renderer) -> Vec<MissingTemplate> {
    let default = renderer.default_locale();
    let has = |kind: &NoticeKind, channel| {
        renderer.catalogue().locale_of(kind.as_str(), channel, default, default).is_some()
    };
    policies.iter().flat_map(|policy| policy::check_notices(policy, has)).collect()
}

/// The policies compiled in, and those of a folder beside them.
///
/// # Errors
///
/// Every mistake in every file.
pub fn policies(folder: Option<&Path>) -> Result<Policies, PolicyErrors> {
    folder.map_or_else(|| Ok(Policies::shipped()), Policies::with_folder)
}

/// The templates compiled in, with those of a folder over them, and what they say about the sender.
///
/// # Errors
///
/// If a template cannot be read or compiled.
pub fn renderer(settings: &Settings) -> Result<Renderer, PartsError> {
    let limits = settings.templates.limits;
    let templates = match &settings.templates.dir {
        Some(dir) => {
            let own = render::load::folder(dir, &limits)
                .map_err(|error| PartsError::Templates(error.to_string()))?;
            Templates::shipped().overridden_by(own)
        }
        None => Templates::shipped(),
    };
    let brand = settings.notices.clone();
    Renderer::new(templates, &settings.templates.default_locale, brand, limits)
        .map_err(|error| PartsError::Templates(error.to_string()))
}

/// Starts the store in this mode, or says why not.
fn claim(store: &mut dyn Store, mode: Mode, clock: &dyn Clock) -> Result<(), PartsError> {
    let mut tx = store.begin()?;
    mode::claim(tx.as_mut(), mode, clock.now())?;
    Ok(tx.commit()?)
}

/// Keeps the text of every policy that is used, and adds the versions that only the store still knows: a case in flight keeps
/// the version that it was started with (SAFE-9).
fn remember(
    store: &mut dyn Store,
    policies: Policies,
    clock: &dyn Clock,
) -> Result<PolicySet, PartsError> {
    let mut tx = store.begin()?;
    for text in &policies.texts {
        let row = PolicyRow {
            key: text.key.clone(),
            hash: Sha256::digest(text.text.as_bytes()).into(),
            text: text.text.clone(),
            at: clock.now(),
        };
        if tx.remember_policy(&row)? {
            // What is in no case follows the new version at once: its warnings may come earlier.
            let woken = tx.wake_older_versions(&row.key, row.at)?;
            tracing::info!(
                policy = row.key.id.as_str(),
                version = row.key.version,
                resources = woken,
                "a new version of a policy is in use"
            );
        }
    }
    let mut set = policies.set;
    for row in tx.policies()? {
        if set.get(&row.key).is_none() {
            let (id, version) = (row.key.id.as_str().to_owned(), row.key.version);
            let name = format!("{id} version {version} (stored)");
            let (policy, _) = policy::parse(&name, &row.text)
                .map_err(|source| PartsError::StoredPolicy { id, version, source })?;
            set.insert(policy);
        }
    }
    tx.commit()?;
    Ok(set)
}

type Channels = (Option<Arc<dyn EmailChannel>>, Option<Arc<dyn SmsChannel>>);

fn channels(settings: &Settings, data: Option<&Path>) -> Result<Channels, PartsError> {
    if let Some(data) = data {
        let sms = FileSms::open(data)
            .map_err(|source| PartsError::File { path: data.join("sms.jsonl"), source })?;
        return Ok((Some(Arc::new(FileEmail::new(data, &settings.email)?)), Some(Arc::new(sms))));
    }
    let email: Arc<dyn EmailChannel> = Arc::new(SmtpEmail::new(&settings.email)?);
    let sms: Option<Arc<dyn SmsChannel>> =
        match settings.sms.kind {
            SmsKind::None => None,
            SmsKind::File => {
                let folder = settings.store.path.parent().map_or_else(PathBuf::new, Path::to_owned);
                Some(Arc::new(FileSms::open(&folder).map_err(|source| PartsError::File {
                    path: folder.join("sms.jsonl"),
                    source,
                })?))
            }
            SmsKind::EmailGateway => Some(Arc::new(EmailGatewaySms::new(
                &settings.sms.email_gateway,
                Arc::clone(&email),
                &settings.email,
            )?)),
            SmsKind::Http => Some(Arc::new(HttpSms::new(&settings.sms.http)?)),
        };
    Ok((Some(email), sms))
}
