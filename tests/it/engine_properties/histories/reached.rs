//! What histories must reach, and what none can, each with its reason; the report of what they did.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dunlin::engine::effect::{RejectCode, Request};
use serde_json::{Value, json};

use super::coverage::Coverage;
use super::history::EVENT_TYPES;
use super::seen::{Way, ways};
use super::world::policies;

/// The rules of spec §2, §6 and §7 that one engine can follow or break, and how following one is told.
///
/// "named" is in the rules of an effect or in the reasons of a decision; the others are told by what was decided.
pub(super) const RULES: [(&str, &str); 54] = [
    ("PRE-1", "named"),
    ("PRE-2", "named"),
    ("PRE-3", "named"),
    ("PRE-4", "named"),
    ("PRE-5", "named"),
    ("PRE-6", "named"),
    ("PRE-7", "a notice to several contacts by several channels"),
    ("PRE-8", "named"),
    ("PRE-9", "named"),
    ("POST-1", "named"),
    ("POST-2", "named"),
    ("POST-3", "named"),
    ("POST-4", "named"),
    ("POST-5", "named"),
    ("POST-6", "an arrears notice about several resources"),
    ("POST-7", "a balance report that is read after its time"),
    ("NET-1", "named"),
    ("TERM-1", "named"),
    ("TERM-2", "named"),
    ("TERM-3", "ended on schedule, or past_instant"),
    ("TERM-4", "in_arrears"),
    ("TERM-5", "a termination, which says what is kept"),
    ("TERM-6", "a request about several resources"),
    ("RET-1", "named"),
    ("RET-2", "bandwidth hours taken off an unconditional refund"),
    ("RET-3", "named"),
    ("RET-4", "a term of an ordinary refund for what was used"),
    ("RET-5", "a return rejected"),
    ("RET-6", "named"),
    ("RET-7", "a refund"),
    ("REN-1", "named"),
    ("REN-2", "named"),
    ("REN-3", "named"),
    ("REN-4", "named"),
    ("REN-5", "named"),
    ("REN-6", "named"),
    ("REN-7", "named"),
    ("REN-8", "bad_term for auto-renewal"),
    ("REN-9", "a term that starts at the renewal"),
    ("DOWN-1", "a renewal with downgrade, or downgrade_not_allowed"),
    ("SYNC-1", "named"),
    ("SYNC-2", "expired for a synchronisation"),
    ("SAFE-3", "a fact that is read after its time"),
    ("SAFE-7", "named"),
    ("SAFE-8", "a release"),
    ("SAFE-9", "a step at the very date that a notice named"),
    ("SAFE-10", "a change of phase"),
    ("§1 no contact", "nobody can be told"),
    ("§3 parked", "a fact about what is not known yet"),
    ("§7 one notice", "a notice about several resources"),
    ("§7 set aside", "an event that contradicts what it is about"),
    ("§7 late top-up", "told by SAFE-3 and a recovery; see `ways`"),
    ("SAFE-1", "the store's"),
    ("SAFE-2", "the store's, and `disorder`"),
];

/// Rules of the list that the engine alone cannot be seen to follow.
const NOT_COUNTED: [&str; 3] = ["§7 late top-up", "SAFE-1", "SAFE-2"];

/// Ways that no history goes, and why.
const NO_WAY: [(&str, &str, &str, &str); 0] = [];

/// Every answer that the engine has.
const ANSWERS: [(Request, RejectCode); 41] = {
    use RejectCode::{
        BadTerm, ConvertedFromPostpaid, DowngradeNotAllowed, ExcludedFamily, ExcludedZone, Expired,
        InArrears, NotInBin, PastInstant, Promotional, QuotaUsed, Released, Suspicious, TooOld,
        UnknownCharge, UnknownResource, WrongPolicy,
    };
    use Request::{AutoRenew, Charge, ExpirySync, Release, Renewal, Restore, Return, Termination};
    [
        (Renewal, BadTerm),
        (Renewal, DowngradeNotAllowed),
        (Renewal, UnknownResource),
        (Renewal, WrongPolicy),
        (Renewal, Released),
        (Termination, InArrears),
        (Termination, PastInstant),
        (Termination, UnknownResource),
        (Termination, WrongPolicy),
        (Termination, Released),
        (Restore, InArrears),
        (Restore, NotInBin),
        (Restore, UnknownResource),
        (Restore, WrongPolicy),
        (Restore, Released),
        (Release, NotInBin),
        (Release, UnknownResource),
        (Release, Released),
        (Return, TooOld),
        (Return, QuotaUsed),
        (Return, ExcludedFamily),
        (Return, ExcludedZone),
        (Return, Promotional),
        (Return, ConvertedFromPostpaid),
        (Return, Suspicious),
        (Return, Expired),
        (Return, UnknownResource),
        (Return, WrongPolicy),
        (Return, Released),
        (ExpirySync, Expired),
        (ExpirySync, BadTerm),
        (ExpirySync, UnknownResource),
        (ExpirySync, WrongPolicy),
        (ExpirySync, Released),
        (AutoRenew, Expired),
        (AutoRenew, BadTerm),
        (AutoRenew, WrongPolicy),
        (AutoRenew, Released),
        (Charge, UnknownCharge),
        (Charge, UnknownResource),
        (Charge, Released),
    ]
};

/// One thing that was counted.
pub(crate) struct Count {
    /// `rule`, `met`, `way` or `answer`.
    pub(crate) what: &'static str,
    pub(crate) name: String,
    pub(crate) count: u64,
}

impl Coverage {
    /// Everything that has to be reached, with its count.
    pub(crate) fn counts(&self) -> Vec<Count> {
        let rules = RULES.iter().filter(|(rule, _)| !NOT_COUNTED.contains(rule));
        let mut counts: Vec<Count> = rules
            .map(|(rule, _)| Count {
                what: "rule",
                name: (*rule).to_owned(),
                count: self.rules.get(rule).copied().unwrap_or(0),
            })
            .collect();
        let (mut row, mut at) = (0, 0);
        for policy in policies().iter() {
            for phase in &policy.phases {
                for (kind, name) in EVENT_TYPES.iter().enumerate() {
                    let name = format!("{} {} {name}", policy.key.id, phase.name);
                    counts.push(Count { what: "met", name, count: self.met[row][kind] });
                }
                row += 1;
            }
            for way in ways(policy) {
                if !is_no_way(policy.key.id.as_str(), way) {
                    let name =
                        format!("{} {} -> {}: {}", policy.key.id, way.from, way.to, way.reason);
                    counts.push(Count { what: "way", name, count: self.gone[at] });
                }
                at += 1;
            }
        }
        counts.extend(ANSWERS.iter().map(|answer| Count {
            what: "answer",
            name: format!("{:?} {:?}", answer.0, answer.1),
            count: self.answers.get(answer).copied().unwrap_or(0),
        }));
        counts
    }

    /// Answers that were given and are not in the list.
    pub(crate) fn unlisted(&self) -> Vec<String> {
        let given = self.answers.keys().filter(|answer| !ANSWERS.contains(answer));
        given.map(|(request, code)| format!("{request:?} {code:?}")).collect()
    }

    /// As a table for people.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{} histories, {} events, {} decisions\n",
            self.histories, self.events, self.decisions
        );
        let counts = self.counts();
        let of = |what: &'static str| counts.iter().filter(move |one| one.what == what);
        text.push_str("\nrules\n");
        for one in of("rule") {
            let how = RULES.iter().find(|(rule, _)| *rule == one.name).map_or("", |(_, how)| how);
            let _ = writeln!(text, "  {:14} {:>10}  {how}", one.name, one.count);
        }
        let mut row = 0;
        for policy in policies().iter() {
            let _ = write!(text, "\n{}\n  {:24}", policy.key.id, "event \\ phase");
            for phase in &policy.phases {
                let _ = write!(text, "{:>15}", phase.name.as_str());
            }
            for (kind, name) in EVENT_TYPES.iter().enumerate() {
                let _ = write!(text, "\n  {name:24}");
                let rows = &self.met[row..row + policy.phases.len()];
                for met in rows {
                    let _ = write!(text, "{:>15}", met[kind]);
                }
            }
            row += policy.phases.len();
            text.push('\n');
        }
        for (what, title) in [("way", "ways between phases"), ("answer", "requests rejected")] {
            let _ = writeln!(text, "\n{title}");
            for one in of(what) {
                let _ = writeln!(text, "  {:70} {:>10}", one.name, one.count);
            }
        }
        for (policy, from, to, why) in NO_WAY {
            let _ = writeln!(text, "  {policy} {from} -> {to}: none, {why}");
        }
        let _ = writeln!(text, "\nleast of each");
        for what in ["rule", "met", "way", "answer"] {
            if let Some(least) = of(what).min_by_key(|one| one.count) {
                let _ = writeln!(text, "  {what:8} {:>10}  {}", least.count, least.name);
            }
        }
        text
    }

    /// As JSON, in the order of the table.
    pub(crate) fn json(&self) -> Value {
        let mut by_what: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
        for one in self.counts() {
            by_what.entry(one.what).or_default().insert(one.name, one.count.into());
        }
        json!({
            "histories": self.histories, "events": self.events, "decisions": self.decisions,
            "rules": by_what["rule"], "met": by_what["met"], "ways": by_what["way"], "answers": by_what["answer"],
        })
    }
}

fn is_no_way(policy: &str, way: &Way) -> bool {
    NO_WAY.iter().any(|(of, from, to, _)| {
        *of == policy && *from == way.from.as_str() && *to == way.to.as_str()
    })
}
