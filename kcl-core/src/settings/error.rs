//! [`InvalidSettings`]: the error of an invalid setting.

/// An invalid setting, or one that contradicts other settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}; {remedy}")]
pub struct InvalidSettings {
    /// The name of the setting.
    pub key: &'static str,
    /// The problem, with the numbers.
    pub problem: String,
    /// The remedy.
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
