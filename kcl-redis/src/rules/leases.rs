//! What is demanded of a lease's row, and done to it.

use kcl_core::lease::{Acquire, Advance, Checkpoint, Delete, Epoch, Progress, Release, SessionId};

use crate::{change::Change, codec::shard_list};

pub(crate) fn acquire(acquire: &Acquire) -> Change {
    let change = Change::new()
        .when_is("e", acquire.seen_epoch)
        .when_below("e", acquire.epoch)
        .set("e", acquire.epoch)
        .set("o", acquire.owner.key())
        .unset("su")
        .unset("av");
    match &acquire.seen_owner {
        Some(owner) => change.when_is("o", owner.key()),
        None => change.when_absent("o"),
    }
}

/// Demands that `owner` holds the lease under `epoch`.
fn held(owner: &SessionId, epoch: Epoch) -> Change {
    Change::new().when_is("o", owner.key()).when_is("e", epoch)
}

/// Writes a checkpoint that takes nothing back: fixed-width digits compare as the numbers do.
fn forward(change: Change, checkpoint: &Checkpoint, progress: &Progress) -> Change {
    change
        .when_up_to("k", checkpoint.key())
        .set("k", checkpoint.key())
        .set("ck", checkpoint.kind())
        .set_or_unset("ca", progress.arrival.map(|at| at.as_millis()))
        .set_or_unset("cl", progress.lag.map(|lag| lag.as_millis()))
        .set("r", progress.rate)
}

pub(crate) fn advance(advance: &Advance) -> Change {
    let held = held(&advance.owner, advance.epoch);
    let change = forward(held, &advance.checkpoint, &advance.progress);
    if advance.checkpoint.is_end() {
        change.unset("o").set_or_unset("cd", shard_list(&advance.children))
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

pub(crate) fn delete(delete: &Delete) -> Change {
    let change = Change::new().when_is("e", delete.seen_epoch);
    if delete.unfinished {
        return change;
    }
    change.when_is("ck", Checkpoint::ShardEnd.kind()).when_absent("o")
}
