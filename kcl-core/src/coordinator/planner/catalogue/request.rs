//! The requests of the catalogue to the store.

use crate::{
    coordinator::{op, request::requests},
    lease::LeaseKey,
    stream::StreamKey,
};

/// The number of a reading. An answer to an earlier reading must not be used by a later one: the
/// later one may rely on the order in which it asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::coordinator) struct ReadingNo(u64);

impl ReadingNo {
    /// The next reading begins, or this one is given up.
    pub(super) const fn next(&mut self) {
        self.0 += 1;
    }
}

requests! {
    /// All leases, for this reading.
    Leases(round: ReadingNo) by Leases;
    /// All sessions, for this reading.
    Sessions(round: ReadingNo) by Sessions;
    /// The placement rules, for this reading.
    Rules(round: ReadingNo) by Doc;
    /// The placement rules, beside any reading: the planner was woken.
    LookAtRules by Doc;
    /// The rules that shards inherit, for this reading.
    Inherited(round: ReadingNo) by Doc;
    /// The row of a lease that a shard lacks, put by this reading.
    Create(round: ReadingNo, key: LeaseKey) by Create;
    /// The frozen start of a stream, for this reading.
    Start(round: ReadingNo, of: StreamKey) by Doc;
    /// The frozen start of a stream, put by this reading because there was none.
    PutStart(round: ReadingNo, of: StreamKey) by PutDoc;
}
