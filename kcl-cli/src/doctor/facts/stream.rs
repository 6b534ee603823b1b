//! Reads a stream's description and its shards, and measures the lag of leases.
//!
//! The lag of a lease is the age of the first record after its checkpoint. To find it, this module
//! opens a reader at the checkpoint, as a worker does, and closes it after the first record.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kcl_core::{
    env::Clock,
    lease::{Lease, LeaseKey},
    store::Listing,
    stream::{
        ByteLimit, ReadEvent, Shard, ShardId, ShardReader, SourceResult, StartAt, StreamKey,
        StreamSource,
    },
};

use super::{Described, Known, Lag, known::within, pages};
use crate::doctor::holes::holes;

/// The pause before the shards are listed again. A list of shards may lag behind a reshard, so a
/// hole in the hash keys counts only if two lists show it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The byte limit of one read: a few records, since only the first one matters.
const ROOM: ByteLimit = ByteLimit(64 * 1_024);

/// Reads one stream; each call may take `patience` at most.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) source: Arc<dyn StreamSource>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) patience: Duration,
}

impl Reader {
    /// The stream's description, with the time at which it came.
    pub(super) async fn describe(&self) -> Known<Described> {
        let answer = within(&*self.clock, self.patience, self.source.describe()).await;
        let heard = self.clock.wall();
        let answer = answer.map(|description| Described { description, heard });
        Known::of(answer, self.clock.now())
    }

    /// The stream's shards. A list with a hole is read a second time, after [`LOOK_AGAIN`].
    pub(super) async fn shards(&self) -> Known<Vec<Shard>> {
        let list = || within(&*self.clock, self.patience, self.source.shards());
        let mut shards = list().await;
        let has_hole = |shards: &Vec<Shard>| holes(shards).is_some_and(|it| !it.is_empty());
        if shards.as_ref().is_ok_and(has_hole) {
            self.clock.sleep(LOOK_AGAIN).await;
            shards = list().await;
        }
        Known::of(shards, self.clock.now())
    }

    /// The lag of at most `most` leases of this stream: leases without an owner first, then those
    /// whose checkpoints are the oldest. Each lease costs its shard two or three reads. If every
    /// read fails, the whole is `Failed`.
    pub(super) async fn lags(
        &self,
        stream: &StreamKey,
        leases: &Listing<Lease>,
        most: usize,
    ) -> Known<BTreeMap<LeaseKey, Lag>> {
        if most == 0 {
            return Known::LeftOut("--lag-of 0");
        }
        let measured = pages::each(chosen(stream, leases, most), |(key, shard, at)| {
            let (reader, stream) = (self.clone(), stream.clone());
            async move { (key, reader.lag(&stream, &shard, at).await) }
        });
        let measured: BTreeMap<LeaseKey, Lag> = measured.await.into_iter().collect();
        let why = measured.values().find_map(|lag| match lag {
            Lag::Unknown(why) => Some(why.clone()),
            _ => None,
        });
        let all_failed = measured.values().all(|lag| matches!(lag, Lag::Unknown(_)));
        let answer = why.filter(|_| all_failed).map_or(Ok(measured), Err);
        Known::of(answer, self.clock.now())
    }

    /// The lag of one lease, by a reader that is opened at `at` and closed again.
    async fn lag(&self, stream: &StreamKey, shard: &ShardId, at: StartAt) -> Lag {
        let first = async {
            let mut reader = self.source.open(stream, shard, at).await?;
            let lag = first(&mut *reader).await;
            reader.close().await;
            lag
        };
        within(&*self.clock, self.patience, first).await.unwrap_or_else(Lag::Unknown)
    }
}

/// Reads until the first record, the tip or the end of the shard. The caller bounds the time.
async fn first(reader: &mut dyn ShardReader) -> SourceResult<Lag> {
    let mut lost = false;
    loop {
        match reader.next(ROOM).await? {
            ReadEvent::Batch(batch) => match batch.records.first() {
                Some(record) => {
                    return Ok(record.arrival.map_or_else(
                        || Lag::Unknown("its records do not say when they arrived".to_owned()),
                        |since| Lag::Unread { since, lost },
                    ));
                }
                None if batch.at_tip => return Ok(Lag::CaughtUp),
                None => {}
            },
            ReadEvent::Lost { .. } => lost = true,
            ReadEvent::End { .. } => return Ok(Lag::CaughtUp),
            ReadEvent::Standstill { why, .. } => return Ok(Lag::Unknown(why)),
            _ => return Ok(Lag::Unknown("it answers with what this version does not know".into())),
        }
    }
}

/// The leases to measure, in order, each with the position after its checkpoint. Ended leases are
/// left out.
fn chosen(
    stream: &StreamKey,
    leases: &Listing<Lease>,
    most: usize,
) -> Vec<(LeaseKey, ShardId, StartAt)> {
    let mine = leases.rows.iter().filter(|lease| lease.key.stream().as_ref() == Some(stream));
    let mut open: Vec<&Lease> = mine.filter(|lease| !lease.has_ended()).collect();
    open.sort_by_key(|lease| (lease.owner.is_some(), lease.progress.arrival));
    let chosen = open.into_iter().take(most);
    chosen
        .filter_map(|lease| {
            Some((lease.key.clone(), lease.key.shard()?, lease.checkpoint.start()?))
        })
        .collect()
}
