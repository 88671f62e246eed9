//! When to try again, and when not to. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::message::{Fault, Outcome};
use crate::store::AttemptOutcome;

/// How patient dispatch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// The wait before the second, third, … attempt; the last one repeats. Empty: never again.
    pub retry_after: Vec<Duration>,
    /// After so many attempts that were the recipient's fault a delivery has failed for good.
    pub attempts_max: u32,
}

/// What an attempt comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// When to try again; final without it.
    pub next_at: Option<DateTime<Utc>>,
    /// What the other side said.
    pub receipt: String,
    /// The way out itself is broken: nobody else's message goes there before this instant.
    pub pause_until: Option<DateTime<Utc>>,
}

impl Patience {
    /// Judges attempt number `attempt` (from 1). `resend_unknown`: the other side can tell a repeat from a second message.
    ///
    /// A fault of the relay is nobody's fault: it is retried for as long as it lasts. An outcome that nobody knows is
    /// resent only where a repeat can be told (SAFE-2).
    pub fn judge(
        &self,
        outcome: Outcome,
        attempt: u32,
        resend_unknown: bool,
        now: DateTime<Utc>,
    ) -> Judgement {
        let again = self.wait(attempt).map(|wait| now + wait);
        let patient = again.filter(|_| attempt < self.attempts_max);
        match outcome {
            Outcome::Sent { receipt } => Judgement {
                outcome: AttemptOutcome::Sent,
                next_at: None,
                receipt,
                pause_until: None,
            },
            Outcome::Unknown { reason } => {
                let next_at = patient.filter(|_| resend_unknown);
                Judgement {
                    outcome: AttemptOutcome::Unknown,
                    next_at,
                    receipt: reason,
                    pause_until: None,
                }
            }
            Outcome::Failed { fault, reason, retry_after_secs } => {
                let asked = retry_after_secs
                    .and_then(|seconds| TimeDelta::try_seconds(i64::try_from(seconds).ok()?))
                    .map(|wait| now + wait);
                let (next_at, pause_until) = match fault {
                    Fault::RecipientPermanent | Fault::Message => (None, None),
                    Fault::RecipientTransient => {
                        (patient.map(|at| asked.map_or(at, |asked| asked.max(at))), None)
                    }
                    Fault::Relay => {
                        let at = again.map(|at| asked.map_or(at, |asked| asked.max(at)));
                        (at, at.map(|at| at.min(now + self.first())))
                    }
                };
                Judgement { outcome: AttemptOutcome::Failed, next_at, receipt: reason, pause_until }
            }
        }
    }

    fn wait(&self, attempt: u32) -> Option<TimeDelta> {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.retry_after.get(index).or_else(|| self.retry_after.last())?;
        TimeDelta::from_std(*wait).ok()
    }

    fn first(&self) -> TimeDelta {
        self.wait(1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> Patience {
        Patience {
            retry_after: vec![Duration::from_secs(30), Duration::from_secs(600)],
            attempts_max: 3,
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-03-01T00:00:00Z".parse().expect("an instant")
    }

    fn failed(fault: Fault, retry_after_secs: Option<u64>) -> Outcome {
        Outcome::Failed { fault, reason: "no".into(), retry_after_secs }
    }

    fn seconds(judgement: &Judgement) -> Option<i64> {
        judgement.next_at.map(|at| (at - now()).num_seconds())
    }

    #[test]
    fn a_recipient_is_given_up_after_the_last_attempt_and_a_relay_never() {
        for (attempt, transient, relay) in [
            (1, Some(30), Some(30)),
            (2, Some(600), Some(600)),
            (3, None, Some(600)),
            (99, None, Some(600)),
        ] {
            let judged =
                patience().judge(failed(Fault::RecipientTransient, None), attempt, true, now());
            assert_eq!(seconds(&judged), transient, "recipient, attempt {attempt}");
            let judged = patience().judge(failed(Fault::Relay, None), attempt, true, now());
            assert_eq!(seconds(&judged), relay, "relay, attempt {attempt}");
            assert!(judged.pause_until.is_some());
        }
    }

    #[test]
    fn what_is_for_good_is_never_tried_again() {
        for fault in [Fault::RecipientPermanent, Fault::Message] {
            assert_eq!(patience().judge(failed(fault, None), 1, true, now()).next_at, None);
        }
    }

    #[test]
    fn an_unknown_outcome_is_resent_only_where_a_repeat_can_be_told() {
        let unknown = || Outcome::Unknown { reason: "lost".into() };
        assert_eq!(seconds(&patience().judge(unknown(), 1, true, now())), Some(30));
        assert_eq!(patience().judge(unknown(), 1, false, now()).next_at, None);
    }

    #[test]
    fn a_longer_wait_that_the_other_side_asks_for_is_granted() {
        let judged = patience().judge(failed(Fault::RecipientTransient, Some(120)), 1, true, now());
        assert_eq!(seconds(&judged), Some(120));
        let judged = patience().judge(failed(Fault::RecipientTransient, Some(5)), 1, true, now());
        assert_eq!(seconds(&judged), Some(30));
    }
}
