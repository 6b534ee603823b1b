//! Pages of listings, and how fresh a read has to be.

use super::codec::BadRow;

/// How fresh a read has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// It may miss recent writes. Cheaper on DynamoDB. Never believed about absence.
    Eventual,
    /// It sees every write that was acknowledged before it was sent.
    Strong,
}

/// Where the next page of a listing starts. Opaque; means something to the store that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows, in no promised order.
    pub items: Vec<T>,
    /// The rows that are there and make no sense. One of them hides no other.
    pub unreadable: Vec<BadRow>,
    /// Where the next page starts; `None` after the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page with nothing after it.
    #[must_use]
    pub const fn last(items: Vec<T>) -> Self {
        Self::new(items, None)
    }

    /// A page of these rows, all of them readable.
    #[must_use]
    pub const fn new(items: Vec<T>, next: Option<Cursor>) -> Self {
        Self { items, unreadable: Vec::new(), next }
    }

    /// A page of what could be read of its rows, and what could not.
    #[must_use]
    pub fn read(rows: impl IntoIterator<Item = Result<T, BadRow>>, next: Option<Cursor>) -> Self {
        let mut page = Self::new(Vec::new(), next);
        for row in rows {
            match row {
                Ok(row) => page.items.push(row),
                Err(bad) => page.unreadable.push(bad),
            }
        }
        page
    }
}

/// A whole listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing<T> {
    /// The rows that can be read.
    pub rows: Vec<T>,
    /// Those that are there and make no sense: neither what they say nor that they are absent is
    /// known.
    pub unreadable: Vec<BadRow>,
}

impl<T> Listing<T> {
    /// A listing of these rows, all of them readable.
    #[must_use]
    pub const fn of(rows: Vec<T>) -> Self {
        Self { rows, unreadable: Vec::new() }
    }

    /// The same listing, with rows that make no sense.
    #[must_use]
    pub fn with_unreadable(mut self, unreadable: Vec<BadRow>) -> Self {
        self.unreadable = unreadable;
        self
    }
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}
