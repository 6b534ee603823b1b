//! What all runs of a simulation share.

use std::sync::Arc;

use bytes::Bytes;
use kcl_core::{processor::ProcessorFactory, settings::Settings};

use super::{
    ledger::Expected,
    sink::{Sink, Store},
};

/// What all runs of a simulation share.
pub(super) struct Setup {
    /// Makes the factory of one process.
    pub(super) make: Arc<dyn Fn(Sink) -> Box<dyn ProcessorFactory> + Send + Sync>,
    pub(super) settings: Settings,
    /// Partition key and payload of each record.
    pub(super) produce: Arc<dyn Fn(u64) -> (String, Bytes) + Send + Sync>,
    pub(super) expected: Expected,
    pub(super) verify: Option<Verify>,
}

/// What a test expects of a run that is over.
pub(super) type Verify = Arc<dyn Fn(&Store) -> Result<(), String> + Send + Sync>;
