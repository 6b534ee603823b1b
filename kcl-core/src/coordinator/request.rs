//! What a part asks the store for, and what it is answered: of the type that belongs to it.

use super::op::Operation;

/// Something that a part asks for by one operation of the store.
pub(super) trait StoreRequest {
    /// The operation that it is asked by.
    type By: Operation;
    /// All that the part asks for.
    type Request;

    /// As one of them.
    fn ask(self) -> Self::Request;
}

/// The table of a part's requests. A line names a request, what has to be remembered until the
/// reply, and the operation of the store that carries it out. The table makes a type for each
/// request, the enum `Request` of all, and the enum `Reply` of their replies: a reply that does not
/// belong to its request cannot be written.
macro_rules! requests {
    ($(
        $(#[$doc:meta])*
        $name:ident $(($($of:ident: $type:ty),+))? by $op:ident;
    )+) => {
        /// What was asked for, until the answer comes.
        #[derive(Clone, Debug)]
        pub(crate) enum Request {
            $($(#[$doc])* $name $(($($type),+))?,)+
        }

        /// What came back.
        #[allow(dead_code, reason = "of some it means nothing what comes back")]
        #[allow(clippy::large_enum_variant, reason = "an answer is handed on at once")]
        pub(crate) enum Reply {
            $($(#[$doc])* $name($($($type,)+)? $crate::coordinator::op::Answered<op::$op>),)+
        }

        impl Request {
            /// The answer to it.
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
