//! The error in the text of a script.

/// A line that cannot be read: which line, why, and what to write instead. If the settings of a
/// script do not go together, it names the last line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}; {remedy}")]
pub struct ScriptError {
    /// The number of the line, counted from 1.
    pub line: usize,
    /// What is wrong, with the value that the line has.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl ScriptError {
    pub(crate) fn new(line: usize, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { line, problem: problem.into(), remedy: remedy.into() }
    }
}
