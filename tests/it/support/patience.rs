//! Waiting for something to become true, with an end. No test sleeps for a fixed time.

use std::fmt::Debug;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough for a loaded machine, short enough to end a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer. `what` says what was waited for in vain.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// Asks until the answer is `expected`; in vain, it says what the last one was.
pub(crate) fn until_eq<T: PartialEq + Debug>(expected: &T, mut ask: impl FnMut() -> T) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if answer == *expected {
            return;
        }
        assert!(Instant::now() < deadline, "in vain: {expected:?}, it stays {answer:?}");
        sleep(Duration::from_millis(20));
    }
}
