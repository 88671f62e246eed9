//! Where everything of a picture stands: bars of phases on an axis, marks above them, labels that never meet.
//!
//! Whole pixels and whole-number arithmetic only, so that the same policy is the same picture on every machine. Knows no SVG.

mod axis;
mod flags;
mod legend;

use self::axis::Axis;
use self::flags::Side;
use super::Timeline;
use super::measure::{width, wrap};
use super::words::{Topic, assumptions, clocks};
use crate::engine::policy::PhaseClass;
use crate::policy::words::plain;

/// Around everything.
const MARGIN: i32 = 24;
/// Size of the title.
const TITLE: i32 = 17;
/// Size of most text.
const TEXT: i32 = 11;
/// Size of what is least important.
const SMALL: i32 = 10;
/// From one line of text to the next.
const LINE: i32 = 14;
/// Height of the bars.
const BAR: i32 = 38;
/// Room for the durations below the bars.
const SCALE: i32 = 22;
/// From one mark above the bars to the next.
const MARK: i32 = 13;

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// The title.
    Title,
    /// What counts.
    Strong,
    /// The rest.
    Plain,
    /// What is less important.
    Muted,
    /// A phase, on its bar.
    OnBar,
    /// Its class, on its bar.
    OnBarSmall,
}

impl Tone {
    pub(super) fn size(self) -> i32 {
        match self {
            Self::Title => TITLE,
            Self::Strong | Self::Plain | Self::Muted => TEXT,
            Self::OnBar => TEXT + 1,
            Self::OnBarSmall => SMALL,
        }
    }

    pub(super) fn bold(self) -> bool {
        match self {
            Self::Title | Self::Strong | Self::OnBar => true,
            Self::Plain | Self::Muted | Self::OnBarSmall => false,
        }
    }
}

/// One thing to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// The bar of a phase, or its swatch in the legend.
    Bar { frame: Frame, class: PhaseClass },
    /// A leader from a label to its instant.
    Leader { x: i32, from: i32, to: i32 },
    /// The axis under the bars.
    Axis { x: i32, y: i32, width: i32 },
    /// A tick on it.
    Tick { x: i32, y: i32 },
    /// A mark of something that happened; its middle.
    Mark { topic: Topic, x: i32, y: i32 },
    /// One line of text; its frame is as wide as it can get.
    Text { frame: Frame, tone: Tone, text: String },
    /// The head of a label: how far from the anchor, and the local time.
    When { frame: Frame, relative: String, time: String },
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) shapes: Vec<Shape>,
}

impl Scene {
    /// A line of text with its upper left corner there; returns its width.
    fn write(&mut self, x: i32, y: i32, tone: Tone, text: &str) -> i32 {
        let wide = width(text, tone.size(), tone.bold());
        let frame = Frame { x, y, width: wide, height: tone.size() + 2 };
        self.shapes.push(Shape::Text { frame, tone, text: text.to_owned() });
        wide
    }

    /// The head of a label with its upper left corner there.
    fn write_when(&mut self, x: i32, y: i32, relative: &str, time: &str) {
        let frame = Frame { x, y, width: when_width(relative, time), height: TEXT + 2 };
        let (relative, time) = (relative.to_owned(), time.to_owned());
        self.shapes.push(Shape::When { frame, relative, time });
    }

    /// A line of text in the middle of a span, if it fits.
    fn write_inside(&mut self, (x, span): (i32, i32), y: i32, tone: Tone, text: &str) {
        let wide = width(text, tone.size(), tone.bold());
        if wide <= span - 6 {
            self.write(x + (span - wide) / 2, y, tone, text);
        }
    }
}

/// How wide the head of a label is.
fn when_width(relative: &str, time: &str) -> i32 {
    width(relative, TEXT, true) + width(&format!("  {time}"), TEXT, false)
}

/// Lays a timeline out.
pub(super) fn lay_out(timeline: &Timeline) -> Scene {
    let axis = Axis::of(timeline);
    let above = flags::lay_out(timeline, &axis, Side::Above);
    let below = flags::lay_out(timeline, &axis, Side::Below);
    let right = axis.end.max(above.right).max(below.right);
    let mut scene = Scene { width: right + MARGIN, height: 0, shapes: Vec::new() };

    let labels = header(&mut scene, timeline) + above.height;
    let bars = labels + above.marks;
    let scale = bars + BAR;
    // Of several marks on one instant the first stands on the axis.
    let foot = scale + SCALE + (below.marks - MARK - 2).max(0);
    flags::draw(&mut scene, &above, (labels, bars), Side::Above);
    flags::draw_marks(&mut scene, &above, bars - MARK / 2 - 2, Side::Above);
    draw_bars(&mut scene, timeline, &axis, bars);
    flags::draw(&mut scene, &below, (foot, scale), Side::Below);
    draw_scale(&mut scene, &axis, scale);
    flags::draw_marks(&mut scene, &below, scale + 5, Side::Below);
    let y = legend::draw(&mut scene, timeline, foot + below.height + 2 * LINE);
    scene.height = y + MARGIN;
    scene
}

/// Title, policy, what is assumed. Returns where it ends.
fn header(scene: &mut Scene, timeline: &Timeline) -> i32 {
    let room = scene.width - 2 * MARGIN;
    let mut y = MARGIN;
    for line in wrap(&plain(&timeline.title), TITLE, true, room) {
        scene.write(MARGIN, y, Tone::Title, &line);
        y += TITLE + 7;
    }
    let key = &timeline.policy;
    let under = format!("{} version {}; {}", key.id, key.version, clocks(timeline));
    for text in [under, assumptions(timeline)] {
        for line in wrap(&text, TEXT, false, room) {
            scene.write(MARGIN, y, Tone::Muted, &line);
            y += LINE + 2;
        }
    }
    y + LINE
}

fn draw_bars(scene: &mut Scene, timeline: &Timeline, axis: &Axis, y: i32) {
    let starts: Vec<i32> = timeline
        .stays
        .iter()
        .map(|stay| stay.since.map_or(MARGIN, |since| axis.x(since)))
        .collect();
    for (index, stay) in timeline.stays.iter().enumerate() {
        let (x, end) =
            (starts[index], starts.get(index + 1).copied().unwrap_or(scene.width - MARGIN));
        if end <= x {
            continue;
        }
        let frame = Frame { x, y, width: end - x, height: BAR };
        scene.shapes.push(Shape::Bar { frame, class: stay.class });
        let name = stay.phase.as_str();
        let class = crate::policy::words::class(stay.class);
        let with_class = name != class && width(class, SMALL, false) <= end - x - 6;
        let first = if with_class { y + 6 } else { y + 13 };
        scene.write_inside((x, end - x), first, Tone::OnBar, name);
        if with_class {
            scene.write_inside((x, end - x), y + 21, Tone::OnBarSmall, class);
        }
    }
}

/// How long it is from one instant to the next: distances are no measure on this axis.
fn draw_scale(scene: &mut Scene, axis: &Axis, y: i32) {
    let y = y + 4;
    scene.shapes.push(Shape::Axis { x: MARGIN, y, width: scene.width - 2 * MARGIN });
    for x in axis.marks.iter().map(|mark| mark.x) {
        scene.shapes.push(Shape::Tick { x, y });
    }
    for gap in &axis.gaps {
        scene.write_inside((gap.from, gap.to - gap.from), y + 4, Tone::Muted, &gap.label);
    }
}

#[cfg(test)]
mod tests;
