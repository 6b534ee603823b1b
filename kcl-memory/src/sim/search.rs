//! The search for a simpler input that still fails: both simulators shrink with it.
//!
//! [`Search`] plays inputs and keeps the simplest one that fails; the simulators propose the inputs
//! (scripts in `shrink`, plans in `live`). [`drop_parts`] proposes to leave parts out.

/// A search that keeps each simpler input that still fails.
pub(super) struct Search<I, F> {
    /// The simplest failing input so far.
    pub(super) best: I,
    /// Plays an input. True if it fails in the same way as the first one.
    fails: F,
    /// How many more inputs it may play.
    left: usize,
}

impl<I: Clone, F: FnMut(&I) -> bool> Search<I, F> {
    /// A search that begins with a failing input, and plays at most `most` others.
    pub(super) const fn begin(first: I, most: usize, fails: F) -> Self {
        Self { best: first, fails, left: most }
    }

    /// Whether it has played as many inputs as it may.
    pub(super) const fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Plays an input, and keeps it as the best if it fails. The caller only proposes simpler
    /// inputs. False also if the search is over and the input was not played.
    pub(super) fn take(&mut self, input: I) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        let fails = (self.fails)(&input);
        if fails {
            self.best = input;
        }
        fails
    }
}

/// Leaves out parts of what is searched: first all at once, then halves, and so on down to single
/// parts. `count` says how many parts there are now; `drop` tries to do without those of a range,
/// and returns whether that still fails. True if any part was left out.
pub(super) fn drop_parts<S>(
    search: &mut S,
    count: impl Fn(&S) -> usize,
    mut drop: impl FnMut(&mut S, std::ops::Range<usize>) -> bool,
) -> bool {
    let mut any = false;
    let mut size = count(search);
    while size > 0 {
        let mut at = 0;
        while at < count(search) {
            let end = (at + size).min(count(search));
            if drop(search, at..end) {
                any = true;
            } else {
                at = end;
            }
        }
        size /= 2;
    }
    any
}
