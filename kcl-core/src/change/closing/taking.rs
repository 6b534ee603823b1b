//! Taking the turn: closing an open application, or taking over a change in a closed one.

use super::{
    state::{Closing, Intent, Phase, Then},
    witness::Turn,
};
use crate::{
    change::{error::ChangeError, turn::Change},
    coordinator::StoreReply,
    lease::{ChangeState, Changing, DocName, Document, PutDoc, Write},
};

impl Closing {
    /// Takes the answer to a call of this phase.
    pub(super) fn after(
        &mut self,
        now: crate::env::Time,
        phase: Phase,
        reply: StoreReply,
    ) -> Phase {
        match (phase, reply) {
            (Phase::Looking, StoreReply::Doc(doc)) => self.look(doc.as_ref()),
            (Phase::Taking(_), StoreReply::DocWrite(write)) => self.on_taken(write),
            (phase @ (Phase::Marking(_) | Phase::Stamping(_) | Phase::Unstamping(_)), reply) => {
                self.after_mark(phase, reply)
            }
            (Phase::Proving(mut proof), reply) => {
                proof.learn(now, &reply);
                Phase::Proving(proof)
            }
            (Phase::BackingOut(why), StoreReply::Doc(copy)) => {
                self.back_out(why, self.is_of_mine(copy.as_ref()))
            }
            (Phase::Writing(writing), reply) => self.on_write(writing, reply),
            (Phase::Opening(opening), reply) => self.on_opening(opening, reply),
            (phase, reply) => self.collect(phase, reply),
        }
    }

    /// Decides from `changing` what to do: begin, go on with a change, take it back, or refuse.
    pub(super) fn look(&mut self, doc: Option<&Document>) -> Phase {
        let version = doc.map_or(0, |doc| doc.version);
        let Some(doc) = doc else {
            return self.is_gone(None).unwrap_or_else(|| self.begin(version, None, None));
        };
        let changing = match Changing::decode(&doc.body) {
            Ok(changing) => changing,
            Err(error) => return Phase::failed(ChangeError::corrupt(&doc.name, &error)),
        };
        let change = Change::of(&changing);
        if let Some(gone) = self.is_gone(change.as_ref().filter(|_| changing.is_closed())) {
            return gone;
        }
        if !changing.is_closed() {
            let former = change.map(|change| change.number);
            return self.begin(version, Some(changing), former);
        }
        if changing.turn == self.turn {
            return self.is_mine(version, changing, change);
        }
        let same = change.filter(|change| {
            let goes_on = change.what == self.intent.what() && !change.undoing;
            goes_on || matches!(self.intent, Intent::Undo)
        });
        match same {
            Some(change) => self.take_over(version, changing, change),
            None => Phase::failed(busy(changing)),
        }
    }

    /// Closes an open application: begins a change.
    fn begin(&mut self, version: u64, before: Option<Changing>, former: Option<u64>) -> Phase {
        if matches!(self.intent, Intent::Undo) && former.is_none() {
            return Phase::failed(ChangeError::NothingToUndo);
        }
        let what = self.intent.what();
        self.change = Change::new(version + 1, what, former, &self.turn);
        let more = before.map(|before| before.more).unwrap_or_default();
        let (by, turn) = (self.closed.by.clone(), self.turn.clone());
        self.put(
            version,
            Changing { more, ..Changing::new(ChangeState::Closed, by, self.wall, turn) },
        )
    }

    /// Takes the turn in a closed application.
    fn take_over(&mut self, version: u64, before: Changing, mut change: Change) -> Phase {
        // An undo that was broken off goes on as an undo, also under the command that began the
        // change.
        change.undoing |= change.what != self.intent.what();
        if !change.undoing && !goes_on_with_its_copy() {
            change.number = version + 1;
        }
        self.change = change;
        sometimes!(ChangeTakenOver);
        self.put(
            version,
            Changing { by: self.closed.by.clone(), turn: self.turn.clone(), ..before },
        )
    }

    /// The put of `changing` over this version; 0 means that there is no document.
    fn put(&mut self, version: u64, changing: Changing) -> Phase {
        self.closed = self.change.write(changing);
        let body = self.closed.encode();
        let seen = (version > 0).then_some(version);
        Phase::Taking(PutDoc::new(DocName::changing(), seen, body))
    }

    /// `changing` was put, or refused.
    fn on_taken(&mut self, write: Write<Document>) -> Phase {
        match write {
            Write::Done(doc) => {
                self.version = doc.version;
                Phase::Stamping(Then::Prove)
            }
            // Another run was faster, or an earlier attempt of this run was applied.
            Write::Refused(doc) => self.look(doc.as_ref()),
        }
    }

    /// This run holds the turn already: an earlier attempt was applied whose answer was lost, or
    /// the store went back to it.
    fn is_mine(&mut self, version: u64, changing: Changing, change: Option<Change>) -> Phase {
        if let Some(change) = change {
            self.change = change;
        }
        self.closed = changing;
        self.version = version;
        Phase::Stamping(Then::Prove)
    }

    /// `None` if this run still holds the turn; else the phase that follows. `sent` names the
    /// writes since the last check.
    pub(super) fn check_turn(
        &mut self,
        doc: Option<&Document>,
        sent: Option<String>,
    ) -> Option<Phase> {
        match self.turn_of(doc) {
            _ if !turns_are_checked() => None,
            Turn::Mine => None,
            Turn::Lost => Some(self.start_over(sent)),
            Turn::Overtaken(by) => Some(Phase::failed(ChangeError::Overtaken { by })),
        }
    }
}

/// The error for an application that another command has closed.
fn busy(changing: Changing) -> ChangeError {
    let change = Change::of(&changing);
    let undoing = change.as_ref().is_some_and(|change| change.undoing);
    let what = change.map_or_else(|| "an unknown change".to_owned(), |change| change.what);
    ChangeError::Busy { by: changing.by, what, since: changing.since, undoing }
}

/// Whether a run that takes over a change goes on with its copy.
fn goes_on_with_its_copy() -> bool {
    !planted!(CopyMadeAnew)
}

/// Whether each write waits until `changing` shows that this run still holds the turn.
fn turns_are_checked() -> bool {
    !planted!(TurnNotChecked)
}
