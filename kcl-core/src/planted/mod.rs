//! Planted bugs and marks, which prove that the tests find the bugs that they are for.
//!
//! - A *planted bug* breaks one clause of a rule on purpose, and a test must fail
//!   (`docs/PLANTED.md` names the test for each).
//! - A *mark* is on a branch that the simulated fleets must reach at least once.
//!
//! Both exist only under `--cfg kcl_planted` (`make simulation`). Otherwise `planted!` is the
//! constant `false`, and `sometimes!` expands to nothing.
//!
//! `planted!` stands in a small function whose name says the true rule, after the true condition:
//! `held || planted!(EpochNotCompared)`. So the code that calls the function reads as if there were
//! no planted bugs; a house rule checks that.

/// Makes an enum whose variants belong to the rules of `docs/PROTOCOL.md`: each variant with its
/// rule and its text, in the order of the rules.
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
            /// All variants, in the order of the rules.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The rule of `docs/PROTOCOL.md` to which it belongs: section, dot, number.
            #[must_use]
            pub const fn rule(self) -> &'static str {
                match self {
                    $(Self::$variant => $rule,)+
                }
            }

            /// Its text, for `docs/PLANTED.md`.
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

/// True if the bug of this name is planted in this thread.
#[cfg(kcl_planted)]
macro_rules! planted {
    ($plant:ident) => {
        $crate::planted::Plant::$plant.is_in()
    };
}

/// False: no bug is planted in this build.
#[cfg(not(kcl_planted))]
macro_rules! planted {
    ($plant:ident) => {
        false
    };
}

/// Counts that this thread reached the mark; with a condition, only if it holds.
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

/// Does nothing in this build.
#[cfg(not(kcl_planted))]
macro_rules! sometimes {
    ($mark:ident $(, $condition:expr)?) => {};
}
