//! Restarts: the one write that may take a checkpoint back. Commands send it while the application
//! is closed.

use crate::{
    conformance::{
        Failure,
        bench::Bench,
        failure::{Check, same},
        samples::{after, full_lease, lease, lease_key, progress, session_id, shard},
        script::Script,
    },
    env::WallTime,
    lease::{
        Acquire, Advance, Checkpoint, Delete, Epoch, Lease, LeaseKey, Progress, Release, Restart,
    },
};

/// A script with a lease that has a value in every field, and that lease.
async fn full(bench: &Bench) -> Result<(Script, Lease), Failure> {
    let mut script = bench.script().await?;
    let row = full_lease(lease_key(1)?, session_id("worker", 1)?)?;
    script.done(row.clone()).await?;
    Ok((script, row))
}

/// The next epoch of a row.
fn above(row: &Lease) -> Epoch {
    Epoch(row.epoch.0 + 1)
}

/// The condition is that of an acquire: owner and epoch as seen, and a new epoch above. So a
/// restart is refused if a worker has acquired the lease meanwhile.
pub(super) async fn a_restart_needs_the_owner_and_epoch_it_saw(bench: Bench) -> Check {
    let (mut script, held) = full(&bench).await?;
    let to = |seen: &Lease| Restart::new(seen, Epoch(seen.epoch.0 + 9), Checkpoint::TrimHorizon);
    // A wrong owner: none, another worker, another session of the owner.
    for owner in [None, Some(session_id("other", 1)?), Some(session_id("worker", 2)?)] {
        script.refused(Restart { seen_owner: owner, ..to(&held) }).await?;
    }
    // A wrong epoch.
    for epoch in [held.epoch.0 - 1, held.epoch.0 + 1, 0] {
        script.refused(Restart { seen_epoch: Epoch(epoch), ..to(&held) }).await?;
    }
    // A new epoch that is not above the old.
    for epoch in [held.epoch.0, held.epoch.0 - 1, 0] {
        script.refused(Restart { epoch: Epoch(epoch), ..to(&held) }).await?;
    }
    script.done(Restart::new(&held, above(&held), Checkpoint::TrimHorizon)).await?;
    let free = script.lease(&held.key)?.clone();
    // The lease has no owner now: the owner before, the epoch before, and the same epoch are
    // refused.
    script.refused(Restart { seen_owner: held.owner, ..to(&free) }).await?;
    script.refused(Restart { seen_epoch: held.epoch, ..to(&free) }).await?;
    script.refused(Restart { epoch: free.epoch, ..to(&free) }).await?;
    script.done(to(&free)).await
}

/// The row after a restart is that of a lease that nobody has held, at the new checkpoint.
/// Progress, children and successor would be wrong at another checkpoint.
pub(super) async fn a_restart_takes_back_and_clears_what_was_known(bench: Bench) -> Check {
    let (mut script, row) = full(&bench).await?;
    let starts = [
        after(39_999, 0),
        after(9, u64::MAX),
        Checkpoint::TrimHorizon,
        Checkpoint::AtTimestamp(WallTime::from_millis(1_700_000_000_001)),
        Checkpoint::Latest,
        after(49_590_338_271_490_256_608_559_692_538, 3),
    ];
    for (n, start) in (1..).zip(starts) {
        let key = lease_key(100 + n)?;
        let row = Lease { key: key.clone(), ..row.clone() };
        script.done(row.clone()).await?;
        script.done(Restart::new(&row, Epoch(row.epoch.0 + n), start.clone())).await?;
        // Compared field by field, too: the rule itself may be wrong in the same way.
        let left = script.lease(&key)?;
        same("the owner after a restart", &left.owner, &None)?;
        same("the epoch after a restart", &left.epoch, &Epoch(row.epoch.0 + n))?;
        same("the checkpoint after a restart", &left.checkpoint, &start)?;
        same("the progress after a restart", &left.progress, &Progress::NONE)?;
        same("the children after a restart", &left.children, &Vec::new())?;
        same("the successor after a restart", &left.successor, &None)?;
        same("whom to avoid after a restart", &left.avoid, &None)?;
        same("the parents after a restart", &left.parents, &row.parents)?;
        same("the range after a restart", &left.range, &row.range)?;
    }
    Ok(())
}

/// Children are kept only with a checkpoint at the end of the shard. Before the end, a shard has no
/// children yet.
pub(super) async fn a_restart_at_the_end_of_a_shard_names_the_children(bench: Bench) -> Check {
    let (mut script, row) = full(&bench).await?;
    let end = Restart::new(&row, above(&row), Checkpoint::ShardEnd);
    script.done(end.with_children(vec![shard(3)?, shard(2)?])).await?;
    let ended = script.lease(&row.key)?.clone();
    same("the children of an ended shard", &ended.children, &vec![shard(3)?, shard(2)?])?;
    // A second end without children, and a third with other children.
    script.done(Restart::new(&ended, above(&ended), Checkpoint::ShardEnd)).await?;
    let ended = script.lease(&row.key)?.clone();
    let end = Restart::new(&ended, above(&ended), Checkpoint::ShardEnd);
    script.done(end.with_children(vec![shard(4)?])).await?;
    // From a place before the end, the row has no children, whatever the command names.
    let ended = script.lease(&row.key)?.clone();
    let again = Restart::new(&ended, above(&ended), after(7, 0));
    script.done(again.with_children(vec![shard(5)?])).await?;
    let open = script.lease(&row.key)?.clone();
    same("the children of an open shard", &open.children, &Vec::new())?;
    script.refused(Delete::ended(row.key, open.epoch)).await
}

/// The new epoch refuses every command of the time before the restart.
pub(super) async fn a_restart_refuses_what_was_sent_before_it(bench: Bench) -> Check {
    let (mut script, held) = full(&bench).await?;
    let (me, key) = (session_id("worker", 1)?, held.key.clone());
    let restart = Restart::new(&held, above(&held), after(5, 0));
    script.done(restart.clone()).await?;
    let free = script.lease(&key)?.clone();
    // Commands of the former owner, which has not seen the restart.
    let forward = after(50_000, 0);
    script.refused(Advance::new(key.clone(), me.clone(), held.epoch, forward.clone())).await?;
    let release = Release::new(key.clone(), me.clone(), held.epoch);
    script.refused(release.at(forward, progress(1))).await?;
    script.refused(Acquire::new(&held, session_id("other", 1)?, Epoch(held.epoch.0 + 5))).await?;
    script.refused(Delete::of_gone_stream(key.clone(), held.epoch)).await?;
    // A duplicate of the restart itself.
    script.refused(restart.clone()).await?;
    // A client that has read the new row goes on from there.
    script.done(Acquire::new(&free, me.clone(), above(&free))).await?;
    script.refused(restart).await?;
    let taken = script.lease(&key)?.clone();
    script.refused(Advance::new(key.clone(), me.clone(), taken.epoch, after(4, 0))).await?;
    script.done(Advance::new(key.clone(), me, taken.epoch, after(6, 0))).await?;
    // Another restart, by a client that has read the row before the last checkpoint.
    script.done(Restart::new(&taken, above(&taken), Checkpoint::TrimHorizon)).await
}

/// Finds a restart that creates a missing row.
pub(super) async fn a_restart_makes_no_row(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let absent = lease(lease_key(1)?)?;
    script.refused(Restart::new(&absent, Epoch(1), Checkpoint::TrimHorizon)).await?;
    let end = Restart::new(&absent, Epoch(1), Checkpoint::ShardEnd);
    script.refused(end.with_children(vec![shard(2)?])).await?;
    script.done(absent.clone()).await?;
    // A row that nobody has held, and `@planner`.
    script.done(Restart::new(&absent, Epoch(1), after(3, 0))).await?;
    let role = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
    script.done(role.clone()).await?;
    script.done(Restart::new(&role, Epoch(1), Checkpoint::TrimHorizon)).await
}
