//! Counting what a store is asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use kcl_core::{env::Env, store::LeaseStore};
use kcl_memory::{
    Faulty,
    faults::{Call, CallKind, Fate, Policy},
};

/// How often each operation was called, by all who share this.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<Mutex<Counts>>);

/// How often each operation was called, and whether it writes.
pub(crate) type Counts = BTreeMap<&'static str, (bool, u64)>;

impl Counter {
    /// The same store, counted.
    pub(crate) fn before(&self, store: Arc<dyn LeaseStore>) -> Arc<dyn LeaseStore> {
        let counts = Arc::clone(&self.0);
        let policy: Policy = Arc::new(move |call: &Call| {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            let writes = call.kind == CallKind::Write;
            counts.entry(call.op).or_insert((writes, 0)).1 += 1;
            Fate::CALM
        });
        Arc::new(Faulty::new(store, Env::system(), policy))
    }

    /// What was called since this was asked last.
    pub(crate) fn take(&self) -> Counts {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
