//! Reads each shard at its old checkpoint: have records after it been deleted, and since when does
//! the next record wait? An import shows the answers, and warns of losses.
//!
//! A shard that cannot be read gets [`Probe::Unknown`]; it does not stop the import.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kcl_core::{
    change::{StreamView, has_record},
    env::Clock,
    lease::LeaseKey,
    stream::{
        ByteLimit, Position, ReadEvent, ShardId, ShardReader, SourceResult, StartAt, StreamSource,
    },
};
use kcl_migrate::{Contents, Mark, Probe};
use tokio::task::JoinSet;

/// How many shards are read at the same time.
const AT_ONCE: usize = 32;

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
        while under_way.len() < AT_ONCE
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
    let mut reader = source.open(&stream, &shard, StartAt::After(position.clone())).await?;
    let next = next(&mut *reader).await;
    reader.close().await;
    match next? {
        Probe::CaughtUp { .. } => {
            let found = has_record(source, lease, &position.sequence).await?;
            Ok(Probe::CaughtUp { found: Some(found) })
        }
        probe => Ok(probe),
    }
}

/// Reads until the first record, the tip or the end of the shard.
async fn next(reader: &mut dyn ShardReader) -> SourceResult<Probe> {
    let mut lost = false;
    loop {
        match reader.next(ROOM).await? {
            ReadEvent::Batch(batch) => match batch.records.first() {
                Some(record) => return Ok(Probe::Next { since: record.arrival, lost }),
                None if batch.at_tip && lost => return Ok(Probe::Next { since: None, lost }),
                None if batch.at_tip => return Ok(Probe::CaughtUp { found: None }),
                None => {}
            },
            ReadEvent::Lost { .. } => lost = true,
            ReadEvent::End { .. } if lost => return Ok(Probe::Next { since: None, lost }),
            ReadEvent::End { .. } => return Ok(Probe::CaughtUp { found: None }),
            ReadEvent::Standstill { why, .. } => return Ok(Probe::Unknown(why)),
            _ => return Ok(Probe::Unknown("an answer that this version does not know".into())),
        }
    }
}
