//! Selects the cases for a store and runs them.

use std::sync::Arc;

use super::{
    Case, Change, Failed, Report, StoreFactory, bench::Bench, cases, change::Judge, play::play,
};
use crate::env::{Env, Rng};

/// Runs every case with the default seed.
///
/// # Errors
/// If a case fails, after all cases have run.
pub async fn run(factory: impl StoreFactory) -> Result<Report, Failed> {
    Suite::new(factory).run().await
}

/// A selection of cases for one store, with a seed.
#[must_use = "nothing happens until it is run"]
pub struct Suite {
    factory: Arc<dyn StoreFactory>,
    seed: u64,
    only: Option<String>,
    judge: Option<Judge>,
}

impl Suite {
    /// Selects every case, with a fixed seed.
    pub fn new(factory: impl StoreFactory) -> Self {
        Self { factory: Arc::new(factory), seed: 1, only: None, judge: None }
    }

    /// Sets the seed of all randomness; the default is 1.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Selects only the cases whose name contains `part`.
    pub fn only(mut self, part: &str) -> Self {
        self.only = Some(part.to_owned());
        self
    }

    /// Adds a judge for every random and every concurrent history. The judge gets the changes of
    /// one row, in an order that explains all answers, from the time when the row did not exist. A
    /// deleted row may be created again. If the judge returns an error, the case fails with that
    /// text. A later call replaces the judge.
    pub fn judged_by(
        mut self,
        judge: impl Fn(&[Change]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.judge = Some(Arc::new(judge));
        self
    }

    /// The selected cases. For a store that is
    /// [`unreliable`](super::Capabilities::unreliable), only the cases that allow for failing
    /// calls.
    pub fn cases(&self) -> impl Iterator<Item = &'static Case> {
        let tolerant = self.factory.capabilities().unreliable;
        let part = self.only.clone().unwrap_or_default();
        cases::ALL
            .iter()
            .filter(move |case| (!tolerant || case.tolerant) && case.name.contains(&part))
    }

    /// Runs the selected cases, one after the other.
    ///
    /// # Errors
    /// If a case fails, after all cases have run; or if no case is selected.
    pub async fn run(self) -> Result<Report, Failed> {
        let mut report = Report::of(self.factory.name(), self.seed);
        // The names of applications are not drawn from the seed: a server keeps the rows of former
        // runs.
        let mut names = Rng::new(Env::system().entropy.next_u64());
        for case in self.cases() {
            let application = format!("conformance-{:08x}", names.below(1 << 32));
            let (factory, judge) = (self.factory.clone(), self.judge.clone());
            let bench = Bench::new(factory, application, self.seed, judge);
            report.cases.push(play(case.name, (case.play)(bench)).await);
        }
        report.verdict()
    }
}

impl std::fmt::Debug for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suite")
            .field("store", &self.factory.name())
            .field("seed", &self.seed)
            .field("only", &self.only)
            .field("judged", &self.judge.is_some())
            .finish()
    }
}
