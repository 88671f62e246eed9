//! `/healthz`, `/readyz` and `/metrics`, for supervisors and Prometheus. Read only: nothing can be changed here.
//!
//! No login: `settings` refuses an address that others can reach unless the user allowed it.

mod health;
mod probe;
mod readiness;

use std::io;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub use health::Heartbeat;
pub use probe::{ProbeError, local_url, probe};
pub use readiness::{Component, ComponentHandle, Need, Readiness, Report, State};

/// What the pages show.
#[derive(Clone)]
pub struct HttpState {
    /// Whether the commit loop goes round.
    pub heartbeat: Heartbeat,
    /// What the parts say about themselves.
    pub readiness: Readiness,
    /// The numbers.
    pub metrics: PrometheusHandle,
    /// The longest that an open request may delay the stop (`http.shutdown_grace_secs`).
    pub shutdown_grace: Duration,
}

/// Serves until `shutdown`, then finishes open requests for at most the grace.
///
/// # Errors
/// If the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    state: HttpState,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let grace = state.shutdown_grace;
    let stop = shutdown.clone();
    let serving = axum::serve(listener, router(state))
        .with_graceful_shutdown(async move { stop.cancelled().await });
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = serving => ended,
        () = too_long => {
            warn!("a request was still open when the grace of the HTTP server ended");
            Ok(())
        }
    }
}

fn router(state: HttpState) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(state)
}

async fn healthz(Shared(state): Shared<HttpState>) -> Response {
    let alive = state.heartbeat.is_alive();
    let body = json!({ "alive": alive, "silent_secs": state.heartbeat.silence().as_secs() });
    (status(alive), no_store(), Json(body)).into_response()
}

async fn readyz(Shared(state): Shared<HttpState>) -> Response {
    let report = state.readiness.report();
    (status(report.ready), no_store(), Json(report)).into_response()
}

async fn metrics(Shared(state): Shared<HttpState>) -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, no_store(), state.metrics.render()).into_response()
}

fn status(fine: bool) -> StatusCode {
    if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn no_store() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "no-store")]
}
