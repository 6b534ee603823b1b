//! Handles the one record of a failing batch that the operator gives up.
//!
//! The run enters its failing batch on the [`StuckBoard`], and finds the operator's mark there. The
//! marked record is delivered once more, by itself, after the records before it are processed. It
//! is skipped only if it fails then, or if the processor makes no progress on it. So an operator
//! who marks the wrong record loses nothing.
//!
//! Without a dead-letter sink a record is skipped only if the mark says `unkept`.

use super::{context::Run, retry::RetryState};
use crate::{
    lease::LeaseKey,
    observe::{GivenUp, StuckBoard},
    processor::RecordBatch,
};

/// The failing batch of a run, and the given-up record.
pub(super) struct Sticking {
    board: StuckBoard,
    key: LeaseKey,
    /// Whether a dead-letter sink keeps skipped records.
    keeps: bool,
    /// Whether the run has entered a batch on the board.
    is_stuck: bool,
    /// The given-up record that is, or will be, delivered by itself. It stays when the operator
    /// takes the mark back meanwhile.
    alone: Option<GivenUp>,
}

impl Sticking {
    pub(super) fn of(run: &Run) -> Self {
        let (board, key) = (run.shared.stuck.clone(), run.key.clone());
        let keeps = run.shared.dead_letter.is_some();
        Self { board, key, keeps, is_stuck: false, alone: None }
    }

    /// Enters a batch on the board: it fails, or the processor makes no progress on it.
    pub(super) fn stick(&mut self, on: &RecordBatch) {
        if let (Some(first), Some(last)) = (on.first(), on.last()) {
            self.is_stuck = true;
            self.board.stick(&self.key, &first.position, &last.position);
        }
    }

    /// Removes the batch from the board: it is processed or skipped.
    pub(super) fn passed(&mut self, batch: &RecordBatch) {
        if std::mem::take(&mut self.is_stuck) {
            self.board.free(&self.key);
        }
        self.alone.take_if(|it| batch.last_position().is_some_and(|last| it.at <= *last));
    }

    /// Splits the batch so that the given-up record is delivered by itself. True if that changed
    /// the parts of the batch.
    pub(super) fn isolate(&mut self, retry: &mut RetryState) -> bool {
        if let Some(given_up) = self.given_up() {
            self.alone = Some(given_up);
        }
        self.alone.as_ref().is_some_and(|it| goes_alone() && retry.isolate(&it.at))
    }

    /// True if `batch` is the given-up record by itself, which a failure then skips.
    pub(super) fn lets_go(&self, batch: &RecordBatch) -> bool {
        let given_up = self.given_up().or_else(|| self.alone.clone());
        given_up.is_some_and(|it| holds(batch, &it) && (batch.len() == 1 || !goes_alone()))
    }

    /// Waits until the operator gives up a record of `batch`.
    pub(super) async fn given_up_of(&self, batch: &RecordBatch) {
        while !self.lets_go(batch) {
            let said = self.board.given_up(&self.key);
            if self.given_up().is_some_and(|it| holds(batch, &it)) {
                return;
            }
            self.board.said_other(&self.key, said.as_ref()).await;
        }
    }

    /// Waits until the operator's mark for this lease changes.
    pub(super) async fn said_other(&self) {
        let said = self.board.given_up(&self.key);
        self.board.said_other(&self.key, said.as_ref()).await;
    }

    /// The error of a hanging batch that is the given-up record by itself: it counts as failed.
    /// `None` for any other batch: it is dropped and delivered again in parts.
    pub(super) fn fails_by_hanging(&self, batch: &RecordBatch) -> Option<String> {
        self.lets_go(batch).then(|| "the processor made no progress".to_owned())
    }

    /// The given-up record on the board, if it may be skipped: a sink keeps it, or the mark says
    /// that none need keep it.
    fn given_up(&self) -> Option<GivenUp> {
        let may_be = |it: &GivenUp| self.keeps || it.unkept || !has_to_be_kept();
        self.board.given_up(&self.key).filter(may_be)
    }
}

/// Removes the lease from the board: its run ends.
impl Drop for Sticking {
    fn drop(&mut self) {
        self.board.free(&self.key);
    }
}

/// True if the given-up record is in `batch`.
fn holds(batch: &RecordBatch, given_up: &GivenUp) -> bool {
    batch.iter().any(|record| record.position == given_up.at)
}

/// True without the planted bug: a given-up record is delivered by itself before it is skipped.
fn goes_alone() -> bool {
    !planted!(GivenUpWithItsBatch)
}

/// True without the planted bug: without a dead-letter sink, only a mark `unkept` skips a record.
fn has_to_be_kept() -> bool {
    !planted!(GivenUpUnkept)
}
