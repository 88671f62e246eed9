//! The pages as a supervisor and Prometheus see them: a real listener, a real client.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Once};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use dunlin::clock::ManualClock;
use dunlin::http::{
    ComponentHandle, Heartbeat, HttpState, Need, ProbeError, Readiness, State, probe, serve,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for a slow machine, short enough to end a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

struct Server {
    base: String,
    readiness: Readiness,
    store: ComponentHandle,
    shutdown: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

async fn start() -> Server {
    start_with(Heartbeat::new(PATIENCE)).await
}

async fn start_with(heartbeat: Heartbeat) -> Server {
    // The client refuses to be built without a TLS provider; `main` installs it for the program.
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error means that another test of this binary was first.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    });
    let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    let readiness = Readiness::new(clock);
    let store = readiness.component("store", Need::Required);
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        dunlin::telemetry::describe_metrics();
        dunlin::telemetry::count_send("smtp", "sent", Duration::from_millis(3));
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let shutdown = CancellationToken::new();
    let state = HttpState {
        heartbeat,
        readiness: readiness.clone(),
        metrics,
        shutdown_grace: Duration::from_millis(50),
    };
    #[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
    let serving = tokio::spawn(serve(listener, state, shutdown.clone()));
    Server { base, readiness, store, shutdown, serving }
}

impl Server {
    async fn get(&self, path: &str) -> (StatusCode, String) {
        self.ask(Method::GET, path).await
    }

    async fn ask(&self, method: Method, path: &str) -> (StatusCode, String) {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        let url = format!("{}{path}", self.base);
        let answer = client.request(method, url).send().await.expect("an answer");
        (answer.status(), answer.text().await.expect("a body"))
    }

    async fn json(&self, path: &str) -> (StatusCode, Value) {
        let (status, body) = self.get(path).await;
        (status, serde_json::from_str(&body).expect("JSON"))
    }
}

/// A loop that may not be silent at all has stopped by the time that somebody asks.
fn stuck() -> Heartbeat {
    Heartbeat::new(Duration::ZERO)
}

#[tokio::test]
async fn healthz_fails_while_the_commit_loop_is_stuck() {
    let (status, body) = start().await.json("/healthz").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["alive"], json!(true));
    assert!(body["silent_secs"].is_u64(), "{body}");

    let (status, body) = start_with(stuck()).await.json("/healthz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["alive"], json!(false));
}

#[tokio::test]
async fn readyz_tells_what_every_part_says() {
    let server = start().await;
    let email = server.readiness.component("email", Need::Listed);
    assert_eq!(server.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);

    server.store.set(State::Ok, "");
    email.set(State::Down, "connection refused");
    server.readiness.woke(DateTime::UNIX_EPOCH + TimeDelta::seconds(5));
    server.readiness.set_missing_bindings(BTreeSet::from(["lifecycle.x".to_owned()]));
    let (status, body) = server.json("/readyz").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        body,
        json!({
            "ready": true,
            "state": "down",
            "components": [
                { "name": "email", "state": "down", "required": false, "detail": "connection refused",
                  "since": "1970-01-01T00:00:00Z" },
                { "name": "store", "state": "ok", "required": true, "detail": "",
                  "since": "1970-01-01T00:00:00Z" },
            ],
            "last_wake": "1970-01-01T00:00:05Z",
            "missing_bindings": ["lifecycle.x"],
        })
    );
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads() {
    let server = start().await;
    let (status, body) = server.get("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let line = "dunlin_sends_total{channel=\"smtp\",outcome=\"sent\"} 1";
    assert!(body.lines().any(|found| found == line), "{body}");
}

#[tokio::test]
async fn nothing_can_be_changed_and_nothing_else_is_there() {
    let server = start().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            assert_eq!(server.ask(method, path).await.0, StatusCode::METHOD_NOT_ALLOWED);
        }
    }
    assert_eq!(server.get("/").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_healthcheck_tells_well_from_unwell_from_absent() {
    let server = start().await;
    let url = format!("{}/healthz", server.base);
    probe(&url, PATIENCE).await.expect("well");

    let unwell = format!("{}/healthz", start_with(stuck()).await.base);
    let unwell = probe(&unwell, PATIENCE).await.expect_err("stuck");
    assert!(matches!(unwell, ProbeError::Unwell { status, .. } if status == 503), "{unwell}");

    server.shutdown.cancel();
    server.serving.await.expect("joined").expect("a clean end");
    let absent = probe(&url, PATIENCE).await.expect_err("nobody listens");
    assert!(matches!(absent, ProbeError::NoAnswer { .. }), "{absent}");
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_up_the_stop() {
    let server = start().await;
    let address = server.base.trim_start_matches("http://");
    let mut stuck = TcpStream::connect(address).await.expect("connected");
    stuck.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.expect("written");
    // Connections are accepted in order: once a later one is answered, the stuck one is being served.
    assert_eq!(server.get("/healthz").await.0, StatusCode::OK);

    server.shutdown.cancel();
    let ended = tokio::time::timeout(PATIENCE, server.serving).await.expect("it stops");
    ended.expect("joined").expect("a clean end");
}
