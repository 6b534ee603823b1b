//! Pins a shard from the screen: computes what a `prefer` rule would move, and writes the rule.

use std::fmt;

use anyhow::Context;
use kcl_core::{
    assignment::placement::{Mode, Placement, Rule, Target},
    change,
    env::Clock,
    lease::WorkerId,
    placing,
    store::LeaseStore,
    stream::ShardId,
};

use crate::{
    config::Config,
    edit,
    outlook::{self, Outlook},
    picture::Picture,
};

/// A rule that the user asks for: the worker should read the shard while it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) shard: ShardId,
    pub(super) worker: WorkerId,
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} prefers {}", self.shard, self.worker)
    }
}

/// A pin and its effect.
#[derive(Debug)]
pub(super) struct Preview {
    pub(super) pin: Pin,
    /// What would move.
    pub(super) outlook: Outlook,
    /// The reading from which the outlook was made.
    picture: Picture,
    /// The document with the new rule.
    next: Placement,
}

impl Preview {
    /// Reads the application, and makes the plan that a planner would make with the rule.
    ///
    /// # Errors
    /// The store fails, or the rules in force cannot be decoded.
    pub(super) async fn of(
        store: &dyn LeaseStore,
        config: &Config,
        clock: &dyn Clock,
        pin: Pin,
    ) -> anyhow::Result<Self> {
        let picture = Picture::take(store, config, clock).await?;
        let before = picture.readable()?;
        let stream = picture.stream_name()?;
        let target = Target::Shard(pin.shard.clone());
        let rule = Rule::new(target, pin.worker.clone(), Mode::Prefer).for_stream(stream);
        let rules = edit::with(&before.rules, vec![rule], None, stream)?;
        let by = change::caller("kcl leases watch");
        let next = before.commanded(rules, &by, clock.wall());
        let outlook = Outlook::of(&picture, &outlook::document(&next)?);
        Ok(Self { pin, outlook, picture, next })
    }

    /// Writes the rule.
    ///
    /// # Errors
    /// The store fails, or the rules have changed since the preview.
    pub(super) async fn put(&self, store: &dyn LeaseStore) -> anyhow::Result<()> {
        let put = placing::put(store, &self.picture.stored, &self.next).await;
        put.with_context(|| format!("the rules in {}", self.picture.store))
    }
}
