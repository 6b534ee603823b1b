//! Reads each shard at its old checkpoint: have records after it been deleted, and since when does
//! the next record wait? An import shows the answers, and warns of losses.
//!
//! A shard is read once, from the checkpoint's own record on: the same answer shows whether that
//! record is still there, and what follows it. A shard that cannot be read gets
//! [`Probe::Unknown`]; it does not stop the import.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kcl_core::{
    change::StreamView,
    env::Clock,
    lease::LeaseKey,
    stream::{
        ByteLimit, Position, ReadEvent, ShardId, ShardReader, SourceResult, StartAt, StreamSource,
    },
};
use kcl_migrate::{Contents, Mark, Probe};
use tokio::task::JoinSet;

/// How many shards are read at the same time while none of our workers reads.
pub(super) const ALONE: usize = 32;

/// How many are read at the same time while workers start: their calls come first.
pub(super) const BESIDE_WORKERS: usize = 4;

/// How long one shard may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The byte limit of a read. Only the first record is needed.
const ROOM: ByteLimit = ByteLimit(64 * 1_024);

/// Probes every shard that the stream lists and that has a position as its checkpoint in the table.
pub(super) async fn look(
    source: &Arc<dyn StreamSource>,
    stream: &StreamView,
    contents: &Contents,
    clock: &Arc<dyn Clock>,
    at_once: usize,
) -> BTreeMap<ShardId, Probe> {
    let listed = |id: &ShardId| stream.shards.iter().any(|shard| shard.id == *id);
    let mut marks = contents.leases.iter().filter_map(|fact| match &fact.mark {
        Mark::After(position) if listed(&fact.shard) => {
            Some((fact.shard.clone(), position.clone()))
        }
        _ => None,
    });
    let key = &stream.description.key;
    let (mut under_way, mut probes) = (JoinSet::new(), BTreeMap::new());
    loop {
        while under_way.len() < at_once
            && let Some((shard, position)) = marks.next()
        {
            let lease = LeaseKey::of_shard(key, &shard);
            let (source, clock) = (source.clone(), clock.clone());
            under_way.spawn(async move {
                let late = clock.sleep(PATIENCE);
                let probe = tokio::select! {
                    probe = one(&*source, &lease, &position) => match probe {
                        Ok(probe) => probe,
                        Err(error) => Probe::Unknown(kcl_core::explain(&error)),
                    },
                    () = late => Probe::Unknown(format!("no answer in {} s", PATIENCE.as_secs())),
                };
                (shard, probe)
            });
        }
        match under_way.join_next().await {
            Some(Ok((shard, probe))) => drop(probes.insert(shard, probe)),
            // A task that panicked has no result: its shard counts as not probed.
            Some(Err(_)) => {}
            None => return probes,
        }
    }
}

/// Probes one shard. If no record follows the checkpoint, it also checks whether the stream still
/// has the record at the checkpoint.
async fn one(
    source: &dyn StreamSource,
    lease: &LeaseKey,
    position: &Position,
) -> SourceResult<Probe> {
    let Some((stream, shard)) = lease.stream().zip(lease.shard()) else {
        return Ok(Probe::Unknown("it has no stream".to_owned()));
    };
    let start = StartAt::At(position.sequence.clone());
    let mut reader = source.open(&stream, &shard, start).await?;
    let probe = next(&mut *reader, position).await;
    reader.close().await;
    probe
}

/// Reads until the first record after `position`, the tip or the end of the shard. The reader
/// begins at the record of `position`.
async fn next(reader: &mut dyn ShardReader, position: &Position) -> SourceResult<Probe> {
    let (mut found, mut lost) = (false, false);
    loop {
        match reader.next(ROOM).await? {
            ReadEvent::Batch(batch) => {
                let mut records = batch.records.iter();
                found |= records.clone().any(|it| it.position.sequence == position.sequence);
                match records.find(|it| it.position > *position) {
                    Some(record) => return Ok(Probe::Next { since: record.arrival, lost }),
                    None if batch.at_tip => return Ok(nothing_follows(found, lost)),
                    None => {}
                }
            }
            ReadEvent::Lost { .. } => lost = true,
            ReadEvent::End { .. } => return Ok(nothing_follows(found, lost)),
            ReadEvent::Standstill { why, .. } => return Ok(Probe::Unknown(why)),
            _ => return Ok(Probe::Unknown("an answer that this version does not know".into())),
        }
    }
}

const fn nothing_follows(found: bool, lost: bool) -> Probe {
    match lost {
        true => Probe::Next { since: None, lost },
        false => Probe::CaughtUp { found: Some(found) },
    }
}

#[cfg(test)]
mod tests;
