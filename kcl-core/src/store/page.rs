//! Pages of a listing, whole listings, and the consistency of a read.

use super::codec::BadRow;

/// The consistency of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The read may miss recent writes. It costs half on DynamoDB. No caller takes an absent row in
    /// its answer as proof that there is none.
    Eventual,
    /// The read sees every write that the store acknowledged before the read was sent.
    Strong,
}

/// Where the next page of a listing starts. Only the store that made a cursor can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows that the store could decode, in any order. A page may be empty although more pages
    /// follow.
    pub items: Vec<T>,
    /// The rows that the store could not decode. Such a row does not fail the page.
    pub unreadable: Vec<BadRow>,
    /// Where the next page starts; `None` after the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes the last page of a listing.
    #[must_use]
    pub const fn last(items: Vec<T>) -> Self {
        Self::new(items, None)
    }

    /// Makes a page of decoded rows.
    #[must_use]
    pub const fn new(items: Vec<T>, next: Option<Cursor>) -> Self {
        Self { items, unreadable: Vec::new(), next }
    }

    /// Makes a page of decoded rows and of rows that could not be decoded.
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
    /// The rows that the store could decode.
    pub rows: Vec<T>,
    /// The rows that exist and that the store could not decode. Nobody may treat them as absent.
    pub unreadable: Vec<BadRow>,
}

impl<T> Listing<T> {
    /// Makes a listing of decoded rows.
    #[must_use]
    pub const fn of(rows: Vec<T>) -> Self {
        Self { rows, unreadable: Vec::new() }
    }

    /// Returns the same listing with these rows that could not be decoded.
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
