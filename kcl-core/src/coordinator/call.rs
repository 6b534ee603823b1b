//! The replies of the lease store to the coordinator's calls.

use crate::{
    lease::{Document, Lease, Session, Stamped, Write},
    store::{Listing, StoreErrorKind},
};

/// The number of a call. A coordinator never uses one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// The reply of the store to one call, by its kind. The methods are those of
/// [`crate::store::LeaseStore`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreReply {
    /// The reply of `register` and `beat`, with the store's time and generation.
    Beat(Stamped<Write<Session>>),
    /// The reply of `end_session` and `forget`.
    SessionWrite(Write<Session>),
    /// The reply of `session`: the row, or `None` if there is none.
    Session(Option<Session>),
    /// The reply of `sessions`: the rows of all pages.
    Sessions(Vec<Session>),
    /// The reply of `wake`.
    Woken(()),
    /// The reply of `create`, `acquire`, `advance`, `release`, `restart` and `delete`.
    LeaseWrite(Write<Lease>),
    /// The reply of `lease`: the row, or `None` if there is none.
    Lease(Option<Lease>),
    /// The reply of `leases`: the rows of all pages, and those that cannot be decoded.
    Leases(Listing<Lease>),
    /// The reply of `doc`: the document, or `None` if there is none.
    Doc(Option<Document>),
    /// The reply of `docs`: the documents of all pages.
    Docs(Vec<Document>),
    /// The reply of `put_doc` and `delete_doc`.
    DocWrite(Write<Document>),
}

/// The outcome of a call: a reply, or the kind of error. After [`StoreErrorKind::Unknown`] a write
/// may have been applied, or may be applied later.
pub type StoreOutcome = Result<StoreReply, StoreErrorKind>;
