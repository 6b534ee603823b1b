//! Reports a batch to the observers: when the processor gets it, and how its processing ended.

use std::time::Duration;

use super::{
    observer::{BatchEnd, BatchEnded, Subject},
    seam::Seam,
};
use crate::{env::Time, processor::RecordBatch};

/// A batch that the processor works on. If it is dropped without [`Self::end`], observers get
/// [`BatchEnd::Dropped`]: the worker has dropped the processor's future.
#[derive(Debug)]
pub(crate) struct BatchInWork<'a> {
    seam: &'a Seam,
    about: &'a Subject,
    batch: &'a RecordBatch,
    began: Time,
    is_told: bool,
}

impl<'a> BatchInWork<'a> {
    /// Reports that the processor gets a batch.
    pub(crate) fn begin(seam: &'a Seam, about: &'a Subject, batch: &'a RecordBatch) -> Self {
        seam.batch_begins(about, batch);
        Self { seam, about, batch, began: seam.now(), is_told: false }
    }

    /// Reports how the processing ended; `lag` as in [`BatchEnded`].
    pub(crate) fn end(mut self, end: BatchEnd<'_>, lag: Option<Duration>) {
        self.tell(end, lag);
    }

    fn tell(&mut self, end: BatchEnd<'_>, lag: Option<Duration>) {
        self.is_told = true;
        let (batch, took) = (self.batch, self.seam.now().since(self.began));
        self.seam.batch(self.about, &BatchEnded { end, took, lag, batch });
    }
}

impl Drop for BatchInWork<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.tell(BatchEnd::Dropped, None);
        }
    }
}
