//! Too many at once? A whole set of steps, or of accounts below zero, is admitted or held before any of it runs (SAFE-6).
//!
//! Pure arithmetic over counts: who counts, and keeps what was admitted before, is the worker. Knows no clock.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::id::{PhaseName, PolicyId, ResourceId};

/// What can be one of too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A step that takes the resource away and can be taken back: stopped, out of service, in the bin.
    Stop,
    /// A step that cannot be taken back.
    Release,
    /// An account that falls below zero.
    Arrears,
}

impl Kind {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Stop, Self::Release, Self::Arrears];

    /// As it is stored, published and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Release => "release",
            Self::Arrears => "arrears",
        }
    }
}

/// A step that is due and asks to be admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Of what.
    pub resource: ResourceId,
    /// The lifecycle that it follows.
    pub policy: PolicyId,
    /// The phase that it would enter.
    pub to: PhaseName,
    /// Whether it could be taken back.
    pub kind: Kind,
    /// When it was due.
    pub due_at: DateTime<Utc>,
}

/// How many are not too many within one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Never more than this.
    pub number: u64,
    /// Never more than this many hundredths of what is tracked,
    pub share_percent: u64,
    /// but so many are always few.
    pub floor: u64,
}

impl Limit {
    /// The most, of so many that are tracked.
    pub fn of(self, tracked: u64) -> u64 {
        let share = tracked.saturating_mul(self.share_percent) / 100;
        self.number.min(share.max(self.floor))
    }
}

/// What is known of one scope and kind when a set is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// How many wait.
    pub waiting: u64,
    /// How many were admitted in the window before now, by nobody's leave.
    pub admitted: u64,
    /// How many are tracked.
    pub tracked: u64,
    /// An earlier set is held and nobody has decided about it.
    pub is_open: bool,
}

/// Whose limit it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All policies together.
    All,
    /// Those that follow one policy, in any version.
    Policy(PolicyId),
}

impl Scope {
    /// As it is published and shown: the id of the policy, or `all`.
    pub fn word(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Policy(id) => id.as_str(),
        }
    }
}

/// A set that is too large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trip {
    /// Whose limit it breaks.
    pub scope: Scope,
    /// The policies of which everything that waits belongs to the set.
    pub policies: Vec<PolicyId>,
    /// How many it is.
    pub count: u64,
    /// What was known.
    pub standing: Standing,
    /// How many would not have been too many, with those that were admitted before.
    pub limit: u64,
}

/// What becomes of everything of one kind that waits. What is in neither list goes on waiting behind a set that is held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judgement {
    /// All that waits of these goes on.
    pub admit: Vec<PolicyId>,
    /// All that waits of these is held.
    pub trips: Vec<Trip>,
}

/// Judges everything of one kind that waits, as a set: first policy by policy, then what is left of all together.
pub fn judge(
    policies: &BTreeMap<PolicyId, Standing>,
    all: Standing,
    (per_policy, over_all): (Limit, Limit),
) -> Judgement {
    let mut judgement = Judgement::default();
    let (mut left, mut count) = (Vec::new(), 0_u64);
    if all.is_open {
        return judgement;
    }
    for (id, standing) in policies.iter().filter(|(_, one)| one.waiting > 0 && !one.is_open) {
        let limit = per_policy.of(standing.tracked);
        if is_too_many(*standing, standing.waiting, limit) {
            let (scope, policies) = (Scope::Policy(id.clone()), alloc::vec![id.clone()]);
            let (count, standing) = (standing.waiting, *standing);
            judgement.trips.push(Trip { scope, policies, count, standing, limit });
        } else {
            left.push(id.clone());
            count = count.saturating_add(standing.waiting);
        }
    }
    let limit = over_all.of(all.tracked);
    if !left.is_empty() && is_too_many(all, count, limit) {
        let (scope, standing) = (Scope::All, Standing { waiting: count, ..all });
        judgement.trips.push(Trip { scope, policies: left, count, standing, limit });
    } else {
        judgement.admit = left;
    }
    judgement
}

fn is_too_many(standing: Standing, count: u64, limit: u64) -> bool {
    standing.admitted.saturating_add(count) > limit
}

/// How many minutes are looked at together: an hour that begins within a minute touches one more.
const HOUR: i64 = 60;

/// How many accounts fall below zero within one hour of event time, at the most, if those that wait are admitted: by the minute
/// of the event, of what was admitted before and of what waits. Hours in which nothing waits do not count.
///
/// Never less than there are in any hour; it may be those of a minute more.
pub fn most_in_an_hour(admitted: &BTreeMap<i64, u64>, waiting: &BTreeMap<i64, u64>) -> u64 {
    let mut minutes: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    let reach = |at: i64| waiting.range(at.saturating_sub(HOUR)..=at.saturating_add(HOUR));
    for (at, count) in admitted.iter().filter(|(at, _)| reach(**at).next().is_some()) {
        minutes.entry(*at).or_default().0 = *count;
    }
    for (at, count) in waiting {
        minutes.entry(*at).or_default().1 = *count;
    }
    let (mut most, mut all, mut new) = (0_u64, 0_u64, 0_u64);
    let mut first = minutes.iter().peekable();
    for (at, (admitted, waiting)) in &minutes {
        all = all.saturating_add(*admitted).saturating_add(*waiting);
        new = new.saturating_add(*waiting);
        while let Some((_, (old, was_new))) = first.next_if(|(first, _)| **first + HOUR < *at) {
            all = all.saturating_sub(old.saturating_add(*was_new));
            new = new.saturating_sub(*was_new);
        }
        if new > 0 {
            most = most.max(all);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { number: 100, share_percent: 10, floor: 20 };
    const LOOSE: Limit = Limit { number: u64::MAX, share_percent: 100, floor: u64::MAX };

    fn standing(waiting: u64, admitted: u64, tracked: u64) -> Standing {
        Standing { waiting, admitted, tracked, is_open: false }
    }

    fn one(standing: Standing) -> Judgement {
        let policies = BTreeMap::from([("p".into(), standing)]);
        judge(&policies, Standing::default(), (LIMIT, LOOSE))
    }

    fn trips(standing: Standing) -> bool {
        let judgement = one(standing);
        assert_ne!(judgement.admit.is_empty(), judgement.trips.is_empty(), "{judgement:?}");
        !judgement.trips.is_empty()
    }

    #[test]
    fn exactly_the_limit_goes_and_one_more_is_held_with_all_the_others() {
        assert!(!trips(standing(100, 0, 5_000)));
        let judgement = one(standing(101, 0, 5_000));
        assert!(judgement.admit.is_empty());
        let trip = &judgement.trips[0];
        assert_eq!((trip.count, trip.limit, trip.scope.word()), (101, 100, "p"));
        assert_eq!(trip.policies, ["p".into()]);
    }

    #[test]
    fn a_share_of_few_is_more_than_the_floor_and_a_share_of_many_no_more_than_the_number() {
        assert!(!trips(standing(20, 0, 21)), "so few never trip by their share");
        assert!(trips(standing(21, 0, 21)));
        assert!(!trips(standing(50, 0, 509)));
        assert!(trips(standing(51, 0, 509)), "a share is rounded down");
        assert!(!trips(standing(51, 0, 510)));
        assert!(trips(standing(101, 0, 1_000_000)));
    }

    #[test]
    fn what_was_admitted_before_counts() {
        assert!(!trips(standing(1, 99, 5_000)));
        assert!(trips(standing(1, 100, 5_000)));
        assert!(trips(standing(2, 99, 5_000)));
    }

    #[test]
    fn policies_that_are_few_each_can_be_too_many_together() {
        let both = BTreeMap::from([
            ("a".into(), standing(60, 0, 1_000)),
            ("b".into(), standing(60, 0, 1_000)),
            ("c".into(), standing(101, 0, 9_000)),
        ]);
        let all = standing(0, 0, 2_000);
        let judged = judge(&both, all, (LIMIT, Limit { number: 119, ..LIMIT }));
        let scopes: Vec<_> = judged.trips.iter().map(|trip| trip.scope.word()).collect();
        assert_eq!(scopes, ["c", "all"]);
        assert_eq!((judged.trips[1].count, judged.trips[1].policies.len()), (120, 2));
        let judged = judge(&both, all, (LIMIT, Limit { number: 120, ..LIMIT }));
        assert_eq!(judged.admit, ["a".into(), "b".into()], "what is held already does not count");
        let judged = judge(&both, standing(0, 1, 2_000), (LIMIT, Limit { number: 120, ..LIMIT }));
        assert!(judged.admit.is_empty());
    }

    #[test]
    fn behind_a_set_that_is_held_everything_of_its_scope_waits() {
        let open = Standing { is_open: true, ..standing(1, 0, 5_000) };
        assert_eq!(one(open), Judgement::default());
        let policies = BTreeMap::from([("a".into(), open), ("b".into(), standing(1, 0, 5_000))]);
        assert_eq!(judge(&policies, Standing::default(), (LIMIT, LOOSE)).admit, ["b".into()]);
        assert_eq!(judge(&policies, open, (LIMIT, LOOSE)), Judgement::default());
    }

    fn most(admitted: &[(i64, u64)], waiting: &[(i64, u64)]) -> u64 {
        let map = |pairs: &[(i64, u64)]| pairs.iter().copied().collect();
        most_in_an_hour(&map(admitted), &map(waiting))
    }

    #[test]
    fn an_hour_of_event_time_lies_anywhere() {
        assert_eq!(most(&[], &[(0, 3), (59, 4)]), 7);
        assert_eq!(most(&[], &[(0, 3), (60, 4)]), 7, "the last instant of an hour");
        assert_eq!(most(&[], &[(0, 3), (61, 4)]), 4);
        assert_eq!(most(&[], &[(0, 1), (30, 2), (70, 4), (89, 8)]), 14);
        assert_eq!(most(&[(10, 5)], &[(0, 1)]), 6);
        assert_eq!(most(&[(10, 5)], &[(0, 1), (200, 1)]), 6);
    }

    #[test]
    fn hours_in_which_nothing_waits_do_not_count() {
        assert_eq!(most(&[(0, 90), (30, 50)], &[(300, 2)]), 2);
        assert_eq!(most(&[(0, 90), (60, 50)], &[(61, 2)]), 52);
        assert_eq!(most(&[(0, 90)], &[]), 0);
    }
}
