//! Whether records were lost to retention before they could be read.
//!
//! Kinesis trims records when they are older than the stream's retention, and says nothing about
//! it: an iterator at a record that is gone begins at the oldest one that is left. What can be
//! known is known from the record *before* the gap. Records are trimmed in order, so as long as the
//! last record that was passed is still there, nothing after it is gone. Three cases:
//!
//! - **A new iterator** (at the start, or when one has expired) is asked for *at* the last record
//!   passed. If the first answer begins with that record, nothing is gone. If it begins with a
//!   later one, the record may be gone; or there never was such a record, because a checkpoint was
//!   written by hand; or the service did not answer as it should. The oldest record left decides:
//!   if it is later, too, then everything between was trimmed, and [`ReadEvent::Lost`] says so.
//! - **A live iterator**, when the last record passed is nearly as old as the retention: before the
//!   answer is delivered, that record is read once more, and if it does not come, the oldest one.
//!   Younger ones need no proof, so a reader that keeps up never pays for it.
//! - **A refused position** (invalid argument): if the oldest record left is later, or none is
//!   left, the position is gone and reading goes on there. If it is earlier, the position never
//!   belonged to this shard, and the refusal is the error.
//!
//! Numbers alone prove nothing: they have gaps, and those at which shards begin and end are of no
//! record. An answer without records proves nothing, unless it says that none is left.
//!
//! What cannot be known: whether anything followed a trimmed checkpoint in a shard that is now
//! *empty* and still open. One that has been idle for longer than the retention looks just like
//! that after every restart, so no loss is reported then; only whoever knows for how long nobody
//! read the shard can tell. In the first case, too, a record may have been trimmed that had no
//! successor: what is reported is a gap that cannot be ruled out. An empty shard that has *ended*
//! is reported: it was not read to its end while its records were there.
//!
//! Here it is judged what has to be asked before an answer may be delivered; whoever fetches asks.

use std::time::Duration;

use kcl_core::stream::{ReadEvent, SequenceNumber};

use super::{answer::Answer, cursor::Cursor};

/// What has to be known before an answer may be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Nothing: no record is missing before it.
    Settled,
    /// Whether the oldest record left is later than this one.
    Oldest(SequenceNumber),
    /// Whether the last record that was passed is still there, if it may be gone by its age.
    LastPassed,
    /// The record that was sought is gone and nothing follows it: no loss is claimed.
    NothingFollows(SequenceNumber),
    /// An answer without records proves nothing: the next one may.
    Open,
}

/// What is in doubt about an answer. A reader `was_caught_up` if it had everything there was so
/// recently that no record which came later can have been trimmed.
pub(crate) fn doubt(answer: &Answer, cursor: &Cursor, was_caught_up: bool) -> Doubt {
    match (&answer.first, cursor.sought()) {
        _ if was_caught_up => Doubt::Settled,
        (Some(first), Some(sought)) if first <= sought => Doubt::Settled,
        (Some(_), Some(sought)) => Doubt::Oldest(sought.clone()),
        (None, Some(sought)) if answer.is_end() => Doubt::Oldest(sought.clone()),
        (Some(_), None) => Doubt::LastPassed,
        (None, None) if answer.is_end() => Doubt::LastPassed,
        (None, Some(sought)) if answer.at_tip => Doubt::NothingFollows(sought.clone()),
        (None, _) => Doubt::Open,
    }
}

/// The age up to which a record is certainly still there. Arrival times are the stream's, ages are
/// by our own clock: allow for an hour in a day.
pub(crate) fn safe_age(retention: Duration) -> Duration {
    retention - retention / 24
}

/// Whether everything up to `number` was trimmed: the oldest record left is later, or none is.
pub(crate) fn is_before(number: &SequenceNumber, oldest: Option<&SequenceNumber>) -> bool {
    oldest.is_none_or(|oldest| oldest > number)
}

/// The loss of everything after the last position passed, up to the first record that is left.
pub(crate) fn lost(cursor: &Cursor, to: Option<SequenceNumber>) -> ReadEvent {
    let from = cursor.passed().map(|passed| passed.position.clone());
    ReadEvent::Lost { from, to: to.map(Into::into) }
}
