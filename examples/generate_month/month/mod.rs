//! A month of billing, March 2026 in +08:00: what the customers do is written down, what chance does is drawn from a seed.
//!
//! Knows nothing of the engine: it plays the billing pipeline, on whose side the same month is seen.

mod disorder;
mod enter;
mod item;
mod ledger;
mod mixed;
mod play;
mod postpaid;
mod prepaid;
mod story;
mod wire;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use story::Story;

/// The seed of the committed file.
pub(crate) const COMMITTED_SEED: u64 = 7;

/// A named algorithm: the same numbers in every release of `rand`.
type Chance = Xoshiro256PlusPlus;

/// A local time of March: the day and `HH:MM` or `HH:MM:SS`. Day 0 is the last of February, day 32 the first of April.
type Local = (i64, &'static str);

/// The month as JSON lines, in the order of arrival.
pub(crate) fn month(seed: u64) -> String {
    let mut chance = Chance::seed_from_u64(seed);
    let mut events = Vec::new();
    for (index, story) in stories().iter().enumerate() {
        events.extend(play::play(story, index, &mut chance));
    }
    events.extend(disorder::heartbeats());
    disorder::lines(events, &mut chance)
}

fn stories() -> Vec<Story> {
    [prepaid::stories(), postpaid::stories(), mixed::stories()].concat()
}

/// The instant of a local time.
fn instant((day, time): Local) -> DateTime<Utc> {
    let first = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date");
    let date = first + TimeDelta::days(day - 1);
    let time: NaiveTime = format!("{time}{}", if time.len() == 5 { ":00" } else { "" })
        .parse()
        .expect("a story writes HH:MM or HH:MM:SS");
    let at = date.and_time(time).and_local_timezone(zone());
    at.single().expect("a fixed offset has every local time once").to_utc()
}

/// Where the business is.
fn zone() -> FixedOffset {
    FixedOffset::east_opt(8 * 3600).expect("an offset")
}
