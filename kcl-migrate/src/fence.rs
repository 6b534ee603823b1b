//! Shows whether the old fleet still writes its table: two readings of it are compared.
//!
//! Two fleets of two libraries cannot fence each other: the old workers know nothing of the new
//! leases. [`Fence`] is the reason to believe that the old fleet has stopped; [`movers`] finds
//! workers that disprove it.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::fact::Contents;

/// Why the old fleet does not process records beside the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fence {
    /// The operator says that the role of the old fleet cannot write the table any more.
    WritesRevoked,
    /// The operator says that the old fleet is scaled to zero.
    AtZero,
    /// No row changed for twice the old fleet's failover time, and the operator said nothing.
    Watched,
}

impl Fence {
    /// The reason in words for the user, with the time for which no row changed.
    #[must_use]
    pub fn says(self, between: Duration) -> String {
        let seen = format!("no counter and no checkpoint moved for {:.1} s", between.as_secs_f64());
        match self {
            Self::WritesRevoked => format!(
                "writes-revoked: you say that the old fleet may not write its table any more; \
                 looked at: {seen}"
            ),
            Self::AtZero => {
                format!("at-zero: you say that the old fleet is at zero; looked at: {seen}")
            }
            Self::Watched => format!(
                "watched: {seen}. Nothing keeps the old fleet from being started again: revoke its \
                 right to write the table"
            ),
        }
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WritesRevoked => "writes-revoked",
            Self::AtZero => "at-zero",
            Self::Watched => "watched",
        })
    }
}

/// A worker that wrote the table between two readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mover {
    /// The worker; `None` if the changed rows do not name one.
    pub worker: Option<String>,
    /// The keys of the changed rows, never empty; `@` stands before the name of an item that is not
    /// a lease.
    pub rows: Vec<String>,
}

impl fmt::Display for Mover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worker = self.worker.as_deref().unwrap_or("somebody");
        let row = self.rows.first().map_or("", String::as_str);
        match self.rows.len() {
            0 | 1 => write!(f, "{worker} ({row})"),
            many => write!(f, "{worker} ({row} and {} more)", many - 1),
        }
    }
}

/// The workers that wrote the table between two readings: rows of theirs changed, appeared or
/// disappeared. Empty if nothing changed.
#[must_use]
pub fn movers(before: &Contents, after: &Contents) -> Vec<Mover> {
    let pulses = |contents: &Contents| -> BTreeMap<String, (String, Option<String>)> {
        let leases = contents.leases.iter();
        let leases =
            leases.map(|fact| (fact.key.clone(), (fact.pulse.clone(), fact.owner.clone())));
        let others = contents.pulses.iter();
        let others = others
            .map(|(whose, pulse)| (format!("@{whose}"), (pulse.clone(), Some(whose.clone()))));
        leases.chain(others).collect()
    };
    let (before, after) = (pulses(before), pulses(after));
    let mut moved: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        let (was, is) = (before.get(key), after.get(key));
        if was.map(|(pulse, _)| pulse) == is.map(|(pulse, _)| pulse) {
            continue;
        }
        // A row that disappeared does not show that its own worker lives: an unknown worker
        // deleted it.
        let worker = is.and_then(|(_, owner)| owner.clone());
        moved.entry(worker).or_default().push(key.clone());
    }
    moved.into_iter().map(|(worker, rows)| Mover { worker, rows }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{contents, fact};

    #[test]
    fn whoever_moves_is_named_with_what_moved() {
        let mut before = contents(&[fact(0, "49"), fact(1, "49"), fact(2, "49")]);
        before.leases[0].owner = Some("w1".to_owned());
        before.leases[1].owner = Some("w1".to_owned());
        assert_eq!(movers(&before, &before), []);
        let mut after = before.clone();
        after.leases[0].pulse = "8".to_owned();
        after.leases[1].pulse = "9".to_owned();
        let named = movers(&before, &after);
        assert_eq!(named.len(), 1);
        let shown = named[0].to_string();
        assert!(shown.contains("w1") && shown.contains("1 more"), "{shown}");
    }

    #[test]
    fn a_worker_without_a_lease_moves_by_what_it_measures() {
        let mut before = contents(&[fact(0, "49")]);
        before.pulses.insert("w7".to_owned(), "1".to_owned());
        let mut after = before.clone();
        after.pulses.insert("w7".to_owned(), "2".to_owned());
        assert_eq!(movers(&before, &after)[0].worker.as_deref(), Some("w7"));
        after = before.clone();
        after.leases.clear();
        assert_eq!(movers(&before, &after)[0].worker, None, "a row that goes is somebody's doing");
    }

    #[test]
    fn each_fence_says_what_it_rests_on() {
        for fence in [Fence::WritesRevoked, Fence::AtZero, Fence::Watched] {
            let says = fence.says(Duration::from_millis(20_000));
            assert!(says.starts_with(&fence.to_string()) && says.contains("20.0 s"), "{says}");
        }
    }
}
