//! Bugs on purpose, and marks on the branches that matter: proof that the tests find what they are
//! for.
//!
//! Both exist under `--cfg kcl_planted` only (`make simulation`); otherwise `planted!` is the
//! constant `false` and `sometimes!` is nothing. A bug is named in a small function whose name
//! says the true rule, after the true condition: `held || planted!(EpochNotCompared)`. So the code
//! that follows the rule reads as if there were no bugs; the house rules hold it to that.

/// An enumeration that belongs to the rules of `docs/ARCHITECTURE.md`: each variant with its words
/// and its rule, in the order of the rules.
#[cfg(kcl_planted)]
macro_rules! by_rule {
    (
        $(#[$about:meta])+ enum $name:ident;
        $($(#[doc = $doc:literal])+ $rule:literal $variant:ident,)+
    ) => {
        $(#[$about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $name {
            /// All of them, in the order of the rules.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The rule of `docs/ARCHITECTURE.md` that it belongs to.
            #[must_use]
            pub const fn rule(self) -> &'static str {
                match self {
                    $(Self::$variant => $rule,)+
                }
            }

            /// What it is, in words.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+
                }
            }
        }
    };
}

#[cfg(kcl_planted)]
mod mark;
#[cfg(kcl_planted)]
mod plant;

#[cfg(kcl_planted)]
pub use mark::Mark;
#[cfg(kcl_planted)]
pub use plant::Plant;

/// Whether the bug of this name is planted in the thread at hand.
#[cfg(kcl_planted)]
macro_rules! planted {
    ($plant:ident) => {
        $crate::planted::Plant::$plant.is_in()
    };
}

/// Whether the bug of this name is planted in the thread at hand: never in this build.
#[cfg(not(kcl_planted))]
macro_rules! planted {
    ($plant:ident) => {
        false
    };
}

/// Marks that the test runs came here, or came here while a condition held.
#[cfg(kcl_planted)]
macro_rules! sometimes {
    ($mark:ident) => {
        $crate::planted::Mark::$mark.reach()
    };
    ($mark:ident, $condition:expr) => {
        if $condition {
            $crate::planted::Mark::$mark.reach();
        }
    };
}

/// Marks that the test runs came here: nothing in this build.
#[cfg(not(kcl_planted))]
macro_rules! sometimes {
    ($mark:ident $(, $condition:expr)?) => {};
}
