//! Detecting the end of a shard.
//!
//! The last answer of Kinesis for a shard has no next iterator and names the child shards. An
//! answer without iterator alone does not prove the end: services have been seen to send one in the
//! middle of a shard. It counts in one of these cases:
//!
//! - The answer names the children.
//! - The answer has a lag of zero, and the list of shards does not show this shard as open. Some
//!   servers never name children (kinesis-local); the children are then the shards in the list that
//!   have this one as a parent.
//! - Neither children nor a lag of zero: the reader requests a new iterator at its last position.
//!   If it gets such an answer again without a record in between, and the list shows the shard as
//!   closed, the shard has ended, but the end is reported as unproven. If the list does not show
//!   it as closed, the read fails, and the next call starts again. (ferrokinesis ends every shard
//!   this way: it counts the lag from the time at which the shard was closed, and names no
//!   children.)
//!
//! Children in an answer that has a next iterator are ignored until the last record is read. The
//! listing and the event are the reader's task.

use kcl_core::stream::{Position, Shard};

use super::answer::Next;

/// The reason why the shard seems to have ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// The last answer named the children.
    Named(Vec<Shard>),
    /// The last answer had a lag of zero.
    Said,
    /// Two answers in a row at the same position had no iterator, no children and no lag of zero.
    Unclear,
}

/// The end of a shard, as far as the answers so far have shown it.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// Set once the shard seems to have ended.
    pub(crate) ending: Option<Ending>,
    /// The position of the reader at the last answer with [`Next::Unclear`].
    unclear: Option<Stand>,
}

/// The last position that a reader has passed; `None` before the first record.
type Stand = Option<Position>;

impl End {
    /// True if an answer at this position had [`Next::Unclear`].
    pub(crate) fn is_unclear(&self, stand: &Stand) -> bool {
        self.unclear.as_ref() == Some(stand)
    }

    /// Records that an answer was delivered, after which the reader is at `stand`. Returns the
    /// iterator to go on with, if there is one.
    pub(crate) fn after(&mut self, next: Next, stand: Stand) -> Option<String> {
        match next {
            Next::Iterator(iterator) => return Some(iterator),
            Next::End(children) if children.is_empty() => self.ending = Some(Ending::Said),
            Next::End(children) => self.ending = Some(Ending::Named(children)),
            Next::Unclear if self.is_unclear(&stand) => self.ending = Some(Ending::Unclear),
            Next::Unclear => self.unclear = Some(stand),
        }
        None
    }
}
