//! Where the store's own time comes from.

use std::sync::Arc;

use kcl_core::{env::Clock, lease::StoreTime};

/// A clock that never goes back, whatever its source does.
#[derive(Debug)]
pub(super) struct StoreClock {
    source: Option<Arc<dyn Clock>>,
    last: u64,
}

impl StoreClock {
    /// Reads wall-clock time from `source`; without one it counts its own readings.
    pub(super) const fn new(source: Option<Arc<dyn Clock>>) -> Self {
        Self { source, last: 0 }
    }

    pub(super) fn read(&mut self) -> StoreTime {
        self.last = match &self.source {
            Some(clock) => self.last.max(clock.wall().as_millis()),
            None => self.last + 1,
        };
        StoreTime(self.last)
    }
}
