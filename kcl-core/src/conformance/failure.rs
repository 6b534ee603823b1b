//! How a case fails, and the checks that make it fail.

use std::{error::Error, fmt};

use crate::lease::Write;

/// What a case or a step of one answers.
pub(super) type Check = Result<(), Failure>;

/// Why a case failed.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// The same failure, saying what was going on.
    pub(super) fn during(self, what: impl fmt::Display) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any error, with all of its causes.
impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(crate::explain(&error))
    }
}

/// Fails unless `holds`.
pub(super) fn check(holds: bool, why: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(Failure(why())) }
}

/// Fails unless the two are equal.
pub(super) fn same<T: PartialEq + fmt::Debug>(what: impl fmt::Display, got: &T, want: &T) -> Check {
    check(got == want, || format!("{what}:\n      got  {}\n      want {}", shown(got), shown(want)))
}

/// The row of a write that nothing could refuse.
pub(super) fn made<R: fmt::Debug>(answer: Write<R>) -> Result<R, Failure> {
    match answer {
        Write::Done(row) => Ok(row),
        Write::Refused(row) => {
            Err(Failure(format!("a write was refused that nothing stood against: {}", shown(&row))))
        }
    }
}

/// How it looks in a failure: cut, because a document's body may be long.
pub(super) fn shown(value: &impl fmt::Debug) -> String {
    const LONGEST: usize = 1_500;
    let text = format!("{value:?}");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}… ({} bytes in all)", &text[..at], text.len()),
        None => text,
    }
}
