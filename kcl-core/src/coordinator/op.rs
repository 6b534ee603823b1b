//! The operations of the store: a type for each, which knows the type of its reply.
//!
//! One table, `operations!`, lists them. From it come [`StoreCall`], the call as data for the
//! keeper; a type for each operation; and, in the keeper, the method of the store that carries it
//! out.

use super::call::{StoreOutcome, StoreReply};
use crate::{
    lease::{self, DocName, Document, LeaseKey, SessionId, Stamped, Write},
    store::{Consistency, Listing, StoreErrorKind},
};

/// An operation of the store, with the type of its reply.
pub(super) trait Operation {
    /// The type of the reply.
    type Reply;

    /// The operation as data, for [`super::Command::Store`].
    fn call(self) -> StoreCall;

    /// The reply to the operation. A reply of another kind counts as [`StoreErrorKind::Unknown`];
    /// no store gives one.
    fn answered(outcome: StoreOutcome) -> Result<Self::Reply, StoreErrorKind>;
}

/// The outcome of an operation.
pub(super) type Answered<O> = Result<<O as Operation>::Reply, StoreErrorKind>;

/// Makes [`StoreCall`] and a type for each operation from the table.
macro_rules! types {
    ($(
        $name:ident $(($($of:ident: $type:ty),+))?, $log:literal => $kind:ident($reply:ty),
        |$store:ident| $method:expr;
    )+) => {
        /// One call to the store. Each variant is the method of that name in
        /// [`crate::store::LeaseStore`]; a listing means all of its pages.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant is the store's operation of that name")]
        pub enum StoreCall {
            $($name $(($($type),+))?,)+
        }

        impl StoreCall {
            /// The operation's name, for logs.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $log,)+
                }
            }
        }

        $(
            #[allow(dead_code, reason = "no part rewrites rows or reads all documents")]
            pub(crate) struct $name $(($(pub(crate) $type),+))?;

            impl Operation for $name {
                type Reply = $reply;

                fn call(self) -> StoreCall {
                    let Self $(($($of),+))? = self;
                    StoreCall::$name $(($($of),+))?
                }

                fn answered(outcome: StoreOutcome) -> Result<$reply, StoreErrorKind> {
                    match outcome? {
                        StoreReply::$kind(reply) => Ok(reply),
                        _ => Err(StoreErrorKind::Unknown),
                    }
                }
            }
        )+
    };
}

/// The table of the operations. A line holds the arguments, the name in logs, the kind of the
/// reply, the type inside it, and the method of the store. The macro `then` gets the table.
macro_rules! operations {
    ($then:ident) => {
        $then! {
            Register(session: lease::Session), "register" => Beat(Stamped<Write<lease::Session>>),
                |store| store.register(session);
            Beat(beat: lease::Beat), "beat" => Beat(Stamped<Write<lease::Session>>),
                |store| store.beat(beat);
            EndSession(end: lease::EndSession), "end_session"
                => SessionWrite(Write<lease::Session>), |store| store.end_session(end);
            Forget(forget: lease::Forget), "forget" => SessionWrite(Write<lease::Session>),
                |store| store.forget(forget);
            Session(id: SessionId, how: Consistency), "session" => Session(Option<lease::Session>),
                |store| store.session(&id, how);
            Sessions(how: Consistency), "sessions" => Sessions(Vec<lease::Session>),
                |store| store.all_sessions(how);
            Wake(id: SessionId), "wake" => Woken(()),
                |store| store.wake(&id);
            Create(row: lease::Lease), "create" => LeaseWrite(Write<lease::Lease>),
                |store| store.create(row);
            Lease(key: LeaseKey), "lease" => Lease(Option<lease::Lease>),
                |store| store.lease(&key);
            Leases, "leases" => Leases(Listing<lease::Lease>),
                |store| store.list_leases();
            Acquire(acquire: lease::Acquire), "acquire" => LeaseWrite(Write<lease::Lease>),
                |store| store.acquire(acquire);
            Advance(advance: lease::Advance), "advance" => LeaseWrite(Write<lease::Lease>),
                |store| store.advance(advance);
            Release(release: lease::Release), "release" => LeaseWrite(Write<lease::Lease>),
                |store| store.release(release);
            Restart(restart: lease::Restart), "restart" => LeaseWrite(Write<lease::Lease>),
                |store| store.restart(restart);
            Delete(delete: lease::Delete), "delete" => LeaseWrite(Write<lease::Lease>),
                |store| store.delete(delete);
            Doc(name: DocName), "doc" => Doc(Option<Document>),
                |store| store.doc(&name);
            Docs, "docs" => Docs(Vec<Document>),
                |store| store.all_docs();
            PutDoc(put: lease::PutDoc), "put_doc" => DocWrite(Write<Document>),
                |store| store.put_doc(put);
            DeleteDoc(delete: lease::DeleteDoc), "delete_doc" => DocWrite(Write<Document>),
                |store| store.delete_doc(delete);
        }
    };
}

pub(crate) use operations;

operations!(types);
