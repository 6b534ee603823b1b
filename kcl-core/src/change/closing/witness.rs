//! Noticing a store that goes back in time while a change runs.
//!
//! A store that goes back loses its last writes, whatever they were, and says so in its next answer
//! to a registration. So `changing` is put again once the copy is stored, and once the rows are.
//! The store can lose earlier writes only together with such a put; then the next check of the turn
//! shows an older version. After each such put a registration tells whether the store went back
//! before it.

use super::state::{Closing, Phase, Then, Writing};
use crate::{
    change::{error::ChangeError, proof::Proof, turn::Change},
    coordinator::{StoreCall, StoreReply},
    lease::{Changing, DocName, Document, Generation, PutDoc, Write},
};

/// The holder of the turn, as `changing` says.
pub(super) enum Turn {
    /// This run.
    Mine,
    /// Nobody: the store has lost the turn.
    Lost,
    /// The command of this name has taken over.
    Overtaken(String),
}

impl Closing {
    /// The holder of the turn, by this document. A later version than the known one is this run's
    /// if it names its turn.
    pub(super) fn turn_of(&self, doc: Option<&Document>) -> Turn {
        let version = doc.map_or(0, |doc| doc.version);
        let changing = doc.map(|doc| Changing::decode(&doc.body));
        let mine = matches!(&changing, Some(Ok(it)) if it.turn == self.turn && it.is_closed());
        if version < self.version {
            sometimes!(TurnLostByStore);
            return Turn::Lost;
        }
        if mine {
            return Turn::Mine;
        }
        sometimes!(TurnLost);
        match changing {
            Some(Ok(changing)) => Turn::Overtaken(changing.by),
            _ => Turn::Overtaken("somebody".to_owned()),
        }
    }

    /// The put of `changing` with the same content.
    pub(super) fn mark(&self) -> StoreCall {
        let body = self.closed.encode();
        StoreCall::PutDoc(PutDoc::new(DocName::changing(), Some(self.version), body))
    }

    /// `changing` was put again, or refused.
    pub(super) fn on_marked(&mut self, then: Then, write: Write<Document>) -> Phase {
        let doc = match write {
            Write::Done(doc) => Some(doc),
            Write::Refused(doc) => doc,
        };
        match self.turn_of(doc.as_ref()) {
            Turn::Mine => {
                self.version = doc.map_or(self.version, |doc| doc.version);
                Phase::Stamping(then)
            }
            Turn::Lost => self.start_over(None),
            Turn::Overtaken(by) => Phase::failed(ChangeError::Overtaken { by }),
        }
    }

    /// The session that was registered for the stamp has ended: the next phase.
    pub(super) fn stamped(&mut self, then: Then) -> Phase {
        match then {
            Then::Prove => Phase::Proving(Proof::new()),
            Then::Write(target) => {
                let (lanes, each) = (self.lanes, self.rows_a_lane);
                Phase::Writing(Writing::new(target, lanes, each, self.change.undoing))
            }
            Then::Stay => self.stays(),
            Then::Open(leases) => self.opening(leases),
        }
    }

    /// The answer to the registration: whether the store went back since the turn was taken.
    pub(super) fn on_stamp(&mut self, then: Then, at: u64, generation: Generation) -> Phase {
        self.floor = self.floor.max(at);
        let is_first = matches!(then, Then::Prove);
        let known = self.generation.replace(generation);
        if is_first || is_same(known.as_ref(), self.generation.as_ref()) {
            return Phase::Unstamping(then);
        }
        sometimes!(ChangeWentBack);
        self.start_over(None)
    }

    /// The store went back: the run starts over, as another run of the command would. The last
    /// writes may have been applied since.
    pub(super) fn start_over(&mut self, sent: Option<String>) -> Phase {
        self.lost = Some(sent);
        Phase::Looking
    }

    /// For a run that started over: fails if its change no longer exists. Then there is nothing to
    /// go on with, since workers may have started.
    pub(super) fn is_gone(&self, found: Option<&Change>) -> Option<Phase> {
        let lost = self.lost.as_ref()?;
        let is_there = found.is_some_and(|found| {
            found.number == self.change.number && found.begun == self.change.begun
        });
        (!is_there).then(|| Phase::failed(ChangeError::WentBack { sent: lost.clone() }))
    }

    /// Takes an answer in the phases around a mark.
    pub(super) fn after_mark(&mut self, phase: Phase, reply: StoreReply) -> Phase {
        match (phase, reply) {
            (Phase::Marking(then), StoreReply::DocWrite(write)) => self.on_marked(then, write),
            (Phase::Stamping(then), StoreReply::Beat(stamped)) => {
                self.on_stamp(then, stamped.stamp.at.0, stamped.stamp.generation)
            }
            (Phase::Unstamping(then), _) => self.stamped(then),
            // The answer does not belong to the call, which is made again.
            (phase, _) => phase,
        }
    }
}

/// Whether the store's generation is still the same.
fn is_same(known: Option<&Generation>, now: Option<&Generation>) -> bool {
    known == now || planted!(ChangeIgnoresGeneration)
}
