//! The words of one line of a script, read one after another. Each error names the line.

use super::{ScriptError, word::Word};

/// The words of a line that are not yet read.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    line: usize,
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) const fn new(line: usize, text: &'a str) -> Self {
        Self { line, rest: text }
    }

    /// The next word; `None` at the end of the line.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// The next word. `what` is its meaning, for the error if it is missing.
    pub(super) fn name(&mut self, what: &str) -> Result<&'a str, ScriptError> {
        self.next().ok_or_else(|| self.error(format!("{what} is missing"), "add it"))
    }

    /// The next word as a value. `what` is its meaning, for the error if it is missing or no such
    /// value.
    pub(crate) fn value<W: Word>(&mut self, what: &str) -> Result<W, ScriptError> {
        let Some(word) = self.next() else {
            return Err(self.error(format!("{what} is missing"), format!("add {}", W::WHAT)));
        };
        W::read(word).ok_or_else(|| {
            let problem = format!("{what} is {word:?}");
            self.error(problem, format!("write {}", W::WHAT))
        })
    }

    /// The rest of the line.
    pub(super) fn rest(&mut self) -> &'a str {
        std::mem::take(&mut self.rest).trim()
    }

    /// An error if the line has another word.
    pub(super) fn end(&mut self) -> Result<(), ScriptError> {
        match self.next() {
            None => Ok(()),
            Some(word) => Err(self.error(format!("{word:?} is too much"), "leave it out")),
        }
    }

    /// An error about this line: what is wrong, and what to write instead.
    pub(crate) fn error(
        &self,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ScriptError {
        ScriptError::new(self.line, problem, remedy)
    }
}
