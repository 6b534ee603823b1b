//! Running the cases.

use std::sync::Arc;

use super::{bench::Bench, cases, factory::SourceFactory};
use crate::{
    conformance::{
        play::play,
        report::{Failed, Report},
    },
    env::{Env, Rng},
};

/// Runs the suite with its default seed.
///
/// # Errors
/// When any case fails; all of them are run first.
pub async fn run(factory: impl SourceFactory) -> Result<Report, Failed> {
    Suite::new(factory).run().await
}

/// The cases to run, on which source and from which seed.
#[must_use = "nothing happens until it is run"]
pub struct Suite {
    factory: Arc<dyn SourceFactory>,
    seed: u64,
    only: String,
}

impl Suite {
    /// Every case, with a fixed seed.
    pub fn new(factory: impl SourceFactory) -> Self {
        Self { factory: Arc::new(factory), seed: 1, only: String::new() }
    }

    /// The same with another seed for all randomness.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Only the cases whose name contains `part`.
    pub fn only(mut self, part: &str) -> Self {
        part.clone_into(&mut self.only);
        self
    }

    /// Runs them, one after the other.
    ///
    /// # Errors
    /// When any case fails, or none has such a name; all of them are run first.
    pub async fn run(self) -> Result<Report, Failed> {
        let mut report = Report::of(self.factory.name(), self.seed);
        let lacks = self.factory.lacks();
        // Unlike everything else, names must differ from run to run: servers outlive them.
        let mut names = Rng::new(Env::system().entropy.next_u64());
        for case in cases::ALL.iter().filter(|case| case.name.contains(&self.only)) {
            if let Some(need) = case.needs.filter(|need| lacks.contains(need)) {
                report.left_out.push((case.name, need.to_string()));
                continue;
            }
            let name = format!("conformance-{:08x}", names.below(1 << 32));
            let bench = Bench::new(Arc::clone(&self.factory), name, self.seed);
            report.cases.push(play(case.name, (case.play)(bench)).await);
        }
        report.verdict()
    }
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
