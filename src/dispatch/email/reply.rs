//! What a relay answered, and what that means for the message: the table of error classes, by phase.
//!
//! Knows no socket. The one place that turns a server's words into ours, and strips people out of them.

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use crate::dispatch::message::{Fault, Outcome};

/// How far the dialogue had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Acquire,
    Connect,
    Tls,
    Greeting,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The message is being written; the final dot is not.
    Body,
    /// The final dot may have arrived.
    Final,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Acquire => "waiting for a connection",
            Self::Connect => "connect",
            Self::Tls => "TLS",
            Self::Greeting => "greeting",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Body => "message",
            Self::Final => "final reply",
        }
    }
}

/// A reply that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: String,
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The step's deadline passed.
    Deadline,
    /// The connection ended, or said something that is no reply.
    Lost(String),
}

impl Reply {
    /// lettre gives refusals as errors, with the code; anything else it fails with is no reply.
    pub(super) fn read(result: Result<Response, Error>) -> Result<Self, Broken> {
        match result {
            Ok(response) => {
                let text = response.message().collect::<Vec<_>>().join(" ");
                Ok(Self { code: response.code().into(), text })
            }
            Err(error) => match error.status() {
                Some(code) => {
                    let text = core::error::Error::source(&error).map(ToString::to_string);
                    Ok(Self { code: code.into(), text: text.unwrap_or_default() })
                }
                None => Err(Broken::Lost(error.to_string())),
            },
        }
    }

    /// The same without the server's words.
    pub(super) fn code_only(&self) -> Self {
        Self { code: self.code, text: String::new() }
    }

    pub(super) fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// The subject and detail of an enhanced status code (RFC 3463) such as `5.1.1`.
    fn enhanced(&self) -> Option<(u16, u16)> {
        let mut parts = self.text.split_whitespace().next()?.splitn(3, '.');
        let class: u16 = parts.next()?.parse().ok()?;
        let (subject, detail) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        (class == self.code / 100).then_some((subject, detail))
    }
}

/// Who is to blame for a reply that is not the one the phase wanted.
fn fault(phase: Phase, reply: &Reply) -> Fault {
    let permanent = reply.code / 100 == 5;
    match (phase, reply.code) {
        // The relay closes down, or wants a login: true of every message, so no recipient is blamed,
        // whatever the phase.
        (_, 421 | 530 | 534 | 535 | 538) => Fault::Relay,
        (Phase::Rcpt, _) if permanent => Fault::RecipientPermanent,
        (Phase::Rcpt, _) if reply.code / 100 == 4 => Fault::RecipientTransient,
        (Phase::Data, _) if permanent => Fault::Message,
        (Phase::Data, _) if reply.code / 100 == 4 => Fault::RecipientTransient,
        (Phase::Final, 552) => Fault::Message,
        (Phase::Final, _) if permanent => match reply.enhanced() {
            // Too big, not convertible, or against the relay's policy: another recipient fares no better.
            Some((3, 4) | (6 | 7, _)) => Fault::Message,
            _ => Fault::RecipientPermanent,
        },
        (Phase::Final, _) => Fault::RecipientTransient,
        _ => Fault::Relay,
    }
}

/// The outcome of a reply that ends the attempt. `to` is struck out of the words that are kept.
pub(super) fn answered(phase: Phase, reply: &Reply, to: &str) -> Outcome {
    let words = clean(&format!("{} {}", reply.code, reply.text), to);
    match (phase, reply.code / 100) {
        (Phase::Final, 2) => Outcome::Sent { receipt: words },
        // A 3xx after the dot answers something else: the dialogue is out of step.
        (Phase::Final, 3) => {
            Outcome::Unknown { reason: format!("{}: out of step: {words}", phase.name()) }
        }
        _ => {
            let reason = format!("{}: {words}", phase.name());
            Outcome::Failed { fault: fault(phase, reply), reason, retry_after_secs: None }
        }
    }
}

/// The outcome where no reply came: provably not sent before the final dot, unknown after it.
pub(super) fn silent(phase: Phase, broken: &Broken, to: &str) -> Outcome {
    let reason = match broken {
        Broken::Deadline => format!("{}: no answer within the deadline", phase.name()),
        Broken::Lost(why) => format!("{}: {}", phase.name(), clean(why, to)),
    };
    match phase {
        Phase::Final => Outcome::Unknown { reason },
        _ => Outcome::Failed { fault: Fault::Relay, reason, retry_after_secs: None },
    }
}

/// Longest reason or receipt that is kept, in characters.
const MAX_WORDS: usize = 200;

/// Keeps a server's words readable and takes people out: anything with `@`, in `<…>`, or that names the
/// recipient's mailbox; control characters; all that is too long.
pub(in crate::dispatch) fn clean(text: &str, to: &str) -> String {
    let local = to.rsplit_once('@').map_or(to, |(local, _)| local).to_lowercase();
    let mut outside = String::with_capacity(text.len());
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '<' => depth += 1,
            '>' if depth > 0 => {
                depth -= 1;
                outside.push('…');
            }
            _ if depth > 0 => {}
            c if c.is_control() => outside.push(' '),
            c => outside.push(c),
        }
    }
    let names_somebody = |word: &str| {
        word.contains('@') || (local.len() > 1 && word.to_lowercase().contains(&local))
    };
    let words = outside.split_whitespace().map(|w| if names_somebody(w) { "…" } else { w });
    words.collect::<Vec<_>>().join(" ").chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> Reply {
        Reply { code, text: text.to_owned() }
    }

    #[test]
    fn a_reason_never_names_an_address() {
        let to = "Li.Lei@example.com";
        for text in [
            "5.1.1 <li.lei@example.com>: no such user",
            "5.1.1 li.lei@example.com unknown",
            "mailbox li.lei is full",
            "relay denied for <@route:li.lei@example.com> \"li.lei\"@example.com",
            "unclosed <li.lei@example.com",
        ] {
            let kept = clean(text, to);
            assert!(!kept.contains('@') && !kept.to_lowercase().contains("lei"), "{kept}");
        }
        assert_eq!(clean("5.1.1 <a@b.c>: no\r\nsuch user", to), "5.1.1 …: no such user");
        assert_eq!(clean(&"x".repeat(5000), to).len(), MAX_WORDS);
    }

    #[test]
    fn a_lost_login_or_a_closing_relay_blames_no_recipient_in_any_phase() {
        for phase in [Phase::Auth, Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Final] {
            for code in [421, 530, 535] {
                assert_eq!(fault(phase, &reply(code, "x")), Fault::Relay, "{phase:?} {code}");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_the_message_is_not_blamed_on_the_recipient() {
        for (code, text) in [(552, "too big"), (550, "5.3.4 too big"), (554, "5.7.1 policy")] {
            assert_eq!(fault(Phase::Final, &reply(code, text)), Fault::Message);
        }
        assert_eq!(fault(Phase::Final, &reply(550, "5.1.1 gone")), Fault::RecipientPermanent);
    }

    #[test]
    fn a_positive_answer_to_something_else_after_the_dot_is_unknown() {
        let outcome = answered(Phase::Final, &reply(354, "go ahead"), "a@b.c");
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
}
