//! Terms: a newer planner is never written over.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::Assignment,
    lease::{DocName, PlanVersion},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// No planner writes over the document of a newer one, nor of itself with an older plan. In a store
/// that went back, and in a document that was deleted, versions come again, and what was sent
/// before may match them.
#[derive(Debug, Default)]
pub(super) struct TermsGoForward {
    newest: BTreeMap<DocName, PlanVersion>,
}

impl Invariant for TermsGoForward {
    fn name(&self) -> &'static str {
        "terms go forward"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        match fact {
            Fact::RolledBack => self.newest.clear(),
            Fact::DocumentGone(name) => {
                self.newest.remove(*name);
            }
            Fact::Document(doc) => {
                let Some(assignment) = Assignment::decode(&doc.body) else { return Ok(()) };
                let newest = self.newest.entry(doc.name.clone()).or_default();
                if assignment.version < *newest && known.now >= known.late_until {
                    return Err(format!("{}: {} over {newest}", doc.name, assignment.version));
                }
                *newest = assignment.version;
            }
            _ => {}
        }
        Ok(())
    }
}
