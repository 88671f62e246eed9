//! Time to pixels. Not to scale: two hours and fifteen days are both to be read, so a gap grows with the square of the
//! logarithm of its length, and is never narrower than its label.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{MARGIN, TEXT, flags};
use crate::timeline::Timeline;
use crate::timeline::measure::width;
use crate::timeline::words::distance;

/// How wide a picture is, if its labels let it.
const WISHED: i32 = 900;
/// From the left end of the first bar to the first instant.
const LEAD_IN: i32 = 78;
/// The narrowest gap.
const GAP_MIN: i32 = 30;

/// An instant at which something happens, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) at: DateTime<Utc>,
    pub(super) x: i32,
}

/// The time between two instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) label: String,
}

/// The axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) marks: Vec<At>,
    pub(super) gaps: Vec<Gap>,
    /// Where the last bar ends, unless a label needs more.
    pub(super) end: i32,
}

impl Axis {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let mut instants: BTreeSet<_> = timeline.entries.iter().map(|entry| entry.at).collect();
        instants.insert(timeline.anchor);
        let instants: Vec<_> = instants.into_iter().collect();
        let pairs: Vec<_> = instants.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let least: Vec<i32> = pairs.iter().map(|(from, to)| least(timeline, *from, *to)).collect();
        let weights: Vec<i64> = pairs.iter().map(|(from, to)| weight(*from, *to)).collect();
        let last = instants.last().map_or(0, |at| flags::width_at(timeline, *at));
        let lead_out = last.max(LEAD_IN);
        let taken: i32 = least.iter().sum();
        let spare = i64::from((WISHED - 2 * MARGIN - LEAD_IN - lead_out - taken).max(0));
        let total: i64 = weights.iter().sum::<i64>().max(1);

        let mut x = MARGIN + LEAD_IN;
        let mut axis = Self { marks: Vec::new(), gaps: Vec::new(), end: 0 };
        for (index, at) in instants.iter().enumerate() {
            axis.marks.push(At { at: *at, x });
            let Some((from, to)) = pairs.get(index) else { break };
            // The share of a gap is at most the whole width of a picture.
            let share = i32::try_from(spare * weights[index] / total).unwrap_or(0);
            let next = x + least[index] + share;
            axis.gaps.push(Gap { from: x, to: next, label: distance(*to - *from) });
            x = next;
        }
        axis.end = x + lead_out;
        axis
    }

    /// Where an instant stands that something happens at.
    pub(super) fn x(&self, at: DateTime<Utc>) -> i32 {
        let found = self.marks.binary_search_by_key(&at, |mark| mark.at);
        found.map_or(self.end, |index| self.marks[index].x)
    }
}

/// Wide enough for its length and, where a phase is no longer than this gap, for its name.
fn least(timeline: &Timeline, from: DateTime<Utc>, to: DateTime<Utc>) -> i32 {
    let label = width(&distance(to - from), TEXT, false) + 10;
    let starts = |index: usize| timeline.stays.get(index).and_then(|stay| stay.since);
    let names = timeline
        .stays
        .iter()
        .enumerate()
        .filter(|(index, stay)| stay.since == Some(from) && starts(index + 1) == Some(to));
    let name = names.map(|(_, stay)| width(stay.phase.as_str(), TEXT + 1, true) + 10).max();
    label.max(GAP_MIN).max(name.unwrap_or(0))
}

fn weight(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    let minutes = (to - from).num_minutes().max(1);
    let logarithm = i64::from(minutes.ilog2()) + 1;
    logarithm * logarithm
}
