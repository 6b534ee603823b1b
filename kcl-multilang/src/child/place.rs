//! Which child a log line is about, and the last line of its standard error.

use std::sync::{Arc, Mutex, PoisonError};

use kcl_core::stream::ShardId;

/// The shard and the process id of a child, for logs and transcripts.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The shard whose records the child processes.
    pub(crate) shard: ShardId,
    /// Its process id.
    pub(crate) pid: u32,
}

/// The last line that a child wrote to its standard error; empty if it wrote none. It mostly says
/// why the child ended. Clones share the line.
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
