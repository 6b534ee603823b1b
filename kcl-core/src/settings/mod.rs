//! All settings of a worker, with their defaults and the checks of their values.
//!
//! [`Coordination`] decides how workers share the shards, [`Delivery`] how records reach the
//! processor. [`Settings::reported`] makes the texts that a worker publishes in its report.

mod coordination;
mod delivery;
mod error;
mod reported;

use serde::{Deserialize, Serialize};

pub use coordination::{Coordination, InitialPosition, SameId};
pub use delivery::{Delivery, OnFailure, OnRecordsLost, OnStall, ProgressMode};
pub use error::InvalidSettings;

/// All settings of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The settings of the coordination protocol.
    pub coordination: Coordination,
    /// The settings of delivery.
    pub delivery: Delivery,
}

impl Settings {
    /// Checks each setting, and the settings against each other.
    ///
    /// # Errors
    /// Returns the first invalid setting or contradiction, with the numbers and a remedy.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        self.coordination.validate()?;
        self.delivery.validate()
    }
}
