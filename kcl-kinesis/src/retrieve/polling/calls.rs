//! [`ShardCalls`]: the calls about one shard, within its rate limits.

use std::sync::Arc;

use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use kcl_core::{
    env::Time,
    stream::{SequenceNumber, ShardId, SourceError, SourceErrorKind, SourceResult},
};

use super::{Call, pace::CALL_INTERVAL, quota::Quota, settings::Polling, standstill::Standstill};
use crate::{
    decode::{Answer, Asked, Next, Raw},
    discover::Stream,
    service::{Failure, IteratorAt, ShardIterator},
};

/// The number of calls without progress after which [`ShardCalls::first_of`] gives up.
const MOST_LOOKS: u32 = 10;

/// Converts an answer of the SDK.
fn raw(output: GetRecordsOutput) -> Raw {
    Raw {
        records: output.records,
        next: output.next_shard_iterator,
        millis_behind: output.millis_behind_latest,
        children: output.child_shards,
    }
}

#[derive(Debug)]
pub(super) struct ShardCalls {
    pub(super) stream: Arc<Stream>,
    pub(super) shard: ShardId,
    quota: Arc<Quota>,
}

impl ShardCalls {
    pub(super) fn new(stream: Arc<Stream>, polling: &Polling, shard: ShardId) -> Self {
        let quota = polling.quota(&shard, &*stream.env.entropy);
        Self { stream, shard, quota }
    }

    pub(super) fn now(&self) -> Time {
        self.stream.env.clock.now()
    }

    /// Waits until a call of this kind may be sent and `earliest` has come, at most until
    /// `deadline`. Returns true if the call may be sent now.
    pub(super) async fn turn(&self, call: Call, earliest: Time, deadline: Time) -> bool {
        let ready = self.quota.ready(call).max(earliest);
        if ready > self.now() {
            self.stream.env.clock.sleep_until(ready.min(deadline)).await;
        }
        ready <= deadline
    }

    /// Waits until a call of this kind may be sent and `earliest` has come.
    pub(super) async fn wait_for(&self, call: Call, earliest: Time) {
        let ready = self.quota.ready(call).max(earliest);
        if ready > self.now() {
            self.stream.env.clock.sleep_until(ready).await;
        }
    }

    /// Calls `GetShardIterator`. The caller has waited for its turn.
    pub(super) async fn iterator(&self, at: &IteratorAt) -> Result<ShardIterator, Failure> {
        self.quota.sent(Call::Iterator, self.now());
        let outcome = self.stream.service.iterator(&self.shard, at).await;
        self.settle(Call::Iterator, &outcome, 0);
        outcome
    }

    /// Calls `GetRecords` for at most `limit` records. The caller has waited for its turn.
    pub(super) async fn records(&self, iterator: &str, limit: usize) -> Result<Answer, Failure> {
        let sent = self.now();
        self.quota.sent(Call::Records, sent);
        let asked = Asked { shard: &self.shard, limit, sent };
        let most = i32::try_from(limit).unwrap_or(i32::MAX);
        let outcome = self.stream.service.records(iterator, most).await;
        let now = self.stream.env.clock.wall();
        let outcome = outcome.and_then(|output| Answer::new(raw(output), asked, now));
        let bytes = outcome.as_ref().map_or(0, |answer| answer.bytes);
        self.settle(Call::Records, &outcome, bytes);
        outcome
    }

    /// Returns the number of the first record at or after `at`; `None` if the answers show that
    /// there is none. If they show neither, returns an error. Waits for the rate limits.
    pub(super) async fn first_of(&self, at: IteratorAt) -> SourceResult<Option<SequenceNumber>> {
        self.turn(Call::Iterator, Time::ZERO, Time::NEVER).await;
        let mut iterator = match self.iterator(&at).await {
            Ok(iterator) => iterator.token,
            Err(failure) => return Err(self.explain(Call::Iterator, failure).await),
        };
        let (mut standstill, mut due) = (Standstill::new(), Time::ZERO);
        while standstill.calls() < MOST_LOOKS {
            self.turn(Call::Records, due, Time::NEVER).await;
            let answer = match self.records(&iterator, 1).await {
                Ok(answer) => answer,
                Err(failure) => return Err(self.explain(Call::Records, failure).await),
            };
            match answer.next {
                _ if answer.first.is_some() => return Ok(answer.first),
                Next::End(_) => return Ok(None),
                Next::Iterator(_) if answer.at_tip => return Ok(None),
                Next::Iterator(next) => iterator = next,
                Next::Unclear => break,
            }
            standstill.crossed(answer.millis_behind);
            due = answer.sent + CALL_INTERVAL;
        }
        let what = "no answer shows which records are left: they have none, and do not say that \
            none is there";
        let failure = Failure::new(SourceErrorKind::Unavailable, what);
        Err(self.explain(Call::Records, failure).await)
    }

    /// Converts a failure to the error for the caller; see [`Stream::explain`].
    pub(super) async fn explain(&self, call: Call, failure: Failure) -> SourceError {
        self.stream.explain(call.name(), &self.shard, failure).await
    }

    /// Updates the rate limits after a call. Other failures than throttling change nothing.
    fn settle<T>(&self, call: Call, outcome: &Result<T, Failure>, bytes: usize) {
        match outcome {
            Ok(_) => {
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                self.quota.answered(call, self.now(), bytes);
            }
            Err(failure) if failure.kind() == SourceErrorKind::Throttled => {
                self.quota.refused(call, self.now());
            }
            Err(_) => {}
        }
    }
}
