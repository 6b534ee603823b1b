//! Finds leases that are behind: records that expired or soon will, checkpoints that do not move,
//! and lag that is high or grows.
//!
//! A lease whose lag was not measured counts only in `unmeasured`. A lease that nobody reads has
//! its age in the finding of `unread`, and is left out of the findings about readers that are too
//! slow.

use std::time::Duration;

use kcl_core::{lease::Lease, stream::ShardId};

use super::{case::Case, told};
use crate::doctor::{
    facts::Lag,
    finding::{Finding, Kind, Severity},
    words::{listed, said, some},
};

/// For how long a checkpoint must not move, and records must wait, before its reader counts as
/// stalled.
const STALLED: Duration = Duration::from_secs(30);

/// For how many stalled shards the finding lists the reason at most.
const REASONS: usize = 5;

/// The growth of lag from which it is a finding, in milliseconds a second.
const GROWS: i64 = 200;

/// The least lag that can be a finding of growth. Between two checkpoints a lag of some seconds is
/// normal.
const SOME: Duration = Duration::from_secs(15);

/// A shard, and the age of a record of it.
type Aged<'f> = (&'f ShardId, Duration);

/// All findings of this topic.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    let all = [expired, expiring, unmeasured, stalled, high, growing];
    all.into_iter().filter_map(|of| of(case)).collect()
}

/// The open leases whose lag is known, with the age of the oldest unread record.
fn measured<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (&'c ShardId, &'c Lease, Duration)> {
    let aged = |(shard, lease): (&'c ShardId, &'c Lease)| {
        Some((shard, lease, case.unread_for(&lease.key)?))
    };
    case.open_leases().filter_map(aged)
}

/// The stream has trimmed records after a checkpoint: they are lost.
fn expired(case: &Case<'_>) -> Option<Finding> {
    let lags = case.facts.lags.get()?;
    let lost = case
        .open_leases()
        .filter(|(_, lease)| matches!(lags.get(&lease.key), Some(Lag::Unread { lost: true, .. })));
    let lost: Vec<&ShardId> = lost.map(|(shard, _)| shard).collect();
    let says = format!(
        "records after the checkpoint of {} were trimmed before they were read: {}",
        listed(lost.len(), "shard"),
        some(&lost)
    );
    let start = case.shell.start("read on with more workers; what is gone stays gone", None);
    let finding = || Finding::new(Severity::Problem, Kind::RecordsExpired, says, start);
    (!lost.is_empty()).then(|| finding().of_shards(&lost))
}

/// The oldest unread record is as old as half of the retention, or older.
fn expiring(case: &Case<'_>) -> Option<Finding> {
    let retention = case.retention()?;
    let old: Vec<Aged<'_>> = measured(case)
        .filter(|(_, _, age)| *age >= retention / 2)
        .map(|(shard, _, age)| (shard, age))
        .collect();
    let oldest = old.iter().map(|(_, age)| *age).max()?;
    let says = format!(
        "{} have unread records older than half of what the stream keeps ({} of {}): {}",
        listed(old.len(), "shard"),
        said(oldest),
        said(retention),
        some(old.iter().map(|(shard, _)| shard))
    );
    let start = case.shell.start("add workers, or have the stream keep records for longer", None);
    let finding = Finding::new(Severity::Problem, Kind::RecordsExpire, says, start);
    Some(finding.of_shards(old.iter().map(|(shard, _)| shard)))
}

/// Leases whose lag is unknown, and whose last processed record is older than half of the
/// retention. That record's arrival is in the row. Nothing may have come after it: so it is only a
/// warning.
fn unmeasured(case: &Case<'_>) -> Option<Finding> {
    let retention = case.retention()?;
    let unknown = case.open_leases().filter(|(_, lease)| case.unread_for(&lease.key).is_none());
    let old: Vec<Aged<'_>> = unknown
        .filter_map(|(shard, lease)| Some((shard, case.facts.wall.since(lease.progress.arrival?))))
        .filter(|(_, age)| *age >= retention / 2)
        .collect();
    let oldest = old.iter().map(|(_, age)| *age).max()?;
    let says = format!(
        "the last record that was processed of {} arrived up to {} ago, and the stream keeps {}; \
         whether unread ones wait behind it is not known: {}",
        listed(old.len(), "shard"),
        said(oldest),
        said(retention),
        some(old.iter().map(|(shard, _)| shard))
    );
    let look =
        case.shell.doctor("read a record of each (needs kinesis:GetRecords)", "--lag-of 10000");
    let finding = Finding::new(Severity::Warning, Kind::RecordsExpire, says, look);
    Some(finding.of_shards(old.iter().map(|(shard, _)| shard)))
}

/// Whether the owner of the lease is known to live.
fn is_read(case: &Case<'_>, lease: &Lease) -> bool {
    lease.owner.as_ref().is_some_and(|owner| case.fleet.of_session(owner).is_there())
}

/// Whether the lease has an owner that is not known to be missing.
fn may_be_read(case: &Case<'_>, lease: &Lease) -> bool {
    lease.owner.as_ref().is_some_and(|owner| !case.fleet.of_session(owner).is_missed())
}

/// Whether the owner lives, and neither the checkpoint nor the oldest unread record has moved on
/// for [`STALLED`]. It needs several readings.
fn is_stalled(case: &Case<'_>, lease: &Lease, age: Duration) -> bool {
    let stands = case.progress.stands(&lease.key, case.facts.at);
    is_read(case, lease) && stands >= STALLED && age >= STALLED
}

/// Stalled leases, with what their workers report about them.
fn stalled(case: &Case<'_>) -> Option<Finding> {
    let stuck: Vec<(&ShardId, &Lease)> = measured(case)
        .filter(|(_, lease, age)| is_stalled(case, lease, *age))
        .map(|(shard, lease, _)| (shard, lease))
        .collect();
    let workers: std::collections::BTreeSet<_> =
        stuck.iter().filter_map(|(_, lease)| Some(&lease.owner.as_ref()?.worker)).collect();
    let stands = stuck.iter().map(|(_, it)| case.progress.stands(&it.key, case.facts.at)).min()?;
    let says = format!(
        "{} make no progress for {} or longer, with records waiting and their workers ({}) alive: \
         {}",
        listed(stuck.len(), "shard"),
        said(stands),
        some(&workers),
        some(stuck.iter().map(|(shard, _)| shard))
    );
    let watch = case.shell.leases("see their lag; the workers' logs say what fails", "watch");
    let finding = Finding::new(Severity::Problem, Kind::ReaderStalled, says, watch);
    let finding = stuck.iter().fold(finding, |finding, (shard, lease)| {
        match told::why_it_fails(case, lease) {
            Some(why) if finding.because.len() < REASONS => {
                finding.since(format!("{shard}: {why}"))
            }
            _ => finding,
        }
    });
    Some(finding.of_workers(&workers).of_shards(stuck.iter().map(|(shard, _)| shard)))
}

/// Lag above `--max-lag`, and below half of the retention: above that, `expiring` reports it.
fn high(case: &Case<'_>) -> Option<Finding> {
    let half = case.retention().map(|retention| retention / 2);
    let behind: Vec<Aged<'_>> = measured(case)
        .filter(|(_, lease, age)| {
            may_be_read(case, lease) && *age >= case.bounds.lag && !age.is_zero()
        })
        .filter(|(_, _, age)| half.is_none_or(|half| *age < half))
        .map(|(shard, _, age)| (shard, age))
        .collect();
    let oldest = behind.iter().map(|(_, age)| *age).max()?;
    let says = format!(
        "{} more than {} behind, the last by {}: {}",
        listed(behind.len(), "shard"),
        said(case.bounds.lag),
        said(oldest),
        some(behind.iter().map(|(shard, _)| shard))
    );
    let finding = Finding::new(Severity::Warning, Kind::LagHigh, says, faster(case));
    Some(finding.of_shards(behind.iter().map(|(shard, _)| shard)))
}

/// Lag that grows although the owner lives and the checkpoint moves.
fn growing(case: &Case<'_>) -> Option<Finding> {
    let growing: Vec<&ShardId> = measured(case)
        .filter(|(_, lease, age)| is_read(case, lease) && !is_stalled(case, lease, *age))
        .filter(|(_, lease, age)| {
            *age >= SOME && case.progress.trend(&lease.key).is_some_and(|by| by >= GROWS)
        })
        .map(|(shard, _, _)| shard)
        .collect();
    let says = format!(
        "the lag of {} grows although workers read them: {}",
        listed(growing.len(), "shard"),
        some(&growing)
    );
    let finding = || Finding::new(Severity::Warning, Kind::LagGrows, says, faster(case));
    (!growing.is_empty()).then(|| finding().of_shards(&growing))
}

/// The remedy: another worker, while there are more open shards than live workers; else a reshard.
fn faster(case: &Case<'_>) -> crate::doctor::remedy::Remedy {
    let open = case.facts.shards.get().map(|shards| shards.iter().filter(|it| !it.closed).count());
    match open {
        Some(open) if case.fleet.live().count() >= open => case.shell.stream(
            "there is a worker for each shard: split them",
            &format!("reshard --to {}", open * 2),
        ),
        _ => case.shell.start("add a worker", None),
    }
}
