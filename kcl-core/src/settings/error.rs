//! Settings that cannot work together.

/// Settings that cannot work, with the numbers and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}; {remedy}")]
pub struct InvalidSettings {
    /// The setting at fault.
    pub key: &'static str,
    /// What is wrong, with the numbers.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl InvalidSettings {
    pub(crate) fn new(
        key: &'static str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { key, problem: problem.into(), remedy: remedy.into() }
    }
}
