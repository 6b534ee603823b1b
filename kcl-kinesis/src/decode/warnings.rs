//! Warnings about damaged records, at a limited rate.

use std::time::Duration;

use kcl_core::{
    env::Time,
    stream::{SequenceNumber, ShardId},
};

use super::kpl::Damage;

/// The least time between two warnings about one shard.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct RateLimitedWarnings {
    next: Time,
    unsaid: u64,
}

impl RateLimitedWarnings {
    /// Logs a warning about a damaged KPL aggregate, or only counts it if the last warning was
    /// less than [`PAUSE`] ago.
    pub(crate) fn damaged(
        &mut self,
        now: Time,
        shard: &ShardId,
        sequence: &SequenceNumber,
        why: Damage,
    ) {
        if now < self.next {
            self.unsaid += 1;
            return;
        }
        tracing::warn!(
            %shard,
            %sequence,
            %why,
            unsaid = self.unsaid,
            "kcl.aggregate.damaged"
        );
        *self = Self { next: now + PAUSE, unsaid: 0 };
    }
}
