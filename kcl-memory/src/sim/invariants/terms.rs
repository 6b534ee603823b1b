//! Terms: a newer planner is never written over.

use std::collections::BTreeMap;

use kcl_core::{
    assignment::placement::Inherited,
    coordinator::Assignment,
    lease::{DocName, Document, PlanVersion},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// No planner writes over the document of a newer one, nor of itself with an older plan. In a store
/// that went back, and in a document that was deleted, versions come again, and what was sent
/// before may match them.
#[derive(Debug, Default)]
pub(super) struct TermsGoForward {
    newest: BTreeMap<DocName, PlanVersion>,
}

/// The version of a document of a planner's, by its term. What shards inherit has the term alone.
fn version_of(doc: &Document) -> Option<PlanVersion> {
    if doc.name == DocName::inherited() {
        let (term, _) = Inherited::decode(&doc.body).ok()?;
        return Some(PlanVersion { term, version: 0 });
    }
    Assignment::decode(&doc.body).map(|assignment| assignment.version)
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
                let Some(version) = version_of(doc) else { return Ok(()) };
                let newest = self.newest.entry(doc.name.clone()).or_default();
                if version < *newest && known.now >= known.late_until {
                    return Err(format!("{}: {version} over {newest}", doc.name));
                }
                *newest = version;
            }
            _ => {}
        }
        Ok(())
    }
}
