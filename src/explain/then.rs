//! How things were at an instant: now, or in the past by what is on record. What is not on record is said to be unknown, never
//! guessed.

use chrono::{DateTime, Utc};

use super::find::Found;
use super::record::{Record, concerns};
use super::{ByHand, Caused, Facts, InForce, Place, Question, Waiting};
use crate::engine::act::Given;
use crate::engine::effect::{Effect, Transition};
use crate::engine::forecast::{Coming, forecast};
use crate::engine::hold::{Hold, Holds};
use crate::engine::id::{PhaseName, ResourceId};
use crate::engine::input::HoldScope;
use crate::engine::policy::{Cause, Clock};

/// The records up to an instant, and those after it.
pub(super) fn split(mut records: Vec<Record>, at: DateTime<Utc>) -> (Vec<Record>, Vec<Record>) {
    let later = records.split_off(records.partition_point(|record| record.row.at <= at));
    (records, later)
}

/// One resource at one instant.
pub(super) struct Instant<'f> {
    found: &'f Found,
    at: DateTime<Utc>,
    is_past: bool,
    until: &'f [Record],
    /// What has changed since, in words; empty where the state is that of the instant.
    changed: Vec<String>,
    later: &'f [Record],
}

impl<'f> Instant<'f> {
    pub(super) fn new(
        found: &'f Found,
        question: &Question,
        until: &'f [Record],
        later: &'f [Record],
    ) -> Self {
        let mut instant = Self {
            found,
            at: question.at,
            is_past: question.is_past,
            until,
            changed: Vec::new(),
            later,
        };
        if question.is_past {
            instant.changed = instant.changes();
        }
        instant
    }

    /// Whether the stored state is the one of the instant.
    pub(super) fn is_known(&self) -> bool {
        self.changed.is_empty()
    }

    /// What cannot be said of the instant.
    pub(super) fn not_known(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.changed.is_empty() {
            lines.push(format!(
                "the facts of then (expiry, arrears, auto-renewal) and what would have come next: {}",
                self.changed.join("; ")
            ));
        }
        if self.is_past {
            lines.push(
                "what the broker had not confirmed then: only what waits now is kept".to_owned(),
            );
        }
        lines
    }

    /// What has changed since the instant, fact by fact.
    fn changes(&self) -> Vec<String> {
        let resource = &self.found.resource;
        let account = &self.found.account;
        let since = [
            ("it entered the phase it is in", Some(resource.entered_at)),
            ("its expiry was set", resource.term.as_ref().map(|term| term.known_at)),
            ("its arrears became known", resource.arrears_known_at),
            ("auto-renewal was set", resource.auto_renew.as_ref().map(|setting| setting.time)),
            ("its termination was set", resource.schedule.as_ref().map(|set| set.time)),
            (
                "the balance was reported",
                account
                    .balances
                    .reported_at()
                    .filter(|_| self.found.policy.clock == Clock::Arrears),
            ),
            ("something was decided about it", self.later.last().map(|record| record.row.at)),
        ];
        since
            .into_iter()
            .filter_map(|(what, at)| Some((what, at.filter(|at| *at > self.at)?)))
            .map(|(what, at)| {
                format!("{what} at {}", at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
            })
            .collect()
    }

    /// Where it was.
    pub(super) fn place(&self) -> Option<Place> {
        let resource = &self.found.resource;
        if !self.is_past || resource.entered_at <= self.at {
            let (phase, since) = (&resource.phase, resource.entered_at);
            return Some(self.placed(phase, since, Some(resource.entered_by)));
        }
        let id = &resource.id;
        if let Some(change) = transitions(self.until, id).last() {
            return Some(self.placed(&change.to, change.effective_at, cause(change)));
        }
        let first = transitions(self.later, id).next()?;
        Some(self.placed(&first.from, resource.activated_at, None))
    }

    fn placed(&self, phase: &PhaseName, since: DateTime<Utc>, by: Option<Cause>) -> Place {
        Place { phase: phase.clone(), class: self.found.policy.class(phase), since, by }
    }

    /// What its deadlines count from.
    pub(super) fn facts(&self) -> Option<Facts> {
        let resource = &self.found.resource;
        self.is_known().then(|| Facts {
            expires_at: resource.expiry(),
            auto_renew: resource.auto_renew.as_ref().map(|_| resource.renews_itself()),
            arrears_since: resource.arrears_since,
            terminates_at: resource.schedule.as_ref().and_then(|schedule| schedule.value),
        })
    }

    /// A step that was due and held.
    pub(super) fn held(&self) -> Option<Waiting> {
        if self.is_known() {
            let Some(held) = self.found.resource.held.as_ref() else { return self.gated() };
            let (to, because) = (held.to.clone(), held.because.word().to_owned());
            return Some(Waiting { to, since: held.since, because });
        }
        let id = &self.found.resource.id;
        let last = self.until.iter().flat_map(|record| &record.body.effects).rfind(|effect| {
            concerns(effect, id)
                && matches!(effect, Effect::Held(_) | Effect::Transition(_) | Effect::Renewal(_))
        });
        match last {
            Some(Effect::Held(held)) => Some(Waiting {
                to: held.to.clone(),
                since: held.since,
                because: held.because.clone(),
            }),
            _ => None,
        }
    }

    /// A step that is due and waits, and of which nobody was told so far: most wait for a moment.
    fn gated(&self) -> Option<Waiting> {
        let Found { resource, policy, account, moratoria } = self.found;
        let gated = resource.gates().next()?;
        let ahead = forecast(policy, (account, moratoria), resource, self.at);
        let to = ahead.into_iter().find_map(|ahead| match ahead.what {
            Coming::Held { to } => Some(to),
            _ => None,
        })?;
        Some(Waiting { to, since: gated.due_at, because: gated.by.word().to_owned() })
    }

    /// The holds in force on it and on its account.
    pub(super) fn holds(&self) -> Vec<InForce> {
        let (mine, all) = (&self.found.resource.holds, &self.found.account.holds);
        let of = |holds: &Holds, on_account| -> Vec<InForce> {
            let in_force = |(id, hold): (&str, &Hold)| one(id, hold, on_account, None);
            if self.is_past {
                holds.in_force_then(self.at).map(in_force).collect()
            } else {
                holds.in_force(self.at).map(in_force).collect()
            }
        };
        let mut holds = of(mine, false);
        holds.extend(of(all, true));
        for (target, of_target) in self.found.moratoria.covering(&self.found.resource) {
            let named = |(id, hold): (&str, &Hold)| one(id, hold, false, Some(target.to_string()));
            if self.is_past {
                holds.extend(of_target.in_force_then(self.at).map(named));
            } else {
                holds.extend(of_target.in_force(self.at).map(named));
            }
        }
        holds
    }

    /// What operators decided and what is in force of it. Of the past only what the records say is known.
    pub(super) fn by_hand(&self) -> Vec<ByHand> {
        let hand = &self.found.resource.hand;
        let said = |what: String, given: &Given| ByHand {
            what,
            by: given.by.clone(),
            at: given.at,
            reason: given.reason.clone(),
        };
        let approved = hand.approved.iter().map(|(to, given)| {
            said(format!("{to} needs no proof that anybody was told (SAFE-4)"), given)
        });
        let extended = hand.extended.iter().map(|(to, (until, given))| {
            let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            said(format!("{to} does not come before {until} (SAFE-9)"), given)
        });
        let allowed = hand
            .return_allowed
            .iter()
            .map(|given| said("a return is not refused as suspicious (RET-5)".to_owned(), given));
        let all = approved.chain(extended).chain(allowed);
        all.filter(|one| one.at <= self.at).collect()
    }
}

fn one(id: &str, hold: &Hold, on_account: bool, moratorium_on: Option<String>) -> InForce {
    InForce {
        hold: id.to_owned(),
        on_account,
        moratorium_on,
        releases_only: hold.scope == HoldScope::Release,
        reason: hold.reason.clone(),
        since: hold.since,
        until: hold.until,
        event: Caused {
            source: hold.key.source.clone(),
            id: hold.key.id.clone(),
            event_type: None,
        },
    }
}

fn transitions<'r>(
    records: &'r [Record],
    id: &'r ResourceId,
) -> impl Iterator<Item = &'r Transition> {
    let effects = records.iter().flat_map(|record| &record.body.effects);
    effects.filter_map(move |effect| match effect {
        Effect::Transition(change) if change.resource == *id => Some(change),
        _ => None,
    })
}

/// What brought it there, as far as the word on record tells.
fn cause(change: &Transition) -> Option<Cause> {
    match change.reason.as_str() {
        "expired" | "arrears" | "deadline" => Some(Cause::Clock),
        "renewed" | "balance_recovered" => Some(Cause::Recovery),
        "terminated" => Some(Cause::Termination),
        "returned" => Some(Cause::Return),
        "restored" | "released_on_request" => Some(Cause::Request),
        _ => None,
    }
}
