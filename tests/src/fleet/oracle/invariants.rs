//! What was seen, held to the invariants of simulated runs.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    env::Time,
    lease::{Checkpoint, Epoch, Lease, WorkerId},
    stream::{Shard, ShardId},
};
use kcl_memory::sim::{Delivered, Judge};

use super::{
    super::{Delivery, History, Produced},
    order::{Seen, in_order, number_order},
};

/// The records of each shard in their order: by how they compare.
type Places = BTreeMap<String, Vec<(usize, String)>>;

/// Each invariant that is broken, a line for every time.
pub(super) fn broken(history: &History, produced: &[Produced], shards: &[Shard]) -> Vec<String> {
    let mut places = Places::new();
    for record in produced {
        places.entry(record.shard.clone()).or_default().push(number_order(&record.sequence));
    }
    places.values_mut().for_each(|records| records.sort_unstable());
    let count = |shard: &Shard| places.get(shard.id.as_str()).map_or(0, |put| put.len() as u64);
    let mut judge = Judge::new(shards.iter().map(|shard| (shard.clone(), count(shard))));
    if history.stood_still {
        judge.excuse_overlap();
    }
    let began = history.deliveries.iter().map(|delivery| delivery.seen).fold(f64::MAX, f64::min);
    let at = |seen: f64| Time::ZERO + Duration::from_secs_f64((seen - began).max(0.0) / 1_000.0);
    let mut broken = Vec::new();
    for seen in in_order(history, shards) {
        match seen {
            Seen::Delivery(delivery) => {
                broken.extend(delivered(&mut judge, at(delivery.seen), delivery, &places));
            }
            Seen::Rows(reading) => {
                let rows = reading.rows.iter();
                let rows = rows.map(|row| judge.row(at(reading.seen), row, passed(row, &places)));
                broken.extend(rows.filter_map(Result::err).map(|violation| violation.to_string()));
            }
        }
    }
    broken
}

/// What a delivery broke. Of a record that nobody put, others tell.
fn delivered(judge: &mut Judge, at: Time, line: &Delivery, places: &Places) -> Option<String> {
    let worker: WorkerId = line.worker.parse().ok()?;
    let shard: ShardId = line.shard.parse().ok()?;
    let put = places.get(&*line.shard)?;
    let place = put.binary_search(&number_order(&line.sequence)).ok()?;
    let (epoch, number) = (Epoch(line.epoch), place as u64 + 1);
    let given = Delivered { worker: &worker, shard: &shard, epoch, number };
    judge.delivered(at, &given).err().map(|violation| violation.to_string())
}

/// How many records a row's checkpoint leaves behind.
fn passed(row: &Lease, places: &Places) -> u64 {
    let Checkpoint::After(position) = &row.checkpoint else { return 0 };
    let Some(put) = row.key.shard().and_then(|shard| places.get(shard.as_str())) else { return 0 };
    let last = number_order(position.sequence.as_str());
    put.partition_point(|record| *record <= last) as u64
}
