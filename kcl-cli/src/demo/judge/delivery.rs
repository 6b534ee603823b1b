//! Judges whether every record was processed, and in order. The judge of simulated runs decides:
//! this module passes it the history, and counts the invariants that it reports as broken.

use std::{
    collections::{BTreeMap, BTreeSet},
    slice,
    time::Duration,
};

use kcl_core::{
    env::Time,
    stream::{HashRange, SequenceNumber, Shard, ShardId},
};
use kcl_memory::sim::{Delivered, Judge, Violation};
use serde::Serialize;

use crate::demo::facts::{Cue, History};

/// The results of the records. All counts are of records or deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::demo) struct Records {
    /// Records that the stream acknowledged.
    pub(in crate::demo) produced: usize,
    /// Acknowledged records that were processed at least once.
    pub(in crate::demo) processed: usize,
    /// Acknowledged records that were never processed.
    pub(in crate::demo) lost: usize,
    /// Deliveries of a record that had been processed before.
    pub(in crate::demo) duplicates: usize,
    /// Deliveries out of the order of their shard: before an earlier record was delivered, or after
    /// a later one under the same epoch. (Under a new epoch a shard is read again from its
    /// checkpoint: those are duplicates.)
    pub(in crate::demo) out_of_order_shard: usize,
    /// First deliveries after the first delivery of a later record of the same partition key, in
    /// whatever shards they are.
    pub(in crate::demo) out_of_order_key: usize,
    /// Deliveries from a shard before all of its ancestors' records had been processed.
    pub(in crate::demo) before_parent: usize,
    /// Deliveries under an epoch older than one already seen for the shard: by a worker that had
    /// lost the lease.
    pub(in crate::demo) stale_epoch: usize,
    /// Deliveries of records that the stream never acknowledged.
    pub(in crate::demo) unknown: usize,
    /// The judge's texts about invariants that have no count above.
    #[serde(skip)]
    other: Vec<String>,
}

/// The names of invariants, the count that grows when one of them breaks, and the end of the
/// sentence about it.
type Count = (&'static [&'static str], fn(&mut Records) -> &mut usize, &'static str);

/// All counts that a broken invariant may raise.
const COUNTS: [Count; 6] = [
    (&["everything is delivered"], |it| &mut it.lost, "were never processed"),
    (
        &["records come in order", "nothing is skipped"],
        |it| &mut it.out_of_order_shard,
        "were processed out of the order of their shard",
    ),
    (
        &["keys come in order"],
        |it| &mut it.out_of_order_key,
        "were processed out of the order of their partition key",
    ),
    (
        &["children after parents"],
        |it| &mut it.before_parent,
        "were processed before their parent shard's",
    ),
    (
        &["one dispatcher per shard"],
        |it| &mut it.stale_epoch,
        "were processed by a worker that had lost the lease",
    ),
    (
        &["only what was put is delivered"],
        |it| &mut it.unknown,
        "were processed and never acknowledged as produced",
    ),
];

impl Records {
    /// One sentence for each count that is not zero, and the other texts.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut counted = self.clone();
        let counts = COUNTS.map(|(_, of, words)| (*of(&mut counted), words));
        let wrong = counts.into_iter().filter(|(count, _)| *count > 0);
        let wrong = wrong.map(|(count, words)| format!("{count} records {words}"));
        wrong.chain(self.other.iter().cloned()).collect()
    }

    /// Counts the invariants that one record or delivery has broken.
    fn count(&mut self, broken: &[Violation]) {
        let is = |names: &[&str], broken: &Violation| names.contains(&broken.invariant);
        for (names, of, _) in COUNTS {
            *of(self) += usize::from(broken.iter().any(|broken| is(names, broken)));
        }
        let counted = |broken: &&Violation| COUNTS.iter().any(|(names, ..)| is(names, broken));
        let other = broken.iter().filter(|broken| !counted(broken));
        self.other.extend(other.map(|broken| broken.what.clone()));
    }
}

/// Passes every delivery to the judge of simulated runs, and counts what it finds.
pub(super) fn judge(history: &History) -> Records {
    let places = Places::of(history);
    let mut judge = Judge::new(places.shards(history));
    // Processors of the demo never fail.
    judge.forbid_interruptions();
    for record in &history.produced {
        judge.put(record.id, &record.key.to_string());
    }
    let mut found = Records { produced: history.produced.len(), ..Records::default() };
    for delivery in &history.deliveries {
        let worker = match delivery.worker.to_string().parse() {
            Ok(worker) => worker,
            Err(error) => {
                found.other.push(format!("{}: {error}", delivery.worker));
                continue;
            }
        };
        let given = Delivered {
            worker: &worker,
            life: 0,
            shard: &delivery.shard,
            epoch: delivery.epoch,
            place: places.of_record(&delivery.shard, &delivery.sequence),
            record: Some(delivery.id),
            beside: None,
        };
        found.count(judge.delivered(Time::ZERO + Duration::from_millis(delivery.at), &given));
    }
    for broken in judge.over(Time::ZERO + Duration::from_millis(history.over)) {
        found.count(slice::from_ref(broken));
    }
    found.processed = found.produced.saturating_sub(found.lost);
    found.duplicates = judge.repeats().len();
    found
}

/// The records of each shard in their order, as far as a worker ever read them. The place of a lost
/// record is unknown.
struct Places<'a>(BTreeMap<&'a ShardId, Vec<&'a SequenceNumber>>);

impl<'a> Places<'a> {
    fn of(history: &'a History) -> Self {
        let mut seen: BTreeMap<&ShardId, BTreeSet<&SequenceNumber>> = BTreeMap::new();
        for delivery in &history.deliveries {
            seen.entry(&delivery.shard).or_default().insert(&delivery.sequence);
        }
        Self(seen.into_iter().map(|(shard, seen)| (shard, seen.into_iter().collect())).collect())
    }

    /// The place of a record in its shard, from 1.
    fn of_record(&self, shard: &ShardId, sequence: &SequenceNumber) -> u64 {
        let seen = self.0.get(shard).map_or(&[][..], Vec::as_slice);
        seen.partition_point(|seen| *seen <= sequence) as u64
    }

    /// Each shard with its parent, and how many records it has.
    fn shards(&self, history: &History) -> Vec<(Shard, u64)> {
        let splits = history.events.iter().filter_map(|event| match &event.cue {
            Cue::Split(splits) => Some(splits),
            _ => None,
        });
        let children = splits
            .flatten()
            .flat_map(|split| split.children.iter().map(move |child| (child, Some(&split.parent))));
        let mut shards: BTreeMap<&ShardId, Option<&ShardId>> =
            self.0.keys().map(|shard| (*shard, None)).collect();
        shards.extend(children);
        let shard = |(id, parent): (&ShardId, Option<&ShardId>)| {
            let mut shard = Shard::open(id.clone(), HashRange::ALL);
            shard.parents.extend(parent.cloned());
            (shard, self.0.get(id).map_or(0, |seen| seen.len() as u64))
        };
        shards.into_iter().map(shard).collect()
    }
}
