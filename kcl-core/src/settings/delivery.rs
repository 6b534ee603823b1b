//! The settings of delivery: checkpoints, failures and memory. The reference page of settings takes
//! the first paragraph of each field's comment, and a test compares the page.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::InvalidSettings;

/// The settings of delivery, and of the reaction to failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Delivery {
    /// The rule by which records count as processed.
    pub progress: ProgressMode,
    /// The number of bytes of records that may be fetched and not yet processed, in all shards of
    /// the worker together. Half of them are reserved: each shard has an equal part that no other
    /// shard can use.
    pub byte_budget: usize,
    /// The largest number of records in a batch. Larger answers of the stream are split.
    pub max_batch: usize,
    /// If true, the processor is also called with an empty batch when a read has found no records
    /// (`callProcessRecordsEvenForEmptyRecordList`).
    pub empty_batches: bool,
    /// The reaction when a batch fails again and again.
    pub on_failure: OnFailure,
    /// The pause before a failed batch is delivered again. It doubles each time, with jitter.
    #[serde(with = "humantime_serde")]
    pub retry_pause: Duration,
    /// The longest pause before a failed batch is delivered again.
    #[serde(with = "humantime_serde")]
    pub retry_pause_max: Duration,
    /// The time without progress after which a processor is reported as stalled.
    #[serde(with = "humantime_serde")]
    pub watchdog: Duration,
    /// The reaction to a stalled processor.
    pub on_stall: OnStall,
    /// If true, a running batch is finished even if its lease cannot be kept. The next owner may
    /// then process the same records at the same time, which the processor has to allow for.
    pub finish_batch: bool,
    /// The reaction when the stream has trimmed records before they could be read.
    pub on_records_lost: OnRecordsLost,
}

/// The rule by which records count as processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProgressMode {
    /// A batch counts as processed when the processor returns `Ok`.
    #[default]
    Automatic,
    /// Records count as processed up to the processor's own checkpoints. For processors that buffer
    /// records.
    Manual,
    /// The processor commits each checkpoint together with its effects, in the database that also
    /// keeps the leases. The worker itself writes a checkpoint only at the end of a shard. Needs a
    /// transactional processor, which in turn needs this mode.
    Transactional,
}

impl ProgressMode {
    /// The mode of one lease. Its processor may ask for `Automatic` or `Manual` instead of the
    /// worker's mode; `Transactional` holds for all leases of a worker or for none.
    pub(crate) const fn for_lease(self, asked: Option<Self>) -> Self {
        match (self, asked) {
            (Self::Automatic | Self::Manual, Some(mode @ (Self::Automatic | Self::Manual))) => mode,
            _ => self,
        }
    }
}

/// The reaction when a batch fails again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OnFailure {
    /// The batch is delivered again without limit. Nothing is skipped.
    #[default]
    Retry,
    /// After this many deliveries, the shard stops. The worker keeps the lease until it ends, so
    /// that no other worker fails on the same batch.
    StopShard {
        /// The number of deliveries of the batch.
        attempts: u32,
    },
    /// After this many deliveries, the failing record is found by halving the batch. It is
    /// reported, handed to the dead-letter sink if there is one, and skipped.
    SkipRecord {
        /// The number of deliveries of each half, and at the end of the record.
        attempts: u32,
    },
}

/// The reaction to a processor that makes no progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OnStall {
    /// The processor is reported.
    #[default]
    Report,
    /// The processor is reported, and its lease moves to another worker if there is one.
    HandOver,
}

/// The reaction when records were trimmed before they could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OnRecordsLost {
    /// The loss is reported, and reading goes on after it.
    #[default]
    Continue,
    /// The loss is reported, and the shard stops until the worker ends.
    StopShard,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            progress: ProgressMode::Automatic,
            byte_budget: 64 * 1024 * 1024,
            max_batch: 10_000,
            empty_batches: false,
            on_failure: OnFailure::Retry,
            retry_pause: Duration::from_millis(100),
            retry_pause_max: Duration::from_secs(30),
            watchdog: Duration::from_secs(60),
            on_stall: OnStall::Report,
            finish_batch: false,
            on_records_lost: OnRecordsLost::Continue,
        }
    }
}

impl Delivery {
    /// The smallest byte budget: 1 MiB.
    pub const BYTE_BUDGET_MIN: usize = 1024 * 1024;

    /// Checks each setting.
    ///
    /// # Errors
    /// Returns the first invalid value, with the numbers and a remedy.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        if self.byte_budget < Self::BYTE_BUDGET_MIN {
            let problem = format!("{} bytes hold no answer of the stream", self.byte_budget);
            let remedy = format!("use at least {}", Self::BYTE_BUDGET_MIN);
            return Err(InvalidSettings::new("byte_budget", problem, remedy));
        }
        if self.max_batch == 0 {
            return Err(InvalidSettings::new("max_batch", "0 delivers nothing", "use 1 or more"));
        }
        if self.retry_pause.is_zero() || self.retry_pause > self.retry_pause_max {
            let problem = format!(
                "{:?} is not between zero and retry_pause_max {:?}",
                self.retry_pause, self.retry_pause_max
            );
            return Err(InvalidSettings::new("retry_pause", problem, "use for example 100ms"));
        }
        if self.watchdog.is_zero() {
            return Err(InvalidSettings::new("watchdog", "0s is too short", "use for example 60s"));
        }
        let attempts = match self.on_failure {
            OnFailure::Retry => 1,
            OnFailure::StopShard { attempts } | OnFailure::SkipRecord { attempts } => attempts,
        };
        if attempts == 0 {
            let remedy = "use 1 or more attempts";
            return Err(InvalidSettings::new("on_failure", "0 attempts deliver nothing", remedy));
        }
        Ok(())
    }
}
