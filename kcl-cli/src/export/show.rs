//! Shows the rows that an export would write, as text and as JSON.

use kcl_migrate::{
    Place,
    export::{Exported, Outcome},
};
use serde_json::{Value, json};

use crate::columns::columns;

/// Everything that is shown before the export.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) to: &'a Place,
    /// Whether the table does not exist and is made.
    pub(super) is_new: bool,
    pub(super) exported: &'a [Exported],
}

/// The change of a row: in a word for JSON, and in words for the table.
const fn words(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Made(_) => ("made", "is made"),
        Outcome::Moved(_) => ("moved", "is set there, and free"),
        Outcome::FromHorizon(_) => {
            ("from-horizon", "begins at TRIM_HORIZON: the table cannot hold the time")
        }
        Outcome::Backwards => ("backwards", "(refused: the table is further on)"),
        Outcome::WithinAggregate => ("within-aggregate", "(refused: within an aggregate)"),
        _ => ("unknown", "(unknown)"),
    }
}

impl Scene<'_> {
    /// The rows as a table.
    pub(super) fn text(&self, application: &str, store: &str) -> String {
        let made = if self.is_new { ", which is made" } else { "" };
        let head = ["SHARD", "TABLE", "LEASE", "ROW"].map(str::to_owned).to_vec();
        let rows = self.exported.iter().map(|it| {
            let from = it.from.clone().unwrap_or_else(|| "(no row)".to_owned());
            vec![it.shard.to_string(), from, it.to.to_string(), words(&it.outcome).1.to_owned()]
        });
        let table = columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
        format!("export: application {application} in {store} to {}{made}\n\n{table}\n", self.to)
    }

    /// The rows as JSON.
    pub(super) fn json(&self) -> Value {
        let row = |it: &Exported| {
            json!({
                "shard": it.shard,
                "from": it.from,
                "to": it.to.to_string(),
                "row": words(&it.outcome).0,
            })
        };
        json!({
            "to": self.to.to_string(),
            "new_table": self.is_new,
            "rows": self.exported.iter().map(row).collect::<Vec<_>>(),
        })
    }
}
