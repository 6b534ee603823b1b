//! Sums over the last one to two windows of time. The older window is forgotten as a whole, so that
//! two sums suffice.

use std::time::Duration;

use crate::env::Time;

/// A sum over the present window and the one before.
#[derive(Clone, Debug)]
pub(super) struct Recent<T> {
    /// The length of a window.
    window: Duration,
    /// The start of the present window.
    since: Time,
    /// The sum of the present window.
    sum: T,
    /// The start and the sum of the window before; `None` if nothing was counted in it.
    before: Option<(Time, T)>,
}

impl<T: Clone + Default> Recent<T> {
    /// Makes an empty sum whose first window starts at `now`.
    pub(super) fn new(window: Duration, now: Time) -> Self {
        Self { window, since: now, sum: T::default(), before: None }
    }

    /// Changes the sum of the present window.
    pub(super) fn add(&mut self, now: Time, change: impl FnOnce(&mut T)) {
        self.roll(now);
        change(&mut self.sum);
    }

    fn roll(&mut self, now: Time) {
        let passed = now.since(self.since);
        if passed >= self.window {
            let sum = std::mem::take(&mut self.sum);
            self.before = (passed < self.window * 2).then_some((self.since, sum));
            self.since = now;
        }
    }

    /// The sum of the present window, that of the one before, and the time that both cover.
    pub(super) fn sums(&mut self, now: Time) -> (T, Option<T>, Duration) {
        self.roll(now);
        let (since, before) = match &self.before {
            Some((since, before)) => (*since, Some(before.clone())),
            None => (self.since, None),
        };
        (self.sum.clone(), before, now.since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_two_windows_is_forgotten() {
        let at = |secs: u64| Time::from_millis(secs * 1_000);
        let mut recent = Recent::<u64>::new(Duration::from_secs(60), at(0));
        recent.add(at(10), |sum| *sum += 1);
        assert_eq!(recent.sums(at(20)), (1, None, Duration::from_secs(20)));
        recent.add(at(70), |sum| *sum += 2);
        assert_eq!(recent.sums(at(80)), (2, Some(1), Duration::from_secs(80)));
        assert_eq!(recent.sums(at(140)), (0, Some(2), Duration::from_secs(70)));
        recent.add(at(900), |sum| *sum += 5);
        assert_eq!(recent.sums(at(901)), (5, None, Duration::from_secs(1)));
    }
}
