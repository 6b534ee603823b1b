//! The search for a smaller input that fails alike: both simulators shrink by it.

/// A search that keeps each input that is simpler and still fails.
pub(super) struct Search<I, F> {
    /// The simplest input so far that fails.
    pub(super) best: I,
    /// Plays an input, and says whether it fails in the way that is looked for.
    fails: F,
    /// How many more inputs it may play.
    left: usize,
}

impl<I: Clone, F: FnMut(&I) -> bool> Search<I, F> {
    /// A search that begins with an input that fails, and plays so many others at most.
    pub(super) const fn begin(first: I, most: usize, fails: F) -> Self {
        Self { best: first, fails, left: most }
    }

    /// Whether it has played as many inputs as it may.
    pub(super) const fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Plays an input, and takes it if it fails; false also when the search is over.
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

/// Drops parts of what is searched: first many at once, then one by one. `count` says how many
/// there are, and `drop` tries to do without those of a range. Whether any was dropped.
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
