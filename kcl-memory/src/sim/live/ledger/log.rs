//! Everything that happened in a run, in words.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    time::Duration,
};

use kcl_core::stream::ShardId;

use super::Place;

/// Something that happened.
#[derive(Clone, Debug)]
struct Entry {
    at: Duration,
    /// The process it is about, by name.
    who: String,
    /// The records it is about.
    records: Option<(ShardId, Range<usize>)>,
    text: String,
}

/// Everything that happened.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    digest: DefaultHasher,
}

impl Log {
    /// Something happened to a process, or to everybody.
    pub(super) fn note(&mut self, at: Duration, who: &str, text: String) {
        self.push(Entry { at, who: who.to_owned(), records: None, text });
    }

    /// Something happened to records of a shard.
    pub(super) fn note_records(
        &mut self,
        at: Duration,
        who: &str,
        (shard, records): (&ShardId, Range<usize>),
        text: String,
    ) {
        let records = Some((shard.clone(), records));
        self.push(Entry { at, who: who.to_owned(), records, text });
    }

    fn push(&mut self, entry: Entry) {
        entry.at.hash(&mut self.digest);
        entry.text.hash(&mut self.digest);
        self.entries.push(entry);
    }

    /// Equal for equal runs.
    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// Everything, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        self.entries.iter().map(Entry::line).collect()
    }

    /// What happened to some records, and meanwhile to the processes that had to do with them.
    pub(super) fn story(&self, places: &[Place]) -> Vec<String> {
        let is_about = |entry: &&Entry| {
            entry.records.as_ref().is_some_and(|(shard, range)| {
                places.iter().any(|(of, n)| of == shard && range.contains(n))
            })
        };
        let direct: Vec<&Entry> = self.entries.iter().filter(is_about).collect();
        let Some(begin) = direct.first().map(|entry| entry.at) else { return Vec::new() };
        let belongs = |entry: &&Entry| {
            let meanwhile = entry.records.is_none() && entry.at >= begin;
            let known = || direct.iter().any(|direct| direct.who == entry.who);
            is_about(entry) || (meanwhile && (entry.who.is_empty() || known()))
        };
        self.entries.iter().filter(belongs).map(Entry::line).collect()
    }
}

impl Entry {
    fn line(&self) -> String {
        let (seconds, millis) = (self.at.as_secs(), self.at.subsec_millis());
        format!("{seconds:>4}.{millis:03}s  {}", self.text)
    }
}
