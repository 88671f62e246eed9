//! Puts everybody's events into the order in which they arrive, and then does what pipelines do: some come late, some twice.
//!
//! Never later than a heartbeat allows, which says that everything before it was sent.

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;

use super::wire::{Data, Event};
use super::{Chance, instant};

/// Deductions and balances that are told late.
const LATE: usize = 9;
/// Events that are told twice.
const COPIES: usize = 8;
/// Between two heartbeats.
const BEAT_HOURS: i64 = 6;

/// The pipeline's signs of life.
pub(super) fn heartbeats() -> impl Iterator<Item = Event> {
    let first = instant((1, "06:00"));
    let end = instant((32, "00:00"));
    let all = std::iter::successors(Some(first), |at| Some(*at + TimeDelta::hours(BEAT_HOURS)));
    all.take_while(move |at| *at <= end).map(|time| Event {
        time,
        sent: time,
        kind: "billing.heartbeat",
        account: None,
        data: Data::Heartbeat {},
    })
}

/// Numbers the events by when they happened, and writes them in the order of arrival.
pub(super) fn lines(mut events: Vec<Event>, chance: &mut Chance) -> String {
    events.sort_by_key(|event| event.time);
    delay(&mut events, chance);
    let mut lines: Vec<(DateTime<Utc>, String)> = events
        .iter()
        .enumerate()
        .map(|(index, event)| (event.sent, event.line(&format!("evt-{:05}", index + 1))))
        .collect();
    for _ in 0..COPIES {
        let (sent, line) = lines[chance.random_range(0..events.len())].clone();
        lines.push((sent + TimeDelta::minutes(chance.random_range(1..40)), line));
    }
    lines.sort_by_key(|(sent, _)| *sent);
    lines.into_iter().flat_map(|(_, line)| [line, "\n".to_owned()]).collect()
}

fn delay(events: &mut [Event], chance: &mut Chance) {
    let (mut left, count) = (LATE, events.len());
    while left > 0 {
        let event = &mut events[chance.random_range(0..count)];
        let may_wait = matches!(event.data, Data::Usage { .. } | Data::Balance { .. });
        let beat = next_beat(event.time);
        let latest = (beat - event.time).num_minutes() - 1;
        if may_wait && event.sent == event.time && latest > 10 {
            event.sent += TimeDelta::minutes(chance.random_range(5..=latest));
            left -= 1;
        }
    }
}

fn next_beat(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = BEAT_HOURS * 3600;
    let beats = (at - instant((1, "00:00"))).num_seconds().div_euclid(seconds) + 1;
    instant((1, "00:00")) + TimeDelta::seconds(beats * seconds)
}
