//! Turns on point-in-time recovery of the table.

use std::time::Duration;

use aws_sdk_dynamodb::types::{PointInTimeRecoverySpecification, PointInTimeRecoveryStatus};
use kcl_core::{
    env::Env,
    store::{StoreErrorKind, StoreResult},
};

use crate::{
    error::{Effect, code},
    prepare::FIRST_WAIT,
    table::Table,
};

/// Pauses below this length are followed by another attempt, so that all pauses together last at
/// most twice as long. A new table refuses point-in-time recovery for some seconds.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(15);

impl Table {
    /// Turns on point-in-time recovery. A failure is only logged: workers do not need it.
    pub(crate) async fn protect(&self) {
        let client = self.connection.client().await;
        let described = client.describe_continuous_backups().table_name(&self.name).send().await;
        let status = described
            .ok()
            .and_then(|output| output.continuous_backups_description)
            .and_then(|backups| backups.point_in_time_recovery_description)
            .and_then(|recovery| recovery.point_in_time_recovery_status);
        if status == Some(PointInTimeRecoveryStatus::Enabled) {
            return;
        }
        if let Err(error) = self.turn_recovery_on().await {
            let cause = error.source.map_or_else(String::new, |cause| cause.to_string());
            tracing::warn!(
                table = self.name,
                cause,
                "point-in-time recovery could not be turned on; going on without it"
            );
        }
    }

    /// Requests point-in-time recovery, again and again while a new table refuses it.
    async fn turn_recovery_on(&self) -> StoreResult<()> {
        let clock = Env::system().clock;
        let mut wait = FIRST_WAIT;
        loop {
            let on = PointInTimeRecoverySpecification::builder()
                .point_in_time_recovery_enabled(true)
                .build()
                .map_err(|bad| self.not_prepared(StoreErrorKind::Misconfigured, bad.to_string()))?;
            let client = self.connection.client().await;
            let request = client.update_continuous_backups().table_name(&self.name);
            match request.point_in_time_recovery_specification(on).send().await {
                Ok(_) => return Ok(()),
                // The table was created a moment ago.
                Err(error)
                    if code(&error) == Some("ContinuousBackupsUnavailableException")
                        && wait < RECOVERY_PATIENCE =>
                {
                    clock.sleep(wait).await;
                    wait *= 2;
                }
                Err(error) => return Err(self.failed(Effect::Writes, &error)),
            }
        }
    }
}
