//! The form of everything that the page shows: values by name, and tables of rows with keys. One
//! comparison and one way to send serve all of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A table. A cell whose value is unknown is null, never zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// The names of the columns.
    pub(crate) columns: &'static [&'static str],
    /// The rows by key; each has one cell for each column. A row's key never changes.
    pub(crate) rows: BTreeMap<String, Vec<Value>>,
}

/// One application, as the page shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    /// The values that exist once, by name. Every model has the same names, so that a delta needs
    /// no way to remove one.
    pub(crate) head: Map<String, Value>,
    /// The tables by name. Every model has the same tables.
    pub(crate) tables: BTreeMap<&'static str, Table>,
}

impl Table {
    /// A table without rows.
    pub(crate) const fn of(columns: &'static [&'static str]) -> Self {
        Self { columns, rows: BTreeMap::new() }
    }

    /// The table as JSON. Rows are arrays, which are shorter than objects.
    pub(crate) fn json(&self) -> Value {
        json!({ "columns": self.columns, "rows": self.rows })
    }
}

impl Model {
    /// The whole model as JSON.
    pub(crate) fn json(&self) -> Value {
        let tables: BTreeMap<&str, Value> =
            self.tables.iter().map(|(name, table)| (*name, table.json())).collect();
        json!({ "head": self.head, "tables": tables })
    }
}
