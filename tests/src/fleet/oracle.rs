//! Judging what consumers wrote by what was put into the stream.
//!
//! Exact where it can be: one process's lines are in its order, and the processes that held a shard
//! are in the order of their epochs. What different processes wrote about different shards is in
//! order only as far as the passes of the watcher tell, which never call right wrong.
//!
//! The same is held to the invariants of simulated runs, in the kindest order that is possible.

mod invariants;
mod order;

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::stream::Shard;

use self::order::number_order;
use super::{Delivery, History, Produced};

/// What is wrong, and what was delivered again.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What no run may show; one line each.
    pub wrong: Vec<String>,
    /// Records of a key that came before an earlier one of that key. Also in `wrong`.
    pub out_of_order: usize,
    /// Records that had been delivered before.
    pub repeats: Vec<Repeat>,
}

/// A record that had been delivered before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Its shard.
    pub shard: String,
    /// Its sequence number.
    pub sequence: String,
    /// Who delivered it first: the worker and its life.
    pub first: (String, usize),
    /// Who delivered it again.
    pub again: (String, usize),
}

impl Verdict {
    /// Fails if anything is wrong.
    ///
    /// # Errors
    /// With the first few things that are.
    pub fn check(&self) -> anyhow::Result<()> {
        let some = &self.wrong[..self.wrong.len().min(10)];
        anyhow::ensure!(some.is_empty(), "{} things wrong: {some:#?}", self.wrong.len());
        Ok(())
    }

    /// Fails if anything is wrong, or a record was delivered twice that one of these workers had
    /// not delivered first: those that died or were paused.
    ///
    /// # Errors
    /// With the first few things that are.
    pub fn check_repeats_of(&self, workers: &[&str]) -> anyhow::Result<()> {
        self.check()?;
        let allowed = |repeat: &&Repeat| workers.contains(&&*repeat.first.0);
        let wrong: Vec<_> = self.repeats.iter().filter(|repeat| !allowed(repeat)).collect();
        let some = &wrong[..wrong.len().min(10)];
        anyhow::ensure!(some.is_empty(), "{} delivered twice: {some:#?}", wrong.len());
        Ok(())
    }
}

/// Judges everything that was written by everything that was put. The shards tell the lineage.
#[must_use]
pub fn judge(history: &History, produced: &[Produced], shards: &[Shard]) -> Verdict {
    let mut verdict = Verdict { wrong: history.broken.clone(), ..Verdict::default() };
    if produced.is_empty() {
        verdict.wrong.push("nothing was put into the stream: nothing is proved".to_owned());
    }
    let mut put: BTreeMap<&str, Vec<&Produced>> = BTreeMap::new();
    for record in produced {
        put.entry(&record.shard).or_default().push(record);
    }
    let mut delivered: BTreeMap<&str, Vec<Seen<'_>>> = BTreeMap::new();
    for (place, record) in history.deliveries.iter().enumerate() {
        delivered.entry(&record.shard).or_default().push(Seen { place, record });
    }
    let mut firsts = BTreeMap::new();
    for (shard, mut put) in put {
        put.sort_by_key(|record| number_order(&record.sequence));
        let seen = delivered.remove(shard).unwrap_or_default();
        judge_shard(&mut verdict, shard, &put, seen, &mut firsts);
    }
    for (shard, seen) in delivered {
        verdict.wrong.push(format!("{shard}: {} records that nobody put", seen.len()));
    }
    judge_keys(&mut verdict, produced, &firsts);
    judge_lineage(&mut verdict, produced, shards, &firsts);
    verdict.wrong.extend(invariants::broken(history, produced, shards));
    verdict
}

/// A line, and its place among all lines: the order within a process.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    place: usize,
    record: &'a Delivery,
}

impl Seen<'_> {
    /// Whether this was certainly written before the other.
    fn is_before(self, other: Self) -> bool {
        if self.record.life == other.record.life {
            return self.place < other.place;
        }
        self.record.pass + 2 <= other.record.pass
    }

    fn worker(self) -> (String, usize) {
        (self.record.worker.to_string(), self.record.life)
    }
}

/// The first delivery of each record, by shard and sequence number.
type Firsts<'a> = BTreeMap<(&'a str, &'a str), Seen<'a>>;

/// One shard: everything there, nothing skipped, in order within each epoch, one process for each.
fn judge_shard<'a>(
    verdict: &mut Verdict,
    shard: &'a str,
    put: &[&'a Produced],
    mut seen: Vec<Seen<'a>>,
    firsts: &mut Firsts<'a>,
) {
    seen.sort_by_key(|seen| (seen.record.epoch, seen.place));
    let places: BTreeMap<&str, usize> =
        put.iter().enumerate().map(|(place, put)| (&*put.sequence, place)).collect();
    let (mut next, mut previous) = (0, None::<(Seen<'_>, usize)>);
    for seen in seen {
        let record = seen.record;
        let at = format!("{shard} {} by {:?}", record.sequence, seen.worker());
        let Some(&place) = places.get(&*record.sequence) else {
            verdict.wrong.push(format!("{at}: nobody put it"));
            continue;
        };
        let expected = put[place];
        if *expected.key != *record.key || expected.number.to_string() != *record.text {
            verdict.wrong.push(format!("{at}: not what was put"));
        }
        let same = previous.filter(|(last, _)| last.record.epoch == record.epoch);
        if let Some((last, last_place)) = same {
            if last.record.life != record.life {
                verdict.wrong.push(format!("{at}: shares an epoch with {:?}", last.worker()));
            } else if place > last_place + 1 {
                verdict.wrong.push(format!("{at}: {} skipped", place - last_place - 1));
            }
        } else if place > next {
            verdict.wrong.push(format!("{at}: starts after {} undelivered", place - next));
        }
        previous = Some((seen, place));
        next = next.max(place + 1);
        let first = *firsts.entry((shard, &*expected.sequence)).or_insert(seen);
        if first.place != seen.place {
            let (first, again) = (first.worker(), seen.worker());
            let (shard, sequence) = (shard.to_owned(), record.sequence.to_string());
            verdict.repeats.push(Repeat { shard, sequence, first, again });
        }
    }
    let missing = put.iter().filter(|put| !firsts.contains_key(&(shard, &*put.sequence)));
    verdict.wrong.extend(missing.map(|put| format!("{shard} {}: never delivered", put.sequence)));
}

/// Each key: no record came before an earlier one, in whatever shards they were.
fn judge_keys(verdict: &mut Verdict, produced: &[Produced], firsts: &Firsts<'_>) {
    let mut keys: BTreeMap<&str, Vec<&Produced>> = BTreeMap::new();
    for record in produced {
        keys.entry(&record.key).or_default().push(record);
    }
    for (key, mut records) in keys {
        records.sort_by_key(|record| record.number);
        let seen = |record: &Produced| firsts.get(&(&*record.shard, &*record.sequence)).copied();
        for pair in records.windows(2) {
            let (Some(former), Some(latter)) = (seen(pair[0]), seen(pair[1])) else { continue };
            if latter.is_before(former) {
                verdict.out_of_order += 1;
                verdict.wrong.push(format!("{key}: {} before {}", pair[1].number, pair[0].number));
            }
        }
    }
}

/// Each shard that continues others: nothing of it came before everything of them.
fn judge_lineage(
    verdict: &mut Verdict,
    produced: &[Produced],
    shards: &[Shard],
    firsts: &Firsts<'_>,
) {
    let seen_of = |wanted: &str| -> Vec<Seen<'_>> {
        let records = produced.iter().filter(|record| record.shard == wanted);
        let seen = records.map(|record| firsts.get(&(&*record.shard, &*record.sequence)));
        seen.flatten().copied().collect()
    };
    let parents: BTreeSet<&str> =
        shards.iter().flat_map(|shard| &shard.parents).map(|parent| parent.as_str()).collect();
    let of_parents: BTreeMap<&str, Vec<Seen<'_>>> =
        parents.into_iter().map(|parent| (parent, seen_of(parent))).collect();
    for shard in shards {
        let seen = if shard.parents.is_empty() { Vec::new() } else { seen_of(shard.id.as_str()) };
        for parent in &shard.parents {
            let former = of_parents.get(parent.as_str()).map_or(&[][..], Vec::as_slice);
            let early = seen.iter().filter(|seen| former.iter().any(|last| seen.is_before(*last)));
            let early = early.count();
            if early > 0 {
                let (child, parent) = (&shard.id, parent);
                verdict.wrong.push(format!("{child}: {early} records before the end of {parent}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
