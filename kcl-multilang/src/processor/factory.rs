//! Makes a processor for each lease.

use std::{fmt, sync::Arc};

use kcl_core::{
    env::Env,
    processor::{LeaseHandle, ProcessorFactory, RecordProcessor},
};

use super::{
    lease::ChildProcessor,
    shared::{Options, Shared},
    store::StoreTrouble,
};
use crate::child::{Children, Executable};

/// Processors that are children: one is started for each lease. Clones share everything.
#[derive(Clone)]
pub struct ChildProcessors(Arc<Shared>);

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
