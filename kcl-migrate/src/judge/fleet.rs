//! What a fleet of the Java KCL 3 says of itself: whether it is between two releases, and whether
//! workers live that hold no lease.

use std::time::Duration;

use kcl_core::env::WallTime;

use super::finding::{Finding, Hazard};
use crate::fact::{Contents, Layout, SideTable};

/// A worker that lives writes what it measures twice in this time.
const LATELY: Duration = Duration::from_secs(60);

/// What is found of the fleet, by the stream's time.
pub(super) fn findings(contents: &Contents, now: WallTime) -> Vec<Finding> {
    let fleet = &contents.coordination;
    let mut findings = Vec::new();
    findings.extend(fleet.client_versions.iter().filter_map(|it| client_version(it)));
    findings.extend(fleet.table_migrations.iter().filter_map(|it| table_migration(it)));
    findings.extend(side_tables(contents));
    findings.extend(reported_lately(contents, now));
    findings
}

/// How far the fleet has got from the KCL 2 to the KCL 3.
fn client_version(says: &str) -> Option<Finding> {
    let row = format!("the row Migration3.0 says {says}");
    Some(match says {
        "CLIENT_VERSION_3X" => return None,
        "CLIENT_VERSION_UPGRADE_FROM_2X" | "CLIENT_VERSION_3X_WITH_ROLLBACK" => {
            let says = format!(
                "{row}: the fleet is being upgraded from the KCL 2 to 3, and workers of both may \
                 hold leases. The checkpoints count all the same. See that no worker of either \
                 release is left or comes back with a deployment that is under way, as by \
                 --fence writes-revoked; or finish the upgrade first \
                 (CLIENT_VERSION_CONFIG_3X on every worker)"
            );
            Finding::new(Hazard::Upgrading, says)
        }
        "CLIENT_VERSION_2X" => {
            let says = format!(
                "{row}: the fleet was set back from the KCL 3 to the ways of the KCL 2, whose \
                 workers do not tell that they live unless they hold a lease. The checkpoints \
                 count all the same. See that no worker of either release is left or comes back \
                 with a deployment that is under way, as by --fence writes-revoked"
            );
            Finding::new(Hazard::RolledBack, says)
        }
        _ => unknown(&row),
    })
}

/// How far what is beside the leases has moved into the lease table.
fn table_migration(says: &str) -> Option<Finding> {
    let row = format!("the row TableMigration3.5 says {says}");
    Some(match says {
        "TABLE_MIGRATION_STATUS_COMPLETE" => return None,
        "TABLE_MIGRATION_STATUS_INIT"
        | "TABLE_MIGRATION_STATUS_DEPLOYED"
        | "TABLE_MIGRATION_STATUS_PENDING" => {
            let says = format!(
                "{row}: the fleet moves what it keeps beside its leases into the lease table. The \
                 leases are in this table all the time. On the way back it goes on with that; \
                 keep the tables beside this one until then"
            );
            Finding::new(Hazard::TablesMoving, says)
        }
        _ => unknown(&row),
    })
}

fn unknown(row: &str) -> Finding {
    let says = format!(
        "{row}, which this version does not know: ask the notes of the KCL's release what the \
         fleet is at, and see that no worker is left or comes back, as by --fence writes-revoked"
    );
    Finding::new(Hazard::UnknownState, says)
}

/// A fleet of 3.0 to 3.4 has its tables; whoever may not read them does not know what they say.
fn side_tables(contents: &Contents) -> Option<Finding> {
    let must_be_there = contents.layout == Layout::Kcl3;
    let why = |(table, it): (&String, &SideTable)| match it {
        SideTable::Unread(why) => Some(format!("{table} cannot be read ({why})")),
        SideTable::Missing if must_be_there => Some(format!("there is no table {table}")),
        _ => None,
    };
    let why: Vec<String> = contents.coordination.tables.iter().filter_map(why).collect();
    if why.is_empty() {
        return None;
    }
    let says = format!(
        "{}: whether the fleet is between two releases, and whether workers without a lease live, \
         is not known. Give the right to describe and scan it, and say by --old-app how the old \
         application is called if not as its lease table",
        why.join("; ")
    );
    Some(Finding::new(Hazard::SideTables, says))
}

/// A worker without a lease takes some once the leader is gone. Nothing else shows it.
fn reported_lately(contents: &Contents, now: WallTime) -> Option<Finding> {
    let since = |at: u64| now.since(WallTime::from_millis(at.saturating_mul(1_000)));
    let reported = contents.coordination.reported.iter();
    let lately = reported.filter(|(_, at)| since(**at) < LATELY);
    let lately: Vec<(&String, Duration)> = lately.map(|(it, at)| (it, since(*at))).collect();
    let (worker, ago) = lately.iter().min_by_key(|(_, ago)| *ago)?;
    let says = format!(
        "{} workers wrote what they measure within the last {} s, like {worker} {} s ago: one that \
         still lives takes leases in two minutes, though it holds none. See that each is gone",
        lately.len(),
        LATELY.as_secs(),
        ago.as_secs()
    );
    Some(Finding::new(Hazard::ReportedLately, says))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{contents, fact};

    fn hazards(contents: &Contents) -> Vec<Hazard> {
        findings(contents, WallTime::from_millis(90_000)).iter().map(|it| it.hazard).collect()
    }

    fn says(contents: &Contents) -> String {
        let found = findings(contents, WallTime::from_millis(90_000));
        found.into_iter().map(|it| it.says).collect()
    }

    #[test]
    fn a_fleet_between_two_releases_is_told_with_its_state() {
        for (state, hazard) in [
            ("CLIENT_VERSION_3X", None),
            ("CLIENT_VERSION_UPGRADE_FROM_2X", Some(Hazard::Upgrading)),
            ("CLIENT_VERSION_3X_WITH_ROLLBACK", Some(Hazard::Upgrading)),
            ("CLIENT_VERSION_2X", Some(Hazard::RolledBack)),
            ("CLIENT_VERSION_INIT", Some(Hazard::UnknownState)),
            ("CLIENT_VERSION_4X", Some(Hazard::UnknownState)),
            ("", Some(Hazard::UnknownState)),
        ] {
            let mut fleet = contents(&[fact(0, "49")]);
            fleet.coordination.client_versions.insert(state.to_owned());
            assert_eq!(hazards(&fleet), hazard.into_iter().collect::<Vec<_>>(), "{state}");
            if hazard.is_some() {
                let says = says(&fleet);
                assert!(says.contains(state) && says.contains("writes-revoked"), "{says}");
            }
        }
    }

    #[test]
    fn a_fleet_that_moves_its_tables_is_told_until_it_has() {
        for (state, hazard) in [
            ("TABLE_MIGRATION_STATUS_COMPLETE", None),
            ("TABLE_MIGRATION_STATUS_INIT", Some(Hazard::TablesMoving)),
            ("TABLE_MIGRATION_STATUS_DEPLOYED", Some(Hazard::TablesMoving)),
            ("TABLE_MIGRATION_STATUS_PENDING", Some(Hazard::TablesMoving)),
            ("TABLE_MIGRATION_STATUS_UNKNOWN", Some(Hazard::UnknownState)),
        ] {
            let mut fleet = contents(&[fact(0, "49")]);
            fleet.coordination.table_migrations.insert(state.to_owned());
            assert_eq!(hazards(&fleet), hazard.into_iter().collect::<Vec<_>>(), "{state}");
        }
    }

    #[test]
    fn a_table_that_ought_to_be_there_or_is_denied_is_told() {
        let with = |layout, it: SideTable| {
            let mut fleet = contents(&[fact(0, "49")]);
            fleet.layout = layout;
            fleet.coordination.tables.insert("orders-CoordinatorState".to_owned(), it);
            fleet
        };
        let denied = || SideTable::Unread("AccessDenied".to_owned());
        for (layout, table, expected) in [
            (Layout::Kcl3, SideTable::Missing, true),
            (Layout::Kcl3, SideTable::Read, false),
            (Layout::Kcl3, denied(), true),
            (Layout::Kcl1Or2, SideTable::Missing, false),
            (Layout::Kcl1Or2, denied(), true),
            (Layout::Kcl35, SideTable::Missing, false),
        ] {
            let fleet = with(layout, table.clone());
            let wanted: Vec<Hazard> = expected.then_some(Hazard::SideTables).into_iter().collect();
            assert_eq!(hazards(&fleet), wanted, "{layout} {table:?}");
        }
        let says = says(&with(Layout::Kcl3, denied()));
        assert!(says.contains("AccessDenied") && says.contains("--old-app"), "{says}");
    }

    #[test]
    fn workers_that_wrote_within_a_minute_are_counted_and_the_last_is_named() {
        let mut fleet = contents(&[fact(0, "49")]);
        let reported = [("w1", 20), ("w2", 40), ("w3", 95)];
        fleet.coordination.reported =
            reported.into_iter().map(|(worker, at)| (worker.to_owned(), at)).collect();
        assert_eq!(hazards(&fleet), [Hazard::ReportedLately]);
        let says = says(&fleet);
        assert!(says.starts_with("2 workers") && says.contains("w3 0 s ago"), "{says}");
        fleet.coordination.reported.retain(|worker, _| worker == "w1");
        assert_eq!(hazards(&fleet), []);
    }
}
