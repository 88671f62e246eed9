//! Moratoria: taken in like events, kept in a register of the store, and handed to the gates (SAFE-7).

use super::WorkerError;
use super::group::Group;
use crate::engine::input::Event;
use crate::engine::moratorium::Moratoria;
use crate::store;

impl Group<'_> {
    /// Takes in an event that places a moratorium or lifts one (SAFE-7); `false` if it does neither.
    pub(super) fn take_moratorium(&mut self, event: &Event) -> Result<bool, WorkerError> {
        let mut all = self.moratoria.as_ref().unwrap_or_else(|| self.world.moratoria()).clone();
        let Some(target) = all.take(event) else { return Ok(false) };
        store::put_moratorium(&mut *self.tx, &target, all.on(target.clone()))?;
        tracing::warn!(
            target = %target,
            in_force = all.on(target.clone()).in_force(event.time).count(),
            source = event.key.source,
            id = event.key.id,
            "a moratorium was placed or lifted"
        );
        self.moratoria = Some(all);
        self.moratoria_moved = true;
        Ok(true)
    }

    /// Moratoria as they are by now.
    pub(super) fn moratoria(&self) -> &Moratoria {
        self.moratoria.as_ref().unwrap_or_else(|| self.world.moratoria())
    }
}
