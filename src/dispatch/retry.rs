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
pub enum Verdict {
    /// It is on record.
    Record {
        /// How it ended.
        outcome: AttemptOutcome,
        /// When to try again; final without it.
        next_at: Option<DateTime<Utc>>,
        /// What the other side said.
        receipt: String,
    },
    /// The way out is broken: the message was not tried, and is not blamed.
    Rest(String),
}

impl Patience {
    /// Judges attempt number `attempt` (from 1). `resend_unknown`: the other side can tell a repeat from a second message.
    ///
    /// A fault of the relay is nobody's fault and counts for nothing. An outcome that nobody knows is resent only where a
    /// repeat can be told (SAFE-2).
    pub fn judge(
        &self,
        outcome: Outcome,
        attempt: u32,
        resend_unknown: bool,
        now: DateTime<Utc>,
    ) -> Verdict {
        let again =
            self.wait(attempt).map(|wait| now + wait).filter(|_| attempt < self.attempts_max);
        let (outcome, next_at, receipt) = match outcome {
            Outcome::Sent { receipt } => (AttemptOutcome::Sent, None, receipt),
            Outcome::Unknown { reason } => {
                (AttemptOutcome::Unknown, again.filter(|_| resend_unknown), reason)
            }
            Outcome::Failed { fault, reason, retry_after_secs } => match fault {
                Fault::Relay => return Verdict::Rest(reason),
                Fault::RecipientPermanent | Fault::Message => {
                    (AttemptOutcome::Failed, None, reason)
                }
                Fault::RecipientTransient => {
                    let seconds = retry_after_secs.and_then(|seconds| i64::try_from(seconds).ok());
                    let asked = seconds.and_then(TimeDelta::try_seconds).map(|wait| now + wait);
                    (
                        AttemptOutcome::Failed,
                        again.map(|at| asked.map_or(at, |asked| asked.max(at))),
                        reason,
                    )
                }
            },
        };
        Verdict::Record { outcome, next_at, receipt }
    }

    /// When to try something again that is never given up.
    pub fn next_at(&self, attempt: u32, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.wait(attempt).unwrap_or_default()
    }

    fn wait(&self, attempt: u32) -> Option<TimeDelta> {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.retry_after.get(index).or_else(|| self.retry_after.last())?;
        TimeDelta::from_std(*wait).ok()
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

    /// Seconds until the next attempt; `None` if it is final.
    fn seconds(verdict: &Verdict) -> Option<i64> {
        match verdict {
            Verdict::Record { next_at, .. } => next_at.map(|at| (at - now()).num_seconds()),
            Verdict::Rest(reason) => panic!("nothing is recorded: {reason}"),
        }
    }

    #[test]
    fn a_recipient_is_given_up_after_the_last_attempt() {
        for (attempt, wait) in [(1, Some(30)), (2, Some(600)), (3, None)] {
            let verdict =
                patience().judge(failed(Fault::RecipientTransient, None), attempt, true, now());
            assert_eq!(seconds(&verdict), wait, "attempt {attempt}");
        }
    }

    #[test]
    fn a_broken_relay_is_held_against_no_message() {
        for attempt in [1, 3, 99] {
            let verdict = patience().judge(failed(Fault::Relay, None), attempt, true, now());
            assert_eq!(verdict, Verdict::Rest("no".into()));
        }
    }

    #[test]
    fn what_is_for_good_is_never_tried_again() {
        for fault in [Fault::RecipientPermanent, Fault::Message] {
            assert_eq!(seconds(&patience().judge(failed(fault, None), 1, true, now())), None);
        }
    }

    #[test]
    fn an_unknown_outcome_is_resent_only_where_a_repeat_can_be_told() {
        let unknown = || Outcome::Unknown { reason: "lost".into() };
        assert_eq!(seconds(&patience().judge(unknown(), 1, true, now())), Some(30));
        assert_eq!(seconds(&patience().judge(unknown(), 1, false, now())), None);
    }

    #[test]
    fn a_longer_wait_that_the_other_side_asks_for_is_granted() {
        for (asked, wait) in [(120, Some(120)), (5, Some(30))] {
            let verdict =
                patience().judge(failed(Fault::RecipientTransient, Some(asked)), 1, true, now());
            assert_eq!(seconds(&verdict), wait);
        }
    }
}
