//! What holds for every history: the engine's promises as properties, over generated histories with many ties.
//!
//! Some of them in every run; `scripts/histories` plays a million in release mode and `scripts/mutants` plants bugs that they
//! must catch. A counterexample becomes a trace in `tests/conformance-own` or a line of `boundaries`.

mod histories;
mod ledger;
mod mutants;
mod proof;

use self::histories::coverage::Coverage;
use self::histories::gated;
use self::histories::seen::{Gate, Tally};

/// So many take a few seconds in a debug build.
const HISTORIES: u64 = 1200;
/// With a world outside: fewer, since time stops at everything that happens there as well.
const GATED: u64 = 150;

#[test]
fn histories_keep_every_promise_in_any_order_and_reach_every_rule() {
    let mut coverage = Coverage::new();
    for part in 0..2 {
        let mut counted = Coverage::new();
        for seed in (1..=HISTORIES).filter(|seed| seed % 2 == part) {
            if let Err(broken) = histories::run(seed, &mut counted) {
                panic!("history {}: {}\n{}", broken.seed, broken.what, broken.events.join("\n"));
            }
        }
        coverage.add(&counted);
    }
    assert_eq!(coverage.histories, HISTORIES);
    assert_eq!(coverage.unlisted(), Vec::<String>::new());
    // Guards the generator: a property over histories in which nothing happens holds for anything.
    let rare: Vec<String> = coverage
        .counts()
        .into_iter()
        .filter(|one| one.what == "rule" && one.count == 0)
        .map(|one| one.name)
        .collect();
    assert_eq!(rare, Vec::<String>::new(), "rules that no history follows\n{}", coverage.table());
    assert_eq!(coverage.json()["histories"], HISTORIES);
}

#[test]
fn nothing_comes_past_a_gate_and_every_gate_holds_and_lets_go() {
    let mut tally = Tally::new();
    for seed in 1..=GATED {
        if let Err(broken) = gated::run(seed, &mut tally) {
            panic!("history {}: {}\n{}", broken.seed, broken.what, broken.events.join("\n"));
        }
    }
    for gate in Gate::ALL {
        let (held, let_go) = tally.get(&gate).copied().unwrap_or_default();
        println!("{:12} held {held:>8}   let go {let_go:>8}", gate.word());
        assert!(held > 5 && let_go > 5, "{gate:?}: {tally:?}");
    }
}
