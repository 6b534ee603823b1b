//! The operations of the store: each a type of its own, that knows the type of its answer.

use super::call::{StoreOutcome, StoreReply};
use crate::{
    lease::{self, DocName, Document, LeaseKey, SessionId, Stamped, Write},
    store::{Consistency, Listing, StoreErrorKind},
};

/// An operation of the store, and the type of its answer.
pub(super) trait Operation {
    /// What the store answers.
    type Reply;

    /// As data.
    fn call(self) -> StoreCall;

    /// The answer to it. A reply of another kind, which no store gives, tells nothing.
    fn answered(outcome: StoreOutcome) -> Result<Self::Reply, StoreErrorKind>;
}

/// What became of an operation.
pub(super) type Answered<O> = Result<<O as Operation>::Reply, StoreErrorKind>;

/// Makes of the table the calls as data, and a type for each operation.
macro_rules! types {
    ($(
        $name:ident $(($($of:ident: $type:ty),+))?, $log:literal => $kind:ident($reply:ty),
        |$store:ident| $method:expr;
    )+) => {
        /// One operation on the store. The names are those of [`crate::store::LeaseStore`];
        /// listings mean all pages.
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

/// The table of the operations: what each takes, its name in logs, the kind of its reply, what that
/// holds, and by which method of a store it is carried out. Given to the macro `then`.
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
