//! Which deliveries of one session were handed over and wait for their acknowledgement.
//!
//! Each queue has a channel of its own, on which the broker numbers by itself; the ledger gives one count over all of
//! them, in the order of the hand-over. So "everything up to this one" has one meaning however many queues there are,
//! and can never cover a delivery that nobody has seen. Sends nothing itself.

use std::collections::VecDeque;

/// The deliveries of one session, by their number. `A` acknowledges one of them.
#[derive(Debug)]
pub(crate) struct Ledger<A> {
    handed_over: u64,
    queues: usize,
    held: VecDeque<(u64, usize, A)>,
}

impl<A> Ledger<A> {
    /// An empty ledger over this many queues.
    pub(crate) fn new(queues: usize) -> Self {
        Self { handed_over: 0, queues, held: VecDeque::new() }
    }

    /// Enters a delivery of the queue with this index; answers its number, from 1.
    pub(crate) fn hand_over(&mut self, queue: usize, acker: A) -> u64 {
        debug_assert!(queue < self.queues, "a consumer has the index of its queue");
        self.handed_over += 1;
        self.held.push_back((self.handed_over, queue, acker));
        self.handed_over
    }

    /// Takes out everything up to `number`: per queue the last one, on which to acknowledge with `multiple`, and how
    /// many they stand for. A number that was settled before yields nothing.
    pub(crate) fn settle(&mut self, number: u64) -> (Vec<A>, u64) {
        let mut last: Vec<Option<A>> = (0..self.queues).map(|_| None).collect();
        let mut settled = 0;
        while self.held.front().is_some_and(|(held, ..)| *held <= number) {
            if let Some((_, queue, acker)) = self.held.pop_front() {
                settled += 1;
                if let Some(slot) = last.get_mut(queue) {
                    *slot = Some(acker);
                }
            }
        }
        (last.into_iter().flatten().collect(), settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_acknowledgement_a_queue_covers_the_whole_prefix() {
        let mut ledger = Ledger::new(2);
        let numbers: Vec<_> = [(0, "a1"), (1, "b1"), (0, "a2"), (1, "b2"), (0, "a3")]
            .into_iter()
            .map(|(queue, acker)| ledger.hand_over(queue, acker))
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert_eq!(ledger.settle(3), (vec!["a2", "b1"], 3));
        assert_eq!(ledger.settle(3), (vec![], 0));
        assert_eq!(ledger.settle(9), (vec!["a3", "b2"], 2));
    }

    #[test]
    fn what_was_not_handed_over_is_never_settled() {
        let mut ledger: Ledger<&str> = Ledger::new(1);
        assert_eq!(ledger.settle(u64::MAX), (vec![], 0));
        assert_eq!(ledger.hand_over(0, "late"), 1);
        assert_eq!(ledger.settle(0), (vec![], 0));
    }
}
