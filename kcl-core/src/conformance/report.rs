//! What a run of the suite found.

use std::{fmt, time::Duration};

use super::Failure;

/// Every case that was run.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// What was tested, as its factory names it.
    pub subject: String,
    /// The seed of all randomness: running with it again draws the same commands.
    pub seed: u64,
    /// The cases, in the order they were run.
    pub cases: Vec<CaseReport>,
    /// The cases that were not run, each with what the bench says that it cannot do.
    pub left_out: Vec<(&'static str, String)>,
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
    pub(super) const fn of(subject: String, seed: u64) -> Self {
        Self { subject, seed, cases: Vec::new(), left_out: Vec::new() }
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| case.failure.is_some())
    }

    /// The report if everything passed, otherwise the failures. A run of no case is one.
    pub(super) fn verdict(mut self) -> Result<Self, Failed> {
        if self.cases.is_empty() && self.left_out.is_empty() {
            let failure = Some(Failure::new("no case has such a name"));
            self.cases.push(CaseReport { name: "any case", took: Duration::ZERO, failure });
        }
        if self.failures().next().is_none() { Ok(self) } else { Err(Failed(self)) }
    }
}

impl fmt::Display for Report {
    /// A line a case, slow ones with their time, then what failed.
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

/// What was tested does not conform. Shows every failure, in `Debug` too: a test may return it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub Report);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
