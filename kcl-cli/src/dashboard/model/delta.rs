//! The difference of two models, cell by cell: for 2,000 shards whose checkpoints move, a few bytes
//! each are sent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Model, Table};

/// The difference of two models. Applied to the former model, it gives the later one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Delta {
    /// The values of the head that changed.
    #[serde(skip_serializing_if = "Map::is_empty")]
    head: Map<String, Value>,
    /// The tables that changed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tables: BTreeMap<&'static str, Changed>,
}

/// The difference of two tables.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Changed {
    /// For each row in both tables, the cells that changed: the index of the column, and the value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<String, Vec<(usize, Value)>>,
    /// The rows that only the later table has.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    new: BTreeMap<String, Vec<Value>>,
    /// The keys of the rows that only the former table has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<String>,
}

impl Delta {
    /// The difference that makes `is` of `was`. A `was` without tables is the empty model before
    /// the first.
    pub(crate) fn between(was: &Model, is: &Model) -> Self {
        let changed = is.head.iter().filter(|(name, value)| was.head.get(*name) != Some(*value));
        let head = changed.map(|(name, value)| (name.clone(), value.clone())).collect();
        let empty = Table::default();
        let tables = is.tables.iter().filter_map(|(name, table)| {
            let changed = Changed::between(was.tables.get(name).unwrap_or(&empty), table);
            (changed != Changed::default()).then_some((*name, changed))
        });
        Self { head, tables: tables.collect() }
    }
}

impl Changed {
    /// The difference that makes `is` of `was`.
    fn between(was: &Table, is: &Table) -> Self {
        let mut changed = Self::default();
        for (key, row) in &is.rows {
            let Some(before) = was.rows.get(key) else {
                changed.new.insert(key.clone(), row.clone());
                continue;
            };
            let cells = row.iter().enumerate().filter(|(at, cell)| before.get(*at) != Some(*cell));
            let cells: Vec<(usize, Value)> = cells.map(|(at, cell)| (at, cell.clone())).collect();
            if !cells.is_empty() {
                changed.set.insert(key.clone(), cells);
            }
        }
        let gone = was.rows.keys().filter(|key| !is.rows.contains_key(*key));
        changed.gone = gone.cloned().collect();
        changed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const COLUMNS: &[&str] = &["a", "b", "c"];

    /// Applies a delta as the page does.
    fn apply(was: &Model, delta: &Value) -> Model {
        let mut model = was.clone();
        let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
        model.head.extend(object(&delta["head"]));
        for (name, changed) in object(&delta["tables"]) {
            let name = ["shards", "workers"].into_iter().find(|it| *it == name).unwrap();
            let table = model.tables.entry(name).or_insert_with(|| Table::of(COLUMNS));
            for (key, cells) in object(&changed["set"]) {
                for cell in cells.as_array().unwrap() {
                    let at = usize::try_from(cell[0].as_u64().unwrap()).unwrap();
                    table.rows.get_mut(&key).unwrap()[at] = cell[1].clone();
                }
            }
            for (key, row) in object(&changed["new"]) {
                assert!(table.rows.insert(key, row.as_array().unwrap().clone()).is_none());
            }
            for key in changed["gone"].as_array().into_iter().flatten() {
                assert!(table.rows.remove(key.as_str().unwrap()).is_some());
            }
        }
        model
    }

    fn cell() -> impl Strategy<Value = Value> {
        prop_oneof![Just(Value::Null), (0..3_u8).prop_map(Value::from), Just(json!(["x"]))]
    }

    fn table() -> impl Strategy<Value = Table> {
        let row = proptest::collection::vec(cell(), COLUMNS.len());
        let rows = proptest::collection::btree_map("[a-e]", row, 0..5);
        rows.prop_map(|rows| Table { columns: COLUMNS, rows })
    }

    fn model() -> impl Strategy<Value = Model> {
        (table(), table(), cell()).prop_map(|(shards, workers, lag)| {
            let head = json!({ "lag": lag }).as_object().unwrap().clone();
            Model { head, tables: BTreeMap::from([("shards", shards), ("workers", workers)]) }
        })
    }

    proptest! {
        #[test]
        fn what_changed_makes_the_later_of_the_former(was in model(), is in model()) {
            let delta = serde_json::to_value(Delta::between(&was, &is)).unwrap();
            prop_assert_eq!(apply(&was, &delta), is);
        }
    }

    #[test]
    fn of_a_row_only_the_cells_that_changed_are_told() {
        let with = |cells: [Value; 3]| {
            let rows = BTreeMap::from([("s".to_owned(), cells.to_vec())]);
            let tables = BTreeMap::from([("shards", Table { columns: COLUMNS, rows })]);
            Model { head: Map::new(), tables }
        };
        let (was, is) =
            (with([1.into(), 2.into(), 3.into()]), with([1.into(), Value::Null, 3.into()]));
        let told = serde_json::to_value(Delta::between(&was, &is)).unwrap();
        assert_eq!(told, json!({ "tables": { "shards": { "set": { "s": [[1, null]] } } } }));
        assert_eq!(serde_json::to_value(Delta::between(&is, &is)).unwrap(), json!({}));
    }
}
