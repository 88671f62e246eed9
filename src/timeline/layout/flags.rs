//! Labels of instants, as flags: each hangs to the right of a leader that stands on its instant.
//!
//! Placed from right to left: where a flag would touch those to its right it moves away from the bars, past all of them.
//! So no two flags meet, and no leader crosses a flag: what lies to the right of a leader is nearer to the bars than its flag.

use chrono::{DateTime, Utc};

use super::axis::Axis;
use super::{LINE, MARK, Scene, Shape, TEXT, Tone};
use crate::policy::words::plain;
use crate::timeline::measure::{width, wrap};
use crate::timeline::words::{Said, Topic, local, relative, said, same_offset, zone_offset};
use crate::timeline::{Entry, Timeline};

/// From a leader to its text.
const INDENT: i32 = 6;
/// Between two flags.
const AIR: i32 = 8;
/// From the bars, or their marks, to the nearest flag.
const STEM: i32 = 8;
/// No label is wider: longer ones are broken.
const WIDE: i32 = 240;

/// Where a label stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Above the bars: what contacts are told, and what others do.
    Above,
    /// Below them: what is done to the resource and its term.
    Below,
}

impl Side {
    fn of(topic: Topic) -> Self {
        match topic {
            Topic::Phase | Topic::Charge | Topic::Renewal | Topic::Refund | Topic::Held => {
                Self::Below
            }
            Topic::Given | Topic::Rejected | Topic::Notice => Self::Above,
        }
    }
}

/// The label of one instant on one side.
pub(super) struct Flag {
    x: i32,
    /// From the bars, or their marks, to its nearest line.
    away: i32,
    width: i32,
    height: i32,
    /// `E-7d` and the local time; the rest is below.
    relative: String,
    time: String,
    lines: Vec<(Tone, String)>,
    marks: Vec<Topic>,
}

/// All labels of one side.
pub(super) struct Flags {
    flags: Vec<Flag>,
    /// How far they reach from the bars, with their marks.
    pub(super) height: i32,
    /// Room that marks need between the labels and the bars.
    pub(super) marks: i32,
    /// How far they reach to the right.
    pub(super) right: i32,
}

/// How wide the labels of an instant are, on both sides.
pub(super) fn width_at(timeline: &Timeline, at: DateTime<Utc>) -> i32 {
    let flags =
        [Side::Above, Side::Below].into_iter().filter_map(|side| flag(timeline, at, 0, side));
    flags.map(|flag| flag.width).max().unwrap_or(0)
}

/// Places the labels of one side.
pub(super) fn lay_out(timeline: &Timeline, axis: &Axis, side: Side) -> Flags {
    let mut placed: Vec<Flag> = Vec::new();
    for mark in axis.marks.iter().rev() {
        let Some(mut flag) = flag(timeline, mark.at, mark.x, side) else { continue };
        let touched = placed.iter().filter(|other| other.x < flag.x + flag.width + AIR);
        flag.away = touched.map(|other| other.away + other.height + AIR).max().unwrap_or(STEM);
        placed.push(flag);
    }
    let marks = placed.iter().map(|flag| flag.marks.len()).max().unwrap_or(0);
    Flags {
        height: placed.iter().map(|flag| flag.away + flag.height).max().unwrap_or(0),
        marks: i32::try_from(marks).unwrap_or(0) * MARK + 2,
        right: placed.iter().map(|flag| flag.x + flag.width).max().unwrap_or(0),
        flags: placed,
    }
}

/// What is said on one side about an instant. The anchor has a flag even where nothing happens at it.
fn flag(timeline: &Timeline, at: DateTime<Utc>, x: i32, side: Side) -> Option<Flag> {
    let of_instant: Vec<&Entry> = timeline.entries.iter().filter(|one| one.at == at).collect();
    let told: Vec<Said> = of_instant
        .iter()
        .map(|entry| said(entry, timeline))
        .filter(|said| Side::of(said.topic) == side)
        .collect();
    let bare_anchor = at == timeline.anchor && of_instant.is_empty() && side == Side::Below;
    if told.is_empty() && !bare_anchor {
        return None;
    }
    let mut lines = Vec::new();
    for said in &told {
        let (head, details) = shown(said);
        let tone = if said.topic == Topic::Phase { Tone::Strong } else { Tone::Plain };
        let broken = |text: &str, tone: Tone| {
            let lines = wrap(&plain(text), TEXT, tone.bold(), WIDE);
            lines.into_iter().map(move |line| (tone, line)).collect::<Vec<_>>()
        };
        lines.extend(broken(&head, tone));
        lines.extend(details.iter().flat_map(|detail| broken(detail, Tone::Muted)));
    }
    let zone = timeline.zone;
    let offset = same_offset(timeline).is_none().then(|| zone_offset(at, zone));
    let time = [Some(local(at, zone)), offset].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let relative = relative(timeline, at);
    let head = super::when_width(&relative, &time);
    let widest = lines.iter().map(|(tone, line)| width(line, TEXT, tone.bold())).max();
    let topics = told.iter().map(|said| said.topic);
    let mut marks: Vec<Topic> = topics.filter(|topic| *topic != Topic::Phase).collect();
    marks.sort_unstable();
    marks.dedup();
    Some(Flag {
        x,
        away: 0,
        width: INDENT + head.max(widest.unwrap_or(0)),
        height: LINE * (1 + i32::try_from(lines.len()).unwrap_or(0)),
        relative,
        time,
        lines,
        marks,
    })
}

/// What a picture says of an entry: less than a table, since its place says some of it.
fn shown(said: &Said) -> (String, &[String]) {
    let line = said.line();
    match said.topic {
        Topic::Charge => (format!("charge {line}"), &[]),
        Topic::Refund => (format!("{} {line}", said.topic.name()), &said.details),
        Topic::Rejected => (format!("{}: {line}", said.topic.name()), &said.details),
        Topic::Given | Topic::Phase | Topic::Renewal | Topic::Held | Topic::Notice => {
            (line, &said.details)
        }
    }
}

/// Draws the labels of one side. `y` is where they begin, going away from the bars; their leaders reach to `bars`.
pub(super) fn draw(scene: &mut Scene, flags: &Flags, (y, bars): (i32, i32), side: Side) {
    for flag in &flags.flags {
        let (top, from, to) = match side {
            Side::Above => {
                let top = y - flag.away - flag.height;
                (top, top + 2, bars)
            }
            Side::Below => {
                let top = y + flag.away;
                (top, bars, top + flag.height - 4)
            }
        };
        scene.shapes.push(Shape::Leader { x: flag.x, from, to });
        let x = flag.x + INDENT;
        scene.write_when(x, top, &flag.relative, &flag.time);
        for (line, at) in flag.lines.iter().zip(1..) {
            scene.write(x, top + LINE * at, line.0, &line.1);
        }
    }
}

/// Draws the marks of one side, the first one at `y`, the others away from the bars.
pub(super) fn draw_marks(scene: &mut Scene, flags: &Flags, y: i32, side: Side) {
    let away = match side {
        Side::Above => -MARK,
        Side::Below => MARK,
    };
    for flag in &flags.flags {
        for (topic, place) in flag.marks.iter().zip(0..) {
            scene.shapes.push(Shape::Mark { topic: *topic, x: flag.x, y: y + away * place });
        }
    }
}
