//! Items from outside: whatever somebody put into the table is read or refused, never a panic, and
//! what is read is written back as the same thing.

use std::fmt::Debug;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use kcl_core::{
    lease::{Document, Lease, Session},
    store::codec::Row,
};

use crate::{
    codec::{decode, encode, text},
    layout::{Item, PK, SK, partition},
};

/// Reads an item as each kind of row. `attributes` are its attributes, a line each: a name, one of
/// `S`, `N`, `B`, `L` (names with commas between) or anything else for a null, and the value.
///
/// # Panics
/// A row that was read is written back as another.
pub fn rows(attributes: &str) {
    let item = item(attributes);
    reads_back::<Session>(&item);
    reads_back::<Lease>(&item);
    reads_back::<Document>(&item);
}

/// The item with these attributes.
pub(crate) fn item(attributes: &str) -> Item {
    attributes.lines().filter_map(attribute).collect()
}

fn attribute(line: &str) -> Option<(String, AttributeValue)> {
    let mut parts = line.splitn(3, ' ');
    let (name, kind, value) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let value = match kind {
        "S" => text(value),
        "N" => AttributeValue::N(value.to_owned()),
        "B" => AttributeValue::B(Blob::new(value)),
        "L" => AttributeValue::L(value.split(',').map(text).collect()),
        _ => AttributeValue::Null(true),
    };
    Some((name.to_owned(), value))
}

fn reads_back<R: Row + PartialEq + Debug>(item: &Item) {
    if let Ok(row) = decode::<R>(item) {
        let again = decode::<R>(&stored(&row));
        assert!(again.as_ref().is_ok_and(|again| *again == row), "{row:?} became {again:?}");
    }
}

/// The item as it comes back: with its keys.
pub(crate) fn stored<R: Row>(row: &R) -> Item {
    let mut item = encode(row);
    item.insert(PK.to_owned(), text(partition(R::KIND, "orders")));
    item.insert(SK.to_owned(), text(R::key_text(row.key())));
    item
}

#[cfg(test)]
mod tests;
