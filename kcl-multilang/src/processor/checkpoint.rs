//! A checkpoint that a child asks for: taken, or refused by the name that the Java daemon gives.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    env::Clock,
    lease::Checkpoint,
    processor::{CheckpointError, LeaseHandle},
    stream::{Position, SequenceNumber},
};

use super::store::StoreTrouble;
use crate::protocol::Sequence;

/// The sequence number is none, was not delivered, or lies before the last checkpoint.
const ILLEGAL: &str = "IllegalArgumentException";
/// The lease is not held any more.
const SHUTDOWN: &str = "ShutdownException";
/// No checkpoint is taken now.
pub(super) const INVALID: &str = "InvalidStateException";

/// How the Java daemon writes the end of a shard.
const SHARD_END: &str = "SHARD_END";

/// What takes the checkpoints of one action.
pub(super) struct Checkpoints<'a> {
    pub(super) lease: &'a LeaseHandle,
    /// The shard has ended: the whole of it may be checkpointed by name.
    pub(super) at_end: bool,
    pub(super) trouble: &'a StoreTrouble,
    /// How long the store may take before the child is told that it failed.
    pub(super) patience: Duration,
    pub(super) clock: &'a Arc<dyn Clock>,
}

impl Checkpoints<'_> {
    /// Takes a checkpoint.
    ///
    /// # Errors
    /// The name of what kept it from being taken.
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
            // It may be stored later, which is as well: the child has processed that far.
            () = self.clock.sleep(self.patience) => Err(self.trouble.name()),
        }
    }

    /// A position that is not before the last checkpoint.
    fn position(&self, number: &str, sub: Option<u64>) -> Result<Position, &'static str> {
        let number: SequenceNumber = number.parse().map_err(|_| ILLEGAL)?;
        let position = Position::new(number, sub.unwrap_or(0));
        let wanted = Checkpoint::After(position.clone());
        if wanted.may_follow(&self.lease.resumes_at()) { Ok(position) } else { Err(ILLEGAL) }
    }
}

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
            // Before the last one; beyond what was delivered; none at all.
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
