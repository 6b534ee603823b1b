//! Takes: nobody loses a lease who has not ended or been told.

use std::collections::BTreeSet;

use kcl_core::{
    coordinator::{Assignment, Transfer},
    lease::{Epoch, LeaseKey, SessionId},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A lease is taken from another session only when that one has ended, or by an order to take it by
/// force that names that owner and its epoch.
#[derive(Debug, Default)]
pub(super) struct NobodyIsRobbed {
    ended: BTreeSet<SessionId>,
    ordered: BTreeSet<(LeaseKey, SessionId, Epoch)>,
}

impl Invariant for NobodyIsRobbed {
    fn name(&self) -> &'static str {
        "nobody is robbed"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Session { after: Some(after), .. } if after.has_ended() => {
                self.ended.insert(after.id.clone());
            }
            Fact::SessionLost { session } => {
                self.ended.insert((*session).clone());
            }
            Fact::Document(doc) => {
                let holds = Assignment::decode(&doc.body).map(|doc| doc.holds).unwrap_or_default();
                for hold in holds {
                    if let Some(from) = hold.from.filter(|from| from.how == Transfer::Force)
                        && let Some(owner) = from.owner
                    {
                        self.ordered.insert((hold.key, owner, from.epoch));
                    }
                }
            }
            Fact::Taken { row, from, epoch, lives: true } => {
                let order = (row.key.clone(), (*from).clone(), *epoch);
                if !self.ended.contains(*from) && !self.ordered.contains(&order) {
                    let (key, by) = (&row.key, &row.owner);
                    return Err(format!("{key}: {by:?} took it from {from}, which lives"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
