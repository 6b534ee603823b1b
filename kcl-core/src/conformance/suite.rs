//! Running the cases.

use std::sync::Arc;

use super::{
    Case, Change, Failed, Report, StoreFactory, bench::Bench, cases, change::Judge, play::play,
};
use crate::env::{Env, Rng};

/// Runs the suite with its default seed.
///
/// # Errors
/// When any case fails; all of them are run first.
pub async fn run(factory: impl StoreFactory) -> Result<Report, Failed> {
    Suite::new(factory).run().await
}

/// The cases to run, on which store and from which seed.
#[must_use = "nothing happens until it is run"]
pub struct Suite {
    factory: Arc<dyn StoreFactory>,
    seed: u64,
    only: Option<String>,
    judge: Option<Judge>,
}

impl Suite {
    /// Every case, with a fixed seed.
    pub fn new(factory: impl StoreFactory) -> Self {
        Self { factory: Arc::new(factory), seed: 1, only: None, judge: None }
    }

    /// The same with another seed for all randomness.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Only the cases whose name contains `part`.
    pub fn only(mut self, part: &str) -> Self {
        self.only = Some(part.to_owned());
        self
    }

    /// Has every random and every concurrent history judged by `judge`, too: what the writes that
    /// took effect did to one row, from when there was none, in an order that explains all answers.
    /// A row that is deleted may be made anew. If the judge objects, the case fails with its words.
    /// One that was named before judges no more.
    pub fn judged_by(
        mut self,
        judge: impl Fn(&[Change]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.judge = Some(Arc::new(judge));
        self
    }

    /// The cases it will run.
    pub fn cases(&self) -> impl Iterator<Item = &'static Case> {
        let tolerant = self.factory.capabilities().unreliable;
        let part = self.only.clone().unwrap_or_default();
        cases::ALL
            .iter()
            .filter(move |case| (!tolerant || case.tolerant) && case.name.contains(&part))
    }

    /// Runs them, one after the other.
    ///
    /// # Errors
    /// When any case fails, or none was to be run; all of them are run first.
    pub async fn run(self) -> Result<Report, Failed> {
        let mut report = Report::of(self.factory.name(), self.seed);
        // Unlike everything else, names must differ from run to run: servers outlive them.
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
