//! What dunlin decided in the shadow against what the system in charge did: the same, earlier, later, or only one of the two.
//!
//! Pure: compares two lists. Of several changes into one phase, each is held against the one that it fits best by time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::engine::effect::Effect;
use crate::engine::id::{AccountId, ResourceId};
use crate::store::{Read, Result};

/// Records that are read at a time.
const PAGE: usize = 500;

/// What was done to a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// It entered a phase.
    Transition {
        /// Which resource.
        resource: ResourceId,
        /// The phase.
        to: String,
    },
    /// Its contacts were told.
    Notice {
        /// About which resource.
        resource: ResourceId,
        /// Of what.
        notice: String,
    },
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    /// What.
    pub subject: Subject,
    /// When (UTC).
    pub at: DateTime<Utc>,
}

/// A difference between the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whose.
    pub account: AccountId,
    /// What.
    #[serde(flatten)]
    pub subject: Subject,
    /// When the system in charge did it.
    pub old: Option<DateTime<Utc>>,
    /// When dunlin would have.
    pub dunlin: Option<DateTime<Utc>>,
    /// How much later dunlin would have, in seconds; negative where earlier.
    pub later_seconds: Option<i64>,
}

/// How they compare.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Done by both at the same time, within the tolerance.
    pub same: u64,
    /// dunlin would have done it earlier.
    pub earlier: u64,
    /// dunlin would have done it later.
    pub later: u64,
    /// Only the system in charge did it.
    pub only_old: u64,
    /// Only dunlin would have.
    pub only_dunlin: u64,
    /// What the system in charge did before dunlin's first record: not compared.
    pub before_shadow: u64,
}

impl Summary {
    /// Whether there is any difference.
    pub fn differs(&self) -> bool {
        self.earlier + self.later + self.only_old + self.only_dunlin > 0
    }

    /// Takes a difference in.
    fn count(&mut self, difference: &Difference) {
        let of_kind = match (difference.old, difference.dunlin, difference.later_seconds) {
            (Some(_), None, _) => &mut self.only_old,
            (None, _, _) => &mut self.only_dunlin,
            (_, _, Some(later)) if later < 0 => &mut self.earlier,
            _ => &mut self.later,
        };
        *of_kind += 1;
    }
}

/// What dunlin decided for an account, by its record.
///
/// # Errors
///
/// If the store cannot be read, or a record cannot be read back.
pub fn ours(store: &dyn Read, account: &AccountId) -> Result<Vec<Did>, OursError> {
    let (mut did, mut after) = (Vec::new(), None);
    loop {
        let page = store.ledger(account, after, PAGE)?;
        for row in &page {
            #[derive(serde::Deserialize)]
            struct Body {
                effects: Vec<Effect>,
            }
            let body: Body = serde_json::from_str(&row.decision.body)
                .map_err(|_| OursError::Record { decision: row.decision.id })?;
            body.effects.iter().for_each(|effect| did.extend(done(effect)));
        }
        after = page.last().map(|row| row.decision.id);
        if page.len() < PAGE {
            return Ok(did);
        }
    }
}

/// Why what dunlin decided is not known.
#[derive(Debug, thiserror::Error)]
pub enum OursError {
    /// A record cannot be read back.
    #[error("decision {decision} of the store cannot be read back by this program")]
    Record {
        /// Its id.
        decision: i64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

fn done(effect: &Effect) -> Vec<Did> {
    match effect {
        Effect::Transition(one) => {
            let (resource, to) = (one.resource.clone(), one.to.as_str().to_owned());
            vec![Did { subject: Subject::Transition { resource, to }, at: one.effective_at }]
        }
        Effect::Notice(notice) => {
            let kind = notice.kind.as_str();
            let about = notice.items.iter().map(|item| Did {
                subject: Subject::Notice {
                    resource: item.resource.clone(),
                    notice: kind.to_owned(),
                },
                at: notice.at,
            });
            about.collect()
        }
        // Not in what is compared.
        Effect::ChargeRequested(_)
        | Effect::ChargeCancelled { .. }
        | Effect::Renewal(_)
        | Effect::Refund(_)
        | Effect::Rejected(_)
        | Effect::Held(_)
        | Effect::Unreachable { .. } => Vec::new(),
    }
}

/// Compares what both did to one account. `from`: nothing of the old system is compared that is older.
pub fn compare(
    account: &AccountId,
    old: &[Did],
    dunlin: &[Did],
    (from, tolerance): (DateTime<Utc>, TimeDelta),
    summary: &mut Summary,
) -> Vec<Difference> {
    let compared: Vec<&Did> = old.iter().filter(|did| did.at >= from).collect();
    summary.before_shadow += count(old.len() - compared.len());
    let mut subjects: Vec<&Subject> = compared
        .iter()
        .map(|did| &did.subject)
        .chain(dunlin.iter().map(|did| &did.subject))
        .collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut differences = Vec::new();
    for subject in subjects {
        let times = |did: &mut dyn Iterator<Item = &Did>| {
            let mut times: Vec<_> =
                did.filter(|did| did.subject == *subject).map(|did| did.at).collect();
            times.sort_unstable();
            times
        };
        let theirs = times(&mut compared.iter().copied());
        let ours = times(&mut dunlin.iter());
        for (old, dunlin) in pairs(&theirs, &ours) {
            let later = old.zip(dunlin).map(|(old, dunlin)| dunlin - old);
            if later.is_some_and(|later| later.abs() <= tolerance) {
                summary.same += 1;
                continue;
            }
            let difference = Difference {
                account: account.clone(),
                subject: subject.clone(),
                old,
                dunlin,
                later_seconds: later.map(|later| later.num_seconds()),
            };
            summary.count(&difference);
            differences.push(difference);
        }
    }
    differences
        .sort_by_key(|one| (one.old.into_iter().chain(one.dunlin).min(), one.subject.clone()));
    differences
}

fn count(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}

type Instants = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// As many pairs as can be, in order, with the least time between them; then what is left over of the longer list.
fn pairs(old: &[DateTime<Utc>], dunlin: &[DateTime<Utc>]) -> Vec<Instants> {
    let (short, long, is_old_short) =
        if old.len() <= dunlin.len() { (old, dunlin, true) } else { (dunlin, old, false) };
    let apart = |a: DateTime<Utc>, b: DateTime<Utc>| (a - b).abs().num_milliseconds();
    let slack = long.len() - short.len();
    // least[s]: the least time for the short list up to here, `s` of the long one having been left over so far.
    let mut least = vec![0_i64; slack + 1];
    let mut chosen: Vec<Vec<usize>> = Vec::with_capacity(short.len());
    for (index, one) in short.iter().enumerate() {
        let mut choice = vec![0; slack + 1];
        let mut best = (i64::MAX, 0);
        for skipped in 0..=slack {
            best = best.min((least[skipped], skipped));
            least[skipped] = best.0.saturating_add(apart(*one, long[index + skipped]));
            choice[skipped] = best.1;
        }
        chosen.push(choice);
    }
    let mut skipped = (0..=slack).min_by_key(|skipped| least[*skipped]).unwrap_or(0);
    let mut partners = vec![0; short.len()];
    for index in (0..short.len()).rev() {
        partners[index] = index + skipped;
        skipped = chosen[index][skipped];
    }
    let order = |a, b| if is_old_short { (a, b) } else { (b, a) };
    let mut all: Vec<Instants> = Vec::with_capacity(long.len());
    for (index, at) in long.iter().enumerate() {
        let partner = partners.binary_search(&index).ok().map(|found| short[found]);
        all.push(order(partner, Some(*at)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn entered(to: &str, hours: i64) -> Did {
        let subject = Subject::Transition { resource: "r".into(), to: to.to_owned() };
        Did { subject, at: at(hours) }
    }

    fn compared(old: &[Did], dunlin: &[Did]) -> (Summary, Vec<Difference>) {
        let mut summary = Summary::default();
        let window = (at(0), TimeDelta::hours(1));
        let differences = compare(&"a".into(), old, dunlin, window, &mut summary);
        (summary, differences)
    }

    #[test]
    fn what_both_did_within_the_tolerance_is_the_same() {
        let (summary, differences) = compared(&[entered("stopped", 5)], &[entered("stopped", 6)]);
        assert_eq!((summary.same, differences.len(), summary.differs()), (1, 0, false));
    }

    #[test]
    fn earlier_later_and_only_one_of_the_two_are_told_apart() {
        let old = [entered("stopped", 5), entered("released", 50), entered("bin", 7)];
        let dunlin = [entered("stopped", 2), entered("released", 60), entered("active", 9)];
        let (summary, differences) = compared(&old, &dunlin);
        assert_eq!((summary.earlier, summary.later), (1, 1));
        assert_eq!((summary.only_old, summary.only_dunlin, summary.same), (1, 1, 0));
        let later: Vec<_> = differences.iter().map(|one| one.later_seconds).collect();
        assert_eq!(later, [Some(-3 * 3600), None, None, Some(10 * 3600)], "by time");
    }

    #[test]
    fn of_several_changes_into_one_phase_each_is_held_against_its_nearest() {
        let many = |hours: &[i64]| -> Vec<Did> {
            hours.iter().map(|hours| entered("stopped", *hours)).collect()
        };
        let (summary, differences) = compared(&many(&[1, 100, 200]), &many(&[100, 200]));
        assert_eq!((summary.same, summary.only_old), (2, 1));
        assert_eq!(differences[0].old, Some(at(1)));
        let (summary, differences) = compared(&many(&[100]), &many(&[1, 101, 200]));
        assert_eq!((summary.same, summary.only_dunlin), (1, 2));
        assert_eq!(differences[1].dunlin, Some(at(200)));
    }

    #[test]
    fn what_the_old_system_did_before_the_shadow_is_counted_and_not_compared() {
        let (summary, differences) =
            compared(&[entered("stopped", -1), entered("stopped", 3)], &[entered("stopped", 3)]);
        assert_eq!((summary.before_shadow, summary.same, differences.len()), (1, 1, 0));
    }
}
