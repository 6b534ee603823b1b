//! The conditions and changes of writes on leases.

use kcl_core::lease::{
    Acquire, Advance, Checkpoint, Delete, Epoch, Progress, Release, Restart, SessionId,
};

use crate::{
    change::Change,
    codec::{number, shards, text},
};

/// Sets the owner and the epoch, under the conditions of `as_seen`, and ends the release before.
pub(crate) fn acquire(acquire: &Acquire) -> Change {
    as_seen(acquire.seen_owner.as_ref(), acquire.seen_epoch, acquire.epoch)
        .set("o", text(acquire.owner.key()))
        .remove("su")
        .remove("av")
}

/// Requires the owner and the epoch that the caller saw, and a higher new epoch, which it sets.
fn as_seen(owner: Option<&SessionId>, seen: Epoch, epoch: Epoch) -> Change {
    let change = Change::new()
        .when("e=:seen")
        .bind(":seen", number(seen))
        .when("e<:e")
        .set("e", number(epoch));
    match owner {
        Some(owner) => change.when("o=:owner").bind(":owner", text(owner.key())),
        None => change.when("attribute_not_exists(o)"),
    }
}

/// Requires that `owner` holds the lease under `epoch`.
fn held(owner: &SessionId, epoch: Epoch) -> Change {
    Change::new()
        .when("o=:owner")
        .bind(":owner", text(owner.key()))
        .when("e=:epoch")
        .bind(":epoch", number(epoch))
}

/// Writes a checkpoint, and requires that it does not go back. The fixed-width digits of `k`
/// compare as strings in the order of their numbers.
fn forward(change: Change, checkpoint: &Checkpoint, progress: &Progress) -> Change {
    at(change.when("k<=:k"), checkpoint, progress)
}

/// Writes a checkpoint, forwards or backwards.
fn at(change: Change, checkpoint: &Checkpoint, progress: &Progress) -> Change {
    change.write(checkpoint).write(progress)
}

/// Writes a checkpoint of the owner. The checkpoint at the end of a shard also gives the lease up
/// and names the children.
pub(crate) fn advance(advance: &Advance) -> Change {
    let held = held(&advance.owner, advance.epoch);
    let change = forward(held, &advance.checkpoint, &advance.progress);
    if advance.checkpoint.is_end() {
        change.remove("o").set_or_remove("cd", shards(&advance.children))
    } else {
        change
    }
}

/// Removes the owner, and writes its last checkpoint, its successor, and itself as the worker to
/// avoid, as far as the command has them.
pub(crate) fn release(release: &Release) -> Change {
    let change = held(&release.owner, release.epoch)
        .remove("o")
        .set_or_remove("su", release.successor.as_ref().map(|next| text(next.key())))
        .set_or_remove("av", release.avoid.then(|| text(release.owner.worker.as_str())));
    match &release.checkpoint {
        Some(checkpoint) => forward(change, checkpoint, &release.progress),
        None => change,
    }
}

/// Moves the checkpoint, also backwards, under a new epoch and without an owner.
pub(crate) fn restart(restart: &Restart) -> Change {
    let change = as_seen(restart.seen_owner.as_ref(), restart.seen_epoch, restart.epoch);
    at(change, &restart.checkpoint, &Progress::NONE)
        .remove("o")
        .remove("su")
        .remove("av")
        .set_or_remove("cd", shards(restart.children_afterwards()))
}

/// Requires the epoch that the caller saw; and, unless the command is for unfinished leases as
/// well, that the shard has ended and nobody owns the lease.
pub(crate) fn delete(delete: &Delete) -> Change {
    let change = Change::new().when("e=:seen").bind(":seen", number(delete.seen_epoch));
    if delete.unfinished {
        return change;
    }
    change
        .when("ck=:end")
        .bind(":end", text(Checkpoint::ShardEnd.kind()))
        .when("attribute_not_exists(o)")
}
