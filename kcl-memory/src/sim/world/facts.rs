//! What the change of a row means beside the change itself.

use kcl_core::{
    coordinator::StoreCall,
    lease::{Lease, SessionId},
};

use super::World;
use crate::sim::{Violation, fact::Fact, stream::ShardNo};

impl World {
    /// What else the change of a lease row means.
    pub(super) fn learn_of_lease(
        &mut self,
        call: &StoreCall,
        shard: Option<ShardNo>,
        before: Option<&Lease>,
        after: Option<&Lease>,
    ) -> Result<(), Violation> {
        match (call, before, after) {
            (StoreCall::Acquire(_), Some(old), Some(row)) => {
                let Some(from) = old.owner.as_ref().filter(|from| row.owner.as_ref() != Some(from))
                else {
                    return Ok(());
                };
                let session = self.store.rows.sessions.get(from);
                let lives = session.is_some_and(|session| !session.has_ended());
                self.learn(&Fact::Taken { row, from, epoch: old.epoch, lives })
            }
            (StoreCall::Advance(_), _, Some(row)) if row.has_ended() => {
                let shards = &self.stream.shards;
                let children = shard.map(|no| shards[no].children.iter()).unwrap_or_default();
                // One that the stream has forgotten may have been read and deleted long ago.
                let listed = children.map(|no| &shards[*no]).filter(|child| !child.forgotten);
                let keys = listed.map(|child| child.key.clone());
                let without_row =
                    keys.filter(|key| !self.store.rows.leases.contains_key(key)).collect();
                self.learn(&Fact::Ended { row, without_row })
            }
            (StoreCall::Delete(delete), Some(row), None) => {
                let listed = shard.is_some_and(|no| !self.stream.shards[no].forgotten);
                self.learn(&Fact::Deleted { row, unfinished: delete.unfinished, listed })
            }
            _ => Ok(()),
        }
    }
}

/// The session whose row a call may change, mailboxes aside.
pub(super) const fn session_id(call: &StoreCall) -> Option<&SessionId> {
    match call {
        StoreCall::Register(row) => Some(&row.id),
        StoreCall::Beat(beat) => Some(&beat.session),
        StoreCall::EndSession(end) => Some(&end.session),
        _ => None,
    }
}
