//! Writing the rows, then the documents.
//!
//! Each write has three steps: read the row, *then* check in `changing` that this run still holds
//! the turn, then send. A run that takes over after that check writes this row, too, under a higher
//! epoch, so the store refuses what was sent here. That is why every run writes every row, even one
//! that looks right.
//!
//! If there are many rows, a run writes several at once: it reads them all, checks the turn once,
//! and sends them all. For each row the order of the steps is the same.
//!
//! A row that the change makes is not read first: it is put if there is none. If there is one, the
//! put is refused, and the row is read and judged anew.

use super::state::{Closing, Phase, Step, Writing};
use crate::{
    change::target::{DocChange, RowChange, Target},
    coordinator::{StoreCall, StoreReply},
    lease::{DocName, Epoch, Lease, PutDoc, Restart},
};

/// The kind of the current writes.
enum At<'a> {
    /// Rows: one or several.
    Rows,
    /// A document, with its change.
    Doc(&'a DocChange),
}

impl Writing {
    /// Starts to write this target, with at most `lanes` rows at once.
    pub(super) fn new(target: Target, lanes: usize, rows_a_lane: usize, undoing: bool) -> Self {
        let lanes = lanes.min(target.rows.len() / rows_a_lane.max(1) + 1);
        let mut writing =
            Self { target, begun: 0, open: Vec::new(), lanes, step: Step::Read, sent: None };
        writing.take_up(false);
        writing.begin(undoing);
        writing
    }

    /// The first step of the rows that were just taken up. Rows that the change makes count as read
    /// and absent; in an undo they exist.
    fn begin(&mut self, undoing: bool) {
        let rows: Vec<bool> = self.rows().map(|change| change.found).collect();
        let are_made = !rows.is_empty() && rows.iter().all(|found| !found);
        self.step = match are_made && !undoing {
            true => Step::CheckRows(vec![None; rows.len()]),
            false => Step::Read,
        };
    }

    /// Takes up the next rows, or the next document, if nothing is under way.
    fn take_up(&mut self, found_only: bool) {
        let (rows, docs) = (self.target.rows.len(), self.target.docs.len());
        while self.open.is_empty() && self.begun < rows + docs {
            let lanes = if self.begun < rows { self.lanes.min(rows - self.begun) } else { 1 };
            let next = self.begun..self.begun + lanes;
            self.begun = next.end;
            let is_meant = |at: &usize| {
                !found_only || self.target.rows.get(*at).is_none_or(|change| change.found)
            };
            self.open = next.filter(is_meant).collect();
        }
    }

    /// A call failed: the current writes start again with the first step, the read.
    pub(super) fn again(&mut self) {
        if matches!(self.step, Step::SendRows(_) | Step::SendDoc(_)) {
            self.sent = self.named();
        }
        self.step = Step::Read;
    }

    /// The store throttled calls: halves the number of rows at once.
    pub(super) fn slow_down(&mut self) {
        self.lanes = (self.lanes / 2).max(1);
    }

    /// The kind of the current writes; `None` when all is written.
    fn at(&self) -> Option<At<'_>> {
        let (rows, first) = (self.target.rows.len(), *self.open.first()?);
        match self.target.rows.get(first) {
            Some(_) => Some(At::Rows),
            None => self.target.docs.get(first - rows).map(At::Doc),
        }
    }

    /// The rows that are written now.
    fn rows(&self) -> impl Iterator<Item = &RowChange> {
        self.open.iter().filter_map(|at| self.target.rows.get(*at))
    }

    /// Whether several calls are to be made at once.
    pub(super) fn is_wide(&self) -> bool {
        let on_rows = matches!(self.step, Step::Read | Step::SendRows(_) | Step::ReadLate);
        on_rows && self.open.len() > 1
    }

    /// The next call for each row that is written now: its read or its write.
    pub(super) fn calls(&self, run: &Closing) -> Vec<StoreCall> {
        match &self.step {
            Step::SendRows(rows) => {
                let each = self.rows().zip(rows);
                each.map(|(change, row)| run.write_row(change, row.as_ref())).collect()
            }
            _ => self.rows().map(|change| StoreCall::Lease(change.key().clone())).collect(),
        }
    }

    /// The next call, if one row or a document is written now.
    pub(super) fn call(&self, run: &Closing) -> StoreCall {
        match (self.at(), &self.step) {
            (Some(At::Rows), Step::Read | Step::ReadLate | Step::SendRows(_)) => {
                let call = self.calls(run).into_iter().next();
                call.unwrap_or_else(|| StoreCall::Doc(DocName::changing()))
            }
            (Some(At::Doc(doc)), Step::Read) => StoreCall::Doc(doc.name.clone()),
            (Some(At::Doc(change)), Step::SendDoc(doc)) => {
                let seen = doc.as_ref().map(|doc| doc.version);
                let body = change.wanted(run.change.undoing);
                StoreCall::PutDoc(PutDoc::new(change.name.clone(), seen, body))
            }
            _ => StoreCall::Doc(DocName::changing()),
        }
    }
}

impl Closing {
    /// The write of a row. Its epoch is above all that the lease ever had: the row's, the copy's
    /// (the row may have been deleted and made anew since), and the store's time.
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

    /// Takes the answer to a single call.
    pub(super) fn on_write(&mut self, mut writing: Writing, reply: StoreReply) -> Phase {
        let step = std::mem::replace(&mut writing.step, Step::Read);
        writing.step = match (step, reply) {
            (step @ (Step::Read | Step::ReadLate), reply @ StoreReply::Lease(_))
            | (step @ Step::SendRows(_), reply @ StoreReply::LeaseWrite(_)) => {
                writing.step = step;
                return self.on_rows(writing, vec![Some(reply)]);
            }
            (Step::Read, StoreReply::Doc(doc)) if writing.is_doc() => Step::CheckDoc(doc),
            (Step::CheckRows(rows), StoreReply::Doc(changing)) => {
                if let Some(phase) = self.check_turn(changing.as_ref(), writing.sent.clone()) {
                    return phase;
                }
                self.checked(&mut writing, rows)
            }
            (Step::CheckDoc(doc), StoreReply::Doc(changing)) => {
                if let Some(phase) = self.check_turn(changing.as_ref(), writing.sent.clone()) {
                    return phase;
                }
                Step::SendDoc(doc)
            }
            (Step::SendDoc(_), StoreReply::DocWrite(write)) => {
                writing.settle(&[Some(write.is_done())]);
                Step::Read
            }
            (step, _) => step,
        };
        self.go_on(writing)
    }

    /// Takes the answers for the rows that are under way, in their order; `None` for a call that
    /// failed.
    pub(super) fn on_rows(
        &mut self,
        mut writing: Writing,
        replies: Vec<Option<StoreReply>>,
    ) -> Phase {
        let step = std::mem::replace(&mut writing.step, Step::Read);
        writing.step = match step {
            Step::Read | Step::ReadLate => {
                let row = |reply| match reply {
                    Some(StoreReply::Lease(row)) => Some(row),
                    _ => None,
                };
                let rows: Option<Vec<_>> = replies.into_iter().map(row).collect();
                match (step, rows) {
                    (Step::ReadLate, Some(rows)) => Step::SendRows(rows),
                    (_, Some(rows)) => Step::CheckRows(rows),
                    (step, None) => step,
                }
            }
            Step::SendRows(_) => {
                let is_done = |reply: &Option<StoreReply>| match reply {
                    Some(StoreReply::LeaseWrite(write)) => Some(write.is_done()),
                    _ => None,
                };
                let done: Vec<_> = replies.iter().map(is_done).collect();
                writing.settle(&done);
                Step::Read
            }
            step => step,
        };
        self.go_on(writing)
    }

    /// This run still holds the turn: the rows to send, of those that were read.
    fn checked(&self, writing: &mut Writing, rows: Vec<Option<Lease>>) -> Step {
        let rows = if writes_every_row() { rows } else { self.without_right(writing, rows) };
        match rows {
            rows if rows.is_empty() => Step::Read,
            _ if !is_read_before_the_turn() => Step::ReadLate,
            rows => Step::SendRows(rows),
        }
    }

    /// Begins the next writes; after the last document the copies are swept.
    fn go_on(&self, mut writing: Writing) -> Phase {
        let undoing = self.change.undoing;
        if writing.open.is_empty() {
            writing.take_up(undoing && !rows_that_were_made_are_undone());
            writing.begin(undoing);
        }
        match writing.at() {
            Some(_) => Phase::Writing(writing),
            None => Phase::Sweeping { leases: writing.target.rows.len(), copies: None },
        }
    }

    /// Leaves out rows that look right. No step of the protocol, but of a planted bug.
    fn without_right(&self, writing: &mut Writing, rows: Vec<Option<Lease>>) -> Vec<Option<Lease>> {
        let looks_right = |change: &RowChange, row: &Option<Lease>| {
            let wanted = change.wanted(self.change.undoing);
            row.as_ref()
                .is_some_and(|row| row.owner.is_none() && row.checkpoint == wanted.checkpoint)
        };
        let right: Vec<bool> =
            writing.rows().zip(&rows).map(|(change, row)| looks_right(change, row)).collect();
        let mut each = right.iter();
        writing.open.retain(|_| !each.next().is_some_and(|right| *right));
        let wrong = rows.into_iter().zip(&right).filter(|(_, right)| !**right);
        wrong.map(|(row, _)| row).collect()
    }
}

impl Writing {
    /// Whether a document is written now, and no rows.
    fn is_doc(&self) -> bool {
        self.open.first().is_none_or(|at| *at >= self.target.rows.len())
    }

    /// The names of the rows, or of the document, that are written now.
    fn named(&self) -> Option<String> {
        let keys: Vec<String> = match self.at()? {
            At::Rows => self.rows().map(|change| change.key().to_string()).collect(),
            At::Doc(doc) => vec![doc.name.to_string()],
        };
        Some(keys.join(", "))
    }

    /// Removes the rows that are done from the current writes. A row whose write was refused, or
    /// had no answer, is read and judged anew.
    fn settle(&mut self, done: &[Option<bool>]) {
        self.sent = self.named();
        let mut each = done.iter();
        self.open.retain(|_| {
            let done = each.next().copied().flatten();
            sometimes!(RestartRefused, done == Some(false));
            !done.is_some_and(is_settled)
        });
    }
}

/// The epoch above all that the lease ever had.
fn above_all(row: u64, copy: u64, floor: u64) -> Epoch {
    Epoch(1 + if planted!(EpochOfTheRowAlone) { row } else { row.max(copy).max(floor) })
}

/// Whether a row is written even if it looks right.
fn writes_every_row() -> bool {
    !planted!(RightRowsPassedOver)
}

/// Whether a row is read before the turn is checked.
fn is_read_before_the_turn() -> bool {
    !planted!(TurnLookedAtFirst)
}

/// Whether an undo sets back rows that the change made.
fn rows_that_were_made_are_undone() -> bool {
    !planted!(MadeRowsNotUndone)
}

/// Whether a row is done. A refused one is judged anew.
fn is_settled(done: bool) -> bool {
    done || planted!(RefusedTakenForDone)
}
