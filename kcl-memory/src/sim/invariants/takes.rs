//! Takes: no live worker loses a lease, except by a forced transfer that the planner ordered.

use std::collections::BTreeSet;

use kcl_core::{
    coordinator::{Assignment, Transfer},
    lease::{Epoch, LeaseKey, SessionId},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A session takes a lease from another session only if that session has ended, or if an assignment
/// orders a forced transfer from exactly this owner and epoch.
///
/// Broken by a `Taken` fact whose former owner's row is alive, without such an end or order.
#[derive(Debug, Default)]
pub(super) struct NobodyIsRobbed {
    /// Sessions whose end was seen, or whose row the store lost.
    ended: BTreeSet<SessionId>,
    /// Forced transfers in all assignments so far: lease, owner, and the owner's epoch.
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
