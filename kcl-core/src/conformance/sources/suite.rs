//! Selects the cases for a source and runs them.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::JoinSet;

use super::{bench::Bench, cases, factory::SourceFactory};
use crate::{
    conformance::{
        play::play,
        report::{CaseReport, Failed, Report},
    },
    env::{Env, Rng},
};

/// Runs every case with the default seed.
///
/// # Errors
/// If a case fails, after all cases have run.
pub async fn run(factory: impl SourceFactory) -> Result<Report, Failed> {
    Suite::new(factory).run().await
}

/// A selection of cases for one source, with a seed.
#[must_use = "nothing happens until it is run"]
pub struct Suite {
    factory: Arc<dyn SourceFactory>,
    seed: u64,
    only: String,
    at_once: usize,
}

impl Suite {
    /// Selects every case, with a fixed seed.
    pub fn new(factory: impl SourceFactory) -> Self {
        Self { factory: Arc::new(factory), seed: 1, only: String::new(), at_once: 1 }
    }

    /// Sets the seed of all randomness; the default is 1.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Selects only the cases whose name contains `part`.
    pub fn only(mut self, part: &str) -> Self {
        part.clone_into(&mut self.only);
        self
    }

    /// Sets the number of cases that run at once; the default is 1. A higher number is faster,
    /// because most cases wait for the server's clock most of the time.
    pub const fn at_once(mut self, cases: usize) -> Self {
        self.at_once = cases;
        self
    }

    /// Runs the selected cases.
    ///
    /// # Errors
    /// If a case fails, after all cases have run; or if no case is selected.
    pub async fn run(self) -> Result<Report, Failed> {
        let mut report = Report::of(self.factory.name(), self.seed);
        let lacks = self.factory.lacks();
        // The names of streams are not drawn from the seed: a server keeps the streams of former
        // runs.
        let mut names = Rng::new(Env::system().entropy.next_u64());
        let (mut playing, mut played) = (JoinSet::new(), BTreeMap::new());
        let named = cases::ALL.iter().filter(|case| case.name.contains(&self.only));
        for (place, case) in named.enumerate() {
            if let Some(need) = case.needs.filter(|need| lacks.contains(need)) {
                report.left_out.push((case.name, need.to_string()));
                continue;
            }
            if playing.len() >= self.at_once {
                played.extend(next(&mut playing).await);
            }
            let name = format!("conformance-{:08x}", names.below(1 << 32));
            let bench = Bench::new(Arc::clone(&self.factory), name, self.seed);
            playing.spawn(async move { (place, play(case.name, (case.play)(bench)).await) });
        }
        while let Some(finished) = next(&mut playing).await {
            played.extend([finished]);
        }
        report.cases = played.into_values().collect();
        report.verdict()
    }
}

/// The next case that is done, with its place in the suite. [`play`] turns a panic of a case into a
/// failure, so that no task panics here.
async fn next(playing: &mut JoinSet<(usize, CaseReport)>) -> Option<(usize, CaseReport)> {
    playing.join_next().await.and_then(Result::ok)
}

impl std::fmt::Debug for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suite")
            .field("source", &self.factory.name())
            .field("seed", &self.seed)
            .field("only", &self.only)
            .finish()
    }
}
