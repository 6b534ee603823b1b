//! Detecting records that were trimmed before they were read.
//!
//! Kinesis trims records that are older than the stream's retention, and does not report it: an
//! iterator at a trimmed record starts at the oldest remaining one. Records are trimmed in order.
//! So as long as the last record that was passed is still there, no record after it has been
//! trimmed. There are three cases:
//!
//! - **A new iterator** (at the start, or after one has expired) is requested *at* the last record
//!   passed. If the first answer begins with that record, nothing is missing. If it begins with a
//!   later one, the record may have been trimmed; or it never existed, because a checkpoint was
//!   written by hand; or the service has answered wrongly. To decide, the reader reads the oldest
//!   remaining record: if that is later as well, everything in between was trimmed, and the reader
//!   reports [`ReadEvent::Lost`].
//! - **An iterator in use**, if the last record passed is nearly as old as the retention: before
//!   the answer is delivered, that record is read once more, and if it is not returned, the oldest
//!   one. Younger records cannot have been trimmed, so a reader without lag never needs this.
//! - **A refused position** (invalid argument): if the oldest remaining record is later, or there
//!   is none, the position was trimmed, and reading goes on at the oldest record. If it is earlier,
//!   the position never belonged to this shard, and the refusal is returned as the error.
//!
//! Sequence numbers alone prove nothing: they have gaps, and the numbers at which shards begin and
//! end belong to no record. An answer without records proves nothing, except at the end or the tip.
//!
//! It cannot be known whether records followed a trimmed checkpoint in a shard that is now *empty*
//! and still open. A shard without new records for longer than the retention looks the same after
//! every restart, so no loss is reported. In the first case as well, the trimmed record may have
//! had no successor: the report means that a loss cannot be excluded. An empty shard that has
//! *ended* is reported, because its last records were not read in time.
//!
//! This module decides what to check before an answer may be delivered; the reader checks it.

use std::time::Duration;

use kcl_core::stream::{ReadEvent, SequenceNumber};

use super::{answer::Answer, cursor::Cursor};

/// The check that is needed before an answer may be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// None: no record is missing before the answer.
    Settled,
    /// Check if the oldest remaining record is later than this one.
    Oldest(SequenceNumber),
    /// Check if the last record passed is still there, unless it is too young to be trimmed.
    LastPassed,
    /// None: the record at which the iterator starts is gone, but no record follows it. No loss is
    /// reported.
    NothingFollows(SequenceNumber),
    /// None yet: an answer without records proves nothing, the next one may.
    Open,
}

/// The check that is needed before `answer` may be delivered. `was_caught_up` means that the reader
/// had passed all records so recently that no later record can have been trimmed.
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

/// The age up to which a record is certainly still there. Arrival times come from the stream's
/// clock and ages from ours, so this leaves a margin of one hour per day of retention.
pub(crate) fn safe_age(retention: Duration) -> Duration {
    retention - retention / 24
}

/// True if everything up to `number` was trimmed: the oldest remaining record is later, or there is
/// none.
pub(crate) fn is_before(number: &SequenceNumber, oldest: Option<&SequenceNumber>) -> bool {
    oldest.is_none_or(|oldest| oldest > number)
}

/// The event for the loss of the records after the last position passed and before `to`, the first
/// remaining record.
pub(crate) fn lost(cursor: &Cursor, to: Option<SequenceNumber>) -> ReadEvent {
    let from = cursor.passed().map(|passed| passed.position.clone());
    ReadEvent::Lost { from, to: to.map(Into::into) }
}
