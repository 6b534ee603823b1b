//! What the janitor asks the store for.

use crate::{
    assignment::placement::PlacementRules,
    coordinator::{op, request::asks},
    lease::{Delete, SessionId, WorkerId},
};

asks! {
    /// The end of a session's row.
    Forget(id: SessionId) by Forget;
    /// The document of a worker that is gone.
    DeadDoc(worker: WorkerId) by Doc;
    /// What a worker that is gone told of its loads.
    DeadReport(worker: WorkerId) by Doc;
    /// The placement rules, with what the rows to be deleted handed down.
    PutRules(rules: PlacementRules, deletes: Vec<Delete>) by PutDoc;
}
