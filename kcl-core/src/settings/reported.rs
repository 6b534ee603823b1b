//! The settings as texts, for the worker's report.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Settings,
    coordination::{Coordination, SameId},
    delivery::{Delivery, OnFailure, OnRecordsLost, OnStall, ProgressMode},
};
use crate::assignment::{Balance, Limits};

impl Settings {
    /// The settings that a worker publishes in its report, by their names in the settings file:
    /// those that matter to other workers and to `kcl doctor`. None is a secret.
    #[must_use]
    pub fn reported(&self) -> BTreeMap<String, String> {
        // Without `..`, so that a new setting does not compile before it is included or left out.
        let Coordination {
            session_timeout,
            heartbeat_interval,
            clock_guard,
            watch_interval,
            fast_poll: _,
            wake_poll: _,
            join_gather: _,
            shard_sync_interval,
            audit_interval,
            checkpoint_interval,
            handoff_timeout,
            shutdown_grace,
            same_id,
            max_leases,
            // The report has a field of its own for the zone.
            zone: _,
            limits,
            balance,
            initial_position,
        } = &self.coordination;
        let Delivery {
            progress,
            byte_budget,
            max_batch: _,
            empty_batches: _,
            on_failure,
            retry_pause: _,
            retry_pause_max: _,
            watchdog,
            on_stall,
            finish_batch: _,
            on_records_lost,
        } = &self.delivery;
        let mut texts = BTreeMap::from([
            ("session_timeout", span(*session_timeout)),
            ("heartbeat_interval", span(*heartbeat_interval)),
            ("clock_guard", span(*clock_guard)),
            ("watch_interval", span(*watch_interval)),
            ("shard_sync_interval", span(*shard_sync_interval)),
            ("audit_interval", span(*audit_interval)),
            ("checkpoint_interval", span(*checkpoint_interval)),
            ("handoff_timeout", span(*handoff_timeout)),
            ("shutdown_grace", span(*shutdown_grace)),
            ("same_id", of_same_id(*same_id)),
            ("limits", of_limits(*limits)),
            ("balance", of_balance(*balance)),
            ("initial_position", initial_position.to_string()),
            ("progress", of_progress(*progress)),
            ("byte_budget", byte_budget.to_string()),
            ("on_failure", of_failure(*on_failure)),
            ("watchdog", span(*watchdog)),
            ("on_stall", of_stall(*on_stall)),
            ("on_records_lost", of_lost(*on_records_lost)),
        ]);
        texts.extend(max_leases.map(|most| ("max_leases", most.to_string())));
        texts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A duration as text, such as `6s` or `1s 500ms`.
fn span(of: Duration) -> String {
    humantime_serde::re::humantime::format_duration(of).to_string()
}

fn of_same_id(same_id: SameId) -> String {
    match same_id {
        SameId::Replace => "replace",
        SameId::Refuse => "refuse",
    }
    .to_owned()
}

fn of_limits(limits: Limits) -> String {
    let Limits { per_worker, fair_share } = limits;
    let most = per_worker.map(|most| most.to_string());
    let share = fair_share.then(|| "fair share".to_owned());
    let all: Vec<String> = most.into_iter().chain(share).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn of_balance(balance: Balance) -> String {
    balance.name().to_owned()
}

fn of_progress(progress: ProgressMode) -> String {
    match progress {
        ProgressMode::Automatic => "automatic",
        ProgressMode::Manual => "manual",
        ProgressMode::Transactional => "transactional",
    }
    .to_owned()
}

fn of_failure(on_failure: OnFailure) -> String {
    match on_failure {
        OnFailure::Retry => "retry".to_owned(),
        OnFailure::StopShard { attempts } => format!("stop-shard after {attempts}"),
        OnFailure::SkipRecord { attempts } => format!("skip-record after {attempts}"),
    }
}

fn of_stall(on_stall: OnStall) -> String {
    match on_stall {
        OnStall::Report => "report",
        OnStall::HandOver => "hand-over",
    }
    .to_owned()
}

fn of_lost(on_records_lost: OnRecordsLost) -> String {
    match on_records_lost {
        OnRecordsLost::Continue => "continue",
        OnRecordsLost::StopShard => "stop-shard",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_as_a_file_writes_them() {
        let mut settings = Settings::default();
        settings.coordination.limits.per_worker = Some(10);
        settings.delivery.on_failure = OnFailure::StopShard { attempts: 5 };
        let texts = settings.reported();
        assert_eq!(texts["heartbeat_interval"], "1s 500ms");
        assert_eq!((texts["limits"].as_str(), texts["balance"].as_str()), ("10", "even"));
        assert_eq!(texts["on_failure"], "stop-shard after 5");
        assert!(!texts.contains_key("max_leases"), "no limit is none, not zero");
    }
}
