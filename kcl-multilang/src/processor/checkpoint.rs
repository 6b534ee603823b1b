//! Stores the checkpoints that a child requests, or refuses them with the name of the exception
//! that the Java daemon sends in this case. Clients decide by that name whether to try again.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    env::Clock,
    lease::Checkpoint,
    processor::{CheckpointError, LeaseHandle},
    stream::{Position, SequenceNumber},
};

use super::store::StoreTrouble;
use crate::protocol::Sequence;

/// The sequence number is malformed, was not delivered, or lies before the last checkpoint.
const ILLEGAL: &str = "IllegalArgumentException";
/// The worker does not hold the lease any more.
const SHUTDOWN: &str = "ShutdownException";
/// The worker stores no checkpoint during this action, or the processor must store it in its own
/// transaction.
pub(super) const INVALID: &str = "InvalidStateException";

/// The sequence number by which clients request a checkpoint at the end of a shard.
const SHARD_END: &str = "SHARD_END";

/// Stores the checkpoints that a child requests during one action.
pub(super) struct Checkpoints<'a> {
    pub(super) lease: &'a LeaseHandle,
    /// Whether the action is `shardEnded`: then [`SHARD_END`] stands for every delivered record.
    pub(super) at_end: bool,
    pub(super) trouble: &'a StoreTrouble,
    /// How long the store may take before the child gets an error.
    pub(super) patience: Duration,
    pub(super) clock: &'a Arc<dyn Clock>,
}

impl Checkpoints<'_> {
    /// Stores a checkpoint at a requested position, and waits until it is stored.
    ///
    /// # Errors
    /// The name of a Java exception: the request is invalid, the lease is lost, or the store did
    /// not answer within `patience`.
    pub(super) async fn take(&self, at: &Sequence) -> Result<(), &'static str> {
        let stored = async {
            let stored = match &at.number {
                None => self.lease.checkpoint_delivered().await,
                Some(end) if self.at_end && end == SHARD_END => {
                    self.lease.checkpoint_delivered().await
                }
                Some(number) => self.lease.checkpoint_at(&self.position(number, at.sub)?).await,
            };
            stored.map_err(|error| name(&error))
        };
        tokio::select! {
            biased;
            stored = stored => stored,
            // The checkpoint may still be stored later. That is harmless: the child has processed
            // every record up to it.
            () = self.clock.sleep(self.patience) => Err(self.trouble.name()),
        }
    }

    /// The requested position, if it is well-formed and not before the last checkpoint.
    fn position(&self, number: &str, sub: Option<u64>) -> Result<Position, &'static str> {
        let number: SequenceNumber = number.parse().map_err(|_| ILLEGAL)?;
        let position = Position::new(number, sub.unwrap_or(0));
        let wanted = Checkpoint::After(position.clone());
        if wanted.may_follow(&self.lease.resumes_at()) { Ok(position) } else { Err(ILLEGAL) }
    }
}

/// The Java exception for an error of the lease handle.
fn name(error: &CheckpointError) -> &'static str {
    match error {
        CheckpointError::NotDelivered { .. } => ILLEGAL,
        CheckpointError::Transactional(_) => INVALID,
        _ => SHUTDOWN,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kcl_core::{env::Env, lease::Epoch, stream::Record};

    use super::*;

    fn record(sequence: u128, sub: u64) -> Record {
        Record::new(Position::new(sequence.into(), sub), Some("key".into()), Bytes::new())
    }

    fn at(number: &str, sub: Option<u64>) -> Sequence {
        Sequence { number: Some(number.to_owned()), sub }
    }

    #[tokio::test]
    async fn refusals_have_the_names_of_the_java_daemon() {
        let key = "orders/1/shardId-000000000003".parse().unwrap();
        let start = Checkpoint::After(Position::new(40_u128.into(), 0));
        let (lease, test) = LeaseHandle::for_test(key, Epoch(9), start);
        let (trouble, clock) = (StoreTrouble::default(), Env::system().clock);
        let (patience, at_end) = (Duration::from_secs(5), false);
        let taking =
            Checkpoints { lease: &lease, at_end, trouble: &trouble, patience, clock: &clock };
        drop(test.deliver(vec![record(50, 0), record(60, 0), record(60, 1), record(60, 2)]));
        let cases = [
            (at("50", None), Ok(())),
            (at("50", Some(0)), Ok(())),
            // Before the last checkpoint; not delivered; no sequence number.
            (at("49", None), Err(ILLEGAL)),
            (at("39", None), Err(ILLEGAL)),
            (at("61", None), Err(ILLEGAL)),
            (at("60", Some(3)), Err(ILLEGAL)),
            (at("abc", None), Err(ILLEGAL)),
            (at("", None), Err(ILLEGAL)),
            (at("SHARD_END", None), Err(ILLEGAL)),
            (at("TRIM_HORIZON", None), Err(ILLEGAL)),
            (at("60", Some(1)), Ok(())),
            (at("60", None), Err(ILLEGAL)),
            (Sequence::default(), Ok(())),
        ];
        for (at, expected) in cases {
            assert_eq!(taking.take(&at).await, expected, "{at:?}");
        }
        assert_eq!(test.checkpoint(), Some(Checkpoint::After(Position::new(60_u128.into(), 2))));
        let ending = Checkpoints { at_end: true, ..taking };
        assert_eq!(ending.take(&at("SHARD_END", Some(0))).await, Ok(()));
        test.lose();
        assert_eq!(ending.take(&at("60", Some(2))).await, Err(SHUTDOWN));
    }
}
