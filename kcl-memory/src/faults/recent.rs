//! What eventually consistent reads gave before: the past that a stale one shows again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// The last answer to each read.
#[derive(Debug)]
pub(super) struct Recent<A>(Mutex<BTreeMap<String, A>>);

impl<A> Default for Recent<A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A: Clone> Recent<A> {
    /// The last answer to `read`, if there was one.
    pub(super) fn last(&self, read: &str) -> Option<A> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(read).cloned()
    }

    /// Keeps the answer to `read`.
    pub(super) fn keep(&self, read: &str, answer: A) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(read.to_owned(), answer);
    }
}
