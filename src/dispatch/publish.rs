//! State changes to RabbitMQ: one task, one channel, confirms.
//!
//! Tries once per call and keeps nothing: the outbox does. `Sent` means that the broker confirmed the message and a
//! queue was bound for it.

use core::future::Future;
use core::pin::pin;
use core::time::Duration;

use futures_util::future::BoxFuture;
use lapin::types::ShortString;
use metrics::{counter, gauge};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::broker::confirm::{Outgoing, Verdict, Window};
use crate::broker::link::{Link, Subject};
use crate::broker::supervise::Supervisor;
use crate::broker::{BrokerError, BrokerHealth, BrokerSettings, Side, ensure};
use crate::dispatch::message::{Fault, Outcome, Publication, Publisher};

/// What a publication is answered while there is no session.
const NO_LINK: &str = "no connection to the broker";

struct Job {
    publication: Publication,
    reply: oneshot::Sender<Outcome>,
}

/// A handle on the publishing task. Clones share it.
#[derive(Debug, Clone)]
pub struct BrokerPublisher {
    jobs: mpsc::Sender<Job>,
}

/// The task that owns the publishing connection.
#[derive(Debug)]
pub struct PublishTask {
    settings: BrokerSettings,
    jobs: mpsc::Receiver<Job>,
    health: BrokerHealth,
}

impl core::fmt::Debug for Job {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Job").field("id", &self.publication.id).finish_non_exhaustive()
    }
}

/// The handle and the task behind it, which the caller must run.
pub fn publisher(settings: BrokerSettings, health: BrokerHealth) -> (BrokerPublisher, PublishTask) {
    let (sender, jobs) = mpsc::channel(settings.output.max_unconfirmed.max(1));
    (BrokerPublisher { jobs: sender }, PublishTask { settings, jobs, health })
}

impl Publisher for BrokerPublisher {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (reply, outcome) = oneshot::channel();
            let job = Job { publication: publication.clone(), reply };
            if self.jobs.send(job).await.is_err() {
                return failed(Fault::Relay, "dunlin is stopping");
            }
            // The task drops a reply only together with the session that the message was sent in.
            outcome.await.unwrap_or_else(|_| Outcome::Unknown {
                reason: "the broker was lost before it confirmed".to_owned(),
            })
        })
    }

    fn name(&self) -> &'static str {
        "rabbitmq"
    }
}

impl PublishTask {
    /// Publishes until `shutdown`, over any number of sessions; then takes no more, sends and awaits what it has
    /// taken, and closes.
    ///
    /// # Errors
    /// Only what a person must repair: settings that cannot be used, or an exchange that contradicts them.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), BrokerError> {
        self.settings.checked()?;
        let backoff = self.settings.link.backoff();
        let mut supervisor = Supervisor::new(Side::Publish, self.health.clone(), backoff);
        loop {
            let delay = match self.session(&mut supervisor, &shutdown).await {
                Ok(()) => return Ok(()),
                Err(error) => supervisor.ended(error)?,
            };
            let waiting = refusing(&mut self.jobs, NO_LINK, Supervisor::wait(delay));
            if shutdown.run_until_cancelled(waiting).await.is_none() {
                self.refuse_the_rest().await;
                return Ok(());
            }
        }
    }

    async fn refuse_the_rest(&mut self) {
        self.jobs.close();
        while let Some(job) = self.jobs.recv().await {
            answer(job, failed(Fault::Relay, "dunlin is stopping"));
        }
    }

    /// One session. `Ok`: everything was answered after `shutdown`.
    async fn session(
        &mut self,
        supervisor: &mut Supervisor,
        shutdown: &CancellationToken,
    ) -> Result<(), BrokerError> {
        supervisor.begin();
        let (settings, health) = (&self.settings, &self.health);
        let opening = async {
            let link = Link::open(settings, Side::Publish).await?;
            ensure(&link, settings, Side::Publish).await?;
            let exchange = ShortString::from(settings.output.exchange.as_str());
            let limit = Duration::from_millis(settings.output.confirm_timeout_ms);
            let window = Window::open(&link, exchange, limit).await?;
            Ok::<_, BrokerError>((link, window))
        };
        // Who wants to publish meanwhile waits: a refusal would put the whole outbox off at every start.
        let Some(opened) = shutdown.run_until_cancelled(opening).await else {
            self.refuse_the_rest().await;
            return Ok(());
        };
        let (link, mut window) = opened?;
        supervisor.up();
        let mut broken = pin!(link.broken(Side::Publish, health.clone(), &settings.link));
        let subject = Subject::Exchange(settings.output.exchange.clone());
        let mut proof = pin!(link.proof_of_life(window.channel(), subject, &settings.link));
        let mut accepting = true;
        loop {
            gauge!("dunlin_broker_unconfirmed")
                .set(u32::try_from(window.len()).unwrap_or(u32::MAX));
            tokio::select! {
                biased;
                error = &mut broken => return Err(error),
                error = &mut proof => return Err(error),
                () = shutdown.cancelled(), if accepting => {
                    accepting = false;
                    self.jobs.close();
                }
                Some((flight, verdict)) = window.next(), if window.len() > 0 => {
                    land(settings, health, flight, verdict)?;
                }
                job = self.jobs.recv(), if window.len() < settings.output.max_unconfirmed => {
                    match job {
                        Some(job) => take_off(settings, &link, &mut window, job),
                        None if window.len() == 0 => break,
                        // Closed: only verdicts are left to wait for.
                        None => while let Some((flight, verdict)) = window.next().await {
                            land(settings, health, flight, verdict)?;
                        },
                    }
                }
            }
        }
        supervisor.closed();
        link.close().await;
        Ok(())
    }
}

/// A message in flight.
struct Flight {
    routing_key: String,
    mandatory: bool,
    reply: oneshot::Sender<Outcome>,
}

fn take_off(settings: &BrokerSettings, link: &Link, window: &mut Window<Flight>, job: Job) {
    if link.is_blocked() {
        return answer(
            job,
            failed(Fault::Relay, "the broker takes no messages: memory or disk alarm"),
        );
    }
    if job.publication.body.len() > settings.output.max_body_bytes {
        return answer(
            job,
            failed(Fault::Message, "the body is larger than broker.output.max_body_bytes"),
        );
    }
    let Job { publication, reply } = job;
    let Publication { id, event_type, routing_key, body, mandatory } = publication;
    let flight = Flight { routing_key: routing_key.clone(), mandatory, reply };
    let short = |text: String| ShortString::try_new(text).ok();
    let (Some(id), Some(event_type), Some(routing_key)) =
        (short(id), short(event_type), short(routing_key))
    else {
        let reason = "an id, a type or a routing key of more than 255 bytes";
        return conclude(flight.reply, "failed", failed(Fault::Message, reason));
    };
    window.publish(flight, Outgoing { id, event_type, routing_key, body, mandatory });
}

/// Tells the caller; an error ends the session.
fn land(
    settings: &BrokerSettings,
    health: &BrokerHealth,
    flight: Flight,
    verdict: Verdict,
) -> Result<(), BrokerError> {
    let Flight { routing_key, mandatory, reply } = flight;
    match verdict {
        Verdict::Confirmed => {
            if mandatory {
                health.routed(&routing_key);
            }
            conclude(reply, "sent", Outcome::Sent { receipt: "confirmed".to_owned() });
        }
        Verdict::Unroutable => {
            health.unroutable(&routing_key);
            let exchange = &settings.output.exchange;
            let reason = format!(
                "unroutable: no queue is bound to exchange {exchange:?} for {routing_key:?}"
            );
            conclude(reply, "unroutable", failed(Fault::RecipientTransient, &reason));
        }
        Verdict::Nacked => {
            let reason = "refused by the broker (basic.nack)";
            conclude(reply, "refused", failed(Fault::Relay, reason));
        }
        Verdict::Lost(reason) => {
            conclude(reply, "unknown", Outcome::Unknown { reason: reason.clone() });
            return Err(BrokerError::lost("waiting for a confirm", reason));
        }
    }
    Ok(())
}

/// Runs `future`; who wants to publish meanwhile is told that it cannot be.
async fn refusing<T>(
    jobs: &mut mpsc::Receiver<Job>,
    why: &str,
    future: impl Future<Output = T>,
) -> T {
    let mut future = pin!(future);
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            done = &mut future => return done,
            job = jobs.recv(), if open => match job {
                Some(job) => answer(job, failed(Fault::Relay, why)),
                None => open = false,
            },
        }
    }
}

fn failed(fault: Fault, reason: &str) -> Outcome {
    Outcome::Failed { fault, reason: reason.to_owned(), retry_after_secs: None }
}

fn answer(job: Job, outcome: Outcome) {
    conclude(job.reply, "failed", outcome);
}

fn conclude(reply: oneshot::Sender<Outcome>, label: &'static str, outcome: Outcome) {
    counter!("dunlin_broker_published_total", "outcome" => label).increment(1);
    // Whoever asked may have been cancelled; the outbox row then stays unsent, which is safe.
    drop(reply.send(outcome));
}
