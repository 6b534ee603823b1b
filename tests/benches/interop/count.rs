//! What came out of it, counted by the records.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use kcl_tests::fleet::{Delivery, History, Produced};

/// How long what took, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// From SIGTERM to the end of the old fleet's last process.
    pub(crate) old_stopped: f64,
    /// `kcl import --finish`.
    pub(crate) finish: f64,
    /// From its start to our first record.
    pub(crate) first: f64,
    /// From its start until we had read of every shard.
    pub(crate) every: f64,
    /// From SIGTERM to the end of our last process.
    pub(crate) ours_stopped: f64,
    /// `kcl export`.
    pub(crate) export: f64,
    /// From its start to the old fleet's first record.
    pub(crate) back_first: f64,
    /// From its start until the old fleet had read of every shard.
    pub(crate) back_every: f64,
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    put: usize,
    /// How many different records each reader got first: the old fleet, ours, the old fleet.
    firsts: [usize; 3],
    lost: usize,
    /// Lines that are no record that was put.
    wrong: Vec<String>,
    /// Records that were delivered again within a reader's own fleet: by leases that moved.
    again: [usize; 3],
    /// Records that came again from the next reader: at the change-over, and on the way back.
    over: [usize; 2],
    /// Records that came after a later one of their shard had come to an earlier reader.
    disorder: usize,
    times: Times,
}

impl Outcome {
    /// Nothing lost, nothing invented, nothing out of order; and each reader had its part.
    pub(crate) fn is_right(&self) -> bool {
        self.lost == 0
            && self.wrong.is_empty()
            && self.disorder == 0
            && self.put > 0
            && self.firsts.iter().all(|firsts| *firsts > 0)
    }
}

/// Which of the three readers a worker belongs to.
fn phase(worker: &str) -> usize {
    match worker {
        "old-1" | "old-2" => 0,
        "new-1" | "new-2" => 1,
        _ => 2,
    }
}

/// Holds what was delivered against what was put.
pub(crate) fn judge(history: &History, produced: &[Produced], times: Times) -> Outcome {
    let mut outcome = Outcome { put: produced.len(), times, ..Outcome::default() };
    outcome.wrong.extend(history.broken.iter().take(10).cloned());
    let put: BTreeMap<(&str, &str), &Produced> =
        produced.iter().map(|record| ((&*record.shard, &*record.sequence), record)).collect();
    let mut first: BTreeMap<(&str, &str), &Delivery> = BTreeMap::new();
    for record in &history.deliveries {
        let key = (&*record.shard, &*record.sequence);
        let is_right = put
            .get(&key)
            .is_some_and(|put| *put.key == *record.key && put.number.to_string() == *record.text);
        if !is_right {
            outcome.wrong.push(format!("{record:?}"));
            continue;
        }
        let reader = phase(&record.worker);
        match first.entry(key) {
            Entry::Occupied(place) => match phase(&place.get().worker) {
                same if same == reader => outcome.again[reader] += 1,
                former => outcome.over[former.min(reader).min(1)] += 1,
            },
            Entry::Vacant(place) => {
                place.insert(record);
                outcome.firsts[reader] += 1;
            }
        }
    }
    outcome.lost = put.keys().filter(|key| !first.contains_key(*key)).count();
    outcome.disorder = disorder(produced, &first);
    outcome
}

/// Within a shard, the readers follow one another as its records do.
fn disorder(produced: &[Produced], first: &BTreeMap<(&str, &str), &Delivery>) -> usize {
    let mut shards: BTreeMap<&str, Vec<&Produced>> = BTreeMap::new();
    for record in produced {
        shards.entry(&record.shard).or_default().push(record);
    }
    let mut disorder = 0;
    for records in shards.values_mut() {
        records.sort_by_key(|record| (record.sequence.len(), record.sequence.clone()));
        let mut reached = 0;
        for record in records {
            let Some(delivery) = first.get(&(&*record.shard, &*record.sequence)) else { continue };
            let phase = phase(&delivery.worker);
            disorder += usize::from(phase < reached);
            reached = reached.max(phase);
        }
    }
    disorder
}

/// One of the times.
type Took = fn(&Times) -> f64;

/// The outcomes as a Markdown table.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<(&'static str, Outcome)>);

impl Table {
    pub(crate) fn add(&mut self, name: &'static str, outcome: Outcome) {
        self.0.push((name, outcome));
    }

    fn row(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        cell: impl Fn(&Outcome) -> String,
    ) -> fmt::Result {
        let cells: Vec<String> = self.0.iter().map(|(_, outcome)| cell(outcome)).collect();
        writeln!(f, "| {name} | {} |", cells.join(" | "))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| *name).collect();
        writeln!(f, "| | {} |", names.join(" | "))?;
        writeln!(f, "|---|{}", "---|".repeat(names.len()))?;
        let three = |of: &[usize; 3]| format!("{} / {} / {}", of[0], of[1], of[2]);
        self.row(f, "records put", |it| it.put.to_string())?;
        self.row(f, "read first by the old fleet / ours / the old fleet", |it| three(&it.firsts))?;
        self.row(f, "lost", |it| it.lost.to_string())?;
        self.row(f, "delivered again at the change-over / on the way back", |it| {
            format!("{} / {}", it.over[0], it.over[1])
        })?;
        self.row(f, "delivered again within each fleet", |it| three(&it.again))?;
        self.row(f, "out of order between readers", |it| it.disorder.to_string())?;
        let times: [(&str, Took); 8] = [
            ("old fleet: SIGTERM → gone", |it| it.old_stopped),
            ("`kcl import --finish`", |it| it.finish),
            ("its start → our first record", |it| it.first),
            ("its start → every shard read", |it| it.every),
            ("ours: SIGTERM → gone", |it| it.ours_stopped),
            ("`kcl export`", |it| it.export),
            ("its start → the old fleet's first record", |it| it.back_first),
            ("its start → every shard read again", |it| it.back_every),
        ];
        for (name, of) in times {
            self.row(f, name, |it| format!("{:.1} s", of(&it.times) / 1e3))?;
        }
        Ok(())
    }
}
