//! Entry point for fuzzing the codec: any stored value must be read or refused without a panic, and
//! a row that was read must be written back unchanged.

use std::fmt::Debug;

use kcl_core::{
    lease::{Document, Lease, Session},
    store::codec::Row,
};

use crate::codec;

/// Reads a stored value as each kind of row. `stored` is the row's name, a line feed, and the
/// value.
///
/// # Panics
/// If a row that was read is not written back unchanged.
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
