//! What is wrong with a text that is no plan.

use std::fmt;

/// A text that is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPlan {
    line: Option<usize>,
    problem: String,
}

impl InvalidPlan {
    pub(super) const fn new(problem: String) -> Self {
        Self { line: None, problem }
    }

    /// The same, with the number of the line.
    pub(super) fn in_line(self, number: usize) -> Self {
        Self { line: Some(number), ..self }
    }
}

impl fmt::Display for InvalidPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of the plan: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl std::error::Error for InvalidPlan {}
