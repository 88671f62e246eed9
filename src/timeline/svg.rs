//! A timeline as a picture: one self-contained SVG, without script, font or image from elsewhere.
//!
//! Dark where the reader's screen is, light on paper; it brings its own background, so that it can be read wherever it is
//! pasted.

use std::fmt::Write;

use super::Timeline;
use super::layout::{Frame, Scene, Shape, Tone, lay_out};
use super::markup::escape;
use super::words::{Topic, assumptions, local, relative, said};
use crate::engine::policy::PhaseClass;

const STYLE: &str = include_str!("picture.css");

/// The picture, as a file.
pub fn svg(timeline: &Timeline) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", element(timeline))
}

/// The picture, as an element of a page.
pub(super) fn element(timeline: &Timeline) -> String {
    let scene = lay_out(timeline);
    let Scene { width, height, .. } = scene;
    // Several pictures may stand on one page.
    let id = format!("dunlin-{}-{}", timeline.policy.id, timeline.policy.version);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"dunlin-timeline\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n<style>\n{STYLE}</style>\n\
         <rect class=\"paper\" x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n",
        escape(&timeline.title),
        escape(&description(timeline)),
    );
    for shape in &scene.shapes {
        // Writing to a string does not fail.
        let _written = writeln!(text, "{}", draw(shape));
    }
    text.push_str("</svg>\n");
    text
}

/// The whole timeline as a sentence, for those who cannot see it.
fn description(timeline: &Timeline) -> String {
    let mut parts = vec![assumptions(timeline)];
    for entry in &timeline.entries {
        let said = said(entry, timeline);
        let at = local(entry.at, timeline.zone);
        let relative = relative(timeline, entry.at);
        parts.push(format!("{relative}, {at}: {} {}", said.topic.name(), said.line()));
    }
    parts.join(". ")
}

fn draw(shape: &Shape) -> String {
    match shape {
        Shape::Bar { frame, class } => {
            let Frame { x, y, width, height } = frame;
            let name = class_name(*class);
            format!(
                "<rect class=\"bar {name}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"2\"/>"
            )
        }
        Shape::Leader { x, from, to } => {
            format!("<path class=\"leader\" d=\"M{x}.5 {from}V{to}\"/>")
        }
        Shape::Axis { x, y, width } => format!("<path class=\"axis\" d=\"M{x} {y}.5h{width}\"/>"),
        Shape::Tick { x, y } => format!("<path class=\"axis\" d=\"M{x}.5 {}v7\"/>", y - 3),
        Shape::Mark { topic, x, y } => mark(*topic, *x, *y),
        Shape::Text { frame, tone, text } => {
            let (x, y) = (frame.x, frame.y + tone.size());
            // Fonts differ in width: a text in the middle of a bar stays there.
            let (x, middle) = match tone {
                Tone::OnBar | Tone::OnBarSmall => (x + frame.width / 2, " middle"),
                Tone::Title | Tone::Strong | Tone::Plain | Tone::Muted => (x, ""),
            };
            let name = tone_name(*tone);
            format!("<text class=\"{name}{middle}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(text))
        }
        Shape::When { frame, relative, time } => {
            let (x, y) = (frame.x, frame.y + Tone::Strong.size());
            format!(
                "<text x=\"{x}\" y=\"{y}\"><tspan class=\"strong\">{}</tspan>&#160; {}</text>",
                escape(relative),
                escape(time)
            )
        }
    }
}

/// Marks differ in shape, not only in colour.
fn mark(topic: Topic, x: i32, y: i32) -> String {
    let path = match topic {
        Topic::Notice => format!("M{} {y}a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", x - 5),
        Topic::Charge => format!("M{x} {}l6 6l-6 6l-6-6z", y - 6),
        Topic::Given => format!("M{} {}h10l-5 9z", x - 5, y - 4),
        Topic::Renewal => format!("M{} {}h10l-5-9z", x - 5, y + 4),
        Topic::Refund => format!("M{} {}v-9h9zM{} {}v9h-9z", x - 5, y + 4, x + 5, y - 4),
        Topic::Held => format!("M{} {}h4v10h-4zM{} {}h4v10h-4z", x - 5, y - 5, x + 1, y - 5),
        Topic::Rejected | Topic::Phase => format!("M{} {}h9v9h-9z", x - 4, y - 4),
    };
    format!("<path class=\"mark {}\" d=\"{path}\"/>", topic.name())
}

fn class_name(class: PhaseClass) -> &'static str {
    crate::policy::words::class(class)
}

fn tone_name(tone: Tone) -> &'static str {
    match tone {
        Tone::Title => "title",
        Tone::Strong => "strong",
        Tone::Plain => "plain",
        Tone::Muted => "muted",
        Tone::OnBar => "on-bar",
        Tone::OnBarSmall => "on-bar small",
    }
}

#[cfg(test)]
mod tests {
    use super::super::collect;
    use super::super::tests::{policy, story};
    use super::*;

    #[test]
    fn text_of_a_file_stays_text() {
        let mut policy = policy("tencent-cvm-prepaid");
        policy.title = "</title><script>alert(1)</script> \" onload='x'".to_owned();
        let picture = svg(&collect(&policy, &story()).expect("a timeline"));
        assert!(!picture.contains("<script") && !picture.contains("onload='"), "{picture}");
        assert!(picture.contains("&lt;script&gt;alert(1)"), "{picture}");
    }

    #[test]
    fn a_picture_needs_nothing_from_elsewhere_and_can_be_heard() {
        let picture = svg(&collect(&policy("tencent-cvm-prepaid"), &story()).expect("a timeline"));
        for foreign in ["href", "url(", "@import", "<image", "<script", "@font-face"] {
            assert!(!picture.contains(foreign), "{foreign}");
        }
        for part in [
            "<title id=",
            "<desc id=",
            "E-7d, 2026-06-08 12:00: notice expiry-warning by e-mail and SMS",
            "prefers-color-scheme: dark",
        ] {
            assert!(picture.contains(part), "{part} is missing in\n{picture}");
        }
    }
}
