//! What the Java KCL 3 keeps beside its leases: who leads, how far a fleet has got from one release
//! to the next, and what its workers measure.
//!
//! From 3.5 on these are rows of the lease table; before, of two tables beside it, which a fleet
//! keeps until it has moved them. So both are read, and what any of them says counts.

use crate::{
    fact::{Contents, SideTable},
    item::Item,
};

/// A table beside the lease table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// The leader's lock, and the states of migrations.
    CoordinatorState,
    /// What workers measure.
    WorkerMetricStats,
}

impl Beside {
    /// Both.
    pub const ALL: [Self; 2] = [Self::CoordinatorState, Self::WorkerMetricStats];

    /// The table's one key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::CoordinatorState => "key",
            Self::WorkerMetricStats => "wid",
        }
    }

    /// Its name, where nobody has chosen another.
    #[must_use]
    pub fn table(self, application: &str) -> String {
        match self {
            Self::CoordinatorState => format!("{application}-CoordinatorState"),
            Self::WorkerMetricStats => format!("{application}-WorkerMetricStats"),
        }
    }
}

/// What an item beside the leases is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Leader,
    ClientVersion,
    TableMigration,
    Worker,
}

impl Row {
    /// By the type that items of one table have since 3.5.
    pub(crate) fn of_entity(entity: &str) -> Option<Self> {
        match entity {
            "LEADER" => Some(Self::Leader),
            "CLIENT_VERSION_MIGRATION" => Some(Self::ClientVersion),
            "TABLE_MIGRATION" => Some(Self::TableMigration),
            "WORKER_METRIC_STATS" => Some(Self::Worker),
            _ => None,
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        match key {
            "Leader" => Some(Self::Leader),
            "Migration3.0" => Some(Self::ClientVersion),
            "TableMigration3.5" => Some(Self::TableMigration),
            _ => None,
        }
    }
}

/// Takes what an item says. `of` is behind whatever else would have the same name in another table.
pub(crate) fn take(row: Row, key: &str, item: &Item, of: &str, contents: &mut Contents) {
    let fleet = &mut contents.coordination;
    match row {
        Row::Leader => {
            if let Some(owner) = item.text("ownerName") {
                let number = item.written("recordVersionNumber").to_owned();
                contents.pulses.insert(format!("{owner} (leader{of})"), number);
            }
        }
        Row::ClientVersion => drop(fleet.client_versions.insert(item.written("cv").to_owned())),
        Row::TableMigration => drop(fleet.table_migrations.insert(item.written("tm").to_owned())),
        Row::Worker => {
            if let Some(at) = item.number("lut") {
                let last = fleet.reported.entry(key.to_owned()).or_default();
                *last = at.max(*last);
            }
            contents.pulses.insert(format!("{key}{of}"), item.written("lut").to_owned());
        }
    }
}

/// Takes what a table beside the lease table holds; `None`: it is not there.
pub fn add(contents: &mut Contents, beside: Beside, table: &str, read: SideRead) {
    let items = match read {
        Ok(Some(items)) => items,
        Ok(None) => {
            contents.coordination.tables.insert(table.to_owned(), SideTable::Missing);
            return;
        }
        Err(why) => {
            contents.coordination.tables.insert(table.to_owned(), SideTable::Unread(why));
            return;
        }
    };
    contents.coordination.tables.insert(table.to_owned(), SideTable::Read);
    for item in &items {
        let key = item.text(beside.key()).unwrap_or_default();
        let row = match beside {
            Beside::CoordinatorState => Row::of_key(key),
            Beside::WorkerMetricStats => Some(Row::Worker),
        };
        if let Some(row) = row {
            take(row, key, item, &format!(", {table}"), contents);
        }
    }
}

/// The items of a table; `None`: it is not there. Else why it could not be read.
pub type SideRead = Result<Option<Vec<Item>>, String>;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::testing::{items, number, text};

    #[test]
    fn the_same_rows_are_read_from_one_table_and_from_two() {
        let mut two = Contents::default();
        let (state, stats) = ("old-CoordinatorState", "old-WorkerMetricStats");
        let rows = items(&[
            &[
                ("key", text("Leader")),
                ("ownerName", text("w1")),
                ("recordVersionNumber", text("a")),
            ],
            &[("key", text("Migration3.0")), ("cv", text("CLIENT_VERSION_2X"))],
            &[("key", text("TableMigration3.5")), ("tm", text("TABLE_MIGRATION_STATUS_INIT"))],
            &[("key", text("123456789012:orders:5")), ("streamId", text("s"))],
        ]);
        add(&mut two, Beside::CoordinatorState, state, Ok(Some(rows)));
        let rows = items(&[&[("wid", text("w1")), ("lut", number("7E1"))]]);
        add(&mut two, Beside::WorkerMetricStats, stats, Ok(Some(rows)));
        let one = crate::read(
            crate::Library::Kcl,
            &items(&[
                &[
                    ("leaseKey", text("Leader")),
                    ("entityType", text("LEADER")),
                    ("ownerName", text("w1")),
                    ("recordVersionNumber", text("a")),
                ],
                &[
                    ("leaseKey", text("Migration3.0")),
                    ("entityType", text("CLIENT_VERSION_MIGRATION")),
                    ("cv", text("CLIENT_VERSION_2X")),
                ],
                &[
                    ("leaseKey", text("TableMigration3.5")),
                    ("entityType", text("TABLE_MIGRATION")),
                    ("tm", text("TABLE_MIGRATION_STATUS_INIT")),
                ],
                &[
                    ("leaseKey", text("w1")),
                    ("entityType", text("WORKER_METRIC_STATS")),
                    ("lut", number("7E1")),
                ],
            ]),
        );
        assert_eq!(two.coordination.client_versions, one.coordination.client_versions);
        assert_eq!(two.coordination.table_migrations, one.coordination.table_migrations);
        assert_eq!(two.coordination.reported, BTreeMap::from([("w1".to_owned(), 70)]));
        assert_eq!(two.coordination.reported, one.coordination.reported);
        let pulses = |of: &Contents| of.pulses.values().cloned().collect::<BTreeSet<String>>();
        assert_eq!(pulses(&two), pulses(&one));
        assert_eq!(two.coordination.tables.len(), 2);
    }

    #[test]
    fn a_worker_that_is_seen_in_two_tables_moves_in_either() {
        let row = |key, lut| items(&[&[(key, text("w1")), ("lut", number(lut))]]);
        let of = |lut| {
            let mut contents = crate::read(
                crate::Library::Kcl,
                &items(&[&[
                    ("leaseKey", text("w1")),
                    ("entityType", text("WORKER_METRIC_STATS")),
                    ("lut", number("5")),
                ]]),
            );
            add(&mut contents, Beside::WorkerMetricStats, "t", Ok(Some(row("wid", lut))));
            contents
        };
        assert_eq!(crate::fence::movers(&of("7"), &of("7")), []);
        assert_eq!(crate::fence::movers(&of("7"), &of("8")).len(), 1);
        assert_eq!(of("8").coordination.reported["w1"], 8);
    }

    #[test]
    fn a_table_that_is_not_there_or_denied_is_remembered_as_that() {
        let mut contents = Contents::default();
        let table = |beside: Beside| beside.table("orders");
        let [state, stats] = Beside::ALL.map(table);
        add(&mut contents, Beside::CoordinatorState, &state, Ok(None));
        add(&mut contents, Beside::WorkerMetricStats, &stats, Err("denied".to_owned()));
        let tables = &contents.coordination.tables;
        assert_eq!(tables["orders-CoordinatorState"], SideTable::Missing);
        assert_eq!(tables["orders-WorkerMetricStats"], SideTable::Unread("denied".to_owned()));
    }
}
