//! Starts: frozen once, and the same for every row.

use kcl_core::{coordinator::StoreCall, env::WallTime, lease::Checkpoint};

use super::{Fact, Invariant, Known};

/// The start of a stream is frozen once for all; a row starts there or at the trim horizon, and a
/// child, whose first record came later, always at the trim horizon.
#[derive(Debug, Default)]
pub(super) struct FrozenOnce {
    frozen: Option<Option<WallTime>>,
}

impl Invariant for FrozenOnce {
    fn name(&self) -> &'static str {
        "the start is frozen once"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Document(doc) if doc.name.as_str().starts_with("start:") => {
                let Some(start) = kcl_core::coordinator::FrozenStart::decode(&doc.body) else {
                    return Err(format!("{} makes no sense", doc.name));
                };
                if *self.frozen.get_or_insert(start.at) != start.at {
                    return Err(format!("{}: frozen to {:?} and {start:?}", doc.name, self.frozen));
                }
            }
            Fact::Lease { call: StoreCall::Create(_), after: Some(row), .. } => {
                let starts_well = match &row.checkpoint {
                    Checkpoint::Latest => false,
                    Checkpoint::AtTimestamp(at) => self.frozen == Some(Some(*at)),
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
