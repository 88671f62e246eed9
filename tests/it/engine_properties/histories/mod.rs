//! Histories and what must hold for each: drawn, played, checked at every step, and played again in another order.
//!
//! ```text
//! chance ─▶ history ─▶ world (engine) ─▶ seen: no decision breaks a promise
//!           bodies        │              coverage, reached: what was met
//!                         └─▶ disorder: the same in another order
//! ```
//!
//! `tests/it` runs some of them, `scripts/histories` a million, in release mode. Nothing here is chance but the seed.

mod bodies;
mod chance;
pub(crate) mod coverage;
mod disorder;
pub(crate) mod gated;
mod history;
mod outside;
mod reached;
pub(crate) mod seen;
mod together;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::chance::Chance;
use self::coverage::Coverage;
use self::history::Arrival;
use self::world::World;

/// How many other orders a smaller history is read in while it is made as small as it can be.
const ORDERS_TRIED: u64 = 60;

/// A history that broke a promise, as small as it could be made.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Draws it again.
    pub(crate) seed: u64,
    /// What was broken, in the words of the assertion.
    pub(crate) what: String,
    /// The events of the smallest part of it that still breaks something, one a line.
    pub(crate) events: Vec<String>,
}

/// Draws and plays one history.
///
/// # Errors
///
/// The promise that it broke.
pub(crate) fn run(seed: u64, coverage: &mut Coverage) -> Result<(), Box<Broken>> {
    let mut drawn = Vec::new();
    match quietly(|| drawn_and_played(seed, coverage, &mut drawn)) {
        Ok(()) => Ok(()),
        Err(what) => {
            let mut history = Vec::new();
            let _ = quietly(|| history = history::draw(seed, &mut World::new()));
            Err(Box::new(made_small(seed, what, history, |less| replayed(seed, less))))
        }
    }
}

fn drawn_and_played(seed: u64, coverage: &mut Coverage, drawn: &mut Vec<Arrival>) {
    let mut world = World::checked();
    world.coverage = Some(std::mem::replace(coverage, Coverage::new()));
    *drawn = history::draw(seed, &mut world);
    world.wake_up_to(history::far(drawn));
    if let Some(counted) = world.coverage.take() {
        *coverage = counted;
        coverage.histories += 1;
    }
    check_orders(seed, drawn, &world);
}

/// One of the two ways of reading it in another order, and now and then beside another account.
fn check_orders(seed: u64, history: &[Arrival], world: &World) {
    if seed.is_multiple_of(8) {
        together::check(seed, history, world);
    }
    let mut chance = Chance::new(!seed);
    if seed.is_multiple_of(2) {
        disorder::check_quiet(history, world, &mut chance);
    } else {
        disorder::check_stretch(history, &mut chance);
    }
}

/// Plays a smaller history. What another order of it is depends on chance: it gets several.
fn replayed(seed: u64, history: &[Arrival]) {
    let mut world = World::checked();
    world.play(history, history::far(history));
    for chance in 0..ORDERS_TRIED {
        check_orders(seed + 2 * chance, history, &world);
    }
}

fn quietly(play: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(play)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic without words".to_owned())
    })
}

/// Leaves out events, one after the other, as long as something is still broken.
fn made_small(
    seed: u64,
    what: String,
    mut history: Vec<Arrival>,
    play: impl Fn(&[Arrival]),
) -> Broken {
    let mut what = what;
    loop {
        let mut smaller = None;
        for index in (0..history.len()).rev() {
            let mut less = history.clone();
            less.remove(index);
            if less.is_empty() {
                continue;
            }
            if let Err(other) = quietly(|| play(&less)) {
                smaller = Some((less, other));
                break;
            }
        }
        let Some((less, other)) = smaller else { break };
        (history, what) = (less, other);
    }
    let line = |one: &Arrival| format!("{} {:?}", one.at.format("%m-%dT%H:%M:%S"), one.event);
    Broken { seed, what, events: history.iter().map(line).collect() }
}
