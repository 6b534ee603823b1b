//! The requests of the janitor to the store.

use crate::{
    assignment::placement::Inherited,
    coordinator::{op, request::requests},
    lease::{Delete, SessionId, WorkerId},
};

requests! {
    /// The deletion of a session's row.
    Forget(id: SessionId) by Forget;
    /// The assignment document of a worker without a session.
    DeadDoc(worker: WorkerId) by Doc;
    /// The report of a worker without a session.
    DeadReport(worker: WorkerId) by Doc;
    /// The document `inherited`, put before these rows are deleted.
    PutInherited(inherited: Inherited, deletes: Vec<Delete>) by PutDoc;
}
