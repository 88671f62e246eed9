//! A burst hands over what it takes.

use super::*;

/// Takes in bursts until nothing is left, with room for `room` at a time.
fn taken(waiting: usize, room: usize) -> Vec<usize> {
    let mut stream = 0..waiting;
    let mut taken = Vec::new();
    while let Some(first) = stream.next() {
        let before = taken.len();
        let take = |one| {
            taken.push(one);
            Ok(taken.len() - before < room)
        };
        burst(first, || stream.next(), take).expect("taking never fails here");
    }
    taken
}

#[test]
fn a_burst_hands_over_everything_that_it_takes_from_the_link() {
    for waiting in [1, BURST - 1, BURST, BURST + 1, 3 * BURST + 7] {
        for room in [1, 2, BURST, usize::MAX] {
            let all: Vec<_> = (0..waiting).collect();
            assert_eq!(taken(waiting, room), all, "{waiting} waiting, room for {room}");
        }
    }
}

#[test]
fn a_burst_ends_though_more_is_waiting() {
    let mut stream = 1..;
    let mut taken = 0;
    let take = |_| {
        taken += 1;
        Ok(true)
    };
    burst(0, || stream.next(), take).expect("taking never fails here");
    assert_eq!(taken, BURST);
}
