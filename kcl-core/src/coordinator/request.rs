//! What a part asks the store for, and what it is answered: of the type that belongs to it.

use super::op::Operation;

/// Something that a part asks for by one operation of the store.
pub(super) trait Request {
    /// The operation that it is asked by.
    type By: Operation;
    /// All that the part asks for.
    type Ask;

    /// As one of them.
    fn ask(self) -> Self::Ask;
}

/// The table of what a part asks for: each line names it, says what has to be remembered until the
/// answer comes, and by which operation of the store it is asked. It makes a type for each of them,
/// an enum `Ask` of all, and an enum `Answer` of what comes back: so an answer that does not belong
/// to what was asked cannot be written.
macro_rules! asks {
    ($(
        $(#[$doc:meta])*
        $name:ident $(($($of:ident: $type:ty),+))? by $op:ident;
    )+) => {
        /// What was asked for, until the answer comes.
        #[derive(Clone, Debug)]
        pub(crate) enum Ask {
            $($(#[$doc])* $name $(($($type),+))?,)+
        }

        /// What came back.
        #[allow(dead_code, reason = "of some it means nothing what comes back")]
        #[allow(clippy::large_enum_variant, reason = "an answer is handed on at once")]
        pub(crate) enum Answer {
            $($(#[$doc])* $name($($($type,)+)? $crate::coordinator::op::Answered<op::$op>),)+
        }

        impl Ask {
            /// The answer to it.
            pub(crate) fn answered(
                self,
                outcome: $crate::coordinator::call::StoreOutcome,
            ) -> Answer {
                use $crate::coordinator::op::Operation as _;
                match self {
                    $(Self::$name $(($($of),+))? => {
                        Answer::$name($($($of,)+)? op::$op::answered(outcome))
                    })+
                }
            }
        }

        $(
            $(#[$doc])*
            pub(crate) struct $name
                $(($(pub(crate) $type),+))?;

            impl $crate::coordinator::request::Request for $name {
                type By = op::$op;
                type Ask = Ask;

                fn ask(self) -> Ask {
                    let Self $(($($of),+))? = self;
                    Ask::$name $(($($of),+))?
                }
            }
        )+
    };
}

pub(super) use asks;
