//! The events of a worker, as one enum.
//!
//! An enum stands in one place, and these variants are too many for one file. So each group of them
//! is a macro in a file of its own. It adds its variants to those before it, and hands all of them
//! to the next group. The last macro makes the enum.

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
