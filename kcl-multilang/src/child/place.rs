//! Which child it is, and the last thing that it said of itself.

use std::sync::{Arc, Mutex, PoisonError};

use kcl_core::stream::ShardId;

/// Which child this is, for logs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The shard that it works on.
    pub(crate) shard: ShardId,
    /// Its process id.
    pub(crate) pid: u32,
}

/// The last line that a child wrote on stderr: mostly why it ended.
#[derive(Clone, Debug, Default)]
pub(super) struct LastWords(Arc<Mutex<String>>);

impl LastWords {
    pub(super) fn set(&self, line: &str) {
        line.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
