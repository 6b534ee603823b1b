//! What is shown, as tables of rows with keys: one way of comparing and sending does for all.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Rows by their keys. A cell is null where nothing is known, never zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: BTreeMap<String, Vec<Value>>,
}

/// One application, as the page shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    /// What there is one of, by name. The names are always the same.
    pub(crate) head: Map<String, Value>,
    pub(crate) tables: BTreeMap<&'static str, Table>,
}

impl Table {
    /// A table without rows.
    pub(crate) const fn of(columns: &'static [&'static str]) -> Self {
        Self { columns, rows: BTreeMap::new() }
    }

    /// The table as one value: arrays, which are shorter than an object for each row.
    pub(crate) fn json(&self) -> Value {
        json!({ "columns": self.columns, "rows": self.rows })
    }
}

impl Model {
    /// All of it as one value.
    pub(crate) fn json(&self) -> Value {
        let tables: BTreeMap<&str, Value> =
            self.tables.iter().map(|(name, table)| (*name, table.json())).collect();
        json!({ "head": self.head, "tables": tables })
    }
}
