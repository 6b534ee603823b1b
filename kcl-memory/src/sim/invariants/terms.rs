//! Terms: no planner overwrites the documents of a newer planner.

use std::collections::BTreeMap;

use kcl_core::{
    assignment::placement::Inherited,
    coordinator::Assignment,
    lease::{DocName, Document, PlanVersion},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// No planner overwrites a document of a newer planner, nor its own document with an older plan.
///
/// Broken by a `Document` fact whose version is below the newest of that document. Versions may
/// come again after the store lost its last writes or after the document was deleted: the newest
/// version is then forgotten, and calls that were sent before may still match
/// ([`Known::late_until`]).
#[derive(Debug, Default)]
pub(super) struct TermsGoForward {
    /// The highest version of each planner's document.
    newest: BTreeMap<DocName, PlanVersion>,
}

/// The plan version in a document that planners write; `None` for any other document. The document
/// of inherited rules has a term and no plan number, which counts as 0.
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
