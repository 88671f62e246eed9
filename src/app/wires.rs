//! The queues between the parts. Every one has a limit; none is part of a circle in which both ends wait.
//!
//! The worker waits for nobody: it reads deliveries and reports, and whoever fills those may wait for it.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use crate::dispatch::in_flight::InFlight;
use crate::dispatch::report::Report;
use crate::intake::{Delivery, Marks, Pen, Tag, marks};
use crate::settings::Settings;
use crate::worker::WorkerHealth;

/// Both ends of everything.
pub(super) struct Wires {
    pub(super) deliveries: (mpsc::Sender<Delivery>, mpsc::Receiver<Delivery>),
    pub(super) reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    pub(super) acks: (mpsc::Sender<Tag>, mpsc::Receiver<Tag>),
    pub(super) marks: (Marks, Pen),
    pub(super) health: (watch::Sender<WorkerHealth>, watch::Receiver<WorkerHealth>),
    pub(super) in_flight: Arc<InFlight>,
    pub(super) committed: Arc<Notify>,
}

/// Commits whose acknowledgement is on its way; intake takes all that wait at once.
const ACKS: usize = 64;

impl Wires {
    pub(super) fn new(settings: &Settings) -> Self {
        let group = settings.store.group_max_events;
        Self {
            // Two groups: one that is decided, one that fills up meanwhile.
            deliveries: mpsc::channel(group * 2),
            reports: mpsc::channel(group * 2),
            acks: mpsc::channel(ACKS),
            marks: marks(settings.broker.input.queues.len()),
            health: watch::channel(WorkerHealth::default()),
            in_flight: Arc::default(),
            committed: Arc::default(),
        }
    }
}

/// What every relay shares.
pub(super) struct Shared {
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) committed: Arc<Notify>,
}
