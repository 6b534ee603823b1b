//! Reading fields.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

/// A row or a field that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRow {
    #[error("field {0:?} {1}")]
    Field(&'static str, String),
    #[error("its name is bad: {0}")]
    Name(String),
    #[error("it is no JSON object of strings: {0}")]
    Form(String),
}

impl BadRow {
    pub(super) fn field(name: &'static str, why: impl Display) -> Self {
        Self::Field(name, why.to_string())
    }
}

/// Reads the name of a row.
pub(super) fn parse_name<T: FromStr<Err: Display>>(name: &str) -> Result<T, BadRow> {
    name.parse().map_err(|why: T::Err| BadRow::Name(why.to_string()))
}

/// The fields of a row.
#[derive(Debug)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    pub(super) fn read(json: &[u8]) -> Result<Self, BadRow> {
        serde_json::from_slice(json).map(Self).map_err(|why| BadRow::Form(why.to_string()))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, BadRow> {
        let text = self.0.get(name).map(String::as_str);
        text.ok_or_else(|| BadRow::field(name, "is missing"))
    }

    /// A number or the name of something, if the field is there.
    pub(super) fn parsed_or_none<T>(&self, name: &'static str) -> Result<Option<T>, BadRow>
    where
        T: FromStr<Err: Display>,
    {
        let parsed = self.0.get(name).map(|text| text.parse()).transpose();
        parsed.map_err(|why| BadRow::field(name, format!("is bad: {why}")))
    }

    pub(super) fn parsed<T>(&self, name: &'static str) -> Result<T, BadRow>
    where
        T: FromStr<Err: Display>,
    {
        self.parsed_or_none(name)?.ok_or_else(|| BadRow::field(name, "is missing"))
    }

    /// Names with commas between; none if the field is not there.
    pub(super) fn list<T>(&self, name: &'static str) -> Result<Vec<T>, BadRow>
    where
        T: FromStr<Err: Display>,
    {
        let Some(text) = self.0.get(name) else { return Ok(Vec::new()) };
        let parsed: Result<_, _> = text.split(',').map(str::parse).collect();
        parsed.map_err(|why| BadRow::field(name, format!("is bad: {why}")))
    }
}
