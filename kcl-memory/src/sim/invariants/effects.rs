//! Effects on the sink: in the order of the records and, where the test asks for it, once and never
//! by a former owner after its successor.
//!
//! The constants are the names of the invariants: the ledger finds by them what a violation means
//! to the user (`Broken`) and which records explain it.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The name of [`EffectsInOrder`].
pub(in crate::sim) const IN_ORDER: &str = "effects come in order";
/// The name of [`EffectsOnce`].
pub(in crate::sim) const ONCE: &str = "no effect comes twice";
/// The name of [`EffectsOfAll`].
pub(in crate::sim) const WRITTEN: &str = "what is processed has its effect";
/// The name of [`NoStaleEffect`].
pub(in crate::sim) const FRESH: &str = "no former owner has an effect after its successor";

/// A record has its first effect only after all records that come before it have had theirs: those
/// of its shard and of its ancestors, or only those with its partition key among them, as the test
/// asks.
///
/// Broken by a first `Effect` that names a `missing` record. Repeated effects are not checked.
#[derive(Debug)]
pub(super) struct EffectsInOrder;

impl Invariant for EffectsInOrder {
    fn name(&self) -> &'static str {
        IN_ORDER
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Effect(effect) if !effect.again => match &effect.missing {
                None => Ok(()),
                Some(missing) => Err(format!("{} was written before {missing}", effect.record)),
            },
            _ => Ok(()),
        }
    }
}

/// No record has a second effect. Only for tests whose sink remembers what it did
/// (`Simulation::exactly_once`).
///
/// Broken by an `Effect` of a record that had one before.
#[derive(Debug)]
pub(super) struct EffectsOnce;

impl Invariant for EffectsOnce {
    fn name(&self) -> &'static str {
        ONCE
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Effect(effect) if effect.again => {
                Err(format!("{} was written twice", effect.record))
            }
            _ => Ok(()),
        }
    }
}

/// No former owner of a shard has an effect after its successor had one. Only for tests whose sink
/// compares fencing tokens (`Simulation::no_stale_writes`).
///
/// Broken by an `Effect` under a lower epoch than the newest one under which the shard had an
/// effect. An effect whose epoch is unknown is not checked.
#[derive(Debug)]
pub(super) struct NoStaleEffect;

impl Invariant for NoStaleEffect {
    fn name(&self) -> &'static str {
        FRESH
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Effect(effect) = fact else { return Ok(()) };
        let (Some(epoch), Some(newest)) = (effect.epoch, &effect.newest) else { return Ok(()) };
        if newest.epoch <= epoch {
            return Ok(());
        }
        Err(format!(
            "{} was written by {} under epoch {epoch}, after {} had written {} under epoch {}",
            effect.record, effect.worker, newest.worker, newest.record, newest.epoch
        ))
    }
}

/// Each record that is processed has had its effect when the run is over, or need not have one.
///
/// Broken by a `Finished` fact of a record that is processed and not in effect: the processor
/// acknowledged it too early, and no worker will read it again.
#[derive(Debug)]
pub(super) struct EffectsOfAll;

impl Invariant for EffectsOfAll {
    fn name(&self) -> &'static str {
        WRITTEN
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Finished(finished) if finished.processed && !finished.in_effect => {
                Err(format!("{} was never written, and never will be", finished.record))
            }
            _ => Ok(()),
        }
    }
}
