//! What the coordinator asks of the lease store, as data, and what comes back.

use crate::{
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
        LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamped, Write,
    },
    store::{Consistency, StoreErrorKind},
};

/// Tells one call from another; never used twice in one coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// One operation on the store. The names are those of [`crate::store::LeaseStore`]; listings mean
/// all pages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the store's operation of that name")]
pub enum StoreCall {
    Register(Session),
    Beat(Beat),
    EndSession(EndSession),
    Forget(Forget),
    Session(SessionId, Consistency),
    Sessions(Consistency),
    Wake(SessionId),
    Create(Lease),
    Lease(LeaseKey),
    Leases,
    Acquire(Acquire),
    Advance(Advance),
    Release(Release),
    Restart(Restart),
    Delete(Delete),
    Doc(DocName),
    Docs,
    PutDoc(PutDoc),
    DeleteDoc(DeleteDoc),
}

impl StoreCall {
    /// The operation's name, for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Beat(_) => "beat",
            Self::EndSession(_) => "end_session",
            Self::Forget(_) => "forget",
            Self::Session(..) => "session",
            Self::Sessions(_) => "sessions",
            Self::Wake(_) => "wake",
            Self::Create(_) => "create",
            Self::Lease(_) => "lease",
            Self::Leases => "leases",
            Self::Acquire(_) => "acquire",
            Self::Advance(_) => "advance",
            Self::Release(_) => "release",
            Self::Restart(_) => "restart",
            Self::Delete(_) => "delete",
            Self::Doc(_) => "doc",
            Self::Docs => "docs",
            Self::PutDoc(_) => "put_doc",
            Self::DeleteDoc(_) => "delete_doc",
        }
    }
}

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
    Woken,
    /// Of `create`, `acquire`, `advance`, `release`, `restart` and `delete`.
    LeaseWrite(Write<Lease>),
    /// Of `lease`.
    Lease(Option<Lease>),
    /// Of `leases`.
    Leases(Vec<Lease>),
    /// Of `doc`.
    Doc(Option<Document>),
    /// Of `docs`.
    Docs(Vec<Document>),
    /// Of `put_doc` and `delete_doc`.
    DocWrite(Write<Document>),
}

/// What became of a call.
pub type StoreOutcome = Result<StoreReply, StoreErrorKind>;
