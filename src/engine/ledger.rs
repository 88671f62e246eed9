//! What an account had, when: balance reports in the order in which they count, whatever order they came in.
//!
//! Answers "how much" and "below zero since when". Decides nothing.

use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::id::EventKey;

/// How many reports are remembered. A late report older than all of them is dropped: what it says is over.
pub const REPORTS_MAX: usize = 32;

/// The latest balance reports of one account, oldest first; also those that others of their instant stand before, since
/// what they say about the order of numbers must not depend on when they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balances {
    #[serde(default)]
    reports: Vec<Report>,
}

/// One balance report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What the balance was.
    pub amount: Decimal,
    /// When.
    pub time: DateTime<Utc>,
    /// The pipeline's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Who said so.
    pub key: EventKey,
}

impl Balances {
    /// Takes note of a report. Returns whether anything is different now.
    ///
    /// Reports are ordered by `sequence`, else `time`, else the higher balance, else the event (SAFE-3): a numbered
    /// report counts as no earlier than any with a lower number, which makes the order total. Those of one instant
    /// count as one, the last of them (POST-7).
    pub fn report(&mut self, report: Report) -> bool {
        if self.reports.iter().any(|known| known.key == report.key) {
            return false;
        }
        let before = self.clone();
        self.reports.push(report);
        self.sort();
        if self.reports.len() > REPORTS_MAX {
            let excess = self.reports.len() - REPORTS_MAX;
            // The start of the running arrears is what clocks run from: it outlives its neighbours.
            let start = self.arrears_start().cloned();
            self.reports.drain(..excess);
            let lost = start.filter(|start| !self.reports.contains(start));
            self.reports.splice(0..0, lost);
        }
        self.counting() != before.counting()
    }

    /// Takes note of a report and says whether resources have to be looked at: the balance crossed zero or rests on it, the
    /// arrears began at another time, or there was more money once than was known.
    pub fn report_matters(&mut self, report: Report) -> bool {
        let (sign, since, reported) = (self.sign(), self.negative_since(), report.key.clone());
        let changed = self.report(report);
        let is_late = self.reports.last().is_some_and(|last| last.key != reported);
        changed && (is_late || self.sign() != sign || self.negative_since() != since)
    }

    fn sign(&self) -> Option<core::cmp::Ordering> {
        self.current().map(|amount| amount.cmp(&Decimal::ZERO))
    }

    /// What it has.
    pub fn current(&self) -> Option<Decimal> {
        self.reports.last().map(|report| report.amount)
    }

    /// When the last report that counts was made.
    pub fn reported_at(&self) -> Option<DateTime<Utc>> {
        self.reports.last().map(|report| report.time)
    }

    /// Since when it is below zero.
    pub fn negative_since(&self) -> Option<DateTime<Utc>> {
        self.arrears_start().map(|report| report.time)
    }

    /// Reports of no debt that were not known `before` and that others count after: when, and how much it was.
    ///
    /// Told from the reports, not from the order in which they were read: two that came late say the same either way.
    pub fn late_top_ups(&self, before: &Self) -> Vec<(DateTime<Utc>, Decimal)> {
        let (mut counting, known) = (self.counting(), before.counting());
        counting.pop();
        counting
            .into_iter()
            .filter(|report| report.amount >= Decimal::ZERO && !known.contains(report))
            .map(|report| (report.time, report.amount))
            .collect()
    }

    /// Whether a report of this instant or a later one says that there is no debt.
    pub fn is_settled_from(&self, instant: DateTime<Utc>) -> bool {
        let no_debt = |report: &&Report| report.time >= instant && report.amount >= Decimal::ZERO;
        self.counting().iter().any(no_debt)
    }

    /// The report that took the balance below zero, if it is there.
    fn arrears_start(&self) -> Option<&Report> {
        let counting = self.counting();
        counting.into_iter().rev().take_while(|report| report.amount < Decimal::ZERO).last()
    }

    fn sort(&mut self) {
        let mut numbered: Vec<(u64, DateTime<Utc>)> = self
            .reports
            .iter()
            .filter_map(|report| Some((report.sequence?, report.time)))
            .collect();
        numbered.sort_unstable();
        let no_earlier_than = |report: &Report| match report.sequence {
            None => report.time,
            Some(number) => numbered
                .iter()
                .take_while(|(other, _)| *other <= number)
                .map(|(_, time)| *time)
                .max()
                .unwrap_or(report.time)
                .max(report.time),
        };
        let mut keyed: Vec<_> =
            self.reports.drain(..).map(|report| (no_earlier_than(&report), report)).collect();
        keyed.sort_by(|(at, a), (bt, b)| {
            (at, a.sequence, a.amount, &a.key).cmp(&(bt, b.sequence, b.amount, &b.key))
        });
        self.reports.extend(keyed.into_iter().map(|(_, report)| report));
    }

    /// The reports that count: the last of each instant (POST-7).
    fn counting(&self) -> Vec<&Report> {
        let mut counting: Vec<&Report> = Vec::with_capacity(self.reports.len());
        for report in &self.reports {
            match counting.last_mut() {
                Some(last) if last.time == report.time => *last = report,
                _ => counting.push(report),
            }
        }
        counting
    }
}
