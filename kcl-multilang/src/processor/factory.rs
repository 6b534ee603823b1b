//! The factory that a worker is built with: it makes a processor for each lease.

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

/// A processor factory that starts a child process for each lease. Clones share their children and
/// their options.
///
/// The worker must deliver empty batches (`delivery.empty_batches`), so that a processor notices
/// the death of a child that has no records. Register [`Self::observer`] at the worker, and await
/// [`Self::gone`] after the worker has ended.
#[derive(Clone)]
pub struct ChildProcessors(Arc<Shared>);

impl ChildProcessors {
    /// A factory that starts `executable`. A child finds the name of the application in its
    /// environment, as `KCL_APPLICATION`.
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

    /// The observer that the worker needs: it notices why the store did not store a checkpoint, so
    /// that the child gets the right exception.
    #[must_use]
    pub fn observer(&self) -> StoreTrouble {
        self.0.trouble.clone()
    }

    /// The children of this factory that are not reaped.
    #[must_use]
    pub fn children(&self) -> Children {
        self.0.children.clone()
    }

    /// Waits until every child has ended. Kills those that live on after [`Options::ending`].
    ///
    /// # Cancel safety
    /// Safe: it may be called again.
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
