//! Converts rows to columns and back. Each field of a row is a column under its long name.

use std::{borrow::Cow, sync::OnceLock};

use kcl_core::{
    store::codec::{BadRow, Field, Fields, Form, Row, RowKind, Source, Value},
    stream::ShardId,
};
use sqlx::{Row as _, postgres::PgRow};

use crate::connections::Statement;

/// The table of a kind of rows.
pub(crate) trait InTable: Row {
    /// The name of the table, without its schema.
    const TABLE: &'static str = match Self::KIND {
        RowKind::Session => "session",
        RowKind::Lease => "lease",
        RowKind::Document => "document",
    };
    /// The column that holds the key.
    const KEY: &'static str = match Self::KIND {
        RowKind::Session => "id",
        RowKind::Lease => "key",
        RowKind::Document => "name",
    };

    /// A list of all columns except `application`, with the key first.
    fn columns() -> &'static str {
        static OF_SESSIONS: OnceLock<String> = OnceLock::new();
        static OF_LEASES: OnceLock<String> = OnceLock::new();
        static OF_DOCUMENTS: OnceLock<String> = OnceLock::new();
        let columns = match Self::KIND {
            RowKind::Session => &OF_SESSIONS,
            RowKind::Lease => &OF_LEASES,
            RowKind::Document => &OF_DOCUMENTS,
        };
        columns.get_or_init(|| {
            let fields = Self::FIELDS.iter().map(|field| field.column);
            std::iter::once(Self::KEY).chain(fields).collect::<Vec<_>>().join(", ")
        })
    }
}

impl<R: Row> InTable for R {}

/// The value of a column, ready to be bound. `None` is null.
#[derive(Debug)]
pub(crate) enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
    List(Vec<String>),
    Bytes(Vec<u8>),
}

impl Cell {
    fn new(form: Form, value: Option<Value<'_>>) -> Self {
        match value {
            Some(Value::Text(text)) => Self::Text(Some(text.into_owned())),
            Some(Value::Number(number)) => Self::Number(Some(int(number))),
            Some(Value::List(items)) => {
                Self::List(items.into_iter().map(Cow::into_owned).collect())
            }
            Some(Value::Bytes(bytes)) => Self::Bytes(bytes.into_owned()),
            None => match form {
                Form::Text => Self::Text(None),
                Form::Number => Self::Number(None),
                Form::List => Self::List(Vec::new()),
                Form::Bytes => Self::Bytes(Vec::new()),
            },
        }
    }

    fn bind(self, statement: Statement) -> Statement {
        match self {
            Self::Text(text) => statement.bind(text),
            Self::Number(number) => statement.bind(number),
            Self::List(items) => statement.bind(items),
            Self::Bytes(bytes) => statement.bind(bytes),
        }
    }
}

/// The values of a row or of a part of a row, in the order of its fields.
pub(crate) fn cells(of: &impl Fields) -> Vec<Cell> {
    let mut cells = Vec::new();
    of.write_to(&mut |field, value| cells.push(Cell::new(field.form, value)));
    cells
}

/// Binds these values to a statement.
pub(crate) fn bind(statement: Statement, cells: impl IntoIterator<Item = Cell>) -> Statement {
    cells.into_iter().fold(statement, |statement, cell| cell.bind(statement))
}

/// The values of one column in several rows, bound as an array for `unnest`.
#[derive(Debug)]
pub(crate) enum Column {
    Texts(Vec<Option<String>>),
    Numbers(Vec<Option<i64>>),
}

impl Column {
    /// An empty column. The field must be a text or a number: PostgreSQL has no arrays of arrays.
    pub(crate) fn of(field: &Field) -> Self {
        match field.form {
            Form::Number => Self::Numbers(Vec::new()),
            Form::Text | Form::List | Form::Bytes => Self::Texts(Vec::new()),
        }
    }

    pub(crate) fn push(&mut self, cell: Cell) {
        match (self, cell) {
            (Self::Texts(texts), Cell::Text(text)) => texts.push(text),
            (Self::Numbers(numbers), Cell::Number(number)) => numbers.push(number),
            (Self::Texts(texts), _) => texts.push(None),
            (Self::Numbers(numbers), _) => numbers.push(None),
        }
    }

    pub(crate) fn bind(self, statement: Statement) -> Statement {
        match self {
            Self::Texts(texts) => statement.bind(texts),
            Self::Numbers(numbers) => statement.bind(numbers),
        }
    }
}

/// The SQL type of a field's column.
pub(crate) const fn sql_type(form: Form) -> &'static str {
    match form {
        Form::Text => "text",
        Form::Number => "bigint",
        Form::List => "text[]",
        Form::Bytes => "bytea",
    }
}

/// A number as a `bigint`. The contract of stores keeps numbers in its range.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Shard ids as a `text[]`.
pub(crate) fn shards(shards: &[ShardId]) -> Vec<String> {
    shards.iter().map(|shard| shard.as_str().to_owned()).collect()
}

/// Reads a row from its columns.
pub(crate) fn decode<R: Row>(row: &PgRow) -> Result<R, BadRow> {
    let key = row.try_get(R::KEY).map_err(|why| {
        BadRow::new(R::KIND, "", format!("its key {:?} cannot be read: {why}", R::KEY))
    })?;
    R::read(key, &Columns(row))
}

/// The columns of a row, as the codec of `kcl-core` reads them.
struct Columns<'a>(&'a PgRow);

impl Source for Columns<'_> {
    fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String> {
        Ok(match field.form {
            Form::Text => self.read::<&str>(field)?.map(|text| Value::Text(text.into())),
            Form::Number => self.read(field)?.map(natural).transpose()?.map(Value::Number),
            Form::List => self
                .read(field)?
                .map(|items: Vec<String>| Value::List(items.into_iter().map(Cow::from).collect())),
            Form::Bytes => self.read::<&[u8]>(field)?.map(|bytes| Value::Bytes(bytes.into())),
        })
    }

    fn name_of(&self, field: &'static Field) -> &'static str {
        field.column
    }
}

impl<'a> Columns<'a> {
    fn read<T>(&self, field: &Field) -> Result<Option<T>, String>
    where
        T: sqlx::Decode<'a, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        self.0.try_get(field.column).map_err(|why| format!("cannot be read: {why}"))
    }
}

fn natural(number: i64) -> Result<u64, String> {
    u64::try_from(number).map_err(|_| format!("is out of range: {number} is below 0"))
}

#[cfg(test)]
mod tests {
    use kcl_core::lease::{Checkpoint, Document, Lease, Progress, Session};

    use super::*;
    use crate::layout::MIGRATIONS;

    /// The type of a column in the migrations, and true if it may be null.
    fn made(table: &str, column: &str) -> Option<(String, bool)> {
        let all = MIGRATIONS.concat().replace("add column if not exists ", "");
        let made: Vec<&str> = all.split(';').filter(|sql| sql.contains(table)).collect();
        made.iter().flat_map(|sql| sql.lines()).find_map(|line| {
            let (name, rest) = line.trim().split_once(' ')?;
            let rest = rest.trim_end_matches(',');
            let nullable = !rest.ends_with(" not null");
            let rest = rest.trim_end_matches(" not null").replace(" collate \"C\"", "");
            (name == column).then_some((rest, nullable))
        })
    }

    fn has_columns<R: Row>() {
        let table = format!("{{s}}.{}", R::TABLE);
        assert_eq!(made(&table, R::KEY), Some(("text".to_owned(), false)));
        for field in R::FIELDS {
            let wanted = (sql_type(field.form).to_owned(), field.optional);
            assert_eq!(made(&table, field.column), Some(wanted), "{table} {}", field.column);
        }
    }

    #[test]
    fn the_schema_has_a_column_for_each_field() {
        has_columns::<Session>();
        has_columns::<Lease>();
        has_columns::<Document>();
    }

    #[test]
    fn what_several_checkpoints_write_can_be_columns_of_values() {
        for field in Checkpoint::FIELDS.iter().chain(Progress::FIELDS) {
            assert!(matches!(field.form, Form::Text | Form::Number), "{}", field.column);
        }
    }
}
