//! The options and the state that all processors of one factory share.

use std::{sync::Arc, time::Duration};

use kcl_core::env::Env;

use super::store::StoreTrouble;
use crate::{
    child::{Children, Executable},
    transcript::Transcript,
};

/// How children are started, and how long they may take.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long a child may take for one action, a batch included, before it is killed; `None` lets
    /// it take any time. Default: one hour.
    pub timeout: Option<Duration>,
    /// Whether children get empty batches, too. Default: `false`. The worker must deliver empty
    /// batches in both cases: at each of them the processor checks that its child lives.
    pub empty_batches: bool,
    /// After how long the worker logs a warning that a child does not answer; `None` for never.
    /// Default: one minute.
    pub slow: Option<Duration>,
    /// How long a child may take to end by itself after its standard input was closed. Default: 10
    /// seconds.
    pub ending: Duration,
    /// How long the store may take for a checkpoint before the child gets an error. Default: 5
    /// seconds.
    pub checkpoint: Duration,
    /// The file that every exchanged line is written to; `None`, the default, writes none.
    pub transcript: Option<Transcript>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_hours(1)),
            empty_batches: false,
            slow: Some(Duration::from_secs(60)),
            ending: Duration::from_secs(10),
            checkpoint: Duration::from_secs(5),
            transcript: None,
        }
    }
}

/// The parts that all processors of one factory share.
pub(super) struct Shared {
    pub(super) executable: Executable,
    pub(super) application: Arc<str>,
    pub(super) options: Options,
    pub(super) trouble: StoreTrouble,
    pub(super) children: Children,
    pub(super) env: Env,
}
