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
/// An implementation has few methods, no policy and no retries. Each write touches one row and is
/// atomic on it. The function with the same name in [`crate::lease::rules`] defines what a
/// conditional write does. [`super::LeaseStoreExt`] adds whole listings. An implementation is
/// tested by `kcl_core::conformance::run` (feature `conformance`), which takes a factory of stores.
///
/// Numbers (epochs, beats, versions, milliseconds) are at most `u64::MAX / 2`, so that a signed
/// 64-bit column holds them. Only the sub-sequence number inside
/// [`crate::lease::Checkpoint::key`] uses all of its digits. Durations are whole milliseconds.
///
/// A worker runs every operation on its keeper's own thread and runtime. A store therefore connects
/// at the first operation and not in its constructor, so that each connection lives on the runtime
/// that uses it.
///
/// # Errors
/// [`super::StoreErrorKind::Unknown`] if a write may have been applied although no answer came. A
/// condition that does not hold is an answer ([`Write::Refused`] with the row as it is), not an
/// error. [`super::StoreErrorKind::Missing`] if the table or schema was deleted. A running worker
/// then calls [`LeaseStore::prepare`]; a store that was created again answers with another
/// generation than before, also to a beat of a session that it does not know.
///
/// # Cancel safety
/// A dropped future leaves open whether its write was applied.
#[async_trait]
pub trait LeaseStore: Debug + Send + Sync + 'static {
    /// The name of the application, which is the namespace of all rows.
    fn application(&self) -> &str;

    /// Where the store keeps its rows, for logs and errors, like `dynamodb://orders-leases`. It
    /// contains no secrets.
    fn location(&self) -> String;

    /// Makes the store usable: creates a missing table or schema, waits until it is ready, and
    /// checks its layout. Idempotent; several workers may call it at once.
    async fn prepare(&self) -> StoreResult<()>;

    /// Puts the row of a new session. Refused if the incarnation is registered already.
    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>>;

    /// Writes the next beat number into a session's row. The answer carries the session's mailbox
    /// and the store's generation. Refused if the session has ended or the row has this or a higher
    /// number.
    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>>;

    /// Ends a session: it left, was replaced, or was silent. Refused if it has ended, or if a
    /// silent session has beaten since the caller read it.
    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>>;

    /// Deletes the row of an ended session. Refused if the session has not ended.
    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>>;

    /// Reads a session; `None` if it has no row.
    async fn session(
        &self,
        id: &SessionId,
        consistency: Consistency,
    ) -> StoreResult<Option<Session>>;

    /// Lists the sessions, ended ones included. `from` is `None` for the first page.
    async fn sessions(
        &self,
        from: Option<Cursor>,
        consistency: Consistency,
    ) -> StoreResult<Page<Session>>;

    /// Adds one to a session's mailbox. A store that pushes also notifies the worker at once. The
    /// call does nothing if the session has no row or has ended. A wake-up may be lost.
    async fn wake(&self, id: &SessionId) -> StoreResult<()>;

    /// Listens for wake-ups of a session. `None` if the store does not push: the worker then polls
    /// the mailbox, at the setting `wake_poll`.
    async fn wakeups(&self, id: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>>;

    /// Puts the row of a lease. Refused if the lease has a row.
    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>>;

    /// Reads a lease with [`Consistency::Strong`]; `None` if it has no row.
    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>>;

    /// Lists the leases with [`Consistency::Strong`], `@planner` included. `from` is `None` for the
    /// first page.
    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>>;

    /// Changes the owner of a lease and raises its epoch. Refused if owner or epoch differ from
    /// those that the caller saw.
    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>>;

    /// Writes a checkpoint, or the end of the shard with its children; the end also clears the
    /// owner. Refused if the caller does not own the lease under its epoch, or the checkpoint would
    /// go back.
    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>>;

    /// Clears the owner of a lease and writes its last checkpoint. Refused as [`Self::advance`] is.
    async fn release(&self, release: Release) -> StoreResult<Write<Lease>>;

    /// Writes a new checkpoint, forwards or backwards, clears the owner and raises the epoch.
    /// Refused if owner or epoch differ from those that the caller saw.
    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>>;

    /// Deletes the row of a lease. Refused if its epoch differs from the one that the caller saw,
    /// or if its shard has not ended and its stream is not gone.
    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>>;

    /// Reads a document with [`Consistency::Strong`]; `None` if there is none.
    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>>;

    /// Writes a document and raises its version. Refused if the version differs from the one that
    /// the caller saw.
    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>>;

    /// Lists the documents with [`Consistency::Strong`], bodies included. `from` is `None` for the
    /// first page.
    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>>;

    /// Deletes a document. Refused if the version differs from the one that the caller saw.
    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>>;
}

/// Receives the wake-ups of one session from a store that pushes them.
#[async_trait]
pub trait Wakeups: Debug + Send {
    /// Waits for the next wake-up. Several wake-ups at once may arrive as one.
    ///
    /// # Errors
    /// Any kind, if the connection broke. The worker calls [`LeaseStore::wakeups`] again and polls
    /// the mailbox meanwhile.
    ///
    /// # Cancel safety
    /// Safe: a wake-up that arrives between two calls is returned by the next.
    async fn next(&mut self) -> StoreResult<()>;
}
