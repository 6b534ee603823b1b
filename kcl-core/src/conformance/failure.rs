//! The failure of a case, and the checks that produce it.

use std::{error::Error, fmt};

use crate::lease::Write;

/// The result of a case or of one of its steps.
pub(super) type Check = Result<(), Failure>;

/// The reason for which a case failed, as text.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// Puts the present step of the case before the text.
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

/// Makes a failure of any error, with all of its causes.
impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(crate::explain(&error))
    }
}

/// Fails unless `holds`.
pub(super) fn check(holds: bool, why: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(Failure(why())) }
}

/// Fails unless `got` equals `want`. `what` names the compared value.
pub(super) fn same<T: PartialEq + fmt::Debug>(what: impl fmt::Display, got: &T, want: &T) -> Check {
    check(got == want, || format!("{what}:\n      got  {}\n      want {}", shown(got), shown(want)))
}

/// The row that a write has left. A refusal is a failure: the case has given the store no reason.
pub(super) fn made<R: fmt::Debug>(answer: Write<R>) -> Result<R, Failure> {
    match answer {
        Write::Done(row) => Ok(row),
        Write::Refused(row) => {
            Err(Failure(format!("a write was refused that nothing stood against: {}", shown(&row))))
        }
    }
}

/// The `Debug` text of a value, cut after 1,500 characters: the body of a document may be long.
pub(super) fn shown(value: &impl fmt::Debug) -> String {
    const LONGEST: usize = 1_500;
    let text = format!("{value:?}");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}… ({} bytes in all)", &text[..at], text.len()),
        None => text,
    }
}
