//! The log and the numbers: how both are set up, and the one list of all metrics.
//!
//! Labels come from fixed sets only, never from a message: no address, no account, no name gets into a metric, and no
//! sender can make their number grow.

use std::io::{self, IsTerminal};
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::settings::{LogFormat, LogSettings};

/// Recorded samples wait in memory until they are folded into the histograms; without a scrape nobody else does it.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Why the log or the metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.level` cannot be read; the settings check that before.
    #[error("log.level: {0}")]
    Level(#[from] ParseError),
    /// Somebody set up a log before.
    #[error("the log cannot be set up: {0}")]
    Log(#[from] TryInitError),
    /// Somebody set up metrics before, or the list of buckets is wrong.
    #[error("the metrics cannot be set up: {0}")]
    Metrics(#[from] BuildError),
}

/// What libraries would log against our rules, whatever level is asked for: lapin writes bodies that came back as warnings.
const NEVER_LOGGED: [&str; 1] = ["lapin::returned_messages=off"];

/// Sends the log to standard error. Colours only on a terminal. Once a process.
///
/// # Errors
/// See [`TelemetryError`].
pub fn init_log(settings: &LogSettings) -> Result<(), TelemetryError> {
    let mut filter = EnvFilter::builder().parse(&settings.level)?;
    for directive in NEVER_LOGGED {
        filter = filter.add_directive(directive.parse()?);
    }
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match settings.format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).boxed(),
    };
    registry().with(filter).with(lines).try_init()?;
    Ok(())
}

/// Starts recording metrics and describes them. Once a process. Run [`upkeep`] with the handle.
///
/// # Errors
/// See [`TelemetryError`].
pub fn install_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let handle = recorder_builder()?.install_recorder()?;
    describe_metrics();
    Ok(handle)
}

/// Folds samples into histograms until `shutdown`, so that they take no memory where nobody scrapes.
pub async fn upkeep(handle: PrometheusHandle, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(UPKEEP_INTERVAL)).await.is_some() {
        handle.run_upkeep();
    }
}

/// Histograms with buckets that fit: lateness from a blink to a day, sends up to the longest SMTP deadline.
fn recorder_builder() -> Result<PrometheusBuilder, BuildError> {
    let buckets: [(&str, &[f64]); 4] = [
        (
            "dunlin_wake_lateness_seconds",
            &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0],
        ),
        ("dunlin_send_seconds", &[0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0]),
        ("dunlin_commit_seconds", &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0]),
        ("dunlin_commit_events", &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0]),
    ];
    buckets.into_iter().try_fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
        builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds)
    })
}

/// Names every metric there is and says what it means.
pub fn describe_metrics() {
    describe_counter!("dunlin_events_total", "Events handled, by type and what became of them.");
    describe_counter!("dunlin_decisions_total", "Effects decided, by their kind.");
    describe_counter!("dunlin_wakes_total", "Due timers handled.");
    describe_histogram!("dunlin_wake_lateness_seconds", "How late due timers were handled.");
    describe_gauge!(
        "dunlin_outbox_pending",
        "Messages committed and not yet taken by the other side."
    );
    describe_gauge!("dunlin_outbox_oldest_age_seconds", "Age of the oldest message in the outbox.");
    describe_counter!("dunlin_sends_total", "Attempts to send, by channel and outcome.");
    describe_histogram!("dunlin_send_seconds", "How long attempts to send took, by channel.");
    describe_counter!(
        "dunlin_broker_reconnects_total",
        "Sessions with the broker that were lost, by side."
    );
    describe_gauge!("dunlin_broker_connected", "Whether a session with the broker is up, by side.");
    describe_gauge!(
        "dunlin_breaker_open",
        "Whether a batch that is too large waits for a person, by scope and kind."
    );
    describe_gauge!("dunlin_broker_blocked", "Whether the broker blocks the connection, by side.");
    describe_counter!(
        "dunlin_broker_deliveries_total",
        "Messages received, repeated ones included."
    );
    describe_counter!("dunlin_broker_acks_total", "Messages acknowledged.");
    describe_counter!("dunlin_broker_published_total", "Publications, by outcome.");
    describe_gauge!("dunlin_broker_unconfirmed", "Publications sent and not yet confirmed.");
    describe_counter!(
        "dunlin_unusable_addresses_total",
        "Addresses of contacts that are none; those contacts are not told there."
    );
    describe_counter!("dunlin_unknown_fields_total", "Fields of events that dunlin does not know.");
    describe_counter!("dunlin_quarantined_total", "Messages put into quarantine, by reason.");
    describe_counter!("dunlin_markers_total", "Markers for the input queues, by outcome.");
    describe_gauge!(
        "dunlin_silent_sources",
        "Sources that should have sent a heartbeat: what is due after their last one is not released."
    );
    describe_gauge!("dunlin_clocks_agree", "Whether the wall clock agrees with the monotonic one.");
    describe_histogram!("dunlin_commit_seconds", "How long commits took.");
    describe_histogram!("dunlin_commit_events", "How many inputs a commit held.");
    describe_gauge!("dunlin_build_info", "Always 1; the version is in the label.");
    gauge!("dunlin_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Shows how much waits in the outbox, and for how long the oldest has.
pub fn show_outbox(pending: u64, oldest_age: Duration) {
    gauge!("dunlin_outbox_pending").set(pending as f64);
    gauge!("dunlin_outbox_oldest_age_seconds").set(oldest_age.as_secs_f64());
}

/// Shows how many sources should have sent a heartbeat and have not.
pub fn show_silent_sources(count: usize) {
    gauge!("dunlin_silent_sources").set(count as f64);
}

/// Shows whether the clock can be trusted.
pub fn show_clocks(agree: bool) {
    gauge!("dunlin_clocks_agree").set(f64::from(u8::from(agree)));
}

/// Counts an attempt to send by `channel`, its outcome and how long it took.
pub fn count_send(channel: &'static str, outcome: &'static str, took: Duration) {
    counter!("dunlin_sends_total", "channel" => channel, "outcome" => outcome).increment(1);
    histogram!("dunlin_send_seconds", "channel" => channel).record(took.as_secs_f64());
}

#[cfg(test)]
mod tests;
