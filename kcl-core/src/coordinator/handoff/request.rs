//! The requests of the handoff to the store.

use crate::{
    coordinator::{op, request::requests},
    lease::{Epoch, LeaseKey, SessionId},
    stream::ShardId,
};

requests! {
    /// The row of a wanted lease.
    WantedRow(key: LeaseKey) by Lease;
    /// The session of the owner of a wanted lease.
    Owner(id: SessionId) by Session;
    /// An acquire of a wanted lease, under this epoch.
    Acquire(key: LeaseKey, epoch: Epoch) by Acquire;
    /// A row that the store lost, put again.
    Recreate(key: LeaseKey) by Create;
    /// A checkpoint of a held lease.
    Advance(key: LeaseKey, epoch: Epoch) by Advance;
    /// A release.
    Release(key: LeaseKey, epoch: Epoch) by Release;
    /// The row of a child of an ending shard, put if it does not exist.
    PutChild(key: LeaseKey, epoch: Epoch, child: ShardId) by Create;
    /// The end of a shard, written to its row.
    WriteEnd(key: LeaseKey, epoch: Epoch) by Advance;
    /// The row of another parent of this child, read after the end of this parent.
    OtherParent(child: LeaseKey, ended: LeaseKey) by Lease;
    /// The row of a held lease, read after this lapse of the session.
    Revalidate(key: LeaseKey, lapse: u64) by Lease;
}
