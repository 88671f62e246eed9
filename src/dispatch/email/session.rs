//! One SMTP connection and the dialogue of one message over it, a deadline for each step.
//!
//! Drives lettre's `AsyncSmtpConnection` directly: its own pool has no I/O deadline and parks a connection
//! whose send was cancelled. Keeps nothing: whoever owns a session decides whether it lives on.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::time::{Instant, timeout};

use super::mime::Encoded;
use super::reply::{Broken, Phase, Reply, answered, silent};
use super::settings::{SmtpTimeouts, TlsMode};
use super::smtp::Relay;
use super::wire::{Spoken, plain_hello, starttls};
use crate::clock::monotonic;
use crate::dispatch::message::{Fault, Outcome};

/// An open, greeted, authenticated connection.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    pipelining: bool,
    max_bytes: Option<usize>,
    sent: u32,
    idle_since: Instant,
}

/// What may be done with a session after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// In step with the server: the next message may use it.
    Reuse,
    /// Out of step, or ended.
    Drop,
    /// Ended by the server before it read anything of this message.
    Stale,
}

type Step = (Phase, Result<Reply, Broken>);

/// Awaits one reply under its deadline.
async fn within(
    secs: u64,
    step: impl Future<Output = Result<Response, Error>>,
) -> Result<Reply, Broken> {
    match timeout(Duration::from_secs(secs), step).await {
        Ok(result) => Reply::read(result),
        Err(_) => Err(Broken::Deadline),
    }
}

impl Session {
    /// Connects, protects, greets and logs in. Whatever goes wrong here is the relay's fault.
    pub(super) async fn open(relay: &Relay) -> Result<Self, Outcome> {
        let limits = &relay.timeouts;
        let spoken = Self::protected(relay).await?;
        let hello = ClientId::Domain(relay.hello.clone());
        let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(spoken), &hello);
        let mut connection = bounded(Phase::Greeting, limits.greeting_secs, connecting).await?;
        if let Some((username, password)) = relay.login() {
            let credentials = Credentials::new(username, password);
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let login = connection.auth(&mechanisms, &credentials);
            let reply = within(limits.auth_secs, login).await;
            match reply {
                Ok(reply) if reply.is_positive() => {}
                // Not its words: they may repeat the login.
                Ok(reply) => return Err(answered(Phase::Auth, &reply.code_only(), "")),
                Err(Broken::Lost(_)) => {
                    let broken = Broken::Lost("the login failed without a code".to_owned());
                    return Err(silent(Phase::Auth, &broken, ""));
                }
                Err(broken) => return Err(silent(Phase::Auth, &broken, "")),
            }
        }
        // Asked again: lettre keeps neither PIPELINING nor SIZE, and what counts is said after AUTH.
        let (mut pipelining, mut max_bytes) = (false, None);
        let offer = connection.command(Ehlo::new(hello));
        let offer = bounded(Phase::Greeting, limits.greeting_secs, offer).await?;
        for line in offer.message().skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().map(str::to_ascii_uppercase).as_deref() {
                Some("PIPELINING") => pipelining = true,
                Some("SIZE") => max_bytes = words.next().and_then(|n| n.parse().ok()),
                _ => {}
            }
        }
        let max_bytes = max_bytes.filter(|limit| *limit > 0);
        Ok(Self { connection, pipelining, max_bytes, sent: 0, idle_since: monotonic() })
    }

    async fn protected(relay: &Relay) -> Result<Spoken, Outcome> {
        let limits = &relay.timeouts;
        let mut wire = bounded(Phase::Connect, limits.connect_secs, relay.dial.dial()).await?;
        let Some(tls) = &relay.tls else { return Ok(Spoken::fresh(wire)) };
        if relay.mode == TlsMode::Implicit {
            let wire = bounded(Phase::Tls, limits.tls_secs, tls.wrap(wire)).await?;
            return Ok(Spoken::fresh(wire));
        }
        let hello = plain_hello(&mut wire, &relay.hello);
        bounded(Phase::Greeting, limits.greeting_secs, hello).await?;
        let upgrade = async {
            starttls(&mut wire).await?;
            tls.wrap(wire).await
        };
        Ok(Spoken::greeted(bounded(Phase::Tls, limits.tls_secs, upgrade).await?))
    }

    /// Whether it has carried as many messages as it may.
    pub(super) fn is_spent(&self, max_messages: u32) -> bool {
        self.sent >= max_messages
    }

    /// How long it has carried nothing.
    pub(super) fn idle(&self) -> Duration {
        monotonic().duration_since(self.idle_since)
    }

    /// Says goodbye; whether anybody answers does not matter.
    pub(super) async fn quit(mut self, limits: &SmtpTimeouts) {
        let _farewell = within(limits.reset_secs, self.connection.command(Quit)).await;
    }

    /// The whole dialogue of one message to one recipient.
    pub(super) async fn transact(
        &mut self,
        message: &Encoded,
        limits: &SmtpTimeouts,
    ) -> (Outcome, After) {
        let to: &str = message.to().as_ref();
        if let Some(limit) = self.max_bytes.filter(|limit| message.bytes.len() > *limit) {
            let bytes = message.bytes.len();
            let reason = format!("the message has {bytes} bytes, the relay takes {limit}");
            let fault = Fault::Message;
            return (Outcome::Failed { fault, reason, retry_after_secs: None }, After::Reuse);
        }
        let steps = self.envelope(message, limits).await;
        let refused = steps.iter().find(|(phase, result)| !is_wanted(*phase, result));
        if let Some((phase, result)) = refused {
            let outcome = match result {
                Ok(reply) => answered(*phase, reply, to),
                Err(broken) => silent(*phase, broken, to),
            };
            return (outcome, self.recover(&steps, limits).await);
        }
        let (outcome, after) = self.body(message, limits).await;
        self.sent += 1;
        self.idle_since = monotonic();
        (outcome, after)
    }

    /// MAIL, RCPT and DATA: in one write where the server allows it (RFC 2920), else one by one up to the
    /// first refusal.
    async fn envelope(&mut self, message: &Encoded, limits: &SmtpTimeouts) -> Vec<Step> {
        let mail = Mail::new(message.envelope.from().cloned(), vec![]);
        let rcpt = Rcpt::new(message.to().clone(), vec![]);
        let mut steps = Vec::with_capacity(3);
        for phase in [Phase::Mail, Phase::Rcpt, Phase::Data] {
            let connection = &mut self.connection;
            let result = match (phase, self.pipelining) {
                (Phase::Mail, true) => {
                    let group = format!("{mail}{rcpt}{Data}");
                    within(limits.mail_secs, connection.command(group)).await
                }
                (Phase::Rcpt, true) => within(limits.rcpt_secs, connection.read_response()).await,
                (_, true) => within(limits.data_secs, connection.read_response()).await,
                (Phase::Mail, false) => within(limits.mail_secs, connection.command(&mail)).await,
                (Phase::Rcpt, false) => within(limits.rcpt_secs, connection.command(&rcpt)).await,
                (_, false) => within(limits.data_secs, connection.command(Data)).await,
            };
            let go_on = match &result {
                Ok(reply) => self.pipelining || is_wanted(phase, &Ok(reply.clone())),
                Err(_) => false,
            };
            steps.push((phase, result));
            if !go_on {
                break;
            }
        }
        steps
    }

    /// After a refusal: brings both sides back in step, or gives the connection up.
    async fn recover(&mut self, steps: &[Step], limits: &SmtpTimeouts) -> After {
        let closed = |result: &Result<Reply, Broken>| match result {
            Ok(reply) => reply.code == 421,
            Err(_) => true,
        };
        if let Some((Phase::Mail, first)) = steps.first()
            && closed(first)
            && *first != Err(Broken::Deadline)
        {
            return After::Stale;
        }
        if steps.iter().any(|(_, result)| closed(result)) {
            return After::Drop;
        }
        // The server was told DATA before it refused, and took it: a lone dot ends the empty message.
        let waits_for_body = matches!(steps.last(), Some((_, Ok(reply))) if reply.code == 354);
        if waits_for_body
            && within(limits.final_reply_secs, self.connection.command(".\r\n")).await.is_err()
        {
            return After::Drop;
        }
        self.idle_since = monotonic();
        match within(limits.reset_secs, self.connection.command(Rset)).await {
            Ok(reply) if reply.is_positive() => After::Reuse,
            _ => After::Drop,
        }
    }

    /// The message, the final dot and its reply.
    async fn body(&mut self, message: &Encoded, limits: &SmtpTimeouts) -> (Outcome, After) {
        let to: &str = message.to().as_ref();
        // lettre ends the message with CRLF . CRLF: ours would be one line longer.
        let bytes = message.bytes.strip_suffix(b"\r\n").unwrap_or(&message.bytes);
        // lettre asks for the next part when the last is written, and sends the dot when there is none: from
        // then on a loss is unknown, before it nothing was sent.
        let dotted = Arc::new(OnceLock::new());
        let mut parts = Some(bytes).into_iter();
        let mark = Arc::clone(&dotted);
        let parts = core::iter::from_fn(move || {
            let part = parts.next();
            if part.is_none() {
                mark.get_or_init(monotonic);
            }
            part
        });
        let writing = self.connection.message_iter(parts);
        let result = two_deadlines(writing, &dotted, limits).await;
        let phase = if dotted.get().is_some() { Phase::Final } else { Phase::Body };
        match result {
            Ok(reply) => {
                let in_step = matches!(reply.code / 100, 2 | 4 | 5) && reply.code != 421;
                let after = if in_step { After::Reuse } else { After::Drop };
                (answered(phase, &reply, to), after)
            }
            Err(broken) => (silent(phase, &broken, to), After::Drop),
        }
    }
}

/// One deadline for writing the message, another for the reply, counted from the dot.
async fn two_deadlines(
    writing: impl Future<Output = Result<Response, Error>>,
    dotted: &OnceLock<Instant>,
    limits: &SmtpTimeouts,
) -> Result<Reply, Broken> {
    let (body, last) = (limits.body_secs, limits.final_reply_secs);
    let start = monotonic();
    let written_by = start + Duration::from_secs(body);
    tokio::pin!(writing);
    let mut wake = written_by.min(start + Duration::from_secs(last));
    loop {
        if let Ok(result) = tokio::time::timeout_at(wake, &mut writing).await {
            return Reply::read(result);
        }
        let deadline = dotted.get().map_or(written_by, |at| *at + Duration::from_secs(last));
        if deadline <= wake {
            return Err(Broken::Deadline);
        }
        wake = deadline;
    }
}

/// Runs one step of the way in; its failure is the relay's.
async fn bounded<T, E: core::fmt::Display>(
    phase: Phase,
    secs: u64,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, Outcome> {
    match timeout(Duration::from_secs(secs), step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(silent(phase, &Broken::Lost(error.to_string()), "")),
        Err(_) => Err(silent(phase, &Broken::Deadline, "")),
    }
}

fn is_wanted(phase: Phase, result: &Result<Reply, Broken>) -> bool {
    match (phase, result) {
        (Phase::Data, Ok(reply)) => reply.code == 354,
        (_, Ok(reply)) => reply.is_positive(),
        (_, Err(_)) => false,
    }
}
