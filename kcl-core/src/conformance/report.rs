//! What a run of the suite found.

use std::{fmt, time::Duration};

use super::Failure;

/// Every case that was run.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The store, as its factory names it.
    pub store: String,
    /// The seed of all randomness: running with it again draws the same commands.
    pub seed: u64,
    /// The cases, in the order they were run.
    pub cases: Vec<CaseReport>,
}

/// One case that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaseReport {
    /// The case.
    pub name: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

impl Report {
    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| case.failure.is_some())
    }

    /// The report if everything passed, otherwise the failures.
    pub(super) fn verdict(self) -> Result<Self, Failed> {
        if self.failures().next().is_none() { Ok(self) } else { Err(Failed(self)) }
    }
}

impl fmt::Display for Report {
    /// A line a case, slow ones with their time, then what failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failures().count();
        let passed = self.cases.len() - failed;
        let Self { store, seed, .. } = self;
        writeln!(f, "conformance of {store} (seed {seed}): {passed} passed, {failed} failed")?;
        for case in &self.cases {
            let sign = if case.failure.is_some() { "FAILED" } else { "ok" };
            writeln!(f, "  {sign:6} {:>6} ms  {}", case.took.as_millis(), case.name)?;
        }
        for case in self.failures() {
            if let Some(failure) = &case.failure {
                writeln!(f, "\n  {} on {store}, seed {seed}:\n    {failure}", case.name)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The store does not conform. Shows every failure, in `Debug` too: a test may return it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub Report);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
