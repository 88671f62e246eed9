//! No label meets another one, a leader, or the edge, whatever the policy and the story.

use super::super::tests::{story, with};
use super::super::{Answer, Story, collect};
use super::*;
use crate::policy::Policies;

fn stories() -> Vec<Story> {
    let mut stories = vec![
        story(),
        Story { auto_renew: true, ..story() },
        Story { auto_renew: true, answer: Answer::Paid, ..story() },
        Story { auto_renew: true, answer: Answer::Never, ..story() },
    ];
    // Ten in the evening, in Shanghai: texts wait.
    let night = "2026-06-15T14:00:00Z".parse().expect("an instant");
    stories.push(Story { anchor: night, auto_renew: true, ..story() });
    stories.push(Story { anchor: night, ..with(&["E-396d return.requested"]) });
    for letter in ['E', 'A'] {
        let events = [
            "-8d hold.placed scope=all reason=a long dispute about an old bill until=2026-08-01T00:00:00Z",
            "+1h renewal.requested months=61",
            "+2d renewal.requested months=1",
            "+3d balance.changed balance=7",
            "+4d termination.requested mode=recycle",
        ];
        let events: Vec<String> = events.iter().map(|event| format!("{letter}{event}")).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        stories.push(with(&events));
    }
    stories
}

fn scenes() -> Vec<(String, Scene)> {
    let mut scenes = Vec::new();
    for policy in Policies::shipped().set.iter() {
        for (number, story) in stories().iter().enumerate() {
            let Ok(mut timeline) = collect(policy, story) else { continue };
            let name = format!("{} in story {number}", policy.key.id);
            scenes.push((name.clone(), lay_out(&timeline)));
            timeline.title = "预付费云服务器 <b>&amp;</b> ".repeat(9);
            scenes.push((format!("{name}, with a long title"), lay_out(&timeline)));
        }
    }
    assert!(scenes.len() > 40, "{}", scenes.len());
    scenes
}

fn texts(scene: &Scene) -> Vec<(Frame, Tone, &str)> {
    let text = |shape| match shape {
        &Shape::Text { frame, tone, ref text } => Some((frame, tone, text.as_str())),
        &Shape::When { frame, ref time, .. } => Some((frame, Tone::Strong, time.as_str())),
        Shape::Bar { .. }
        | Shape::Leader { .. }
        | Shape::Axis { .. }
        | Shape::Tick { .. }
        | Shape::Mark { .. } => None,
    };
    scene.shapes.iter().filter_map(text).collect()
}

fn meet(one: Frame, other: Frame) -> bool {
    one.x < other.x + other.width
        && other.x < one.x + one.width
        && one.y < other.y + other.height
        && other.y < one.y + one.height
}

#[test]
fn no_label_meets_another_one() {
    for (name, scene) in scenes() {
        let texts = texts(&scene);
        for (index, (frame, _, text)) in texts.iter().enumerate() {
            for (other, _, second) in &texts[..index] {
                assert!(!meet(*frame, *other), "{name}: `{text}` {frame:?} `{second}` {other:?}");
            }
        }
    }
}

#[test]
fn no_leader_and_no_mark_crosses_a_label() {
    for (name, scene) in scenes() {
        let line = |shape: &Shape| match shape {
            Shape::Leader { x, from, to } => {
                Some(Frame { x: *x, y: *from, width: 1, height: to - from })
            }
            Shape::Mark { x, y, .. } => Some(Frame { x: x - 6, y: y - 6, width: 12, height: 12 }),
            Shape::Bar { .. }
            | Shape::Axis { .. }
            | Shape::Tick { .. }
            | Shape::Text { .. }
            | Shape::When { .. } => None,
        };
        let lines: Vec<Frame> = scene.shapes.iter().filter_map(line).collect();
        for (frame, _, text) in texts(&scene) {
            let crossed = lines.iter().find(|line| meet(**line, frame));
            assert_eq!(crossed, None, "{name}: `{text}` {frame:?}");
        }
    }
}

#[test]
fn everything_lies_inside_the_picture() {
    for (name, scene) in scenes() {
        let room = Frame { x: 0, y: 0, width: scene.width, height: scene.height };
        for (frame, _, text) in texts(&scene) {
            let inside = frame.x >= room.x
                && frame.y >= room.y
                && frame.x + frame.width <= room.width
                && frame.y + frame.height <= room.height;
            assert!(inside, "{name}: `{text}` {frame:?} in {room:?}");
        }
    }
}

#[test]
fn every_length_and_every_phase_can_be_read() {
    for (name, scene) in scenes() {
        let count = |tone| texts(&scene).iter().filter(|(_, other, _)| *other == tone).count();
        let bars: Vec<_> = scene
            .shapes
            .iter()
            .filter(|shape| matches!(shape, Shape::Bar { frame, .. } if frame.height == BAR))
            .collect();
        assert_eq!(count(Tone::OnBar), bars.len(), "{name}");
    }
}

#[test]
fn two_hours_and_fifteen_days_are_both_wide_enough_to_read() {
    let policies = Policies::shipped();
    let policy = policies.set.newest(&"tencent-cvm-postpaid-15d".into()).expect("it ships");
    let axis = Axis::of(&collect(policy, &story()).expect("a timeline"));
    let wide = |label: &str| {
        let gap = axis.gaps.iter().rfind(|gap| gap.label == label).expect("such a gap");
        gap.to - gap.from
    };
    assert!(wide("2 h") >= 50, "{axis:?}");
    assert!(wide("15 d") > 2 * wide("2 h"), "{axis:?}");
}
