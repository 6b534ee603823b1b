//! Writes and reads the fields of a row. One table for each type drives both directions.

use super::{
    error::BadField,
    field::{Field, Value},
    kept::Kept,
};

/// A type that a store keeps as fields: a row without its key, or a part of a row that a write
/// replaces as a whole, such as the [`crate::lease::Report`] of a beat.
pub trait Fields {
    /// All fields, in the order in which they are written.
    const FIELDS: &'static [Field];

    /// Calls `put` once for each field, with `None` for a field without a value.
    fn write_to(&self, put: &mut dyn FnMut(&'static Field, Option<Value<'_>>));

    /// Reads every field from `source`. After an error, only some fields have been read.
    ///
    /// # Errors
    /// The first field that cannot be decoded.
    fn read_from(&mut self, source: &dyn Source) -> Result<(), BadField>;
}

/// The values of one stored row.
pub trait Source {
    /// The value of a field, in the field's form; `None` if the row lacks it.
    ///
    /// # Errors
    /// The stored value has another form. The text continues a sentence that begins with the
    /// field's name, such as `is no number: "x"`. It shows no bytes.
    fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String>;

    /// The store's name of a field, for messages.
    fn name_of(&self, field: &'static Field) -> &'static str {
        field.name
    }
}

/// Reads one field.
pub(super) fn read<T: Kept>(source: &dyn Source, field: &'static Field) -> Result<T, BadField> {
    let read = source.get(field).and_then(T::revive);
    read.map_err(|why| BadField::new(source.name_of(field), why))
}

/// The number of fields in all parts.
pub(super) const fn count(parts: &[&[Field]]) -> usize {
    let (mut at, mut all) = (0, 0);
    while at < parts.len() {
        all += parts[at].len();
        at += 1;
    }
    all
}

/// The fields of all parts in one array; `N` is [`count`] of the parts.
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

/// Implements [`Fields`] from a table. Each line is a field: its short name, its long name, and its
/// place in the struct, whose type decides the form. Parts with a table of their own follow as
/// `with`.
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
