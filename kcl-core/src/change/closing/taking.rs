//! Taking the turn: the application is closed, or one that is closed already is taken over.

use super::{Closing, Intent, Phase};
use crate::{
    change::{error::ChangeError, proof::Proof, turn::Change},
    coordinator::StoreReply,
    lease::{ChangeState, Changing, DocName, Document, PutDoc, Write},
};

impl Closing {
    /// What an answer means, in the phase it was waited for in.
    pub(super) fn after(
        &mut self,
        now: crate::env::Time,
        phase: Phase,
        reply: StoreReply,
    ) -> Phase {
        match (phase, reply) {
            (Phase::Looking, StoreReply::Doc(doc)) => self.look(doc.as_ref()),
            (Phase::Taking(_), StoreReply::DocWrite(write)) => self.on_taken(write),
            (Phase::Stamping, StoreReply::Beat(stamped)) => {
                self.floor = self.floor.max(stamped.stamp.at.0);
                Phase::Unstamping
            }
            (Phase::Unstamping, _) => Phase::Proving(Proof::new()),
            (Phase::Proving(mut proof), reply) => {
                proof.learn(now, &reply);
                Phase::Proving(proof)
            }
            (Phase::BackingOut(why), StoreReply::Doc(copy)) => self.back_out(why, copy.is_some()),
            (Phase::Writing(writing), reply) => self.on_write(writing, reply),
            (Phase::Opening(opening), reply) => self.on_opening(opening, reply),
            (phase, reply) => self.collect(phase, reply),
        }
    }

    /// What is to become of the application as it stands.
    pub(super) fn look(&mut self, doc: Option<&Document>) -> Phase {
        let version = doc.map_or(0, |doc| doc.version);
        let Some(doc) = doc else { return self.begin(version, None, None) };
        let changing = match Changing::decode(&doc.body) {
            Ok(changing) => changing,
            Err(error) => return over(ChangeError::corrupt(&doc.name, &error)),
        };
        let change = Change::of(&changing);
        if !changing.is_closed() {
            let former = change.map(|change| change.number);
            return self.begin(version, Some(changing), former);
        }
        if changing.turn == self.turn {
            return self.is_mine(version, change);
        }
        let same = change.filter(|change| {
            let goes_on = change.what == self.intent.what() && !change.undoing;
            goes_on || matches!(self.intent, Intent::Undo)
        });
        match same {
            Some(change) => self.take_over(version, changing, change),
            None => over(busy(changing)),
        }
    }

    /// Closes an application that is open.
    fn begin(&mut self, version: u64, before: Option<Changing>, former: Option<u64>) -> Phase {
        if matches!(self.intent, Intent::Undo) && former.is_none() {
            return over(ChangeError::NothingToUndo);
        }
        let what = self.intent.what();
        self.change = Change { number: version + 1, what, former, undoing: false };
        let closed = Changing::new(ChangeState::Closed, &*self.by, self.wall, &*self.turn);
        let more = before.map(|before| before.more).unwrap_or_default();
        self.put(version, Changing { more, ..closed })
    }

    /// Makes the turn mine in an application that is closed.
    fn take_over(&mut self, version: u64, before: Changing, mut change: Change) -> Phase {
        // An undo that was broken off is no other change to be taken back: it goes on.
        change.undoing |= change.what != self.intent.what();
        if planted!(CopyMadeAnew) && !change.undoing {
            change.number = version + 1;
        }
        self.change = change;
        sometimes!(ChangeTakenOver);
        self.put(version, Changing { by: self.by.clone(), turn: self.turn.clone(), ..before })
    }

    fn put(&self, version: u64, changing: Changing) -> Phase {
        let body = self.change.write(changing).encode();
        let seen = (version > 0).then_some(version);
        Phase::Taking(PutDoc::new(DocName::changing(), seen, body))
    }

    fn on_taken(&mut self, write: Write<Document>) -> Phase {
        match write {
            Write::Done(doc) => {
                self.version = doc.version;
                Phase::Stamping
            }
            // Another was faster, or an earlier attempt of mine has landed.
            Write::Refused(doc) => self.look(doc.as_ref()),
        }
    }

    /// An earlier attempt has landed, whose answer was lost.
    fn is_mine(&mut self, version: u64, change: Option<Change>) -> Phase {
        if let Some(change) = change {
            self.change = change;
        }
        self.version = version;
        Phase::Stamping
    }

    /// Whether the turn is still mine; if not, who has it.
    pub(super) fn check_turn(&self, doc: Option<&Document>) -> Result<(), ChangeError> {
        let changing = doc.map(|doc| Changing::decode(&doc.body));
        let mine = doc.is_some_and(|doc| doc.version == self.version)
            && matches!(&changing, Some(Ok(changing)) if changing.turn == self.turn);
        if mine || planted!(TurnNotChecked) {
            return Ok(());
        }
        sometimes!(TurnLost);
        let by = match changing {
            Some(Ok(changing)) => changing.by,
            _ => "somebody".to_owned(),
        };
        Err(ChangeError::Overtaken { by })
    }
}

pub(super) const fn over(error: ChangeError) -> Phase {
    Phase::Over(Err(error))
}

fn busy(changing: Changing) -> ChangeError {
    let change = Change::of(&changing);
    let undoing = change.as_ref().is_some_and(|change| change.undoing);
    let what = change.map_or_else(|| "an unknown change".to_owned(), |change| change.what);
    ChangeError::Busy { by: changing.by, what, since: changing.since, undoing }
}
