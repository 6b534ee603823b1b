//! Trying a bug on everything until something notices it.

use std::{
    cell::Cell,
    fmt, panic,
    sync::{Once, atomic::AtomicUsize, atomic::Ordering},
};

use kcl_core::planted::{Mark, Plant};
use kcl_memory::sim::{Script, play};

use super::{
    checks::{self, Check},
    lab, marks,
};

/// Seeds a bug is played on before the directed tests.
pub(crate) const SEEDS: u64 = 40;

const INVARIANT: &str = "invariant: ";

/// What noticed a bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Killer {
    /// An invariant, in a run of this seed.
    Seed(u64, &'static str),
    /// A directed test: its kind and name.
    Check(&'static str, &'static str),
    /// A mark that the healthy code reaches in the same runs.
    Mark(Mark),
}

/// What noticed a bug the last time: it is tried first.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// As [`Killer`] shows it.
    pub(crate) by: String,
    /// The seed, if that was it.
    pub(crate) seed: u64,
}

impl fmt::Display for Killer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(_, invariant) => write!(f, "{INVARIANT}{invariant}"),
            Self::Check(kind, name) => write!(f, "{kind}: {}", name.replace('_', " ")),
            Self::Mark(mark) => write!(f, "mark: {mark:?}"),
        }
    }
}

/// A bug, and what noticed it.
pub(crate) struct Verdict {
    pub(crate) plant: Plant,
    pub(crate) killer: Option<Killer>,
}

/// Tries a bug on what noticed it before, and else on everything in order, until something notices
/// it.
#[allow(clippy::disallowed_methods, reason = "how long a trial takes is for people")]
fn trial(plant: Plant, known: Option<&Known>) -> Verdict {
    let begun = std::time::Instant::now();
    let killer = Plant::during(Some(plant), || {
        Mark::take_counts();
        let again = known.and_then(again).or_else(by_seeds);
        again.or_else(|| by_checks(plant)).or_else(|| by_marks(plant))
    });
    if lab::wants_figures() {
        let found = killer.as_ref().map(ToString::to_string);
        eprintln!("{plant:?}: {found:?} after {:?}", begun.elapsed());
    }
    Verdict { plant, killer }
}

/// The same as before, be it with another seed.
fn again(known: &Known) -> Option<Killer> {
    let is_it = |killer: &Killer| killer.to_string() == known.by;
    if known.by.starts_with(INVARIANT) {
        let seeds = std::iter::once(known.seed).chain(0..SEEDS);
        return seeds.filter_map(by_seed).find(is_it);
    }
    let mut checks = checks::ALL.iter().map(Check::killer).zip(checks::ALL);
    let (killer, check) = checks.find(|(killer, _)| is_it(killer))?;
    panics(check.play).then_some(killer)
}

fn by_seed(seed: u64) -> Option<Killer> {
    match quietly(|| play(&Script::from_seed(seed))) {
        None => Some(Killer::Seed(seed, "no run panics")),
        Some(played) => played.err().map(|violation| Killer::Seed(seed, violation.invariant)),
    }
}

fn by_seeds() -> Option<Killer> {
    (0..SEEDS).find_map(by_seed)
}

/// The rule of closing an application. What is searched whole is a world of such commands alone, in
/// which nothing else can show.
const CLOSING: &str = "1.18";

fn by_checks(plant: Plant) -> Option<Killer> {
    let can_show = |check: &&Check| check.kind != "search" || plant.rule() == CLOSING;
    checks::ALL.iter().filter(can_show).find(|check| panics(check.play)).map(Check::killer)
}

/// After every seed and every directed test in which it can show.
fn by_marks(plant: Plant) -> Option<Killer> {
    marks::never_reached(|mark| mark.rule() != CLOSING || plant.rule() == CLOSING).map(Killer::Mark)
}

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Whether `work` panics; it says nothing about it.
pub(crate) fn panics(work: fn()) -> bool {
    quietly(work).is_none()
}

/// What `work` gives, unless it panics; it says nothing about that.
fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !SILENT.get() {
                loud(info);
            }
        }));
    });
    let before = SILENT.replace(true);
    let given = panic::catch_unwind(panic::AssertUnwindSafe(work)).ok();
    SILENT.set(before);
    given
}

/// Tries all of these, on as many threads as the machine has processors.
pub(crate) fn try_all(plants: &[(Plant, Option<Known>)]) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let work = || {
            let mine = std::iter::from_fn(|| plants.get(next.fetch_add(1, Ordering::Relaxed)));
            mine.map(|(plant, known)| trial(*plant, known.as_ref())).collect::<Vec<_>>()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    verdicts.sort_by_key(|verdict| verdict.plant);
    verdicts
}
