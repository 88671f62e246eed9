//! What the parts say about themselves, carried to `/readyz` and `/metrics`. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::SecondsFormat;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::broker::{BrokerState, SideState};
use crate::clock::Clock;
use crate::dispatch::deliver::WayHealth;
use crate::http::{ComponentHandle, Heartbeat, Need, Readiness, State};
use crate::store::{Reader, StoreError};
use crate::telemetry;
use crate::worker::{Outlook, WorkerHealth};

/// Each round of the commit loop is a beat; what it knows of facts and clocks is listed, and what waits for a person, which is meant
/// to wait.
pub(super) fn worker(
    mut health: watch::Receiver<WorkerHealth>,
    heartbeat: Heartbeat,
    (readiness, breaker): (Readiness, ComponentHandle),
    close: CancellationToken,
) -> impl Future<Output = ()> {
    let clock = readiness.component("clock", Need::Listed);
    let freshness = readiness.component("freshness", Need::Listed);
    breaker.set(State::Ok, "nothing is held");
    async move {
        while let Some(Ok(())) = close.run_until_cancelled(health.changed()).await {
            heartbeat.beat();
            let now = health.borrow_and_update();
            match now.open_batches {
                0 => breaker.set(State::Ok, "nothing is held"),
                count => breaker.set(
                    State::Degraded,
                    format!("{count} held, for a person to decide (dunlin breaker list)"),
                ),
            }
            if let Some(at) = now.last_wake {
                readiness.woke(at);
            }
            if let Some(outlook) = &now.outlook {
                show_clock(&clock, outlook);
                show_freshness(&freshness, outlook);
            }
        }
    }
}

fn show_clock(component: &ComponentHandle, outlook: &Outlook) {
    telemetry::show_clocks(outlook.clock_off.is_none());
    match outlook.clock_off {
        None => component.set(State::Ok, "the wall clock agrees with the monotonic one"),
        Some(off) => {
            let off = off.num_seconds();
            let detail = format!(
                "the wall clock is off by {off} s: nothing is released until it is back or vouched for"
            );
            component.set(State::Degraded, detail);
        }
    }
}

fn show_freshness(component: &ComponentHandle, outlook: &Outlook) {
    telemetry::show_silent_sources(outlook.silence.as_ref().map_or(0, |silence| silence.count));
    if outlook.has_too_many {
        let detail = "more sources than freshness.sources_max send events: nothing is released until they are listed";
        return component.set(State::Degraded, detail);
    }
    let Some(silence) = &outlook.silence else {
        let known = ["no source is known yet", "no source is silent"];
        return component.set(State::Ok, known[usize::from(outlook.has_sources)]);
    };
    let since = match silence.since {
        Some(at) => format!("since {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        None => "has sent no heartbeat".to_owned(),
    };
    let others = match silence.count {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let detail = format!(
        "silent: {} {since}{others}; what is due after that is not released",
        silence.source
    );
    component.set(State::Degraded, detail);
}

/// The links to the broker, and the bindings that are missing; in the shadow nothing is published. They have their lines before this is
/// first polled.
pub(super) fn broker(
    mut state: watch::Receiver<BrokerState>,
    readiness: &Readiness,
    publishes: bool,
    close: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let consume = readiness.component("broker-consume", Need::Required);
    let publish = publishes.then(|| readiness.component("broker-publish", Need::Required));
    let readiness = readiness.clone();
    async move {
        loop {
            let now = state.borrow_and_update().clone();
            show(&consume, &now.consume);
            if let Some(publish) = &publish {
                show(publish, &now.publish);
            }
            readiness.set_missing_bindings(now.unroutable);
            let Some(Ok(())) = close.run_until_cancelled(state.changed()).await else { return };
        }
    }
}

fn show(component: &ComponentHandle, side: &SideState) {
    match (side.connected, side.blocked) {
        (true, false) => component.set(State::Ok, "connected"),
        (true, true) => component
            .set(State::Degraded, "the broker takes nothing for now: it is out of memory or disk"),
        (false, _) => component.set(State::Down, "not connected, trying again"),
    }
}

/// Whether mail or texts go out. Listed only: they wait in the outbox while they do not.
pub(super) async fn way(
    mut health: watch::Receiver<WayHealth>,
    component: ComponentHandle,
    close: CancellationToken,
) {
    loop {
        match &*health.borrow_and_update() {
            WayHealth::Untried => component.set(State::Ok, "nothing was sent yet"),
            WayHealth::Works => component.set(State::Ok, "the last send went out"),
            WayHealth::Broken(reason) => component.set(State::Down, reason.clone()),
        }
        let Some(Ok(())) = close.run_until_cancelled(health.changed()).await else { return };
    }
}

/// How much waits to go out, and for how long; that the store can be read at all.
pub(super) fn outbox(
    reader: Box<dyn Reader>,
    clock: Arc<dyn Clock>,
    readiness: &Readiness,
    poll: Duration,
    close: CancellationToken,
) -> impl Future<Output = Result<(), StoreError>> + use<> {
    let store = readiness.component("store", Need::Required);
    async move {
        loop {
            let backlog = reader.backlog()?;
            store.set(State::Ok, "readable");
            let oldest =
                backlog.oldest_publication.into_iter().chain(backlog.oldest_delivery).min();
            let age = oldest.and_then(|at| (clock.now() - at).to_std().ok()).unwrap_or_default();
            telemetry::show_outbox(backlog.publications + backlog.deliveries, age);
            if close.run_until_cancelled(tokio::time::sleep(poll)).await.is_none() {
                return Ok(());
            }
        }
    }
}
