//! The records that a test put, and the processes that were given each of them.

use std::collections::BTreeMap;

use kcl_core::lease::{Epoch, WorkerId};

use crate::sim::fact::OfKey;

/// A record that was delivered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The number that the test gave to [`Judge::put`](super::Judge::put).
    pub record: u64,
    /// The process that was given the record under the lowest epoch: its worker id, and which
    /// process with that id.
    pub first: (WorkerId, usize),
    /// The process that was given the record again, likewise.
    pub again: (WorkerId, usize),
}

/// The records that were put.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// By the number that the test gave each record.
    all: BTreeMap<u64, Record>,
    /// Partition keys, with how many records each has.
    keys: Vec<(String, u64)>,
    /// The place of each partition key in `keys`.
    key_numbers: BTreeMap<String, usize>,
    /// Processes that were given at least one record. `Record::given` has indices into this list.
    processes: Vec<(WorkerId, usize)>,
}

/// A record that was put, and its deliveries.
#[derive(Debug)]
struct Record {
    /// The index of its partition key in `Records::keys`.
    key: usize,
    /// How many records of the same key were put before it.
    nth: u64,
    /// Each delivery: the epoch, and the index of the process. In the order in which the test
    /// reported them.
    given: Vec<(Epoch, usize)>,
}

impl Records {
    pub(super) fn put(&mut self, record: u64, key: &str) {
        let key = self.key_numbers.get(key).copied().unwrap_or_else(|| {
            self.keys.push((key.to_owned(), 0));
            self.key_numbers.insert(key.to_owned(), self.keys.len() - 1);
            self.keys.len() - 1
        });
        let (_, count) = &mut self.keys[key];
        self.all.insert(record, Record { key, nth: *count, given: Vec::new() });
        *count += 1;
    }

    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.all.len()).unwrap_or(u64::MAX)
    }

    /// What an invariant needs to know of a record: its key and its place among the records of that
    /// key. `first` is what [`give`](Self::give) returned.
    pub(super) fn get(&self, record: u64, first: bool) -> Option<OfKey<'_>> {
        let Record { key, nth, .. } = self.all.get(&record)?;
        Some(OfKey { key: &self.keys[*key].0, nth: *nth, first })
    }

    /// Each record with its number, its key, and whether any process was given it.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, &str, bool)> {
        let line = |(no, record): (&u64, &Record)| {
            let key = &self.keys[record.key].0;
            (*no, key.as_str(), !record.given.is_empty())
        };
        self.all.iter().map(line)
    }

    /// Notes that a process was given a record. True if it is the first delivery of that record;
    /// false also for a record that was not put.
    pub(super) fn give(&mut self, no: u64, by: (&WorkerId, usize), epoch: Epoch) -> bool {
        let Some(record) = self.all.get_mut(&no) else { return false };
        let same = |(worker, life): &(WorkerId, usize)| (worker, *life) == by;
        let process = self.processes.iter().position(same).unwrap_or_else(|| {
            self.processes.push((by.0.clone(), by.1));
            self.processes.len() - 1
        });
        record.given.push((epoch, process));
        record.given.len() == 1
    }

    pub(super) fn repeats(&self) -> Vec<Repeat> {
        let repeats = self.all.iter().flat_map(|(no, record)| {
            let mut given = record.given.clone();
            given.sort_by_key(|(epoch, _)| *epoch);
            let mut processes =
                given.into_iter().map(|(_, process)| self.processes[process].clone());
            let first = processes.next();
            let repeat = |again| Some(Repeat { record: *no, first: first.clone()?, again });
            processes.filter_map(repeat).collect::<Vec<_>>()
        });
        repeats.collect()
    }
}
