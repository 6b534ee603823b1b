//! Which records were put, and who was given them.

use std::collections::BTreeMap;

use kcl_core::lease::{Epoch, WorkerId};

use crate::sim::fact::OfKey;

/// A record that was delivered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Which, as [`Judge::put`](super::Judge::put) was told.
    pub record: u64,
    /// Who was given it first: the worker, and which process of that name.
    pub first: (WorkerId, usize),
    /// Who was given it again.
    pub again: (WorkerId, usize),
}

/// The records that were put.
#[derive(Debug, Default)]
pub(super) struct Records {
    all: BTreeMap<u64, Record>,
    /// Partition keys, with how many records each has.
    keys: Vec<(String, u64)>,
    key_numbers: BTreeMap<String, usize>,
    /// Processes that were given records.
    processes: Vec<(WorkerId, usize)>,
}

/// A record, and who was given it.
#[derive(Debug)]
struct Record {
    key: usize,
    nth: u64,
    /// Under which epoch, and which process: in the order in which it was told.
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

    /// A record among those of its key; whether nobody was given it before.
    pub(super) fn get(&self, record: u64, first: bool) -> Option<OfKey<'_>> {
        let Record { key, nth, .. } = self.all.get(&record)?;
        Some(OfKey { key: &self.keys[*key].0, nth: *nth, first })
    }

    /// Each record with its key, and whether anybody was given it.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, &str, bool)> {
        let line = |(no, record): (&u64, &Record)| {
            let key = &self.keys[record.key].0;
            (*no, key.as_str(), !record.given.is_empty())
        };
        self.all.iter().map(line)
    }

    /// A process was given a record; whether nobody was before.
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
