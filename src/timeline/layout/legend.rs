//! What the colours and marks of a picture mean: only those that it has.

use std::collections::BTreeSet;

use super::{Frame, LINE, MARGIN, Scene, Shape, TEXT, Tone};
use crate::engine::policy::PhaseClass;
use crate::policy::words::meaning;
use crate::timeline::Timeline;
use crate::timeline::measure::width;
use crate::timeline::words::{Topic, letter, said};

/// From one item to the next.
const AIR: i32 = 20;
/// From a swatch to its words.
const INDENT: i32 = 18;

enum Sign {
    Class(PhaseClass),
    Mark(Topic),
    Nothing,
}

/// Draws it; returns where it ends.
pub(super) fn draw(scene: &mut Scene, timeline: &Timeline, top: i32) -> i32 {
    let (mut x, mut y) = (MARGIN, top);
    for (sign, words) in items(timeline) {
        let indent = if matches!(sign, Sign::Nothing) { 0 } else { INDENT };
        let wide = indent + width(&words, TEXT, false);
        if x > MARGIN && x + wide > scene.width - MARGIN {
            (x, y) = (MARGIN, y + LINE + 4);
        }
        match sign {
            Sign::Class(class) => {
                let frame = Frame { x, y: y + 1, width: 12, height: 11 };
                scene.shapes.push(Shape::Bar { frame, class });
            }
            Sign::Mark(topic) => scene.shapes.push(Shape::Mark { topic, x: x + 6, y: y + 6 }),
            Sign::Nothing => {}
        }
        scene.write(x + indent, y, Tone::Muted, &words);
        x += wide + AIR;
    }
    y + LINE
}

fn items(timeline: &Timeline) -> Vec<(Sign, String)> {
    let classes: BTreeSet<PhaseClass> = timeline.stays.iter().map(|stay| stay.class).collect();
    let topics: BTreeSet<Topic> =
        timeline.entries.iter().map(|entry| said(entry, timeline).topic).collect();
    let mut items: Vec<(Sign, String)> =
        classes.into_iter().map(|class| (Sign::Class(class), meaning(class).to_owned())).collect();
    let marks = topics.into_iter().filter_map(|topic| Some((Sign::Mark(topic), mark(topic)?)));
    items.extend(marks);
    let scale = format!(
        "distances on the axis are not to scale; {} is the instant that the policy counts from",
        letter(timeline.clock)
    );
    items.push((Sign::Nothing, scale));
    items
}

/// What a mark means; changes of phase have none.
fn mark(topic: Topic) -> Option<String> {
    let words = match topic {
        Topic::Phase => return None,
        Topic::Given => "what the customer or the pipeline does",
        Topic::Charge => "charge attempt",
        Topic::Renewal => "new term",
        Topic::Refund => "what is paid back",
        Topic::Rejected => "request that is not followed",
        Topic::Held => "step that waits",
        Topic::Notice => "notice to the contacts",
    };
    Some(words.to_owned())
}
