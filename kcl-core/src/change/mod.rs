//! Changing an application while no worker reads: closing it, rewriting its rows, opening it.
//!
//! A reset, an import or a restore sets leases back. No worker may do that, or see it half done, so
//! it runs while the application is *closed* (PROTOCOL rule 18, §3):
//!
//! 1. the document `changing` says that the application is closed: workers wait instead of joining;
//! 2. each session that was live is seen to have ended;
//! 3. a copy of everything is stored;
//! 4. each row is written under a higher epoch, so that the store refuses every write that a dead
//!    worker still has under way;
//! 5. the application is opened.
//!
//! A run that breaks off leaves the application closed. The same command goes on with the change;
//! an undo takes it back.
//!
//! | part | its question |
//! |---|---|
//! | `design` | what should the application become? (a trait: [`Reset`] implements it) |
//! | `target` | which content shall each row and document get? |
//! | `turn` | which run of which command may write? |
//! | `proof` | has every session ended? |
//! | `copy` | which content had each row and document before? |
//! | `closing` | which call comes next? (a state machine without I/O) |
//! | `drive` | making the calls, on a store |

#[cfg_attr(not(feature = "unstable-simulation"), allow(dead_code, unreachable_pub))]
mod closing;
mod copy;
mod design;
mod drive;
mod error;
mod proof;
mod reset;
mod target;
mod turn;

pub use crate::coordinator::{FrozenStart, StreamView};
#[cfg(feature = "unstable-simulation")]
pub use closing::{Ask, Closing};
pub use closing::{Changed, Intent};
pub use copy::{Copy, InvalidCopy};
pub use design::{Design, Found, Unfit};
pub use drive::{
    Failed, Preview, apply, apply_observed, caller, has_record, preview, preview_undo, state,
    stored_copy, view,
};
pub use error::ChangeError;
pub use reset::{InvalidPlace, Move, Place, Reach, Reset, moves};
pub use target::{DocChange, RowChange, Spot, Target};
pub use turn::Change;
