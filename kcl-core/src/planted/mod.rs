//! Bugs on purpose, and marks on the branches that matter: proof that the tests find what they are
//! for.
//!
//! Both exist under `--cfg kcl_planted` only (`make mutants`); otherwise [`planted!`] is the
//! constant `false` and [`sometimes!`] is nothing. In the code the true condition comes first, and
//! the bug is named beside it: `held || planted!(EpochNotCompared)`.

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
