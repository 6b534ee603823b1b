//! What the catalogue asks the store for.

use crate::{
    coordinator::{op, request::requests},
    lease::LeaseKey,
    stream::StreamKey,
};

/// Which plan something was asked for. An answer to a plan that was given up is too old for the
/// next: that may rely on having asked for this after it knew of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::coordinator) struct ReadingNo(u64);

impl ReadingNo {
    /// The next plan begins, or this one is given up.
    pub(super) const fn next(&mut self) {
        self.0 += 1;
    }
}

requests! {
    /// Every lease, for the plan of this round.
    Leases(round: ReadingNo) by Leases;
    /// Every session, likewise.
    Sessions(round: ReadingNo) by Sessions;
    /// The placement rules, likewise.
    Rules(round: ReadingNo) by Doc;
    /// The placement rules, for no plan yet: the planner was woken.
    LookAtRules by Doc;
    /// What shards inherit, for the plan of this round.
    Inherited(round: ReadingNo) by Doc;
    /// The row of a lease that the lineage asks for, put in this round.
    Create(round: ReadingNo, key: LeaseKey) by Create;
    /// The frozen start of a stream, for the plan of this round.
    Start(round: ReadingNo, of: StreamKey) by Doc;
    /// The frozen start, put in this round because there was none.
    PutStart(round: ReadingNo, of: StreamKey) by PutDoc;
}
