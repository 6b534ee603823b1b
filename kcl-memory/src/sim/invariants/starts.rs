//! Starts: where reading begins is decided once, and each new lease row begins there.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::{FrozenStart, StoreCall},
    env::WallTime,
    lease::{Checkpoint, DocName, Lease},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The start of a stream is frozen once; only a reset of the closed application changes it. A new
/// lease row begins at the frozen start or at the trim horizon. A child of a shard begins at the
/// trim horizon, since all its records are newer than its parent's.
///
/// Broken by a second start document with another time while the application is open, and by a
/// created row that begins at `Latest` or at a time that is not the frozen one.
#[derive(Debug, Default)]
pub(super) struct FrozenOnce {
    /// The frozen start of each stream, by the name of its document. A stream that is deleted and
    /// made again has a new document.
    frozen: BTreeMap<DocName, Option<WallTime>>,
}

impl FrozenOnce {
    /// Whether `at` is the frozen start of the row's stream.
    fn starts_at(&self, row: &Lease, at: WallTime) -> bool {
        let frozen = row.key.stream().and_then(|stream| self.frozen.get(&DocName::start(&stream)));
        frozen == Some(&Some(at))
    }
}

impl Invariant for FrozenOnce {
    fn name(&self) -> &'static str {
        "the start is frozen once"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        match fact {
            Fact::StartLost { name } => {
                self.frozen.remove(*name);
            }
            Fact::Document(doc) if doc.name.as_str().starts_with("start:") => {
                let Some(start) = FrozenStart::decode(&doc.body) else {
                    return Err(format!("{} makes no sense", doc.name));
                };
                if known.closed {
                    self.frozen.insert(doc.name.clone(), start.at);
                }
                let first = *self.frozen.entry(doc.name.clone()).or_insert(start.at);
                if first != start.at {
                    return Err(format!("{}: frozen to {first:?} and {start:?}", doc.name));
                }
            }
            Fact::Lease { call: StoreCall::Create(_), after: Some(row), .. } => {
                let starts_well = match &row.checkpoint {
                    Checkpoint::Latest => false,
                    // The start is written after the rows.
                    Checkpoint::AtTimestamp(at) => known.closed || self.starts_at(row, *at),
                    _ => true,
                };
                if !starts_well {
                    return Err(format!("{} starts at {}", row.key, row.checkpoint));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
