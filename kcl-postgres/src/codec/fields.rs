//! Reading columns.

use std::{fmt::Display, str::FromStr, time::Duration};

use kcl_core::stream::ShardId;
use sqlx::{Row, postgres::PgRow};

use crate::error::BadRow;

/// A number as its column holds it. The contract keeps numbers within the column's range.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Shard ids as their column holds them.
pub(crate) fn shards(shards: &[ShardId]) -> Vec<String> {
    shards.iter().map(|shard| shard.as_str().to_owned()).collect()
}

/// The columns of a row.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a PgRow);

impl<'a> Fields<'a> {
    fn get<T>(self, name: &'static str) -> Result<T, BadRow>
    where
        T: sqlx::Decode<'a, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        self.0.try_get(name).map_err(|why| BadRow::new(name, why))
    }

    pub(super) fn text(self, name: &'static str) -> Result<&'a str, BadRow> {
        self.get(name)
    }

    pub(super) fn bytes(self, name: &'static str) -> Result<&'a [u8], BadRow> {
        self.get(name)
    }

    /// The name of something, unless the column is null.
    pub(super) fn parsed_or_none<T>(self, name: &'static str) -> Result<Option<T>, BadRow>
    where
        T: FromStr<Err: Display>,
    {
        self.get::<Option<&str>>(name)?.map(|text| parse(name, text)).transpose()
    }

    pub(super) fn parsed<T>(self, name: &'static str) -> Result<T, BadRow>
    where
        T: FromStr<Err: Display>,
    {
        parse(name, self.text(name)?)
    }

    /// A number, unless the column is null.
    pub(super) fn number_or_none<T: TryFrom<i64>>(
        self,
        name: &'static str,
    ) -> Result<Option<T>, BadRow> {
        let out_of_range = |_| BadRow::new(name, "is out of range");
        self.get::<Option<i64>>(name)?
            .map(|number| T::try_from(number).map_err(out_of_range))
            .transpose()
    }

    pub(super) fn number<T: TryFrom<i64>>(self, name: &'static str) -> Result<T, BadRow> {
        self.number_or_none(name)?.ok_or_else(|| BadRow::new(name, "is null"))
    }

    pub(super) fn shards(self, name: &'static str) -> Result<Vec<ShardId>, BadRow> {
        self.get::<Vec<String>>(name)?.iter().map(|text| parse(name, text)).collect()
    }
}

fn parse<T: FromStr<Err: Display>>(name: &'static str, text: &str) -> Result<T, BadRow> {
    text.parse().map_err(|why| BadRow::new(name, format!("is bad: {why}")))
}
