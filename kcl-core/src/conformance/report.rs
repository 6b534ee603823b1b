//! The report of a run: each case with its time and its failure.

use std::{fmt, time::Duration};

use super::Failure;

/// The report of one run of a suite.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The tested store or source, as its factory names it.
    pub subject: String,
    /// The seed of all randomness. A run with the same seed draws the same commands.
    pub seed: u64,
    /// The cases that were run, in the order of the suite.
    pub cases: Vec<CaseReport>,
    /// The cases that were left out, each with the ability that the server lacks.
    pub left_out: Vec<(&'static str, String)>,
}

/// The report of one case that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaseReport {
    /// The name of the case.
    pub name: &'static str,
    /// The time that it took.
    pub took: Duration,
    /// The failure; `None` if the case passed.
    pub failure: Option<Failure>,
}

impl Report {
    pub(super) const fn of(subject: String, seed: u64) -> Self {
        Self { subject, seed, cases: Vec::new(), left_out: Vec::new() }
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| case.failure.is_some())
    }

    /// The report if every case passed, otherwise the failures. A run without any case is a
    /// failure: the name given to `only` fits none.
    pub(super) fn verdict(mut self) -> Result<Self, Failed> {
        if self.cases.is_empty() && self.left_out.is_empty() {
            let failure = Some(Failure::new("no case has such a name"));
            self.cases.push(CaseReport { name: "any case", took: Duration::ZERO, failure });
        }
        if self.failures().next().is_none() { Ok(self) } else { Err(Failed(self)) }
    }
}

impl fmt::Display for Report {
    /// One line for each case with its time, then the failures in full.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failures().count();
        let passed = self.cases.len() - failed;
        let Self { subject, seed, .. } = self;
        writeln!(f, "conformance of {subject} (seed {seed}): {passed} passed, {failed} failed")?;
        for case in &self.cases {
            let sign = if case.failure.is_some() { "FAILED" } else { "ok" };
            writeln!(f, "  {sign:6} {:>6} ms  {}", case.took.as_millis(), case.name)?;
        }
        for (name, why) in &self.left_out {
            writeln!(f, "  cannot {:>9}  {name}: {why}", "")?;
        }
        for case in self.failures() {
            if let Some(failure) = &case.failure {
                writeln!(f, "\n  {} on {subject}, seed {seed}:\n    {failure}", case.name)?;
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

/// The error of a run in which a case failed. `Debug` shows every failure as `Display` does, so
/// that a test function may return it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub Report);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
