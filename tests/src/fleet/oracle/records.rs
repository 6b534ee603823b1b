//! Numbers the records: finds the put record of each delivery, and its place in its shard.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    lease::{Checkpoint, Lease},
    stream::{HashRange, Shard},
};

use super::super::{Delivery, History, Produced};

/// The sort key of a sequence number. It has up to 128 digits and no leading zeros: so the longer
/// one is greater, and of equal length the text decides.
type Sequence<'a> = (usize, &'a str);

/// The records of the stream.
pub(super) struct Records<'a> {
    produced: &'a [Produced],
    /// The index in `produced` by shard and sequence number.
    numbers: BTreeMap<(&'a str, &'a str), usize>,
    /// The records of each shard in their order. A delivery of an unknown record counts, too.
    places: BTreeMap<&'a str, Vec<Sequence<'a>>>,
}

impl<'a> Records<'a> {
    pub(super) fn new(history: &'a History, produced: &'a [Produced]) -> Self {
        let number =
            |(number, record): (usize, &'a Produced)| ((&*record.shard, &*record.sequence), number);
        let numbers: BTreeMap<(&str, &str), usize> =
            produced.iter().enumerate().map(number).collect();
        let written = history.deliveries.iter().map(|line| (&*line.shard, &*line.sequence));
        let mut places: BTreeMap<&str, BTreeSet<Sequence<'_>>> = BTreeMap::new();
        for (shard, sequence) in numbers.keys().copied().chain(written) {
            places.entry(shard).or_default().insert(order_of(sequence));
        }
        let places = places.into_iter().map(|(shard, all)| (shard, all.into_iter().collect()));
        Self { produced, numbers, places: places.collect() }
    }

    /// Each shard that the stream lists, and each other shard with records, with the number of its
    /// records.
    pub(super) fn shards(&self, listed: &[Shard]) -> Vec<(Shard, u64)> {
        let known: BTreeSet<&str> = listed.iter().map(|shard| shard.id.as_str()).collect();
        let others = self.places.keys().filter(|shard| !known.contains(*shard));
        let others = others.filter_map(|id| Some(Shard::open(id.parse().ok()?, HashRange::ALL)));
        let counted = |shard: Shard| {
            let count = self.places.get(shard.id.as_str()).map_or(0, Vec::len);
            (shard, count as u64)
        };
        listed.iter().cloned().chain(others).map(counted).collect()
    }

    /// The index and the key of every record; those of a key in the order in which they were put.
    pub(super) fn by_key(&self) -> impl Iterator<Item = (u64, &'a str)> {
        let mut all: Vec<(usize, &Produced)> = self.produced.iter().enumerate().collect();
        all.sort_by_key(|(_, record)| record.number);
        all.into_iter().map(|(number, record)| (number as u64, &*record.key))
    }

    /// The index of a delivered record; `None` if no such record was put, or with another content.
    pub(super) fn number(&self, line: &Delivery) -> Option<u64> {
        let number = *self.numbers.get(&(&*line.shard, &*line.sequence))?;
        let put = &self.produced[number];
        let same = *put.key == *line.key && put.number.to_string() == *line.text;
        same.then_some(number as u64)
    }

    /// The place of a record among those of its shard, from 1.
    pub(super) fn place(&self, shard: &str, sequence: &str) -> u64 {
        let all = self.places.get(shard).map_or(&[][..], Vec::as_slice);
        all.partition_point(|record| *record <= order_of(sequence)) as u64
    }

    /// How many records of the shard a row's checkpoint covers.
    pub(super) fn passed(&self, row: &Lease) -> u64 {
        let (Checkpoint::After(position), Some(shard)) = (&row.checkpoint, row.key.shard()) else {
            return 0;
        };
        self.place(shard.as_str(), position.sequence.as_str())
    }
}

const fn order_of(sequence: &str) -> Sequence<'_> {
    (sequence.len(), sequence)
}
