//! What the janitor asks the store for.

use crate::{
    assignment::placement::Inherited,
    coordinator::{op, request::requests},
    lease::{Delete, SessionId, WorkerId},
};

requests! {
    /// The end of a session's row.
    Forget(id: SessionId) by Forget;
    /// The document of a worker that is gone.
    DeadDoc(worker: WorkerId) by Doc;
    /// What a worker that is gone told of itself.
    DeadReport(worker: WorkerId) by Doc;
    /// What shards inherit, with what the rows to be deleted hand down.
    PutInherited(inherited: Inherited, deletes: Vec<Delete>) by PutDoc;
}
