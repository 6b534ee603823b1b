//! Tests a processor without a worker, with a lease made by hand.

use std::{fmt, sync::Arc};

use super::{Fence, HandleParts, LeaseHandle, RecordBatch};
use crate::{
    env::Env,
    lease::{Checkpoint, Epoch, Incarnation, LeaseKey, SessionId, WorkerId},
    stream::Record,
    worker::gate::{Gate, GateState},
};

/// Plays the worker and its store for one [`LeaseHandle`] that [`LeaseHandle::for_test`] made. It
/// stores each checkpoint at once.
pub struct TestLease {
    handle: LeaseHandle,
    gate: Arc<Gate>,
}

impl LeaseHandle {
    /// Makes a handle of the lease `key` under `epoch`, whose checkpoint is `start`, and the
    /// [`TestLease`] that controls it.
    ///
    /// # Panics
    /// If `key` names no shard.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use kcl_core::{
    ///     lease::{Checkpoint, Epoch},
    ///     processor::LeaseHandle,
    ///     stream::{Position, Record},
    /// };
    ///
    /// # let mut runtime = tokio::runtime::Builder::new_current_thread();
    /// # let runtime = runtime.enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// let key = "orders/1700000000000/shardId-000000000000".parse().unwrap();
    /// let (lease, test) = LeaseHandle::for_test(key, Epoch(7), Checkpoint::TrimHorizon);
    /// let at = Position::new(42_u128.into(), 0);
    /// let batch = test.deliver(vec![Record::new(at.clone(), Some("key".into()), Bytes::new())]);
    /// // Here a processor works on `batch`, and says so:
    /// lease.checkpoint(batch.last().unwrap()).await.unwrap();
    /// assert_eq!(test.checkpoint(), Some(Checkpoint::After(at)));
    /// test.lose();
    /// assert!(lease.checkpoint_delivered().await.is_err());
    /// # });
    /// ```
    #[must_use]
    #[expect(clippy::panic, reason = "for tests; a key without a shard has no processor")]
    pub fn for_test(key: LeaseKey, epoch: Epoch, start: Checkpoint) -> (Self, TestLease) {
        let Some(shard) = key.shard() else { panic!("{key} names no shard") };
        let gate = Arc::new(Gate::for_test(epoch, Env::system().clock));
        let handle = Self::new(HandleParts {
            fence: Fence { store: "test".into(), key, epoch },
            owner: test_owner(),
            shard,
            start,
            gate: Arc::clone(&gate),
        });
        (handle.clone(), TestLease { handle, gate })
    }
}

#[expect(clippy::panic, reason = "a constant name is valid")]
fn test_owner() -> SessionId {
    let Ok(worker) = "test".parse::<WorkerId>() else { panic!("a worker may be called test") };
    SessionId::new(worker, Incarnation::from_bits(1))
}

impl TestLease {
    /// Makes a batch of these records. From now on the handle accepts checkpoints up to the last of
    /// them.
    #[must_use]
    pub fn deliver(&self, records: Vec<Record>) -> RecordBatch {
        let (shard, fence) = (self.handle.shard().clone(), self.handle.fence().clone());
        let batch = RecordBatch::for_test(records, shard, fence);
        if let (Some(first), Some(last)) = (batch.first(), batch.last()) {
            self.gate.note_delivered(&first.position, &last.position);
        }
        batch
    }

    /// The newest stored checkpoint; `None` before the first one.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.gate.stored()
    }

    /// Ends the lease: the handle refuses every checkpoint from now on.
    pub fn lose(&self) {
        self.gate.set(GateState::Dropped);
    }
}

impl fmt::Debug for TestLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestLease").field("handle", &self.handle).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        processor::CheckpointError,
        stream::{Position, SequenceNumber},
    };

    fn record(sequence: u128) -> Record {
        let position = Position::from(SequenceNumber::from(sequence));
        Record::new(position, Some("key".into()), bytes::Bytes::new())
    }

    fn lease() -> (LeaseHandle, TestLease) {
        let key = "orders/1/shardId-000000000003".parse().unwrap();
        LeaseHandle::for_test(key, Epoch(9), Checkpoint::TrimHorizon)
    }

    #[tokio::test]
    async fn only_what_was_delivered_is_checkpointed() {
        let (handle, test) = lease();
        handle.checkpoint_delivered().await.unwrap();
        assert_eq!(test.checkpoint(), None, "nothing was delivered");
        let batch = test.deliver(vec![record(4), record(5)]);
        handle.checkpoint(&batch[0]).await.unwrap();
        assert_eq!(test.checkpoint(), Some(Checkpoint::After(batch[0].position.clone())));
        let early = handle.checkpoint(&record(6)).await.unwrap_err();
        assert!(matches!(early, CheckpointError::NotDelivered { .. }), "{early}");
        handle.checkpoint_delivered().await.unwrap();
        assert_eq!(test.checkpoint(), Some(Checkpoint::After(batch[1].position.clone())));
    }

    #[tokio::test]
    async fn a_lost_lease_refuses_and_wakes_who_waits_for_the_loss() {
        let (handle, test) = lease();
        let batch = test.deliver(vec![record(4)]);
        assert!(handle.is_held());
        let (lost, ()) = tokio::join!(handle.lost(), async { test.lose() });
        assert_eq!((lost, handle.is_held()), ((), false));
        let refused = handle.checkpoint(&batch[0]).await.unwrap_err();
        assert!(matches!(refused, CheckpointError::LeaseLost(_)), "{refused}");
    }
}
