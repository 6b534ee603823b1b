//! Computes the pauses between retries: exponential backoff with jitter.

use std::time::Duration;

use crate::env::{Entropy, Rng};

/// Pauses whose length doubles from `first` up to `longest`. Each pause is drawn at random between
/// half of that length and all of it, so that workers that failed together do not retry together.
#[derive(Debug)]
pub(in crate::worker) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    rng: Rng,
}

impl Backoff {
    pub(in crate::worker) fn new(
        first: Duration,
        longest: Duration,
        entropy: &dyn Entropy,
    ) -> Self {
        Self { first, longest, next: first, rng: Rng::new(entropy.next_u64()) }
    }

    pub(in crate::worker) fn next(&mut self) -> Duration {
        let pause = self.next / 2 + self.rng.span(self.next / 2);
        self.next = (self.next * 2).min(self.longest);
        pause
    }

    pub(super) const fn reset(&mut self) {
        self.next = self.first;
    }
}
