//! The requests of a part to the store, each with the reply that belongs to it.
//!
//! A part lists its requests in a table (`requests!` in its `request.rs`). The table makes the
//! types, so that the compiler refuses a reply that does not belong to its request.

use super::op::Operation;

/// A request that is made by one operation of the store.
pub(super) trait StoreRequest {
    /// The operation.
    type By: Operation;
    /// The enum of all requests of the part.
    type Request;

    /// The request as a variant of that enum.
    fn ask(self) -> Self::Request;
}

/// Makes the types from the table of a part's requests. A line holds the name of a request, the
/// values that are remembered until the reply, and the operation of the store. It makes a type for
/// each request, the enum `Request` of all, and the enum `Reply` of their replies.
macro_rules! requests {
    ($(
        $(#[$doc:meta])*
        $name:ident $(($($of:ident: $type:ty),+))? by $op:ident;
    )+) => {
        /// A request, with the values to remember until the reply.
        #[derive(Clone, Debug)]
        pub(crate) enum Request {
            $($(#[$doc])* $name $(($($type),+))?,)+
        }

        /// A reply, with the values remembered from its request.
        #[allow(dead_code, reason = "of some it means nothing what comes back")]
        #[allow(clippy::large_enum_variant, reason = "an answer is handed on at once")]
        pub(crate) enum Reply {
            $($(#[$doc])* $name($($($type,)+)? $crate::coordinator::op::Answered<op::$op>),)+
        }

        impl Request {
            /// The reply to this request.
            pub(crate) fn answered(
                self,
                outcome: $crate::coordinator::call::StoreOutcome,
            ) -> Reply {
                use $crate::coordinator::op::Operation as _;
                match self {
                    $(Self::$name $(($($of),+))? => {
                        Reply::$name($($($of,)+)? op::$op::answered(outcome))
                    })+
                }
            }
        }

        $(
            $(#[$doc])*
            pub(crate) struct $name
                $(($(pub(crate) $type),+))?;

            impl $crate::coordinator::request::StoreRequest for $name {
                type By = op::$op;
                type Request = Request;

                fn ask(self) -> Request {
                    let Self $(($($of),+))? = self;
                    Request::$name $(($($of),+))?
                }
            }
        )+
    };
}

pub(super) use requests;
