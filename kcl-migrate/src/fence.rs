//! Whether the old fleet is kept from writing, and whether it still moves.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::fact::Contents;

/// What keeps the old fleet from going on beside the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fence {
    /// The operator has revoked the old role's right to write its table.
    WritesRevoked,
    /// The operator says that the old fleet is scaled to zero.
    AtZero,
    /// Nothing moved in the table for twice the old fleet's failover time.
    Watched,
}

impl Fence {
    /// What it rests on, and what was looked at, in words.
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

/// Somebody who moved between two looks at a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mover {
    /// The worker; `None`: rows do not say.
    pub worker: Option<String>,
    /// What of it moved: keys of rows.
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

/// Who moved between two looks: whose rows changed, came or went.
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
        // Cleaning away a row of a worker that is gone is no life of that worker; that it is done
        // is somebody's.
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
