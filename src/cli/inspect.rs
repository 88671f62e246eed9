//! `dunlin check`, `config show`, `healthcheck`, `schema`: look at things, change nothing.

use std::process::ExitCode;
use std::time::Duration;

use super::template;
use crate::app;
use crate::broker::BrokerSettings;
use crate::event;
use crate::http;
use crate::settings::{Loaded, Settings, show};

/// How long a health check may take.
const HEALTHCHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Configuration, policies and templates together. The configuration was read before this: its mistakes are told already.
pub(super) fn check(loaded: &Loaded) -> miette::Result<ExitCode> {
    let settings = &loaded.settings;
    for warning in &loaded.warnings {
        anstream::println!("configuration: {warning}");
    }
    if loaded.warnings.is_empty() {
        anstream::println!("configuration: fine");
    }
    let policies = app::policies(settings.policies.dir.as_deref())
        .map_err(|errors| miette::miette!("{errors}"))?;
    for policy in policies.set.iter() {
        anstream::println!("policy {} version {}: fine", policy.key.id, policy.key.version);
    }
    let renderer = app::renderer(settings).map_err(|error| miette::miette!("{error}"))?;
    let missing = app::missing_templates(&policies.set, &renderer);
    for one in &missing {
        anstream::println!("{one}");
    }
    let findings = template::check(&renderer, &policies.set);
    for finding in &findings {
        anstream::println!("{finding}");
    }
    if !missing.is_empty() || !findings.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    anstream::println!("templates: fine");
    Ok(ExitCode::SUCCESS)
}

/// Every key, its value and where that comes from. Secrets stay secret.
pub(super) fn config_show(loaded: &Loaded) -> ExitCode {
    anstream::print!("{}", show(loaded));
    ExitCode::SUCCESS
}

/// Asks a running dunlin whether it is alive.
pub(super) async fn healthcheck(
    url: Option<String>,
    settings: &Settings,
) -> miette::Result<ExitCode> {
    let url = url.unwrap_or_else(|| http::local_url(settings.http.bind));
    http::probe(&url, HEALTHCHECK_TIMEOUT).await.map_err(|error| miette::miette!("{error}"))?;
    Ok(ExitCode::SUCCESS)
}

/// The JSON Schema of the data of one event type, or of all.
pub(super) fn schema(event_type: Option<&str>) -> miette::Result<ExitCode> {
    let schemas = event::schemas();
    let text = match event_type {
        None => serde_json::to_string_pretty(&schemas),
        Some(name) => {
            let schema = schemas.get(name).ok_or_else(|| {
                let known: Vec<&str> = schemas.keys().copied().collect();
                miette::miette!(
                    help = format!("one of {}", known.join(", ")),
                    "there is no event type `{name}`"
                )
            })?;
            serde_json::to_string_pretty(schema)
        }
    };
    anstream::println!("{}", text.map_err(|error| miette::miette!("{error}"))?);
    Ok(ExitCode::SUCCESS)
}

/// Everything that comes in and goes out, as one AsyncAPI document.
pub(super) fn asyncapi() -> miette::Result<ExitCode> {
    let broker = BrokerSettings::default();
    let document = event::asyncapi(&event::Exchanges {
        input: &broker.input.exchange,
        input_type: broker.input.exchange_type.name(),
        output: &broker.output.exchange,
    });
    let text = serde_json::to_string_pretty(&document);
    anstream::println!("{}", text.map_err(|error| miette::miette!("{error}"))?);
    Ok(ExitCode::SUCCESS)
}
