//! What the parts say about themselves, carried to `/readyz` and `/metrics`. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::broker::{BrokerState, SideState};
use crate::clock::Clock;
use crate::dispatch::deliver::WayHealth;
use crate::http::{ComponentHandle, Heartbeat, Need, Readiness, State};
use crate::store::{Reader, StoreError};
use crate::telemetry;
use crate::worker::WorkerHealth;

/// Each round of the commit loop is a beat.
pub(super) async fn worker(
    mut health: watch::Receiver<WorkerHealth>,
    heartbeat: Heartbeat,
    readiness: Readiness,
    close: CancellationToken,
) {
    while let Some(Ok(())) = close.run_until_cancelled(health.changed()).await {
        heartbeat.beat();
        if let Some(at) = health.borrow_and_update().last_wake {
            readiness.woke(at);
        }
    }
}

/// The links to the broker, and the bindings that are missing; in the shadow nothing is published. They have their lines before this is first polled.
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
