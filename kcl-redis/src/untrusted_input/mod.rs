//! Rows from outside: whatever somebody put into the server is read or refused, never a panic, and
//! what is read is written back as the same thing.

use std::fmt::Debug;

use kcl_core::{
    lease::{Document, Lease, Session},
    store::codec::Row,
};

use crate::codec;

/// Reads what is stored as each kind of row: a name, a line feed, and the value under that name.
///
/// # Panics
/// A row that was read is written back as another.
pub fn rows(stored: &[u8]) {
    let at = stored.iter().position(|byte| *byte == b'\n').unwrap_or(stored.len());
    let (name, value) = stored.split_at(at);
    let (name, value) = (String::from_utf8_lossy(name), value.get(1..).unwrap_or_default());
    reads_back::<Session>(&name, value);
    reads_back::<Lease>(&name, value);
    reads_back::<Document>(&name, value);
}

fn reads_back<R: Row + PartialEq + Debug>(name: &str, value: &[u8]) {
    if let Ok(row) = codec::decode::<R>(name, value) {
        let again = codec::decode::<R>(&R::key_text(row.key()), &codec::encode(&row));
        assert!(again.as_ref().is_ok_and(|again| *again == row), "{row:?} became {again:?}");
    }
}

#[cfg(test)]
mod tests;
