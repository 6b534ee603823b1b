//! What the planner asks the store for.

use crate::{
    assignment::placement::PlacementRules,
    coordinator::{op, request::asks},
    lease::{Delete, LeaseKey, PlanVersion, SessionId, WorkerId},
    stream::StreamKey,
};

/// Which plan something was asked for. An answer to a plan that was given up is too old for the
/// next: that may rely on having asked for this after it knew of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::coordinator) struct Round(u64);

impl Round {
    /// The next plan begins, or this one is given up.
    pub(super) const fn next(&mut self) {
        self.0 += 1;
    }
}

asks! {
    /// Every lease, for the plan of this round.
    Leases(round: Round) by Leases;
    /// Every session, likewise.
    Sessions(round: Round) by Sessions;
    /// The placement rules, likewise.
    Rules(round: Round) by Doc;
    /// The row of a lease that the lineage asks for, put in this round.
    Create(round: Round, key: LeaseKey) by Create;
    /// The frozen start of the stream, for the plan of this round.
    Start(round: Round, of: StreamKey) by Doc;
    /// The frozen start, put in this round because there was none.
    PutStart(round: Round, of: StreamKey) by PutDoc;
    /// A worker's document.
    Doc(worker: WorkerId) by Doc;
    /// A worker's document, written.
    PutDocument(worker: WorkerId, version: PlanVersion) by PutDoc;
    /// The document of a worker that is gone.
    DeadDoc(worker: WorkerId) by Doc;
    /// The row of a lease that should have moved by now, as this order said.
    MoveRow(key: LeaseKey, order: PlanVersion) by Lease;
    /// The placement rules, with what the rows to be deleted handed down.
    PutRules(rules: PlacementRules, deletes: Vec<Delete>) by PutDoc;
    /// What a worker tells of its loads.
    LoadReport(worker: WorkerId) by Doc;
    /// The same of a worker that is gone.
    DeadReport(worker: WorkerId) by Doc;
    /// The end of a session's row.
    Forget(id: SessionId) by Forget;
}
