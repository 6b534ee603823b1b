//! The conditions and changes of writes on leases.

use kcl_core::lease::{
    Acquire, Advance, Checkpoint, Delete, Epoch, Progress, Release, Restart, SessionId,
};

use crate::{change::Change, codec::shards};

pub(crate) fn acquire(acquire: &Acquire) -> Change {
    as_seen(acquire.seen_owner.as_ref(), acquire.seen_epoch, acquire.epoch)
        .set("o", acquire.owner.key())
        .unset("su")
        .unset("av")
}

/// Requires the owner and the epoch that the caller saw, and a higher new epoch, which it sets.
fn as_seen(owner: Option<&SessionId>, seen: Epoch, epoch: Epoch) -> Change {
    let change = Change::new().when_is("e", seen).when_below("e", epoch).set("e", epoch);
    match owner {
        Some(owner) => change.when_is("o", owner.key()),
        None => change.when_absent("o"),
    }
}

/// Requires that `owner` holds the lease under `epoch`.
fn held(owner: &SessionId, epoch: Epoch) -> Change {
    Change::new().when_is("o", owner.key()).when_is("e", epoch)
}

/// Writes a checkpoint, and requires that it does not go back. The fixed-width digits of `k`
/// compare in the order of their numbers.
fn forward(change: Change, checkpoint: &Checkpoint, progress: &Progress) -> Change {
    at(change.when_up_to("k", checkpoint.key()), checkpoint, progress)
}

/// Writes a checkpoint, forwards or backwards.
fn at(change: Change, checkpoint: &Checkpoint, progress: &Progress) -> Change {
    change.write(checkpoint).write(progress)
}

pub(crate) fn advance(advance: &Advance) -> Change {
    let held = held(&advance.owner, advance.epoch);
    let change = forward(held, &advance.checkpoint, &advance.progress);
    if advance.checkpoint.is_end() {
        change.unset("o").set_or_unset("cd", shards(&advance.children))
    } else {
        change
    }
}

pub(crate) fn release(release: &Release) -> Change {
    let change = held(&release.owner, release.epoch)
        .unset("o")
        .set_or_unset("su", release.successor.as_ref().map(SessionId::key))
        .set_or_unset("av", release.avoid.then_some(&release.owner.worker));
    match &release.checkpoint {
        Some(checkpoint) => forward(change, checkpoint, &release.progress),
        None => change,
    }
}

pub(crate) fn restart(restart: &Restart) -> Change {
    let change = as_seen(restart.seen_owner.as_ref(), restart.seen_epoch, restart.epoch);
    at(change, &restart.checkpoint, &Progress::NONE)
        .unset("o")
        .unset("su")
        .unset("av")
        .set_or_unset("cd", shards(restart.children_afterwards()))
}

pub(crate) fn delete(delete: &Delete) -> Change {
    let change = Change::new().when_is("e", delete.seen_epoch);
    if delete.unfinished {
        return change;
    }
    change.when_is("ck", Checkpoint::ShardEnd.kind()).when_absent("o")
}
