//! A part whose next deadline is worked out once, and again only after the part was touched.

use std::ops::{Deref, DerefMut};

use crate::env::Time;

/// A part of a coordinator, and when it wants to be called next. Whoever borrows the part to change
/// it makes that forgotten: most events touch one part, and a deadline is the least of hundreds.
#[derive(Debug)]
pub(super) struct Timed<P> {
    part: P,
    /// The deadline, and what it was worked out for.
    known: Option<(bool, Time)>,
}

impl<P> Timed<P> {
    pub(super) const fn new(part: P) -> Self {
        Self { part, known: None }
    }

    /// The deadline. `given` is what else it hangs on than the part.
    pub(super) fn wake(&self, given: bool, find: impl FnOnce(&P) -> Time) -> Time {
        match self.known {
            Some((for_which, wake)) if for_which == given => wake,
            _ => find(&self.part),
        }
    }

    /// The deadline, which is remembered.
    pub(super) fn remember_wake(&mut self, given: bool, find: impl FnOnce(&P) -> Time) -> Time {
        let wake = self.wake(given, find);
        self.known = Some((given, wake));
        wake
    }
}

impl<P> Deref for Timed<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.part
    }
}

impl<P> DerefMut for Timed<P> {
    fn deref_mut(&mut self) -> &mut P {
        self.known = None;
        &mut self.part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_worked_out_anew_when_the_part_was_touched_or_something_else_is_given() {
        let seconds = |part: &u64| Time::from_micros(*part);
        let mut part = Timed::new(7);
        assert_eq!(part.remember_wake(true, seconds), Time::from_micros(7));
        assert_eq!(part.remember_wake(true, |_| Time::NEVER), Time::from_micros(7));
        assert_eq!(part.wake(false, |_| Time::NEVER), Time::NEVER);
        *part = 8;
        assert_eq!(part.wake(true, seconds), Time::from_micros(8));
    }
}
