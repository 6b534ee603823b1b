//! Placement: nobody takes what a rule gives to somebody else, and the rules are the operator's.

use kcl_core::lease::DocName;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A lease that a rule requires to be one worker's is taken by no other, also when that worker is
/// dead: rather it waits.
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

/// No worker writes the document of the operator's rules.
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
