//! Placement rules: workers respect them, and no worker writes them.

use kcl_core::lease::DocName;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// Only the worker that a rule requires takes a lease. While that worker is not there, the lease
/// waits.
///
/// Broken by a `Lease` fact in which another worker becomes the owner than the one `allowed`. The
/// world sets `allowed` only if every planner has had time to read the rules.
#[derive(Debug)]
pub(super) struct RulesRespected;

impl Invariant for RulesRespected {
    fn name(&self) -> &'static str {
        "rules are respected"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Lease { before, after: Some(after), allowed: Some(allowed), .. } = fact else {
            return Ok(());
        };
        let was = before.and_then(|row| row.owner.as_ref());
        match &after.owner {
            Some(owner) if Some(owner) != was && owner.worker != *allowed => {
                Err(format!("{} was taken by {owner}, it is {allowed}'s", after.key))
            }
            _ => Ok(()),
        }
    }
}

/// No worker writes or deletes the document of the operator's rules.
///
/// Broken by a `Document` or `DocumentGone` fact of its name. The simulated operator writes the
/// document without these facts.
#[derive(Debug)]
pub(super) struct RulesAreTheOperators;

impl Invariant for RulesAreTheOperators {
    fn name(&self) -> &'static str {
        "rules are the operator's"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Document(doc) if doc.name == DocName::placement() => {
                Err(format!("a worker wrote {} in version {}", doc.name, doc.version))
            }
            Fact::DocumentGone(name) if **name == DocName::placement() => {
                Err(format!("a worker deleted {name}"))
            }
            _ => Ok(()),
        }
    }
}
