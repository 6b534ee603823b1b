//! The writes of a lease's row, except [restarts](super::restarts).

use crate::{
    conformance::{
        Failure,
        bench::Bench,
        failure::Check,
        samples::{after, full_lease, lease, lease_key, progress, session_id, shard},
        script::Script,
    },
    env::WallTime,
    lease::{
        Acquire, Advance, Checkpoint, Delete, Epoch, Lease, LeaseKey, Progress, Release, SessionId,
    },
};

/// A script with one lease, which `owner` holds under `epoch`.
async fn held(bench: &Bench, owner: &SessionId, epoch: u64) -> Result<(Script, LeaseKey), Failure> {
    let mut script = bench.script().await?;
    let key = lease_key(1)?;
    let new = lease(key.clone())?;
    let acquire = Acquire::new(&new, owner.clone(), Epoch(epoch));
    script.done(new).await?;
    script.done(acquire).await?;
    Ok((script, key))
}

/// An existing row is never replaced by a creation, and every kind of checkpoint is kept. If a
/// creation replaced the row, a planner with an old list of rows would reset the checkpoint of a
/// lease.
pub(super) async fn a_lease_is_created_once_with_every_field(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let key = lease_key(1)?;
    script.done(lease(key.clone())?).await?;
    // The same row again, and another row with the same key.
    script.refused(lease(key.clone())?).await?;
    script.refused(full_lease(key, session_id("worker", 1)?)?).await?;
    script.done(full_lease(lease_key(2)?, session_id("worker", 1)?)?).await?;
    // Every kind of checkpoint.
    let starts = [
        Checkpoint::Latest,
        Checkpoint::AtTimestamp(WallTime::from_millis(1_700_000_000_001)),
        after(0, 0),
        after(49_590_338_271_490_256_608_559_692_538, 0),
        Checkpoint::ShardEnd,
    ];
    for (n, start) in (10..).zip(starts) {
        script.done(Lease::new(lease_key(n)?, start)).await?;
    }
    script.done(Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon)).await
}

/// An acquire is refused with a wrong owner, a wrong epoch, or a new epoch that is not above the
/// old. Otherwise a worker with an old copy of the row could take the lease of a live owner.
pub(super) async fn an_acquire_needs_the_owner_and_epoch_it_saw(bench: Bench) -> Check {
    let (me, other) = (session_id("worker", 1)?, session_id("other", 1)?);
    let mut script = bench.script().await?;
    let key = lease_key(1)?;
    script.done(lease(key.clone())?).await?;
    let free = script.lease(&key)?.clone();
    // A free lease: the new epoch is not above the old, the owner is wrong, the epoch is wrong.
    script.refused(Acquire::new(&free, me.clone(), free.epoch)).await?;
    let mut wrong = Acquire::new(&free, me.clone(), Epoch(9));
    wrong.seen_owner = Some(other.clone());
    script.refused(wrong).await?;
    let mut wrong = Acquire::new(&free, me.clone(), Epoch(9));
    wrong.seen_epoch = Epoch(1);
    script.refused(wrong).await?;
    script.done(Acquire::new(&free, me.clone(), Epoch(5))).await?;
    // A held lease: the row has changed since, no owner is expected, the owner is wrong.
    script.refused(Acquire::new(&free, other.clone(), Epoch(6))).await?;
    let held = script.lease(&key)?.clone();
    let mut wrong = Acquire::new(&held, other.clone(), Epoch(9));
    wrong.seen_owner = None;
    script.refused(wrong).await?;
    let mut wrong = Acquire::new(&held, other.clone(), Epoch(9));
    wrong.seen_owner = Some(other.clone());
    script.refused(wrong).await?;
    // Owner and epoch are right, but the new epoch is not above the old.
    for lower in [0, 4, 5] {
        script.refused(Acquire::new(&held, other.clone(), Epoch(lower))).await?;
    }
    script.done(Acquire::new(&held, other, Epoch(6))).await
}

/// The row does not protect its owner: the caller decides whether the owner may be replaced. The
/// store must not compare the owner with the sessions.
pub(super) async fn an_acquire_takes_the_lease_of_any_owner_it_saw(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let key = lease_key(1)?;
    script.done(full_lease(key.clone(), session_id("gone", 1)?)?).await?;
    let mut epoch = script.lease(&key)?.epoch.0;
    // Another worker, the owner itself, and a new session of the first owner.
    for worker in ["next", "next", "gone"] {
        epoch += 1_000;
        let seen = script.lease(&key)?.clone();
        script.done(Acquire::new(&seen, session_id(worker, 2)?, Epoch(epoch))).await?;
    }
    Ok(())
}

/// Refuses another worker, another session of the same worker, other epochs, and a former owner.
/// Otherwise a former owner, which may have been paused for minutes, could overwrite the checkpoint
/// of the present one.
pub(super) async fn a_checkpoint_needs_the_owner_and_the_epoch(bench: Bench) -> Check {
    let me = session_id("worker", 1)?;
    let (mut script, key) = held(&bench, &me, 5).await?;
    let write = |owner: &SessionId, epoch, at| {
        Advance::new(key.clone(), owner.clone(), Epoch(epoch), after(at, 0))
    };
    // Another worker, another session of this worker, a lower and a higher epoch.
    script.refused(write(&session_id("other", 1)?, 5, 10)).await?;
    script.refused(write(&session_id("worker", 2)?, 5, 10)).await?;
    script.refused(write(&me, 4, 10)).await?;
    script.refused(write(&me, 6, 10)).await?;
    script.done(write(&me, 5, 10).with_progress(progress(3))).await?;
    script.done(write(&me, 5, 11)).await?;
    // After a release the former owner is refused under its last epoch as well.
    script.done(Release::new(key.clone(), me.clone(), Epoch(5))).await?;
    script.refused(write(&me, 5, 12)).await
}

/// Sequence numbers are compared by value at any length, then by sub-sequence number. Otherwise a
/// late write of the same owner would make the next owner process records again.
pub(super) async fn a_checkpoint_never_goes_back(bench: Bench) -> Check {
    let me = session_id("worker", 1)?;
    let (mut script, key) = held(&bench, &me, 5).await?;
    let at = |checkpoint| Advance::new(key.clone(), me.clone(), Epoch(5), checkpoint);
    // The start positions are equal to each other, and below every record.
    script.done(at(Checkpoint::Latest)).await?;
    script.done(at(Checkpoint::AtTimestamp(WallTime::from_millis(1_000)))).await?;
    script.done(at(Checkpoint::TrimHorizon)).await?;
    script.done(at(after(9, 0))).await?;
    script.refused(at(Checkpoint::TrimHorizon)).await?;
    script.refused(at(Checkpoint::Latest)).await?;
    script.done(at(after(9, 0)).with_progress(progress(1))).await?;
    script.done(at(after(9, 2))).await?;
    script.refused(at(after(9, 1))).await?;
    script.done(at(after(9, u64::MAX))).await?;
    // By value, not by the order of the texts "9" and "10".
    script.done(at(after(10, 0))).await?;
    script.refused(at(after(9, u64::MAX))).await?;
    let long = 49_590_338_271_490_256_608_559_692_538_361_571_095;
    script.done(at(after(long, 0))).await?;
    script.refused(at(after(long - 1, 0))).await?;
    script.done(at(after(long + 1, 0)).with_progress(Progress::NONE)).await
}

/// An ended shard can be acquired and ended again, but its checkpoint never leaves the end. Both
/// happen in the same write, so that no reader sees an end without its children.
pub(super) async fn the_end_of_a_shard_clears_the_owner_and_names_the_children(
    bench: Bench,
) -> Check {
    let me = session_id("worker", 1)?;
    let (mut script, key) = held(&bench, &me, 5).await?;
    let end = Advance::new(key.clone(), me.clone(), Epoch(5), Checkpoint::ShardEnd);
    script.refused(Advance { epoch: Epoch(4), ..end.clone() }).await?;
    let end = end.with_progress(progress(2)).with_children(vec![shard(3)?, shard(2)?]);
    script.done(end.clone()).await?;
    script.refused(end).await?;
    let ended = script.lease(&key)?.clone();
    script.done(Acquire::new(&ended, me.clone(), Epoch(6))).await?;
    script.refused(Advance::new(key.clone(), me.clone(), Epoch(6), after(9, 0))).await?;
    // A second end without children clears the children.
    script.done(Advance::new(key, me, Epoch(6), Checkpoint::ShardEnd)).await
}

/// Only the owner under its epoch can release, and only once. The next acquire clears the
/// successor. A second release must not clear the owner that came after the first.
pub(super) async fn a_release_clears_the_owner_and_names_the_successor(bench: Bench) -> Check {
    let (me, next) = (session_id("worker", 1)?, session_id("next", 1)?);
    let (mut script, key) = held(&bench, &me, 5).await?;
    let release = Release::new(key.clone(), me.clone(), Epoch(5));
    // A wrong epoch, and a wrong owner.
    script.refused(Release { epoch: Epoch(6), ..release.clone() }).await?;
    script.refused(Release { owner: next.clone(), ..release.clone() }).await?;
    script.done(release.clone().to(Some(next.clone())).avoiding(true)).await?;
    script.refused(release).await?;
    let free = script.lease(&key)?.clone();
    script.done(Acquire::new(&free, next.clone(), Epoch(7))).await?;
    script.done(Release::new(key, next, Epoch(7))).await
}

/// A release is refused as a whole if its checkpoint would go back. The checkpoint is stored in the
/// same write that clears the owner, so that the next owner starts from it.
pub(super) async fn a_release_carries_the_last_checkpoint(bench: Bench) -> Check {
    let me = session_id("worker", 1)?;
    let (mut script, key) = held(&bench, &me, 5).await?;
    let release = |epoch| Release::new(key.clone(), me.clone(), Epoch(epoch));
    let write = Advance::new(key.clone(), me.clone(), Epoch(5), after(20, 0));
    script.done(write.with_progress(progress(4))).await?;
    script.refused(release(5).at(after(19, 9), progress(5))).await?;
    script.done(release(5).at(after(20, 1), progress(6))).await?;
    let free = script.lease(&key)?.clone();
    script.done(Acquire::new(&free, me.clone(), Epoch(6))).await?;
    // A release without a checkpoint keeps the stored one and its progress.
    script.done(release(6)).await?;
    let free = script.lease(&key)?.clone();
    script.done(Acquire::new(&free, me.clone(), Epoch(7))).await?;
    script.done(release(7).at(Checkpoint::ShardEnd, Progress::NONE)).await
}

/// A row is deleted at the epoch seen: an ended one without an owner, or any row of a stream that
/// is gone. Otherwise a checkpoint that is still needed could be deleted.
pub(super) async fn a_lease_is_deleted_when_ended_or_its_stream_is_gone(bench: Bench) -> Check {
    let me = session_id("worker", 1)?;
    let (mut script, key) = held(&bench, &me, 5).await?;
    // Not ended; and of a stream that is gone, but at another epoch.
    script.refused(Delete::ended(key.clone(), Epoch(5))).await?;
    script.refused(Delete::of_gone_stream(key.clone(), Epoch(4))).await?;
    script.done(Advance::new(key.clone(), me.clone(), Epoch(5), Checkpoint::ShardEnd)).await?;
    // Ended, but at another epoch.
    script.refused(Delete::ended(key.clone(), Epoch(4))).await?;
    script.refused(Delete::ended(key.clone(), Epoch(6))).await?;
    let ended = script.lease(&key)?.clone();
    script.done(Acquire::new(&ended, me.clone(), Epoch(6))).await?;
    // Ended, but held: the owner may still write to it.
    script.refused(Delete::ended(key.clone(), Epoch(6))).await?;
    script.done(Release::new(key.clone(), me.clone(), Epoch(6))).await?;
    script.done(Delete::ended(key.clone(), Epoch(6))).await?;
    script.refused(Delete::ended(key.clone(), Epoch(6))).await?;
    // A lease with an owner is deleted if its stream is gone.
    script.done(full_lease(key.clone(), me)?).await?;
    let epoch = script.lease(&key)?.epoch;
    script.done(Delete::of_gone_stream(key, epoch)).await
}

/// Finds updates that create a missing row, as an unconditional `UpdateItem` or `HSET` does. Such a
/// row would have an owner or a checkpoint, but no parents and no hash range.
pub(super) async fn an_absent_lease_is_not_made_by_accident(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let me = session_id("worker", 1)?;
    let absent = lease(lease_key(1)?)?;
    let key = absent.key.clone();
    script.refused(Acquire::new(&absent, me.clone(), Epoch(1))).await?;
    script.refused(Advance::new(key.clone(), me.clone(), Epoch(0), after(1, 0))).await?;
    let end = Advance::new(key.clone(), me.clone(), Epoch(0), Checkpoint::ShardEnd);
    script.refused(end.with_children(vec![shard(2)?])).await?;
    script.refused(Release::new(key.clone(), me, Epoch(0))).await?;
    script.refused(Delete::ended(key.clone(), Epoch(0))).await?;
    script.refused(Delete::of_gone_stream(key, Epoch(0))).await
}

/// Owners are compared by worker id and incarnation. A restarted worker must not pass for its
/// former session, which may still be running.
pub(super) async fn two_lives_of_one_worker_are_two_owners(bench: Bench) -> Check {
    let (old, new) = (session_id("worker", 1)?, session_id("worker", 2)?);
    let (mut script, key) = held(&bench, &old, 5).await?;
    let seen = script.lease(&key)?.clone();
    let mut mistaken = Acquire::new(&seen, new.clone(), Epoch(6));
    mistaken.seen_owner = Some(new.clone());
    // The lease is held by the old session, so every write of the new one is refused.
    script.refused(mistaken).await?;
    script.refused(Advance::new(key.clone(), new.clone(), Epoch(5), after(1, 0))).await?;
    script.refused(Release::new(key.clone(), new.clone(), Epoch(5))).await?;
    script.done(Acquire::new(&seen, new.clone(), Epoch(6))).await?;
    // Now the lease is held by the new session.
    script.refused(Advance::new(key.clone(), old.clone(), Epoch(6), after(1, 0))).await?;
    script.refused(Release::new(key.clone(), old, Epoch(6))).await?;
    script.done(Release::new(key, new, Epoch(6))).await
}
