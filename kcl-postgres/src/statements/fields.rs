//! Parts of rows in statements: all fields of a part, and none by its name.

use kcl_core::{
    lease::{Checkpoint, Progress},
    store::codec::{Field, Fields},
};

use crate::codec::{Cell, cells};

/// A list in a statement: what `item` makes of each field and of the number of its value, which is
/// `first` for the first of them. Give these values last: a part may gain fields.
pub(crate) fn listed<'a>(
    fields: impl IntoIterator<Item = &'a Field>,
    first: usize,
    item: impl Fn(&str, usize) -> String,
) -> String {
    let items = fields.into_iter().zip(first..).map(|(field, n)| item(field.column, n));
    items.collect::<Vec<_>>().join(", ")
}

/// Sets a column to a value.
pub(crate) fn set(column: &str, n: usize) -> String {
    format!("{column} = ${n}")
}

/// The fields that say how far a shard is processed. The first is what orders checkpoints.
pub(crate) fn place() -> impl Iterator<Item = &'static Field> {
    Checkpoint::FIELDS.iter().chain(Progress::FIELDS)
}

/// The values of [`place`].
pub(crate) fn place_values(checkpoint: &Checkpoint, progress: &Progress) -> Vec<Cell> {
    let mut values = cells(checkpoint);
    values.extend(cells(progress));
    values
}
