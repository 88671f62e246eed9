//! The loop of the worker, live or on the clock of the events: what waits is taken as one group, committed, acknowledged.
//!
//! Runs on a thread of its own: the store is synchronous, and nobody else may write to it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::breaker::Breaker;
use super::group::{Group, Taken};
use super::replay::Replay;
use super::settings::Settings;
use super::world::{Outlook, World};
use super::{WorkerError, tally};
use crate::clock::{Clock, monotonic};
use crate::dispatch::in_flight::InFlight;
use crate::dispatch::report::Report;
use crate::engine::decision::Proofs;
use crate::engine::gate::Because;
use crate::engine::policy::{Channel, PolicySet};
use crate::event;
use crate::intake::{Delivery, Mark, Marks, Tag, Wanted};
use crate::store::{Reader, Store};

/// What the worker is connected to.
#[derive(Debug)]
pub struct Ports {
    /// Events, as they come. Closed when there are no more.
    pub deliveries: mpsc::Receiver<Delivery>,
    /// What became of sends. Closed when nothing is sent any more.
    pub reports: mpsc::Receiver<Report>,
    /// The last delivery of each committed prefix.
    pub acks: mpsc::Sender<Tag>,
    /// Asks for markers in the queues that deliveries come from; `None` where there are no queues.
    pub marks: Option<Marks>,
    /// What dispatch has in hand; cleared here once its outcome is durable.
    pub in_flight: Arc<InFlight>,
    /// Told after each commit.
    pub committed: Arc<Notify>,
    /// The state of the worker, for readiness.
    pub health: watch::Sender<WorkerHealth>,
}

/// What can be seen of the worker from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkerHealth {
    /// When the loop last came round (UTC).
    pub tick: Option<DateTime<Utc>>,
    /// When something that was due was last dealt with.
    pub last_wake: Option<DateTime<Utc>>,
    /// When the next thing is due, as far as is known.
    pub next_wake: Option<DateTime<Utc>>,
    /// How many batches wait for a person (SAFE-6).
    pub open_batches: usize,
    /// What there is to say of facts and clocks; `None` in a replay, which waits for neither.
    pub outlook: Option<Outlook>,
}

/// The worker.
pub struct Serve {
    store: Box<dyn Store>,
    reader: Box<dyn Reader>,
    policies: Arc<PolicySet>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    ports: Ports,
    replay: Option<Replay>,
    /// What is known for the gates.
    world: World,
    /// Where the wall clock decides: in a file nothing is one of too many.
    breaker: Option<Breaker>,
    /// The zero of the monotonic clock, as far as it matters here.
    started: Instant,
    /// When it was last looked for what is past its retention, and nothing was left.
    swept_at: Option<Instant>,
}

/// How often what is past its retention is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How long what was acknowledged too early is not durable.
#[cfg(feature = "fault-injection")]
const FAULT_PAUSE: Duration = Duration::from_millis(100);

/// The longest sleep: a wall clock that was set forward is noticed after this long.
const NAP_MAX: Duration = Duration::from_secs(5);

impl Serve {
    /// A worker that lives by `clock`, or by the clock of the events if `replay` is given.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub fn new(
        store: Box<dyn Store>,
        policies: Arc<PolicySet>,
        settings: Settings,
        clock: Arc<dyn Clock>,
        ports: Ports,
        replay: Option<Replay>,
    ) -> Result<Self, WorkerError> {
        let reader = store.reader()?;
        let started = monotonic();
        // In a replay nobody can say when anything was read: the end of its file stands for everything.
        let world = match &replay {
            Some(_) => World::of_replay(&*reader)?,
            None => World::load(&*reader, settings.freshness.clone(), clock.now(), Duration::ZERO)?,
        };
        let breaker = replay
            .is_none()
            .then(|| Breaker::load(&*reader, settings.breaker.clone(), clock.now()));
        let breaker = breaker.transpose()?;
        let swept_at = None;
        Ok(Self {
            store,
            reader,
            policies,
            settings,
            clock,
            ports,
            replay,
            world,
            breaker,
            started,
            swept_at,
        })
    }

    /// Works until nothing can come any more: both inputs are closed and read to their end.
    ///
    /// # Errors
    ///
    /// If the store fails. Nothing that was not committed has been acknowledged.
    pub async fn run(mut self) -> Result<(), WorkerError> {
        let (mut deliveries_open, mut reports_open) = (true, true);
        let mut more_due = true;
        loop {
            let (mut deliveries, mut reports) = (Vec::new(), Vec::new());
            if !more_due {
                let nap = self.nap()?;
                tokio::select! {
                    count = self.ports.deliveries.recv_many(&mut deliveries, self.settings.group_max), if deliveries_open => {
                        deliveries_open = count > 0;
                    }
                    count = self.ports.reports.recv_many(&mut reports, self.settings.group_max), if reports_open => {
                        reports_open = count > 0;
                    }
                    () = tokio::time::sleep(nap) => {}
                }
            }
            self.drain(&mut deliveries, &mut reports);
            let ended = !deliveries_open && deliveries.is_empty();
            more_due = self.group(deliveries, reports, ended).await?;
            let quiet = !deliveries_open && !more_due;
            if quiet && (!reports_open || self.is_done()?) {
                return Ok(self.store.wind_up()?);
            }
        }
    }

    /// In a replay nothing is left to wait for once everything that was decided has gone out.
    fn is_done(&self) -> Result<bool, WorkerError> {
        if self.replay.is_none() {
            return Ok(false);
        }
        let none = HashSet::new();
        let ahead = [
            self.reader.next_publication(&none)?,
            self.reader.next_delivery(Channel::Email, &none)?,
            self.reader.next_delivery(Channel::Sms, &none)?,
        ];
        // What an earlier run decided for later instants than this one reaches is left to the next.
        let now = self.clock.now();
        Ok(ahead.into_iter().flatten().all(|at| now < at))
    }

    /// Takes whatever else waits already, up to a full group.
    fn drain(&mut self, deliveries: &mut Vec<Delivery>, reports: &mut Vec<Report>) {
        while deliveries.len() < self.settings.group_max
            && let Ok(delivery) = self.ports.deliveries.try_recv()
        {
            deliveries.push(delivery);
        }
        while reports.len() < self.settings.group_max
            && let Ok(report) = self.ports.reports.try_recv()
        {
            reports.push(report);
        }
    }

    /// How long nothing is due.
    fn nap(&self) -> Result<Duration, WorkerError> {
        if self.replay.is_some() {
            return Ok(NAP_MAX);
        }
        let next = self.reader.next_wake()?;
        self.ports.health.send_modify(|health| health.next_wake = next);
        let judges = self.breaker.as_ref().and_then(Breaker::judges_at);
        let next = next.into_iter().chain(judges).min();
        let ahead =
            next.map_or(NAP_MAX, |at| (at - self.clock.now()).to_std().unwrap_or(Duration::ZERO));
        let marker_in = self.world.marker_in().unwrap_or(NAP_MAX);
        Ok(ahead.min(NAP_MAX).min(self.settings.command_poll).min(marker_in))
    }

    /// Asks for a marker, if that may let something go that waits for facts (SAFE-5).
    fn ask_for_marker(&mut self) -> Result<(), WorkerError> {
        let Some(marks) = &self.ports.marks else { return Ok(()) };
        let Some(session) = marks.session() else { return Ok(()) };
        let Some(until) = self.world.marker_would_show(Some(session)) else { return Ok(()) };
        let waits_until = |until| -> Result<bool, WorkerError> {
            Ok(!self.reader.gated_accounts(Because::Freshness, until, None, 1)?.is_empty())
        };
        if !waits_until(until)? {
            if !waits_until(DateTime::<Utc>::MAX_UTC)? {
                self.world.nothing_waits();
            }
            return Ok(());
        }
        let number = self.world.next_marker();
        if marks.ask(Wanted { session, number }) {
            self.world.asked(until, marks.queues);
        }
        Ok(())
    }

    /// One commit, and what follows from it. Returns whether more is due already.
    async fn group(
        &mut self,
        deliveries: Vec<Delivery>,
        reports: Vec<Report>,
        ended: bool,
    ) -> Result<bool, WorkerError> {
        let started = monotonic();
        let wall = self.clock.now();
        self.world.look(wall, self.started.elapsed());
        let now = self.world.decides_at(wall);
        let acks = last_tags(&deliveries);
        let marks: Vec<Mark> = deliveries.iter().filter_map(|delivery| delivery.mark).collect();
        let events = deliveries.into_iter().filter(|delivery| delivery.mark.is_none());
        let taken: Vec<Taken> = events.map(|delivery| take(delivery, &self.settings)).collect();
        // In a replay time runs ahead of what is sent: a notice counts as accepted when it is due, as in `simulate`.
        // In the shadow nothing is sent at all: who would be told was told by the system in charge, or not at all.
        let assumed = self.replay.is_some() || self.settings.shadow;
        let proofs = if assumed { Proofs::Assumed } else { Proofs::Recorded };
        let mut group = Group::new(
            self.store.begin()?,
            &self.policies,
            &self.settings,
            proofs,
            &mut self.world,
        )
        .guarded_by(self.breaker.as_mut());
        let reports = write_down(&mut group, reports, self.replay.is_some(), now)?;
        if self.replay.is_none() && self.swept_at.is_none_or(|at| at.elapsed() > SWEEP_EVERY) {
            self.swept_at = (!group.sweep(now)?).then(monotonic);
        }
        let more_due = match &mut self.replay {
            Some(replay) => replay.play(&mut group, taken, ended)?,
            None => live(&mut group, (taken, marks), now, self.settings.group_max)?,
        };
        #[cfg(feature = "fault-injection")]
        if self.settings.acknowledges_before_commit {
            acknowledge(&self.ports.acks, &acks).await;
            tokio::time::sleep(FAULT_PAUSE).await;
        }
        let mut tally = group.commit()?;
        if let Some(moratoria) = tally.moratoria.take() {
            self.world.keep(moratoria);
        }
        acknowledge(&self.ports.acks, &acks).await;
        self.ports.in_flight.settle(reports.iter().filter_map(Report::settles));
        reports.into_iter().for_each(Report::committed);
        self.ports.committed.notify_waiters();
        self.ask_for_marker()?;
        let (outlook, open_batches) =
            (self.world.outlook(), self.breaker.as_ref().map_or(0, Breaker::open_batches));
        self.ports.health.send_modify(|health| {
            health.tick = Some(now);
            health.open_batches = open_batches;
            health.outlook = outlook;
            if !tally.wakes.is_empty() {
                health.last_wake = Some(now);
            }
        });
        tally::record(&tally, started.elapsed());
        Ok(more_due)
    }
}

/// What a delivery says, if whoever sent it may say that.
fn take(delivery: Delivery, settings: &Settings) -> Taken {
    let sources = &settings.freshness.sources;
    let decoded = match event::decode(&delivery, &settings.limits) {
        Ok(event) => sources.admit(event, delivery.user_id.as_deref()),
        Err(refusal) => Err(refusal),
    };
    Taken { decoded, delivery }
}

/// What becomes of sends. Returns what is durable with the commit; what is refused is dropped, which tells dispatch.
fn write_down(
    group: &mut Group<'_>,
    reports: Vec<Report>,
    is_replay: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Report>, WorkerError> {
    let mut accepted = Vec::with_capacity(reports.len());
    for report in reports {
        // In a replay a file takes at once what is due: how fast this machine is must not show in what it writes.
        let replayed = report.due_at().filter(|_| is_replay);
        if group.report(&report, replayed.unwrap_or(now))? {
            accepted.push(report);
        }
    }
    Ok(accepted)
}

/// A group by the wall clock: commands of operators; events by account in arrival order, those of one instant together; then what
/// is due, and what something outside let go; last, whether what is due is too much.
pub(super) fn live(
    group: &mut Group<'_>,
    (taken, marks): (Vec<Taken>, Vec<Mark>),
    now: DateTime<Utc>,
    wakes_max: usize,
) -> Result<bool, WorkerError> {
    // First of all: what an operator wants to wait must not be overtaken by what is due.
    let more_commands = group.obey(now, wakes_max)?;
    let mut by_account: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for one in taken {
        if let Some(received) = group.receive(one, now)? {
            by_account.entry(received.event.account.clone()).or_default().push(received);
        }
    }
    for (account, received) in by_account {
        let mut rest = received.into_iter().peekable();
        while let Some(first) = rest.next() {
            let time = first.event.time;
            let mut instant = vec![first];
            while let Some(next) = rest.next_if(|next| next.event.time == time) {
                instant.push(next);
            }
            group.decide(&account, instant, now)?;
        }
    }
    group.decide_about_notices(now)?;
    group.flush()?;
    let more_wakes = group.wake(now, wakes_max)?;
    // Whatever came before them is decided, and becomes durable together with what they let go.
    marks.into_iter().for_each(|mark| group.world.mark(mark));
    let more_looks = group.look_further(now)?;
    group.admit(now, wakes_max, more_commands || more_wakes || more_looks)
}

async fn acknowledge(acks: &mpsc::Sender<Tag>, tags: &[Tag]) {
    for tag in tags {
        // Closed only while stopping: what is not acknowledged comes again and changes nothing.
        let _ = acks.send(*tag).await;
    }
}

/// The last delivery of each session: everything before it is committed with it.
fn last_tags(deliveries: &[Delivery]) -> Vec<Tag> {
    let mut last: BTreeMap<u64, Tag> = BTreeMap::new();
    for delivery in deliveries {
        last.insert(delivery.tag.session, delivery.tag);
    }
    last.into_values().collect()
}

impl std::fmt::Debug for Serve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serve").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
