//! Whether a shard has ended: the signs of it.
//!
//! Kinesis ends a shard with an answer that has no next iterator and names the children. An answer
//! without iterator alone is no end: services were seen to give one in the midst of a shard. It has
//! to name the children, or to say that nothing is left, a lag of zero. Servers that never name
//! children (kinesis-local) do that, and the stream's own list has to agree: a shard that it shows
//! open has not ended. Whoever the list shows as continuing the shard is its child.
//!
//! After any other answer without iterator the shard is read anew from the last position. Only if
//! that ends in such an answer again, without a record between, is the list asked alone: where it
//! shows the shard closed, that is taken for the end, and said to be unproven. Otherwise reading
//! goes on: an error, and the next call begins anew. (ferrokinesis ends every shard so: it counts
//! the lag from the time at which the shard was closed, and names no children.)
//!
//! Children beside a next iterator mean nothing; the records come first. What is told at the end,
//! and the question to the list, is the reader's.

use kcl_core::stream::{Position, Shard};

use super::answer::Next;

/// Why the shard seems to have ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// The last answer named the children.
    Named(Vec<Shard>),
    /// The last answer said that nothing is left.
    Said,
    /// Twice there was no way on from the same position.
    Unclear,
}

/// What the last answer left to be settled.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// Set once the shard seems to have ended.
    pub(crate) ending: Option<Ending>,
    /// Where the reader stood when an answer gave no way on.
    unclear: Option<Stand>,
}

/// Where a reader stood: at a position, or before everything.
type Stand = Option<Position>;

impl End {
    /// Whether an answer gave no way on from here.
    pub(crate) fn is_unclear(&self, stand: &Stand) -> bool {
        self.unclear.as_ref() == Some(stand)
    }

    /// An answer was delivered, and the reader stands at `stand`. Returns the iterator to go on
    /// with.
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
