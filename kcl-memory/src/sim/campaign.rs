//! Campaigns: many seeds, played on several threads.
//!
//! [`Campaign::play`] gives each thread the next seed that was not played, and adds up what the
//! threads counted in a [`Tally`]. Runs share nothing, so the result does not depend on the number
//! of threads.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use super::{Finding, Report, Script, Violation, World};

/// One seed of this many is played twice; both runs have to be the same.
const TWICE_EVERY: u64 = 100;
/// How many findings are kept: more would show nothing new.
const FINDINGS_MAX: usize = 20;

/// The seeds to play.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Campaign {
    /// The first seed, and the one after the last.
    pub seeds: Range<u64>,
    /// How many threads play them; 0 counts as 1.
    pub threads: usize,
}

/// The result of a campaign.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tally {
    /// How many seeds were played.
    pub seeds: u64,
    /// How many of these were played twice.
    pub twice: u64,
    /// How many simulated events were handled.
    pub events: u64,
    /// How long simulated workers were up, summed over all workers and runs.
    pub worker_time: Duration,
    /// How long the simulated runs were, summed over all runs, in simulated time.
    pub run_time: Duration,
    /// How many faults took effect, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// How many notices the coordinators gave, by kind.
    pub notices: BTreeMap<&'static str, u64>,
    /// Scripts that break an invariant, by ascending seed: at most 20, not shrunk.
    pub findings: Vec<Finding>,
}

impl Campaign {
    /// A campaign of these seeds, on as many threads as the machine runs in parallel.
    #[must_use]
    pub fn of(seeds: Range<u64>) -> Self {
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { seeds, threads }
    }

    /// Plays the seeds and returns when all are played. After each seed it calls `progress`, on the
    /// thread that played it, with the seed and the invariant that it broke, if any.
    pub fn play(&self, progress: impl Fn(u64, Option<&Violation>) + Sync) -> Tally {
        let next = AtomicU64::new(self.seeds.start);
        let tally = Mutex::new(Tally::default());
        thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    let mut own = Tally::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= self.seeds.end {
                            break;
                        }
                        let finding = own.play(seed);
                        progress(seed, finding.as_ref().map(|finding| &finding.violation));
                        own.keep(finding);
                    }
                    tally.lock().unwrap_or_else(PoisonError::into_inner).add(own);
                });
            }
        });
        tally.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// Plays the script of one seed, and counts it.
    fn play(&mut self, seed: u64) -> Option<Finding> {
        let script = Script::from_seed(seed);
        let (report, violation) = World::new(script.clone()).play_explained();
        let violation = violation.or_else(|| self.differs(seed, &script, &report));
        self.seeds += 1;
        self.events += report.events;
        self.worker_time += report.worker_time;
        self.run_time += Duration::from_micros(report.lasted.as_micros());
        count(&mut self.faults, report.faults);
        count(&mut self.notices, report.notices);
        violation.map(|violation| Finding { script, violation })
    }

    fn keep(&mut self, finding: Option<Finding>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.extend(finding);
        }
    }

    /// Plays one seed of [`TWICE_EVERY`] a second time: a violation if the runs differ.
    fn differs(&mut self, seed: u64, script: &Script, first: &Report) -> Option<Violation> {
        if !seed.is_multiple_of(TWICE_EVERY) {
            return None;
        }
        self.twice += 1;
        let (second, _) = World::new(script.clone()).play_explained();
        let both = [first, &second].map(|report| (report.digest, report.events, report.lasted));
        let what = format!("{:?} and then {:?}", both[0], both[1]);
        let invariant = "the same script gives the same run";
        (both[0] != both[1]).then_some(Violation { invariant, at: first.lasted, what })
    }

    /// Adds what another thread counted.
    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.twice += other.twice;
        self.events += other.events;
        self.worker_time += other.worker_time;
        self.run_time += other.run_time;
        count(&mut self.faults, other.faults);
        count(&mut self.notices, other.notices);
        self.findings.extend(other.findings);
        self.findings.sort_by_key(|finding| finding.script.seed);
        self.findings.truncate(FINDINGS_MAX);
    }
}

fn count(all: &mut BTreeMap<&'static str, u64>, more: BTreeMap<&'static str, u64>) {
    for (kind, number) in more {
        *all.entry(kind).or_default() += number;
    }
}
