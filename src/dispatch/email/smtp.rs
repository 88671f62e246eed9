//! The e-mail channel over SMTP: takes a connection, speaks, decides what becomes of the connection.
//!
//! Tries each message once. The one exception: a connection that the relay closed while it was idle is
//! replaced, once, before the relay read anything.

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};

use super::mime::{Encoded, Sender};
use super::pool::Pool;
use super::reply::{Broken, Phase, silent};
use super::session::{After, Session};
use super::settings::{EmailSettings, EmailSettingsError, SmtpTimeouts, TlsMode};
use super::wire::{Dial, TcpDial, Tls};
use crate::dispatch::message::{EmailChannel, EmailMessage, Fault, Outcome};

/// Where mail goes, and how.
pub(super) struct Relay {
    pub(super) dial: Box<dyn Dial>,
    pub(super) mode: TlsMode,
    /// Present where `mode` needs it.
    pub(super) tls: Option<Tls>,
    pub(super) hello: String,
    pub(super) timeouts: SmtpTimeouts,
    login: Option<(String, SecretString)>,
}

impl Relay {
    /// User name and password, for the moment of the login only.
    pub(super) fn login(&self) -> Option<(String, String)> {
        let (username, password) = self.login.as_ref()?;
        Some((username.clone(), password.expose_secret().to_owned()))
    }
}

/// E-mail through a relay, over a small pool of connections.
pub struct SmtpEmail {
    sender: Sender,
    relay: Relay,
    pool: Pool<Session>,
    idle: Duration,
    max_messages: u32,
}

impl SmtpEmail {
    /// Checks the settings and reads the certificates; connects to nothing yet.
    ///
    /// # Errors
    /// The key that cannot work.
    pub fn new(settings: &EmailSettings) -> Result<Self, EmailSettingsError> {
        Self::over(settings, Box::new(TcpDial::new(&settings.smtp)))
    }

    pub(super) fn over(
        settings: &EmailSettings,
        dial: Box<dyn Dial>,
    ) -> Result<Self, EmailSettingsError> {
        let smtp = &settings.smtp;
        let wrong =
            |key, problem: &str| EmailSettingsError::Smtp { key, problem: problem.to_owned() };
        let hello = smtp.hello_name.clone().unwrap_or_else(|| ClientId::default().to_string());
        if hello.is_empty() || !hello.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("hello_name", "not a host name"));
        }
        let login = match (&smtp.username, &smtp.password) {
            (Some(username), Some(password)) => Some((username.clone(), password.clone())),
            (None, None) => None,
            (Some(_), None) => return Err(wrong("password", "missing, though username is set")),
            (None, Some(_)) => return Err(wrong("username", "missing, though password is set")),
        };
        if smtp.max_connections == 0 {
            return Err(wrong("max_connections", "must be at least 1"));
        }
        let tls = (smtp.tls != TlsMode::None).then(|| Tls::new(smtp)).transpose()?;
        Ok(Self {
            sender: Sender::new(settings)?,
            relay: Relay { dial, mode: smtp.tls, tls, hello, timeouts: smtp.timeouts, login },
            pool: Pool::new(smtp.max_connections),
            idle: Duration::from_secs(smtp.idle_secs),
            max_messages: smtp.max_messages_per_connection.max(1),
        })
    }

    /// Connects and logs in without sending, for `dunlin check` and readiness. Leaves the connection for use.
    ///
    /// # Errors
    /// What is wrong with the relay or the settings, without personal data.
    pub async fn probe(&self) -> Result<(), String> {
        let Some(permit) = self.permit().await else {
            return Err("no free connection within the deadline".to_owned());
        };
        match Session::open(&self.relay).await {
            Ok(session) => {
                self.pool.give_back(session, &permit);
                Ok(())
            }
            Err(Outcome::Failed { reason, .. } | Outcome::Unknown { reason }) => Err(reason),
            Err(Outcome::Sent { receipt }) => Err(receipt),
        }
    }

    /// Says goodbye to connections that waited longer than `idle_secs`; call it now and then.
    pub async fn close_idle(&self) {
        self.quit_all(self.pool.take_old(|session| session.idle() >= self.idle)).await;
    }

    /// Says goodbye to every waiting connection, at shutdown.
    pub async fn close(&self) {
        self.quit_all(self.pool.take_old(|_| true)).await;
    }

    async fn quit_all(&self, sessions: Vec<Session>) {
        let farewells = sessions.into_iter().map(|session| session.quit(&self.relay.timeouts));
        futures_util::future::join_all(farewells).await;
    }

    async fn permit(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.pool.permit(Duration::from_secs(self.relay.timeouts.acquire_secs)).await
    }

    async fn try_once(&self, message: &EmailMessage) -> Outcome {
        let encoded = match self.sender.encode(message) {
            Ok(encoded) => encoded,
            Err(error) => {
                let (fault, reason) = (Fault::Message, error.to_string());
                return Outcome::Failed { fault, reason, retry_after_secs: None };
            }
        };
        let Some(permit) = self.permit().await else {
            return silent(Phase::Acquire, &Broken::Deadline, "");
        };
        if let Some(session) = self.waiting() {
            let (outcome, after) = self.over_session(session, &encoded, &permit).await;
            if after != After::Stale {
                return outcome;
            }
            // The relay hung up on an idle connection: nothing of this message was taken.
        }
        match Session::open(&self.relay).await {
            Ok(session) => self.over_session(session, &encoded, &permit).await.0,
            Err(outcome) => outcome,
        }
    }

    /// A connection that may still be used; the caller's permit keeps the count right.
    fn waiting(&self) -> Option<Session> {
        // Dropping an old one closes its socket; `close_idle` is the polite way.
        core::iter::from_fn(|| self.pool.take()).find(|session| session.idle() < self.idle)
    }

    async fn over_session(
        &self,
        mut session: Session,
        message: &Encoded,
        permit: &tokio::sync::SemaphorePermit<'_>,
    ) -> (Outcome, After) {
        let (outcome, after) = session.transact(message, &self.relay.timeouts).await;
        match after {
            After::Reuse if session.is_spent(self.max_messages) => {
                session.quit(&self.relay.timeouts).await;
            }
            After::Reuse => self.pool.give_back(session, permit),
            After::Drop | After::Stale => {}
        }
        (outcome, after)
    }

    #[cfg(test)]
    fn waiting_connections(&self) -> usize {
        self.pool.waiting()
    }
}

impl EmailChannel for SmtpEmail {
    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Outcome> {
        Box::pin(self.try_once(message))
    }

    fn name(&self) -> &'static str {
        "smtp"
    }
}

#[cfg(test)]
mod tests;
