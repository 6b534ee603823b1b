//! Makes a processor for each lease, and what all of them share.

use std::{fmt, sync::Arc, time::Duration};

use kcl_core::{
    env::Env,
    processor::{LeaseHandle, ProcessorFactory, RecordProcessor},
};

use super::{lease::ChildProcessor, store::StoreTrouble};
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

/// Processors that are children: one is started for each lease. Clones share everything.
#[derive(Clone)]
pub struct ChildProcessors(Arc<Shared>);

/// What all processors of a worker share.
pub(super) struct Shared {
    pub(super) executable: Executable,
    pub(super) application: Arc<str>,
    pub(super) options: Options,
    pub(super) trouble: StoreTrouble,
    pub(super) children: Children,
    pub(super) env: Env,
}

impl ChildProcessors {
    /// Of this program, for this application.
    #[must_use]
    pub fn new(executable: Executable, application: &str, options: Options) -> Self {
        Self(Arc::new(Shared {
            executable,
            application: application.into(),
            options,
            trouble: StoreTrouble::default(),
            children: Children::default(),
            env: Env::system(),
        }))
    }

    /// What has to observe the worker, so that children hear why a checkpoint was not stored.
    #[must_use]
    pub fn observer(&self) -> StoreTrouble {
        self.0.trouble.clone()
    }

    /// The children that live.
    #[must_use]
    pub fn children(&self) -> Children {
        self.0.children.clone()
    }

    /// Waits until every child has ended; those that do not end in time are killed.
    pub async fn gone(&self) {
        let children = &self.0.children;
        tokio::select! {
            biased;
            () = children.gone() => {}
            () = self.0.env.clock.sleep(self.0.options.ending) => {
                children.kill_all();
                children.gone().await;
            }
        }
    }
}

impl ProcessorFactory for ChildProcessors {
    fn create(&self, _lease: &LeaseHandle) -> Box<dyn RecordProcessor> {
        Box::new(ChildProcessor::new(Arc::clone(&self.0)))
    }
}

impl fmt::Debug for ChildProcessors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildProcessors").field("executable", &self.0.executable).finish()
    }
}
