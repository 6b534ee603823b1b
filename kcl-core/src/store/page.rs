//! Pages of listings, and how fresh a read has to be.

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
pub struct Page<T> {
    /// The rows, in no promised order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` after the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page with nothing after it.
    #[must_use]
    pub const fn last(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
