//! Telling states apart without keeping them: two 64-bit sums over what each is written as.

use std::{
    cell::Cell,
    fmt::{self, Debug, Write as _},
    ops::Deref,
    sync::Arc,
};

/// The sums of what was written into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sum(u64, u64);

impl Sum {
    /// Of nothing.
    pub(crate) const NONE: Self = Self(0xcbf2_9ce4_8422_2325, 0);

    pub(crate) const fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        self.1 = self.1.rotate_left(5).wrapping_add(word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.add(u64::from(*byte));
        }
    }

    /// Adds a part of a state, whose own sums stand for it.
    pub(crate) const fn add_sum(&mut self, part: Self) {
        self.add(part.0);
        self.add(part.1);
    }
}

impl fmt::Write for Sum {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add_bytes(text.as_bytes());
        Ok(())
    }
}

/// A part of a state that most steps leave as it is: copies share it, and it is summed up once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summed<T> {
    value: Arc<T>,
    sum: Cell<Option<Sum>>,
}

impl<T> Summed<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Arc::new(value), sum: Cell::new(None) }
    }
}

impl<T: Clone> Summed<T> {
    /// To change it.
    pub(crate) fn edit(&mut self) -> &mut T {
        self.sum.set(None);
        Arc::make_mut(&mut self.value)
    }
}

impl<T> Summed<T> {
    /// Of what `add` adds; always the same for one type.
    pub(crate) fn sum_of(&self, add: impl FnOnce(&T, &mut Sum)) -> Sum {
        self.sum.get().unwrap_or_else(|| {
            let mut sum = Sum::NONE;
            add(&self.value, &mut sum);
            self.sum.set(Some(sum));
            sum
        })
    }
}

impl<T: Debug> Summed<T> {
    /// Of how it shows itself.
    pub(crate) fn sum(&self) -> Sum {
        self.sum_of(|value, sum| write!(sum, "{value:?}").unwrap())
    }
}

impl<T> Deref for Summed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
