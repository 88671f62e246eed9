//! A reader that counts what it is asked, for tests of those who ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Reader;
use super::ask::Asks;

/// Hands on every question.
pub(crate) struct Counted {
    reader: Box<dyn Reader>,
    asked: Arc<AtomicUsize>,
}

impl Counted {
    /// Counts in `asked`.
    pub(crate) fn new(reader: Box<dyn Reader>, asked: Arc<AtomicUsize>) -> Self {
        Self { reader, asked }
    }
}

impl Reader for Counted {}

impl Asks for Counted {
    type Tables = dyn Reader;

    fn ask<R>(&self, question: impl FnOnce(&Self::Tables) -> R) -> R {
        self.asked.fetch_add(1, Ordering::Relaxed);
        question(self.reader.as_ref())
    }
}
