//! Defines the effect of every conditional write, as a pure function.
//!
//! Each rule takes the row (`None` if there is none) and a command. It returns
//! [`Write::Done`] with the new row (for a deletion, the deleted one), or [`Write::Refused`] with
//! the unchanged row. A store is correct if each operation has the effect of its rule on one row,
//! atomically.

use super::{
    Acquire, Advance, Beat, Checkpoint, Delete, DeleteDoc, Document, EndReason, EndSession, Ending,
    Epoch, Forget, Lease, PutDoc, Release, Restart, Session, SessionState, Write,
};

/// Creates the row of a new session. Refused if the session has a row.
pub fn register(row: Option<&Session>, new: &Session) -> Write<Session> {
    match row {
        Some(present) if counts_once() => Write::Refused(Some(present.clone())),
        _ => Write::Done(new.clone()),
    }
}

/// Counts a beat. Refused if the session has no row or has ended, or if the number is not above the
/// last. A session that is leaving stays so.
pub fn beat(row: Option<&Session>, beat: &Beat) -> Write<Session> {
    let Some(row) = row else { return Write::Refused(None) };
    if row.has_ended() || beat.number <= row.beat {
        return Write::Refused(Some(row.clone()));
    }
    let mut next = row.clone();
    next.beat = beat.number;
    next.report = beat.report;
    if beat.leaving {
        next.state = SessionState::Leaving;
    }
    Write::Done(next)
}

/// Ends a session. Refused if it has no row or has ended, or if a fence names an older beat.
pub fn end_session(row: Option<&Session>, end: &EndSession) -> Write<Session> {
    let Some(row) = row else { return Write::Refused(None) };
    let (allowed, reason) = match end.ending {
        Ending::Leave => (true, EndReason::Left),
        Ending::Replace => (true, EndReason::Replaced),
        Ending::Fence { beat } => (has_not_beaten_since(row, beat), EndReason::Fenced),
    };
    if row.has_ended() || !allowed {
        sometimes!(FenceRefused, !row.has_ended());
        return Write::Refused(Some(row.clone()));
    }
    let mut next = row.clone();
    next.state = SessionState::Ended(reason);
    Write::Done(next)
}

/// Deletes the row of a session. Refused unless the session has ended.
pub fn forget(row: Option<&Session>, _forget: &Forget) -> Write<Session> {
    match row {
        Some(row) if row.has_ended() => Write::Done(row.clone()),
        other => Write::Refused(other.cloned()),
    }
}

/// Raises the mailbox of a session by one. Refused if it has no row or has ended.
pub fn wake(row: Option<&Session>) -> Write<Session> {
    match row {
        Some(row) if !row.has_ended() => {
            let mut next = row.clone();
            next.mailbox += 1;
            Write::Done(next)
        }
        other => Write::Refused(other.cloned()),
    }
}

/// Creates the row of a lease. Refused if there is one.
pub fn create(row: Option<&Lease>, new: &Lease) -> Write<Lease> {
    match row {
        Some(present) => Write::Refused(Some(present.clone())),
        None => Write::Done(new.clone()),
    }
}

/// Changes the owner, and clears the successor and the worker to avoid. Refused unless owner and
/// epoch are as the caller saw them, and the new epoch is above.
pub fn acquire(row: Option<&Lease>, acquire: &Acquire) -> Write<Lease> {
    let Some(row) = row else { return Write::Refused(None) };
    if !is_as_seen(row, acquire) || !rises(row.epoch, acquire.epoch) {
        return Write::Refused(Some(row.clone()));
    }
    let mut next = row.clone();
    next.owner = Some(acquire.owner.clone());
    next.epoch = acquire.epoch;
    next.successor = None;
    next.avoid = None;
    Write::Done(next)
}

/// Writes a checkpoint. Refused unless the caller holds the lease under its epoch and the
/// checkpoint does not go back. The end of the shard clears the owner and sets the children.
pub fn advance(row: Option<&Lease>, advance: &Advance) -> Write<Lease> {
    let Some(row) = row else { return Write::Refused(None) };
    let held = row.is_held_by(&advance.owner, advance.epoch);
    if !held || !goes_forward(row, &advance.checkpoint) {
        sometimes!(OldCheckpointRefused, held);
        sometimes!(FencedCheckpointRefused, !held && !row.has_ended());
        sometimes!(EndRefusedAsDone, row.has_ended() && advance.checkpoint.is_end());
        return Write::Refused(Some(row.clone()));
    }
    let mut next = row.clone();
    next.checkpoint = advance.checkpoint.clone();
    next.progress = advance.progress;
    if advance.checkpoint.is_end() {
        next.owner = None;
        next.children.clone_from(&advance.children);
    }
    Write::Done(next)
}

/// Clears the owner and writes the last checkpoint, if there is one. Refused as [`advance`] is.
pub fn release(row: Option<&Lease>, release: &Release) -> Write<Lease> {
    let Some(row) = row else { return Write::Refused(None) };
    let held = row.is_held_by(&release.owner, release.epoch);
    let forward = release.checkpoint.as_ref().is_none_or(|c| c.may_follow(&row.checkpoint));
    if !held || !forward {
        return Write::Refused(Some(row.clone()));
    }
    let mut next = row.clone();
    next.owner = None;
    next.successor.clone_from(&release.successor);
    next.avoid = release.avoid.then(|| release.owner.worker.clone());
    if let Some(checkpoint) = &release.checkpoint {
        next.checkpoint = checkpoint.clone();
        next.progress = release.progress;
    }
    Write::Done(next)
}

/// Writes a checkpoint forwards or backwards. Refused unless owner and epoch are as the caller saw
/// them, and the new epoch is above. It clears the owner, the successor, the worker to avoid and
/// the progress, and keeps the parents and the range. The row has children only at the end of the
/// shard.
pub fn restart(row: Option<&Lease>, restart: &Restart) -> Write<Lease> {
    let Some(row) = row else { return Write::Refused(None) };
    if !is_unchanged(row, restart) || !is_fenced_off(row.epoch, restart.epoch) {
        return Write::Refused(Some(row.clone()));
    }
    let mut next = Lease::new(row.key.clone(), restart.checkpoint.clone())
        .of_shard(row.parents.clone(), row.range);
    next.owner = row.owner.clone().filter(|_| !frees_the_lease());
    next.epoch = restart.epoch;
    next.children = restart.children_afterwards().to_vec();
    Write::Done(next)
}

/// Deletes the row of a lease. Refused unless the epoch is as the caller saw it, and either the
/// shard has ended and has no owner, or the caller says that the stream is gone.
pub fn delete(row: Option<&Lease>, delete: &Delete) -> Write<Lease> {
    let Some(row) = row else { return Write::Refused(None) };
    if is_useless(row, delete) {
        Write::Done(row.clone())
    } else {
        Write::Refused(Some(row.clone()))
    }
}

/// Writes a document and raises its version. Refused unless the version is as the caller saw it.
pub fn put_doc(row: Option<&Document>, put: &PutDoc) -> Write<Document> {
    if !is_that_version(row, put) {
        return Write::Refused(row.cloned());
    }
    let version = put.seen.map_or(1, |seen| seen + 1);
    Write::Done(Document::new(put.name.clone(), version, put.body.clone()))
}

/// Deletes a document. Refused unless the version is as the caller saw it.
pub fn delete_doc(row: Option<&Document>, delete: &DeleteDoc) -> Write<Document> {
    match row {
        Some(row) if row.version == delete.seen => Write::Done(row.clone()),
        other => Write::Refused(other.cloned()),
    }
}

// The conditions below are functions of their own, so that a test can replace each by a planted
// bug.

/// True without the planted bug: an existing session is not registered again.
fn counts_once() -> bool {
    !planted!(RegisteredTwice)
}

fn has_not_beaten_since(row: &Session, beat: u64) -> bool {
    row.beat == beat || planted!(FenceWhateverTheBeat)
}

fn is_as_seen(row: &Lease, acquire: &Acquire) -> bool {
    row.owner == acquire.seen_owner && row.epoch == acquire.seen_epoch
        || planted!(AcquireComparesNothing)
}

/// True if the epoch of the new owner is above that of the row.
fn rises(from: Epoch, to: Epoch) -> bool {
    to > from || planted!(NoEpochBump)
}

fn goes_forward(row: &Lease, checkpoint: &Checkpoint) -> bool {
    checkpoint.may_follow(&row.checkpoint) || planted!(NoMonotoneGuard)
}

fn is_unchanged(row: &Lease, restart: &Restart) -> bool {
    row.owner == restart.seen_owner && row.epoch == restart.seen_epoch
        || planted!(RestartComparesNothing)
}

/// True if a restart raises the epoch, so that the row refuses earlier commands afterwards.
fn is_fenced_off(before: Epoch, after: Epoch) -> bool {
    after > before || planted!(RestartKeepsTheEpoch)
}

/// True without the planted bug: a restart clears the owner.
fn frees_the_lease() -> bool {
    !planted!(RestartKeepsTheOwner)
}

fn is_useless(row: &Lease, delete: &Delete) -> bool {
    row.epoch == delete.seen_epoch && (row.has_ended() && row.owner.is_none() || delete.unfinished)
        || planted!(DeleteComparesNothing)
}

fn is_that_version(row: Option<&Document>, put: &PutDoc) -> bool {
    row.map(|present| present.version) == put.seen || planted!(DocumentComparesNothing)
}

#[cfg(test)]
mod tests;
