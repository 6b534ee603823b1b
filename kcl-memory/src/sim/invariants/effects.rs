//! Effects: in the order of their records, and where it is asked for, once and by the newest owner.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The name of [`EffectsInOrder`].
pub(in crate::sim) const IN_ORDER: &str = "effects come in order";
/// The name of [`EffectsOnce`].
pub(in crate::sim) const ONCE: &str = "no effect comes twice";
/// The name of [`EffectsOfAll`].
pub(in crate::sim) const WRITTEN: &str = "what is processed has its effect";
/// The name of [`NoStaleEffect`].
pub(in crate::sim) const FRESH: &str = "no former owner has an effect after its successor";

/// A record has its first effect after all that come before it have theirs: those of its shard and
/// of the shards it continues, or of them those of its partition key.
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

/// No record has its effect twice: for sinks that remember what they did.
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

/// No former owner of a shard has an effect after its successor had one: for sinks that compare
/// fencing tokens.
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

/// When the run is over, each record that is processed has had its effect.
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
