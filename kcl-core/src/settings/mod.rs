//! Every knob, with its default, and the checks that hold them together.

mod coordination;
mod delivery;
mod error;
mod told;

use serde::{Deserialize, Serialize};

pub use coordination::{Coordination, InitialPosition, SameId};
pub use delivery::{Delivery, OnFailure, OnRecordsLost, OnStall, ProgressMode};
pub use error::InvalidSettings;

/// Every knob of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// How workers share the shards.
    pub coordination: Coordination,
    /// How records are delivered.
    pub delivery: Delivery,
}

impl Settings {
    /// Checks that the knobs can work together.
    ///
    /// # Errors
    /// The first contradiction, with the numbers.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        self.coordination.validate()?;
        self.delivery.validate()
    }
}
