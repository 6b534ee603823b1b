//! Opening the application: the last write of a change, and the way out of one that cannot be made.

use super::state::{Changed, Closing, Opening, Phase};
use crate::{
    change::{error::ChangeError, turn::Change},
    coordinator::{StoreCall, StoreReply},
    lease::{ChangeState, Changing, DocName, Document, PutDoc, Write},
};

impl Closing {
    /// Every row is written: the application can be opened.
    pub(super) fn opening(&self, leases: usize) -> Phase {
        let number = self.change.number;
        let changed = Changed { number, leases, undone: self.change.undoing };
        Phase::Opening(Opening { result: Ok(changed), looks: false })
    }

    /// The change is prepared: the application stays closed, and this run is over.
    pub(super) fn stays(&self) -> Phase {
        let number = self.change.number;
        Phase::Over(Ok(Changed { number, leases: 0, undone: false }))
    }

    /// The change cannot be made. The application stays closed if there is a copy, since an earlier
    /// run may have changed rows; and if the change was prepared, since workers wait there for
    /// leases that do not exist yet. Else it is opened.
    pub(super) fn back_out(&self, why: ChangeError, is_changed: bool) -> Phase {
        let is_changed = is_changed || self.change.prepared;
        let why = match why {
            ChangeError::Alive { workers, .. } => {
                ChangeError::Alive { workers, closed: is_changed }
            }
            why => why,
        };
        if is_changed {
            return Phase::failed(why);
        }
        Phase::Opening(Opening { result: Err(why), looks: false })
    }

    /// The call that opens the application, or first reads whether it is open.
    pub(super) fn open_call(&self, opening: &Opening) -> StoreCall {
        if opening.looks {
            return StoreCall::Doc(DocName::changing());
        }
        let open = Changing { state: ChangeState::Open, since: self.wall, ..self.closed.clone() };
        let body = self.opened(opening).write(open).encode();
        StoreCall::PutDoc(PutDoc::new(DocName::changing(), Some(self.version), body))
    }

    /// The change that an open application names: the last one that was made. A change that was
    /// given up is not named, since there is nothing to undo.
    fn opened(&self, opening: &Opening) -> Change {
        let mut change = Change { prepared: false, undoing: false, ..self.change.clone() };
        if opening.result.is_err() {
            change.number = change.former.unwrap_or(change.number);
            change.begun = String::new();
        }
        change
    }

    /// The opening was answered. A refusal shows whether an earlier attempt opened the application,
    /// whether another run took over, or whether the store went back.
    pub(super) fn on_opening(&mut self, mut opening: Opening, reply: StoreReply) -> Phase {
        let doc = match reply {
            StoreReply::DocWrite(Write::Done(_)) => return Phase::Over(opening.result),
            StoreReply::DocWrite(Write::Refused(doc)) | StoreReply::Doc(doc) => doc,
            _ => return Phase::Opening(opening),
        };
        if doc.as_ref().is_some_and(|doc| doc.version == self.version) {
            opening.looks = false;
            return Phase::Opening(opening);
        }
        if doc.as_ref().is_none_or(|doc| doc.version < self.version) {
            sometimes!(TurnLostByStore);
            return self.start_over(None);
        }
        match self.check_opened(doc.as_ref()) {
            Ok(()) => Phase::Over(opening.result),
            Err(overtaken) => Phase::failed(overtaken),
        }
    }

    /// The document has a newer version than this run's turn: whether this run opened the
    /// application.
    fn check_opened(&self, doc: Option<&Document>) -> Result<(), ChangeError> {
        let changing = doc.and_then(|doc| Changing::decode(&doc.body).ok());
        let opened = changing.as_ref().is_some_and(|changing| {
            let change = Change::of(changing);
            let later = change.is_some_and(|change| change.number > self.change.number);
            changing.turn == self.turn && !changing.is_closed() || later
        });
        if opened {
            return Ok(());
        }
        let by = changing.map_or_else(|| "somebody".to_owned(), |changing| changing.by);
        Err(ChangeError::Overtaken { by })
    }
}
