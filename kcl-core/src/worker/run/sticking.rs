//! A batch that fails, and the one record of it that the operator gives up.
//!
//! That record is delivered once more, by itself, when those before it are processed. Only if it
//! fails then, or the processor makes no progress on it, it goes to the dead letter: whoever names
//! another record than the one that fails loses nothing.

use super::{context::Run, retry::RetryState};
use crate::{
    lease::LeaseKey,
    observe::{GivenUp, StuckBoard},
    processor::RecordBatch,
};

/// On what a run is stuck.
pub(super) struct Sticking {
    board: StuckBoard,
    key: LeaseKey,
    /// Whether a dead letter keeps what is skipped.
    keeps: bool,
    is_stuck: bool,
    /// The record that is delivered by itself, or is about to be.
    alone: Option<GivenUp>,
}

impl Sticking {
    pub(super) fn of(run: &Run) -> Self {
        let (board, key) = (run.shared.stuck.clone(), run.key.clone());
        let keeps = run.shared.dead_letter.is_some();
        Self { board, key, keeps, is_stuck: false, alone: None }
    }

    /// These records fail, or the processor makes no progress on them.
    pub(super) fn stick(&mut self, on: &RecordBatch) {
        if let (Some(first), Some(last)) = (on.first(), on.last()) {
            self.is_stuck = true;
            self.board.stick(&self.key, &first.position, &last.position);
        }
    }

    /// These are processed, or skipped.
    pub(super) fn passed(&mut self, batch: &RecordBatch) {
        if std::mem::take(&mut self.is_stuck) {
            self.board.free(&self.key);
        }
        self.alone.take_if(|it| batch.last_position().is_some_and(|last| it.at <= *last));
    }

    /// Has the record that the operator gives up delivered by itself. Whether the parts of the
    /// batch are others now.
    pub(super) fn isolate(&mut self, retry: &mut RetryState) -> bool {
        if let Some(given_up) = self.given_up() {
            self.alone = Some(given_up);
        }
        self.alone.as_ref().is_some_and(|it| goes_alone() && retry.isolate(&it.at))
    }

    /// Whether this is the record that the operator gives up, by itself.
    pub(super) fn lets_go(&self, batch: &RecordBatch) -> bool {
        let given_up = self.given_up().or_else(|| self.alone.clone());
        given_up.is_some_and(|it| holds(batch, &it) && (batch.len() == 1 || !goes_alone()))
    }

    /// Waits until the operator gives up one of these records.
    pub(super) async fn given_up_of(&self, batch: &RecordBatch) {
        while !self.lets_go(batch) {
            let said = self.board.given_up(&self.key);
            if self.given_up().is_some_and(|it| holds(batch, &it)) {
                return;
            }
            self.board.said_other(&self.key, said.as_ref()).await;
        }
    }

    /// Waits until the operator says something else.
    pub(super) async fn said_other(&self) {
        let said = self.board.given_up(&self.key);
        self.board.said_other(&self.key, said.as_ref()).await;
    }

    /// What is said of a record on which the processor makes no progress, if it is by itself the
    /// one that the operator gives up; else the batch is delivered again, in parts.
    pub(super) fn fails_by_hanging(&self, batch: &RecordBatch) -> Option<String> {
        self.lets_go(batch).then(|| "the processor made no progress".to_owned())
    }

    /// The record that the operator gives up, if it may be skipped.
    fn given_up(&self) -> Option<GivenUp> {
        let may_be = |it: &GivenUp| self.keeps || it.unkept || !has_to_be_kept();
        self.board.given_up(&self.key).filter(may_be)
    }
}

/// On a lease that is not read any more nothing is stuck.
impl Drop for Sticking {
    fn drop(&mut self) {
        self.board.free(&self.key);
    }
}

fn holds(batch: &RecordBatch, given_up: &GivenUp) -> bool {
    batch.iter().any(|record| record.position == given_up.at)
}

/// Whether what is given up is a single record.
fn goes_alone() -> bool {
    !planted!(GivenUpWithItsBatch)
}

/// Whether a record is given up only where a dead letter keeps it, unless the operator says so.
fn has_to_be_kept() -> bool {
    !planted!(GivenUpUnkept)
}
