//! Every write of a lease store as a value, with its rule from [`rules`] and its call.
//!
//! The suite draws and records [`Command`]s. [`Command::verdict`] computes the answer that the rule
//! gives, [`Command::send`] gets the answer of the store.

use crate::{
    coordinator::StoreCall,
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
        LeaseKey, PutDoc, Release, Restart, Session, SessionId, Write, rules,
    },
    store::{Consistency, LeaseStore, StoreResult},
};

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Register(Session),
    Beat(Beat),
    EndSession(EndSession),
    Forget(Forget),
    Wake(SessionId),
    Create(Box<Lease>),
    Acquire(Acquire),
    Advance(Advance),
    Release(Release),
    Restart(Restart),
    Delete(Delete),
    PutDoc(PutDoc),
    DeleteDoc(DeleteDoc),
}

/// The key of one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowKey {
    Session(SessionId),
    Lease(LeaseKey),
    Doc(DocName),
}

/// A row of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Row {
    /// The row of a session.
    Session(Session),
    /// The row of a lease.
    Lease(Box<Lease>),
    /// The row of a document.
    Doc(Document),
}

/// The result of a rule: the answer to the caller, and the row after the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) answer: Write<Row>,
    /// `None` if there is no row after the write.
    pub(super) after: Option<Row>,
}

impl Command {
    /// The key of the row that the command writes.
    pub(super) fn key(&self) -> RowKey {
        match self {
            Self::Register(session) => RowKey::Session(session.id.clone()),
            Self::Beat(beat) => RowKey::Session(beat.session.clone()),
            Self::EndSession(end) => RowKey::Session(end.session.clone()),
            Self::Forget(forget) => RowKey::Session(forget.session.clone()),
            Self::Wake(id) => RowKey::Session(id.clone()),
            Self::Create(lease) => RowKey::Lease(lease.key.clone()),
            Self::Acquire(acquire) => RowKey::Lease(acquire.key.clone()),
            Self::Advance(advance) => RowKey::Lease(advance.key.clone()),
            Self::Release(release) => RowKey::Lease(release.key.clone()),
            Self::Restart(restart) => RowKey::Lease(restart.key.clone()),
            Self::Delete(delete) => RowKey::Lease(delete.key.clone()),
            Self::PutDoc(put) => RowKey::Doc(put.name.clone()),
            Self::DeleteDoc(delete) => RowKey::Doc(delete.name.clone()),
        }
    }

    /// Applies the rule of the command to `row`.
    pub(super) fn verdict(&self, row: Option<&Row>) -> Verdict {
        let session = row.and_then(Row::session);
        let lease = row.and_then(Row::lease);
        let doc = row.and_then(Row::doc);
        match self {
            Self::Register(new) => put(row, rules::register(session, new)),
            Self::Beat(beat) => put(row, rules::beat(session, beat)),
            Self::EndSession(end) => put(row, rules::end_session(session, end)),
            Self::Forget(forget) => remove(row, rules::forget(session, forget)),
            Self::Wake(_) => put(row, rules::wake(session)),
            Self::Create(new) => put(row, rules::create(lease, new)),
            Self::Acquire(acquire) => put(row, rules::acquire(lease, acquire)),
            Self::Advance(advance) => put(row, rules::advance(lease, advance)),
            Self::Release(release) => put(row, rules::release(lease, release)),
            Self::Restart(restart) => put(row, rules::restart(lease, restart)),
            Self::Delete(delete) => remove(row, rules::delete(lease, delete)),
            Self::PutDoc(put_doc) => put(row, rules::put_doc(doc, put_doc)),
            Self::DeleteDoc(delete) => remove(row, rules::delete_doc(doc, delete)),
        }
    }

    /// Sends the command to `store`. `None` for a wake-up, whose answer says nothing of the row.
    pub(super) async fn send(&self, store: &dyn LeaseStore) -> StoreResult<Option<Write<Row>>> {
        let answer = match self.clone() {
            Self::Register(new) => store.register(new).await?.value.map(Row::from),
            Self::Beat(beat) => store.beat(beat).await?.value.map(Row::from),
            Self::EndSession(end) => store.end_session(end).await?.map(Row::from),
            Self::Forget(forget) => store.forget(forget).await?.map(Row::from),
            Self::Wake(id) => return store.wake(&id).await.map(|()| None),
            Self::Create(new) => store.create(*new).await?.map(Row::from),
            Self::Acquire(acquire) => store.acquire(acquire).await?.map(Row::from),
            Self::Advance(advance) => store.advance(advance).await?.map(Row::from),
            Self::Release(release) => store.release(release).await?.map(Row::from),
            Self::Restart(restart) => store.restart(restart).await?.map(Row::from),
            Self::Delete(delete) => store.delete(delete).await?.map(Row::from),
            Self::PutDoc(put) => store.put_doc(put).await?.map(Row::from),
            Self::DeleteDoc(delete) => store.delete_doc(delete).await?.map(Row::from),
        };
        Ok(Some(answer))
    }
}

/// The verdict of a rule that writes a row.
fn put<R: Into<Row>>(before: Option<&Row>, answer: Write<R>) -> Verdict {
    let answer = answer.map(Into::into);
    let after = match &answer {
        Write::Done(row) => Some(row.clone()),
        Write::Refused(_) => before.cloned(),
    };
    Verdict { answer, after }
}

/// The verdict of a rule that deletes a row.
fn remove<R: Into<Row>>(before: Option<&Row>, answer: Write<R>) -> Verdict {
    let after = if answer.is_done() { None } else { before.cloned() };
    Verdict { answer: answer.map(Into::into), after }
}

impl RowKey {
    /// Reads the row with [`Consistency::Strong`].
    pub(super) async fn read(&self, store: &dyn LeaseStore) -> StoreResult<Option<Row>> {
        Ok(match self {
            Self::Session(id) => store.session(id, Consistency::Strong).await?.map(Row::from),
            Self::Lease(key) => store.lease(key).await?.map(Row::from),
            Self::Doc(name) => store.doc(name).await?.map(Row::from),
        })
    }
}

impl Row {
    /// The session, if this is the row of a session.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        if let Self::Session(session) = self { Some(session) } else { None }
    }

    /// The lease, if this is the row of a lease.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        if let Self::Lease(lease) = self { Some(lease) } else { None }
    }

    /// The document, if this is the row of a document.
    #[must_use]
    pub const fn doc(&self) -> Option<&Document> {
        if let Self::Doc(doc) = self { Some(doc) } else { None }
    }
}

impl From<Session> for Row {
    fn from(session: Session) -> Self {
        Self::Session(session)
    }
}

impl From<Lease> for Row {
    fn from(lease: Lease) -> Self {
        Self::Lease(Box::new(lease))
    }
}

impl From<Document> for Row {
    fn from(doc: Document) -> Self {
        Self::Doc(doc)
    }
}

impl From<Lease> for Command {
    fn from(lease: Lease) -> Self {
        Self::Create(Box::new(lease))
    }
}

impl From<Command> for StoreCall {
    fn from(command: Command) -> Self {
        match command {
            Command::Register(new) => Self::Register(new),
            Command::Beat(beat) => Self::Beat(beat),
            Command::EndSession(end) => Self::EndSession(end),
            Command::Forget(forget) => Self::Forget(forget),
            Command::Wake(id) => Self::Wake(id),
            Command::Create(new) => Self::Create(*new),
            Command::Acquire(acquire) => Self::Acquire(acquire),
            Command::Advance(advance) => Self::Advance(advance),
            Command::Release(release) => Self::Release(release),
            Command::Restart(restart) => Self::Restart(restart),
            Command::Delete(delete) => Self::Delete(delete),
            Command::PutDoc(put) => Self::PutDoc(put),
            Command::DeleteDoc(delete) => Self::DeleteDoc(delete),
        }
    }
}

/// Converts each command struct into its variant.
macro_rules! from {
    ($($variant:ident($command:ty)),* $(,)?) => {
        $(impl From<$command> for Command {
            fn from(command: $command) -> Self {
                Self::$variant(command)
            }
        })*
    };
}

from! {
    Register(Session), Beat(Beat), EndSession(EndSession), Forget(Forget), Wake(SessionId),
    Acquire(Acquire), Advance(Advance), Release(Release), Restart(Restart),
    Delete(Delete), PutDoc(PutDoc),
    DeleteDoc(DeleteDoc),
}
