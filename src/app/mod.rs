//! The composition root: builds the parts, connects them, starts, supervises and stops the tasks.
//!
//! A task that dies takes the process down, loudly. Decides nothing about billing.

mod parts;
mod tasks;
mod watch;
mod wires;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::parts::Parts;
pub use self::parts::{PartsError, missing_templates, policies, renderer};
use self::tasks::{Life, Tasks};
use self::wires::{Shared, Wires};
use crate::broker::{BrokerError, BrokerHealth, MarkTask, Token};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::dispatch::deliver::{Deliver, Desk, DispatchError, Limits, Way, WayHealth};
use crate::dispatch::message::Publisher;
use crate::dispatch::publications::{Press, Publications};
use crate::dispatch::publish::publisher;
use crate::dispatch::publish_file::FilePublisher;
use crate::dispatch::retry::Patience;
use crate::embedded::{self, Source};
use crate::engine::policy::Channel;
use crate::http::{self, Heartbeat, HttpState, Need, Readiness, State};
use crate::intake::{Delivery, Intake, Mark, Pen, Tag};
use crate::settings::Settings;
use crate::shadow::mode::Mode;
use crate::shutdown::Signals;
use crate::store::StoreError;
use crate::telemetry;
use crate::worker::{self, Ports, Replay, Serve, WorkerError, WorkerHealth};

/// Where events come from and where everything goes.
#[derive(Debug)]
pub enum Place {
    /// RabbitMQ in and out, mail and texts over the channels of the settings.
    Broker,
    /// Everything in a folder.
    Embedded(Embedded),
}

/// A run without a broker.
#[derive(Debug)]
pub struct Embedded {
    /// Events as JSON lines.
    pub events: Source,
    /// What moves time.
    pub time: Time,
    /// Where state, mail, texts and state changes go.
    pub data: PathBuf,
}

/// What moves time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// The machine's clock.
    Wall,
    /// The events; then on to this instant, if one is given.
    Events(Option<DateTime<Utc>>),
}

/// Why the program stopped without being told to.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A part cannot be built.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// The broker side needs a person.
    #[error("broker: {0}")]
    Broker(#[from] BrokerError),
    /// The worker stopped.
    #[error("worker: {0}")]
    Worker(#[from] WorkerError),
    /// The store cannot be read.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// A relay ended.
    #[error("{0}")]
    Dispatch(#[from] DispatchError),
    /// Something of the system failed.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A task ended that must not, or panicked.
    #[error("the task `{0}` died")]
    Died(String),
    /// The stop took too long.
    #[error("the stop took longer than {0:?}; what was in flight comes again")]
    Drain(Duration),
}

/// Runs until a signal, or until a replay is over.
///
/// # Errors
///
/// If a part cannot be built, or a task dies. Nothing that was not committed has been acknowledged.
pub async fn run(settings: Settings, place: Place, mode: Mode) -> Result<(), AppError> {
    let signals = Signals::register().map_err(system("the handler of signals"))?;
    let replayed = match &place {
        Place::Embedded(Embedded { time: Time::Events(until), .. }) => Some(*until),
        Place::Embedded(_) | Place::Broker => None,
    };
    let manual = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    let clock: Arc<dyn Clock> =
        if replayed.is_some() { manual.clone() } else { Arc::new(SystemClock) };
    let data = match &place {
        Place::Embedded(embedded) => Some(embedded.data.as_path()),
        Place::Broker => None,
    };
    let parts = Parts::build(&settings, data, mode, &SystemClock)?;
    let drain = settings.worker.drain_timeout;
    let mut app = App { settings, clock, mode, is_replay: replayed.is_some(), tasks: Tasks::new() };
    app.tasks.listen(signals);
    let replay = replayed.map(|until| Replay::new(manual, until, app.stop()));
    app.start(parts, place, replay).await?;
    app.tasks.supervise(drain).await
}

fn system(what: &str) -> impl FnOnce(std::io::Error) -> AppError {
    let what = what.to_owned();
    move |source| AppError::System { what, source }
}

/// The program while it is put together.
struct App {
    settings: Settings,
    clock: Arc<dyn Clock>,
    mode: Mode,
    is_replay: bool,
    tasks: Tasks,
}

impl App {
    async fn start(
        &mut self,
        parts: Parts,
        place: Place,
        replay: Option<Replay>,
    ) -> Result<(), AppError> {
        let wires = Wires::new(&self.settings);
        let readiness = Readiness::new(Arc::clone(&self.clock));
        if self.is_shadow() {
            tracing::warn!(
                "this is a shadow: it decides and records, and sends and publishes nothing"
            );
            readiness
                .component("mode", Need::Listed)
                .set(State::Ok, "shadow: nothing is sent or published");
        }
        let pages = self.bind_pages().await?;
        let mut marks = None;
        let publisher: Option<Arc<dyn Publisher>> = match place {
            Place::Broker => {
                marks = Some(wires.marks.0);
                let input = (wires.deliveries.0, wires.acks.1, wires.marks.1);
                self.start_broker(input, &readiness)
            }
            Place::Embedded(embedded) => {
                // Whoever wrote the file has no login that a broker could vouch for.
                self.settings.freshness.sources.ask_no_users();
                let publisher = self.open_file(&embedded.data)?;
                self.start_file(embedded.events, wires.deliveries.0, wires.acks.1);
                publisher
            }
        };
        let shared = Shared {
            reports: wires.reports.0,
            in_flight: Arc::clone(&wires.in_flight),
            committed: Arc::clone(&wires.committed),
        };
        // A shadow has none: it has nothing to send, and nobody who could.
        if let Some(publisher) = publisher {
            self.start_relays(&parts, &shared, publisher, &readiness)?;
        }
        drop(shared);
        if let Some(pages) = pages {
            self.start_pages(pages, &parts, wires.health.1, &readiness)?;
        }
        let ports = Ports {
            deliveries: wires.deliveries.1,
            reports: wires.reports.1,
            acks: wires.acks.0,
            marks,
            in_flight: wires.in_flight,
            committed: wires.committed,
            health: wires.health.0,
        };
        let channels = [
            parts.email.is_some().then_some(Channel::Email),
            parts.sms.is_some().then_some(Channel::Sms),
        ];
        let channels = channels.into_iter().flatten().collect();
        let shadow = self.is_shadow();
        let settings = worker::Settings { channels, shadow, ..self.settings.for_worker() };
        let policies = Arc::clone(&parts.policies);
        let worker =
            Serve::new(parts.store, policies, settings, Arc::clone(&self.clock), ports, replay)?;
        self.tasks.add_worker(worker);
        Ok(())
    }

    /// Intake, and unless this is a shadow the publisher's link; the state of both becomes readiness.
    fn start_broker(
        &mut self,
        (deliveries, acks, pen): (mpsc::Sender<Delivery>, mpsc::Receiver<Tag>, Pen),
        readiness: &Readiness,
    ) -> Option<Arc<dyn Publisher>> {
        let health = BrokerHealth::default();
        let token = Token::new();
        let intake = Intake::new(self.settings.broker.clone(), deliveries, acks, health.clone())
            .marked(token, pen.session);
        let marker = MarkTask::new(self.settings.broker.clone(), token, pen.wanted);
        let stop = self.stop();
        self.tasks.add("markers", Life::Whole, async move {
            marker.run(stop).await;
            Ok(())
        });
        let stop = self.stop();
        self.tasks.add("intake", Life::Whole, async move { Ok(intake.run(stop).await?) });
        let published = (!self.is_shadow()).then(|| {
            let (publisher, link) = publisher(self.settings.broker.clone(), health.clone());
            let close = self.close();
            self.tasks.add("publisher", Life::Whole, async move { Ok(link.run(close).await?) });
            publisher
        });
        let watching =
            watch::broker(health.subscribe(), readiness, published.is_some(), self.close());
        self.tasks.add("broker-health", Life::Whole, async move {
            watching.await;
            Ok(())
        });
        published.map(|publisher| Arc::new(publisher) as Arc<dyn Publisher>)
    }

    fn is_shadow(&self) -> bool {
        self.mode == Mode::Shadow
    }

    /// Where state changes go in a folder.
    fn open_file(&self, data: &Path) -> Result<Option<Arc<dyn Publisher>>, AppError> {
        if self.is_shadow() {
            return Ok(None);
        }
        let publisher = FilePublisher::open(data).map_err(system(FilePublisher::FILE))?;
        Ok(Some(Arc::new(publisher)))
    }

    /// The input file; nothing is acknowledged to a file.
    fn start_file(
        &mut self,
        events: Source,
        deliveries: mpsc::Sender<Delivery>,
        mut acks: mpsc::Receiver<Tag>,
    ) {
        let (stop, max) = (self.stop(), self.settings.worker.limits.body_bytes);
        // The wall clock goes on after the last event: what is due later has to happen.
        let keep_open = !self.is_replay;
        self.tasks.add("events", Life::Input, async move {
            let what = events.to_string();
            embedded::feed(events, deliveries.clone(), max, stop.clone())
                .await
                .map_err(system(&what))?;
            if keep_open && !stop.is_cancelled() {
                // Nobody takes it any more: the program is stopping.
                let _ = deliveries.send(Delivery::of(Mark::End)).await;
            }
            if keep_open {
                stop.cancelled().await;
            }
            drop(deliveries);
            Ok(())
        });
        self.tasks.add("acknowledgements", Life::Input, async move {
            while acks.recv().await.is_some() {}
            Ok(())
        });
    }

    fn start_relays(
        &mut self,
        parts: &Parts,
        shared: &Shared,
        publisher: Arc<dyn Publisher>,
        readiness: &Readiness,
    ) -> Result<(), AppError> {
        let dispatch = self.settings.dispatch.clone();
        let faults_are_fatal = self.is_replay;
        let limits = |concurrency| Limits {
            concurrency,
            batch_rows_max: dispatch.batch_rows_max,
            idle_poll: dispatch.idle_poll,
            faults_are_fatal,
        };
        let patience = Patience {
            retry_after: dispatch.retry_after.clone(),
            attempts_max: dispatch.attempts_max,
        };
        let email = parts
            .email
            .clone()
            .map(|email| ("e-mail", Way::Email(email), dispatch.email_concurrency));
        let sms = parts.sms.clone().map(|sms| ("texts", Way::Sms(sms), dispatch.sms_concurrency));
        for (name, way, concurrency) in email.into_iter().chain(sms) {
            let (health, shown) = tokio::sync::watch::channel(WayHealth::default());
            let watching = watch::way(shown, readiness.component(name, Need::Listed), self.close());
            self.tasks.add("channel-health", Life::Whole, async move {
                watching.await;
                Ok(())
            });
            let desk = Desk {
                clock: Arc::clone(&self.clock),
                renderer: Arc::clone(&parts.renderer),
                message_domain: parts.message_domain.clone(),
                way,
                reports: shared.reports.clone(),
                in_flight: Arc::clone(&shared.in_flight),
                committed: Arc::clone(&shared.committed),
                health,
                patience: patience.clone(),
                limits: limits(concurrency),
            };
            let relay = Deliver { reader: parts.store.reader()?, desk };
            let stop = self.stop();
            self.tasks.add(name, Life::Whole, async move { Ok(relay.run(stop).await?) });
        }
        let press = Press {
            clock: Arc::clone(&self.clock),
            publisher,
            reports: shared.reports.clone(),
            in_flight: Arc::clone(&shared.in_flight),
            committed: Arc::clone(&shared.committed),
            patience,
            limits: limits(dispatch.publish_concurrency),
        };
        let relay = Publications { reader: parts.store.reader()?, press };
        let stop = self.stop();
        self.tasks.add("publications", Life::Whole, async move { Ok(relay.run(stop).await?) });
        Ok(())
    }

    /// The address of the pages, and what counts for them; before anything counts. Not in a replay: it is over before anybody
    /// could look.
    async fn bind_pages(&self) -> Result<Option<(TcpListener, PrometheusHandle)>, AppError> {
        if self.is_replay {
            return Ok(None);
        }
        let bind = self.settings.http.bind;
        let listener =
            TcpListener::bind(bind).await.map_err(system(&format!("http.bind = {bind}")))?;
        let metrics = telemetry::install_metrics()
            .map_err(|error| AppError::Died(format!("metrics: {error}")))?;
        Ok(Some((listener, metrics)))
    }

    /// Health, readiness, metrics. Once every part has a line of its own: a part that is missing is not ready.
    fn start_pages(
        &mut self,
        (listener, metrics): (TcpListener, PrometheusHandle),
        parts: &Parts,
        health: tokio::sync::watch::Receiver<WorkerHealth>,
        readiness: &Readiness,
    ) -> Result<(), AppError> {
        let heartbeat = Heartbeat::new(self.settings.worker.stall_timeout);
        let breaker = readiness.component("breaker", Need::Listed);
        let state = HttpState {
            heartbeat: heartbeat.clone(),
            readiness: readiness.clone(),
            metrics: metrics.clone(),
            shutdown_grace: self.settings.http.shutdown_grace,
        };
        let poll = self.settings.dispatch.idle_poll;
        let gauges = watch::outbox(
            parts.store.reader()?,
            Arc::clone(&self.clock),
            readiness,
            poll,
            self.close(),
        );
        self.tasks.add("outbox-gauges", Life::Whole, async move { Ok(gauges.await?) });
        let close = self.close();
        self.tasks.add("http", Life::Whole, async move {
            http::serve(listener, state, close).await.map_err(system("the pages"))
        });
        let (upkeep, beats) = (
            telemetry::upkeep(metrics, self.close()),
            watch::worker(health, heartbeat, (readiness.clone(), breaker), self.close()),
        );
        self.tasks.add("metrics", Life::Whole, async move {
            upkeep.await;
            Ok(())
        });
        self.tasks.add("worker-health", Life::Whole, async move {
            beats.await;
            Ok(())
        });
        Ok(())
    }

    fn stop(&self) -> CancellationToken {
        self.tasks.stop.clone()
    }

    fn close(&self) -> CancellationToken {
        self.tasks.close.clone()
    }
}
