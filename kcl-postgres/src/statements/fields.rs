//! Parts of rows in statements: lists of all fields of a part, so that a new field needs no change
//! of a statement.

use kcl_core::{
    lease::{Checkpoint, Progress},
    store::codec::{Field, Fields},
};

use crate::codec::{Cell, cells};

/// A comma-separated list: `item(column, n)` for each field, where `n` is the number of its
/// placeholder, from `first` on. Bind these values last, because a part may gain fields.
pub(crate) fn listed<'a>(
    fields: impl IntoIterator<Item = &'a Field>,
    first: usize,
    item: impl Fn(&str, usize) -> String,
) -> String {
    let items = fields.into_iter().zip(first..).map(|(field, n)| item(field.column, n));
    items.collect::<Vec<_>>().join(", ")
}

/// An assignment of a column.
pub(crate) fn set(column: &str, n: usize) -> String {
    format!("{column} = ${n}")
}

/// The fields of the checkpoint and of the progress. The first is the text that orders checkpoints.
pub(crate) fn place() -> impl Iterator<Item = &'static Field> {
    Checkpoint::FIELDS.iter().chain(Progress::FIELDS)
}

/// The values of the fields of [`place`].
pub(crate) fn place_values(checkpoint: &Checkpoint, progress: &Progress) -> Vec<Cell> {
    let mut values = cells(checkpoint);
    values.extend(cells(progress));
    values
}
