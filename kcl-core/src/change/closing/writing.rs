//! Writing rows and documents.
//!
//! Each write: read the row, *then* see that the turn is still mine, then send. Whoever takes over
//! after that look writes this row, too, and so refuses what is sent here. That is why every run
//! writes every row, also those that look right.

use super::state::{Closing, Phase, Step, Writing};
use crate::{
    change::target::{DocChange, RowChange, Target},
    coordinator::{StoreCall, StoreReply},
    lease::{DocName, Epoch, Lease, PutDoc, Restart},
};

/// Which of them is at hand.
enum At<'a> {
    Row(&'a RowChange),
    Doc(&'a DocChange),
}

impl Writing {
    pub(super) const fn new(target: Target) -> Self {
        Self { target, done: 0, step: Step::Read }
    }

    /// A call failed: the one at hand is judged anew.
    pub(super) fn again(&mut self) {
        self.step = Step::Read;
    }

    fn at(&self) -> Option<At<'_>> {
        let rows = self.target.rows.len();
        match self.target.rows.get(self.done) {
            Some(row) => Some(At::Row(row)),
            None => self.target.docs.get(self.done - rows).map(At::Doc),
        }
    }

    pub(super) fn call(&self, run: &Closing) -> StoreCall {
        let changing = || StoreCall::Doc(DocName::changing());
        match (self.at(), &self.step) {
            (Some(At::Row(row)), Step::Read | Step::ReadLate) => {
                StoreCall::Lease(row.key().clone())
            }
            (Some(At::Row(change)), Step::SendRow(row)) => run.write_row(change, row.as_ref()),
            (Some(At::Doc(doc)), Step::Read) => StoreCall::Doc(doc.name.clone()),
            (Some(At::Doc(change)), Step::SendDoc(doc)) => {
                let seen = doc.as_ref().map(|doc| doc.version);
                let body = change.wanted(run.change.undoing);
                StoreCall::PutDoc(PutDoc::new(change.name.clone(), seen, body))
            }
            _ => changing(),
        }
    }
}

impl Closing {
    /// What puts a row where it is to stand. Its epoch is above all that were ever given: the
    /// row's, the copy's (the row may have been deleted and made anew since), and the store's time.
    fn write_row(&self, change: &RowChange, row: Option<&Lease>) -> StoreCall {
        let wanted = change.wanted(self.change.undoing);
        let present = row.map_or(Epoch::NONE, |row| row.epoch);
        let epoch = above_all(present.0, change.row.epoch.0, self.floor);
        match row {
            Some(row) => StoreCall::Restart(
                Restart::new(row, epoch, wanted.checkpoint).with_children(wanted.children),
            ),
            None => {
                let (parents, range) = (change.row.parents.clone(), change.row.range);
                let mut row =
                    Lease::new(change.key().clone(), wanted.checkpoint).of_shard(parents, range);
                row.children = wanted.children;
                row.epoch = epoch;
                StoreCall::Create(row)
            }
        }
    }

    pub(super) fn on_write(&mut self, mut writing: Writing, reply: StoreReply) -> Phase {
        let step = std::mem::replace(&mut writing.step, Step::Read);
        writing.step = match (step, reply) {
            (Step::Read, StoreReply::Lease(row)) => Step::CheckRow(row),
            (Step::Read, StoreReply::Doc(doc)) if writing.is_doc() => Step::CheckDoc(doc),
            (Step::CheckRow(row), StoreReply::Doc(changing)) => {
                if let Some(phase) = self.check_turn(changing.as_ref(), writing.sent()) {
                    return phase;
                }
                if !writes_every_row() && self.looks_right(&writing, row.as_ref()) {
                    writing.done += 1;
                    Step::Read
                } else if !is_read_before_the_turn() {
                    Step::ReadLate
                } else {
                    Step::SendRow(row)
                }
            }
            (Step::ReadLate, StoreReply::Lease(row)) => Step::SendRow(row),
            (Step::CheckDoc(doc), StoreReply::Doc(changing)) => {
                if let Some(phase) = self.check_turn(changing.as_ref(), writing.sent()) {
                    return phase;
                }
                Step::SendDoc(doc)
            }
            (Step::SendRow(_), StoreReply::LeaseWrite(write)) => {
                writing.settle(write.is_done());
                Step::Read
            }
            (Step::SendDoc(_), StoreReply::DocWrite(write)) => {
                writing.settle(write.is_done());
                Step::Read
            }
            (step, _) => step,
        };
        self.go_on(writing)
    }

    fn go_on(&self, mut writing: Writing) -> Phase {
        let undoing = self.change.undoing;
        while undoing
            && !rows_that_were_made_are_undone()
            && matches!(writing.at(), Some(At::Row(change)) if !change.found)
        {
            writing.done += 1;
        }
        match writing.at() {
            Some(_) => Phase::Writing(writing),
            None => Phase::Sweeping { leases: writing.target.rows.len(), copies: None },
        }
    }

    fn looks_right(&self, writing: &Writing, row: Option<&Lease>) -> bool {
        let Some(At::Row(change)) = writing.at() else { return false };
        let wanted = change.wanted(self.change.undoing);
        row.is_some_and(|row| row.owner.is_none() && row.checkpoint == wanted.checkpoint)
    }
}

impl Writing {
    const fn is_doc(&self) -> bool {
        self.done >= self.target.rows.len()
    }

    /// What was sent last: a row or a document.
    fn sent(&self) -> Option<String> {
        let last = self.done.checked_sub(1)?;
        let rows = &self.target.rows;
        let doc = || self.target.docs.get(last - rows.len()).map(|doc| doc.name.to_string());
        rows.get(last).map_or_else(doc, |row| Some(row.key().to_string()))
    }

    /// One is done; if it was refused, it is judged anew.
    fn settle(&mut self, done: bool) {
        sometimes!(RestartRefused, !done);
        if is_settled(done) {
            self.done += 1;
        }
    }
}

/// The epoch above all that were ever given: the row's, the copy's, and the store's time.
fn above_all(row: u64, copy: u64, floor: u64) -> Epoch {
    Epoch(1 + if planted!(EpochOfTheRowAlone) { row } else { row.max(copy).max(floor) })
}

/// Whether a row is written although it looks right.
fn writes_every_row() -> bool {
    !planted!(RightRowsPassedOver)
}

/// Whether a row is read before it is seen that the turn is mine.
fn is_read_before_the_turn() -> bool {
    !planted!(TurnLookedAtFirst)
}

/// Whether an undo sets rows back that the change made.
fn rows_that_were_made_are_undone() -> bool {
    !planted!(MadeRowsNotUndone)
}

/// Whether a row is done with: what was refused is judged anew.
fn is_settled(done: bool) -> bool {
    done || planted!(RefusedTakenForDone)
}
