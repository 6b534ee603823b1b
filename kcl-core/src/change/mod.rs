//! Changing an application while nobody reads: closing it, rewriting its rows, opening it.
//!
//! A reset, an import or a restore sets leases back, which no worker may do or see half done. It
//! runs *closed* (PROTOCOL rule 18): the document `changing` keeps workers from joining,
//! each one that lived is seen to have ended, everything is copied, and then each row is written
//! under a higher epoch, so that whatever the dead still have on its way is refused. A run that
//! breaks off leaves the application closed; the same command goes on, or the change is taken back.
//!
//! | part | its question |
//! |---|---|
//! | `design` | what is it to become? (a trait: [`Reset`] is one) |
//! | `target` | what becomes of each row and document? |
//! | `turn` | who is at it? |
//! | `proof` | does nobody live? |
//! | `copy` | what was it before? |
//! | `closing` | what is to be done next? (a state machine, no I/O) |
//! | `drive` | doing it, on a store |

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
