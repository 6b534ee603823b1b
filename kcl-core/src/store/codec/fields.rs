//! Visiting fields: each once, in both directions, by one table.

use super::{
    error::BadField,
    field::{Field, Value},
    kept::Kept,
};

/// What is written down field by field: a row but for its key, or a part of a row that some writes
/// replace as a whole, like the [`crate::lease::Report`] of a beat.
pub trait Fields {
    /// Every field, in the order in which they are written.
    const FIELDS: &'static [Field];

    /// Gives each field to a store, also those without a value.
    fn write_to(&self, put: &mut dyn FnMut(&'static Field, Option<Value<'_>>));

    /// Reads every field. After an error some are read and some are not.
    ///
    /// # Errors
    /// The first field that makes no sense.
    fn read_from(&mut self, source: &dyn Source) -> Result<(), BadField>;
}

/// A row as a store has it.
pub trait Source {
    /// The value of a field, of the field's form; `None` if there is none.
    ///
    /// # Errors
    /// What is kept is of another form. The text goes on after the field's name, like "is no
    /// number: \"x\"", and shows no bytes.
    fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String>;

    /// What the store calls a field, for messages.
    fn name_of(&self, field: &'static Field) -> &'static str {
        field.name
    }
}

/// Reads one field.
pub(super) fn read<T: Kept>(source: &dyn Source, field: &'static Field) -> Result<T, BadField> {
    let read = source.get(field).and_then(T::revive);
    read.map_err(|why| BadField::new(source.name_of(field), why))
}

/// How many fields there are in all.
pub(super) const fn count(parts: &[&[Field]]) -> usize {
    let (mut at, mut all) = (0, 0);
    while at < parts.len() {
        all += parts[at].len();
        at += 1;
    }
    all
}

/// The fields of all parts, which are `N`.
pub(super) const fn joined<const N: usize>(parts: &[&[Field]]) -> [Field; N] {
    let mut all = [Field::NONE; N];
    let (mut part, mut to) = (0, 0);
    while part < parts.len() {
        let mut from = 0;
        while from < parts[part].len() {
            all[to] = parts[part][from];
            from += 1;
            to += 1;
        }
        part += 1;
    }
    all
}

/// Makes [`Fields`] of a table. A line of it is a field: its short name, its name in words, and
/// where it is in the row; its type is that of the place. Parts with a table of their own follow.
macro_rules! fields {
    (
        $row:ty {
            $($name:literal $column:literal = $($at:ident).+;)*
            $(with $($part:ident).+: $table:ty;)*
        }
    ) => {
        impl Fields for $row {
            const FIELDS: &'static [Field] = {
                const PARTS: &[&[Field]] = &[
                    &[$(field($name, $column, |row: &$row| &row.$($at).+)),*],
                    $(<$table as Fields>::FIELDS),*
                ];
                &joined::<{ count(PARTS) }>(PARTS)
            };

            fn write_to(&self, put: &mut dyn FnMut(&'static Field, Option<Value<'_>>)) {
                $(put(
                    const { &field($name, $column, |row: &$row| &row.$($at).+) },
                    self.$($at).+.keep(),
                );)*
                $(self.$($part).+.write_to(put);)*
            }

            fn read_from(&mut self, source: &dyn Source) -> Result<(), BadField> {
                $(self.$($at).+ = read(
                    source,
                    const { &field($name, $column, |row: &$row| &row.$($at).+) },
                )?;)*
                $(self.$($part).+.read_from(source)?;)*
                Ok(())
            }
        }
    };
}

pub(super) use fields;
