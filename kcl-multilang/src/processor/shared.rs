//! What all processors of a worker share.

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
    /// How long a child may take for what it is asked, records among it; `None` for ever.
    pub timeout: Option<Duration>,
    /// Whether children are also told when there was nothing to read. The worker has to deliver
    /// empty batches in any case: by them it is seen that a child has died that has nothing to do.
    pub empty_batches: bool,
    /// After how long a child that does not answer is told of.
    pub slow: Option<Duration>,
    /// How long a child may take to end by itself, once its input is over.
    pub ending: Duration,
    /// How long the store may take for a checkpoint before the child is told that it failed.
    pub checkpoint: Duration,
    /// Where everything is noted that is said, if it is.
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

/// What all processors of a worker share.
pub(super) struct Shared {
    pub(super) executable: Executable,
    pub(super) application: Arc<str>,
    pub(super) options: Options,
    pub(super) trouble: StoreTrouble,
    pub(super) children: Children,
    pub(super) env: Env,
}
