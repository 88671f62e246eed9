//! What dispatch has in hand: deliveries and lanes whose outcome is not durable yet. Nobody else picks them up.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

/// Names of deliveries and lanes.
#[derive(Debug, Default)]
pub struct InFlight(Mutex<Arc<HashSet<String>>>);

impl InFlight {
    /// Takes one in hand; `false` if it is already.
    pub fn take(&self, name: &str) -> bool {
        Arc::make_mut(&mut self.lock()).insert(name.to_owned())
    }

    /// These are durable, or were never sent: they may be picked up again.
    pub fn settle<'n>(&self, names: impl Iterator<Item = &'n str>) {
        let mut held = self.lock();
        for name in names {
            Arc::make_mut(&mut held).remove(name);
        }
    }

    /// All of them, as they are now. Costs nothing, unless it is kept while something changes: then the set is copied once.
    pub fn snapshot(&self) -> Arc<HashSet<String>> {
        Arc::clone(&self.lock())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<HashSet<String>>> {
        self.0.lock().expect("no holder of this lock can panic")
    }
}
