//! Collecting the copy: finding the one that exists, or making one before the first row changes;
//! and deleting the copies of former changes at the end.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::state::{Closing, Intent, Phase, Then, Which, Writing};
use crate::{
    change::{
        copy::{Copy, Head},
        design::Found,
        error::ChangeError,
        target::{DocChange, RowChange, Spot, Target},
    },
    coordinator::{StoreCall, StoreReply, StreamView},
    lease::{DeleteDoc, DocName, Document, Lease, LeaseKey, PutDoc, Write},
};

impl Closing {
    /// Takes an answer while the copy is found or made, or former copies are deleted.
    pub(super) fn collect(&mut self, phase: Phase, reply: StoreReply) -> Phase {
        match (phase, reply) {
            (Phase::Finding(which), StoreReply::Doc(head)) => self.on_head(which, head.as_ref()),
            (Phase::Loading { which, head, parts }, StoreReply::Doc(part)) => {
                self.on_part(which, head, parts, part)
            }
            (Phase::Rows, StoreReply::Leases(listed)) => match listed.unreadable.first() {
                None => Phase::Docs(listed.rows),
                // A copy without this row would not be complete.
                Some(row) => Phase::BackingOut(ChangeError::Unreadable(row.clone())),
            },
            (Phase::Docs(rows), StoreReply::Docs(docs)) => match self.intent {
                Intent::Make(_) | Intent::Prepare(_) => Phase::Stream(rows, docs),
                Intent::Undo => Phase::Finding(Which::Former(rows, docs)),
            },
            (Phase::Keeping { copy, head, parts, next }, StoreReply::DocWrite(write)) => {
                Self::on_kept(copy, head, parts, next, write)
            }
            (Phase::Sealing { copy, head }, StoreReply::DocWrite(write)) => {
                self.on_sealed(copy, &head, write)
            }
            (Phase::Sweeping { leases, copies: None }, StoreReply::Docs(docs)) => {
                self.on_copies(leases, docs)
            }
            (Phase::Sweeping { leases, copies: Some(mut copies) }, _) => {
                copies.pop();
                Self::swept(leases, copies)
            }
            // The answer does not belong to the call, which is made again.
            (phase, _) => phase,
        }
    }

    /// The head of a copy was read. Without a copy of the present change no row was changed yet: an
    /// undo opens the application at once, anything else collects one.
    fn on_head(&mut self, which: Which, doc: Option<&Document>) -> Phase {
        self.stray = None;
        let mut doc = doc;
        if matches!(which, Which::Mine) && !self.is_of_mine(doc) {
            // A head of another change: it was under way when the store lost that change.
            self.stray = doc.map(|doc| doc.version);
            doc = None;
        }
        let Some(doc) = doc else {
            return match which {
                // No row was changed yet.
                Which::Mine if self.change.undoing => self.opening(0),
                Which::Mine => Phase::Rows,
                Which::Former(..) => Phase::BackingOut(ChangeError::NothingToUndo),
            };
        };
        match Head::decode(&doc.body) {
            Some(head) => Phase::Loading { which, head, parts: Vec::new() },
            None => Phase::failed(ChangeError::Corrupt {
                name: doc.name.to_string(),
                why: "it names no parts".to_owned(),
            }),
        }
    }

    /// Whether `doc` is the head of a copy, and belongs to the present change.
    pub(super) fn is_of_mine(&self, doc: Option<&Document>) -> bool {
        let head = doc.map(|doc| Head::decode(&doc.body));
        // A head that cannot be decoded is reported where it is read.
        head.is_some_and(|head| head.is_none_or(|head| head.is_of(&self.change.begun)))
    }

    /// A part of a copy was read. With the last part, the rows can be written, or the former change
    /// be undone.
    fn on_part(
        &mut self,
        which: Which,
        head: Head,
        mut parts: Vec<Bytes>,
        part: Option<Document>,
    ) -> Phase {
        parts.push(part.map(|part| part.body).unwrap_or_default());
        if parts.len() < head.parts {
            return Phase::Loading { which, head, parts };
        }
        match (Copy::read(&head, &parts), which) {
            (Ok(copy), Which::Mine) => Phase::Marking(Then::Write(copy.target)),
            (Ok(former), Which::Former(rows, docs)) => {
                let target = restoring(&former.target, &rows, &docs);
                self.keep_copy(target, docs)
            }
            (Err(error), which) => {
                Phase::failed(ChangeError::copy(&DocName::copy(self.number_of(&which)), &error))
            }
        }
    }

    /// Plans the change, from everything that was read.
    pub(super) fn plan(
        &mut self,
        rows: &[Lease],
        docs: Vec<Document>,
        stream: &StreamView,
    ) -> Phase {
        let Intent::Make(design) = &self.intent else { return Phase::Looking };
        match design.plan(&Found { rows, docs: &docs, stream }) {
            Ok(target) => self.keep_copy(target, docs),
            Err(unfit) => Phase::BackingOut(unfit.into()),
        }
    }

    /// Starts to store the copy of this target.
    fn keep_copy(&mut self, mut target: Target, docs: Vec<Document>) -> Phase {
        // Roles keep their epochs: the term of a planner is not the change's to raise.
        target.rows.retain(|row| !row.key().is_role());
        let is_other = |doc: &Document| {
            doc.name != DocName::changing()
                && doc.name.copy_of().is_none()
                && target.docs.iter().all(|changed| changed.name != doc.name)
        };
        let others = docs.into_iter().filter(is_other).collect();
        let (change, what) = (self.change.number, self.change.what.clone());
        let copy = Copy { change, what, target, others };
        let (head, parts) = copy.parts(&self.turn, &self.change.begun);
        Phase::Keeping { copy, head, parts, next: 0 }
    }

    /// The call that puts the next part of the copy.
    pub(super) fn keep(&self, head: &Head, parts: &[Bytes], next: usize) -> StoreCall {
        let name = DocName::copy_part(self.change.number, &head.turn, next);
        let body = parts.get(next).cloned().unwrap_or_default();
        StoreCall::PutDoc(PutDoc::new(name, None, body))
    }

    /// A part of the copy was put. With the last part the head is put.
    fn on_kept(
        copy: Copy,
        head: Head,
        parts: Vec<Bytes>,
        next: usize,
        write: Write<Document>,
    ) -> Phase {
        // A refusal: an earlier attempt was applied, or a document that is no copy has this name.
        let stored = write.into_row();
        if stored.as_ref().map(|doc| &doc.body) != parts.get(next) {
            let name = stored.map_or_else(|| "copy".to_owned(), |doc| doc.name.to_string());
            let why = "it is not what was put".to_owned();
            return Phase::failed(ChangeError::Corrupt { name, why });
        }
        match next + 1 {
            next if next < parts.len() => Phase::Keeping { copy, head, parts, next },
            _ if !copy_comes_first() => Phase::Writing(Writing::new(copy.target, 1, 1, false)),
            _ => Phase::Sealing { copy, head },
        }
    }

    /// The head is stored: this run's, or that of another run that was faster. Then that copy
    /// counts.
    fn on_sealed(&mut self, copy: Copy, mine: &Head, write: Write<Document>) -> Phase {
        match write {
            Write::Done(_) => Phase::Marking(Then::Write(copy.target)),
            Write::Refused(Some(doc)) if Head::decode(&doc.body).as_ref() == Some(mine) => {
                Phase::Marking(Then::Write(copy.target))
            }
            Write::Refused(doc) => self.on_head(Which::Mine, doc.as_ref()),
        }
    }

    /// The rows are written, so copies of earlier changes are useless. The copy of the change
    /// before this one stays: the store may go back in time to the middle of that change, and this
    /// deletion be applied then.
    fn on_copies(&self, leases: usize, docs: Vec<Document>) -> Phase {
        let kept = first_copy_kept(self.change.number, self.change.former);
        let is_former = |doc: &Document| doc.name.copy_of().is_some_and(|change| change < kept);
        Self::swept(leases, docs.into_iter().filter(is_former).collect())
    }

    /// The next copy to delete; when none is left, the rows are marked as written.
    fn swept(leases: usize, copies: Vec<Document>) -> Phase {
        if copies.is_empty() {
            return Phase::Marking(Then::Open(leases));
        }
        Phase::Sweeping { leases, copies: Some(copies) }
    }

    /// The call that deletes the last of these copies.
    pub(super) fn sweep(copies: &[Document]) -> StoreCall {
        match copies.last() {
            Some(doc) => StoreCall::DeleteDoc(DeleteDoc::new(doc.name.clone(), doc.version)),
            None => StoreCall::Docs,
        }
    }
}

/// The target that takes a completed change back: every row and document as it was before that
/// change.
fn restoring(former: &Target, rows: &[Lease], docs: &[Document]) -> Target {
    let shards = rows.iter().filter(|row| !row.key.is_role());
    let mut changes: BTreeMap<LeaseKey, RowChange> =
        shards.map(|row| (row.key.clone(), RowChange::kept(row))).collect();
    for change in &former.rows {
        let before = Spot::of(&change.row);
        let row = || RowChange { row: change.row.clone(), found: false, to: before.clone() };
        changes.entry(change.key().clone()).or_insert_with(row).to = before.clone();
    }
    let doc = |change: &DocChange| {
        let now = docs.iter().find(|doc| doc.name == change.name);
        let from = now.map_or_else(|| change.to.clone(), |doc| doc.body.clone());
        DocChange { name: change.name.clone(), from, to: change.from.clone() }
    };
    Target { rows: changes.into_values().collect(), docs: former.docs.iter().map(doc).collect() }
}

/// Whether no row is written before the copy is complete.
fn copy_comes_first() -> bool {
    !planted!(RowsBeforeCopy)
}

/// The number of the first change whose copy is kept: that of the change before this one.
fn first_copy_kept(own: u64, former: Option<u64>) -> u64 {
    if planted!(FormerCopyDeleted) { own } else { former.unwrap_or_default() }
}
