//! Rows to items and back.

mod document;
mod fields;
mod lease;
mod session;

pub(crate) use fields::{BadRow, number, text};
pub(crate) use lease::shard_list;

use crate::layout::{Item, Kind};

/// A row that is kept as an item.
pub(crate) trait Row: Send + Sized {
    /// What identifies it within an application.
    type Key: Sync;
    /// Where it is kept.
    const KIND: Kind;

    /// The key of this row.
    fn key(&self) -> &Self::Key;
    /// The sort key of a row.
    fn sort_key(key: &Self::Key) -> String;
    /// Every attribute but the keys.
    fn encode(&self) -> Item;
    /// Reads a row back.
    fn decode(item: &Item) -> Result<Self, BadRow>;
}

#[cfg(test)]
mod tests;
