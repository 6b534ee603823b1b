//! Entry point for fuzzing the codec: any item in the table must be read or refused without a
//! panic, and a row that was read must be written back unchanged.

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

/// Reads an item as each kind of row. Each line of `attributes` is an attribute: its name, its
/// type, and its value, separated by spaces. The type is `S`, `N`, `B`, or `L` with values
/// separated by commas; any other type is a null.
///
/// # Panics
/// If a row that was read is not written back unchanged.
pub fn rows(attributes: &str) {
    let item = item(attributes);
    reads_back::<Session>(&item);
    reads_back::<Lease>(&item);
    reads_back::<Document>(&item);
}

/// The item that `attributes` describes.
pub(crate) fn item(attributes: &str) -> Item {
    attributes.lines().filter_map(attribute).collect()
}

/// The attribute that one line describes; `None` for a line without a type.
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

/// If `item` is a row of this kind, checks that writing and reading it again changes nothing.
fn reads_back<R: Row + PartialEq + Debug>(item: &Item) {
    if let Ok(row) = decode::<R>(item) {
        let again = decode::<R>(&stored(&row));
        assert!(again.as_ref().is_ok_and(|again| *again == row), "{row:?} became {again:?}");
    }
}

/// The item of a row with its keys, as a server returns it.
pub(crate) fn stored<R: Row>(row: &R) -> Item {
    let mut item = encode(row);
    item.insert(PK.to_owned(), text(partition(R::KIND, "orders")));
    item.insert(SK.to_owned(), text(R::key_text(row.key())));
    item
}

#[cfg(test)]
mod tests;
