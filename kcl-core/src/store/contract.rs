//! The trait a lease store implements.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Consistency, Cursor, Page, StoreResult};
use crate::lease::{
    Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
    LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamped, Write,
};

/// Keeps the coordination state of one application.
///
/// This is the implementor's contract: few methods, no policy, no retry of its own. Each operation
/// touches one row and is atomic on it; what a conditional write does is said by the rule of its
/// name in [`crate::lease::rules`]. Conveniences (all pages, deadlines, reading back) are in
/// [`super::LeaseStoreExt`]. A new store is proved by handing a factory to
/// `kcl_core::conformance::run` (feature `conformance`).
///
/// Numbers (epochs, beats, versions, milliseconds) go up to `u64::MAX / 2`, so that a signed 64-bit
/// column holds them; only the sub-sequence number inside [`crate::lease::Checkpoint::key`] uses
/// all of its digits. Durations are whole milliseconds.
///
/// A worker runs every operation on its keeper's own thread and runtime: connect lazily, at the
/// first operation, so that connections live where they are used.
///
/// # Errors
/// [`super::StoreErrorKind::Unknown`] whenever a write may have been applied although no answer
/// came. A refused condition is an answer ([`Write::Refused`]), not an error.
/// [`super::StoreErrorKind::Missing`] when what the state is kept in was deleted: a running worker
/// then calls [`LeaseStore::prepare`], and the store that is made anew answers with another
/// generation than before, also to a beat of a session that it does not know.
///
/// # Cancel safety
/// Dropping a future leaves the outcome of its write unknown.
#[async_trait]
pub trait LeaseStore: Debug + Send + Sync + 'static {
    /// The application whose state this is: the namespace of everything in the store.
    fn application(&self) -> &str;

    /// Where the state is, for logs and errors, like `dynamodb://orders-leases`. No secrets.
    fn location(&self) -> String;

    /// Makes the store usable: creates what is missing, waits for it, checks its layout.
    /// Idempotent; several workers may call it at once.
    async fn prepare(&self) -> StoreResult<()>;

    /// Puts a new session's row.
    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>>;

    /// Counts a beat.
    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>>;

    /// Ends a session.
    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>>;

    /// Deletes the row of an ended session.
    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>>;

    /// Reads a session.
    async fn session(
        &self,
        id: &SessionId,
        consistency: Consistency,
    ) -> StoreResult<Option<Session>>;

    /// Lists the sessions, ended ones included.
    async fn sessions(
        &self,
        from: Option<Cursor>,
        consistency: Consistency,
    ) -> StoreResult<Page<Session>>;

    /// Raises a session's mailbox; on a store that pushes, also tells the sleeper at once. Waking a
    /// session that is not there or has ended does nothing. A wake-up may be lost.
    async fn wake(&self, id: &SessionId) -> StoreResult<()>;

    /// Listens for wake-ups of a session, on a store that pushes them; `None` on one that does not:
    /// there the mailbox is polled.
    async fn wakeups(&self, id: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>>;

    /// Puts a lease row if there is none.
    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>>;

    /// Reads a lease, consistently.
    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>>;

    /// Lists the leases, roles included, consistently.
    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>>;

    /// Changes the owner of a lease.
    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>>;

    /// Writes a checkpoint, or the end of the shard with its children.
    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>>;

    /// Gives a lease back.
    async fn release(&self, release: Release) -> StoreResult<Write<Lease>>;

    /// Rewrites how far a shard is processed, forwards or backwards.
    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>>;

    /// Deletes a lease row.
    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>>;

    /// Reads a document, consistently.
    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>>;

    /// Writes a document.
    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>>;

    /// Lists the documents, bodies included, consistently.
    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>>;

    /// Deletes a document.
    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>>;
}

/// Wake-ups of one session, as a store pushes them.
#[async_trait]
pub trait Wakeups: Debug + Send {
    /// Waits for the next wake-up. Several at once may arrive as one.
    ///
    /// # Errors
    /// When the channel broke; the caller listens anew and meanwhile polls.
    ///
    /// # Cancel safety
    /// Safe: a wake-up that arrives between two calls is returned by the next.
    async fn next(&mut self) -> StoreResult<()>;
}
