//! The events of a worker, as one enum.
//!
//! Rust has no enum in several files, and these variants are too many for one. So each group of
//! variants is a macro in its own file: it adds its variants to the earlier ones, and passes all of
//! them to the macro of the next group. The last macro, `everything`, defines the enum.

mod around;
mod lease;
mod planning;
mod processing;
mod reading;
mod session;

use std::time::Duration;

use self::{
    around::surroundings, lease::leases, planning::planning, processing::processing,
    reading::reading, session::sessions,
};
use crate::{
    coordinator::LossReason,
    env::WallTime,
    lease::{Checkpoint, DocName, EndReason, Epoch, LeaseKey, SessionId, WorkerId},
    settings::InitialPosition,
    stream::{Position, SourceErrorKind, StartAt, StreamKey, StreamName},
};

/// Makes the enum of all variants.
macro_rules! everything {
    ([] $($variants:tt)*) => {
        /// An event of one worker: in the coordination of the fleet, or in the reading of a shard.
        /// A new version may add variants, and fields to variants.
        ///
        /// Error fields are texts. They contain no record data, partition keys or secrets, unless
        /// an error of the user's processor does.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum WorkerEvent {
            $($variants)*
        }
    };
}

sessions! { [leases planning reading processing surroundings everything] }
