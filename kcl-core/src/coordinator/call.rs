//! What comes back of the coordinator's calls to the lease store.

use crate::{
    lease::{Document, Lease, Session, Stamped, Write},
    store::{Listing, StoreErrorKind},
};

/// Tells one call from another; never used twice in one coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// What a call brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreReply {
    /// Of `register` and `beat`.
    Beat(Stamped<Write<Session>>),
    /// Of `end_session` and `forget`.
    SessionWrite(Write<Session>),
    /// Of `session`.
    Session(Option<Session>),
    /// Of `sessions`.
    Sessions(Vec<Session>),
    /// Of `wake`.
    Woken(()),
    /// Of `create`, `acquire`, `advance`, `release`, `restart` and `delete`.
    LeaseWrite(Write<Lease>),
    /// Of `lease`.
    Lease(Option<Lease>),
    /// Of `leases`.
    Leases(Listing<Lease>),
    /// Of `doc`.
    Doc(Option<Document>),
    /// Of `docs`.
    Docs(Vec<Document>),
    /// Of `put_doc` and `delete_doc`.
    DocWrite(Write<Document>),
}

/// What became of a call.
pub type StoreOutcome = Result<StoreReply, StoreErrorKind>;
