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
/// Room on either side of a length on the axis: half a mark and some air.
const BESIDE: i32 = 8;
/// The narrowest gap.
const GAP_MIN: i32 = 30;
/// The widest gap, unless its labels need more: where little happens the outer bars take the room.
const GAP_MAX: i32 = 260;

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
        let widths = spread(&least, &weights, WISHED - 2 * MARGIN - LEAD_IN - lead_out);

        // Where little happens the first and the last bar share what is left.
        let taken: i32 = widths.iter().sum();
        let left = (WISHED - 2 * MARGIN - LEAD_IN - lead_out - taken).max(0);
        let mut x = MARGIN + LEAD_IN + left / 2;
        let mut axis = Self { marks: Vec::new(), gaps: Vec::new(), end: 0 };
        for (index, at) in instants.iter().enumerate() {
            axis.marks.push(At { at: *at, x });
            let Some((from, to)) = pairs.get(index) else { break };
            let next = x + widths[index];
            axis.gaps.push(Gap { from: x, to: next, label: distance(*to - *from) });
            x = next;
        }
        axis.end = (x + lead_out).max(WISHED - MARGIN);
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
    let label = width(&distance(to - from), TEXT, false) + 2 * BESIDE;
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

/// Widths in proportion to the weights, none below its least, that fill the room as far as the widest gap lets them; all at
/// their least where it is too small.
fn spread(least: &[i32], weights: &[i64], room: i32) -> Vec<i32> {
    // Thousandths of a pixel for each unit of weight.
    let widths = |scale: i64| -> Vec<i32> {
        let share = |weight: &i64| i32::try_from(weight * scale / 1000).unwrap_or(i32::MAX);
        least
            .iter()
            .zip(weights)
            .map(|(least, weight)| share(weight).min(GAP_MAX).max(*least))
            .collect()
    };
    let fits = |scale: i64| {
        widths(scale).iter().map(|width| i64::from(*width)).sum::<i64>() <= i64::from(room)
    };
    let (mut low, mut high) = (0, i64::from(room.max(1)) * 1000);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    widths(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_grow_with_their_length_and_fill_the_room() {
        let widths = spread(&[30, 30, 50], &[1, 9, 100], 400);
        assert_eq!(widths, [30, 110, GAP_MAX]);
        let widths = spread(&[30, 30, 50], &[1, 90, 100], 400);
        assert!(widths[1] < widths[2] && widths[0] == 30, "{widths:?}");
        assert!((398..=400).contains(&widths.iter().sum::<i32>()), "{widths:?}");
        assert_eq!(spread(&[300, 300], &[1, 9], 400), [300, 300]);
        assert!(spread(&[], &[], 400).is_empty());
    }
}
