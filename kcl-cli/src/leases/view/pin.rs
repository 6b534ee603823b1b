//! Pinning a shard: what a rule would move, and putting the rule.

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

/// A shard and the worker that it is to prefer.
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

/// What a pin comes to.
#[derive(Debug)]
pub(super) struct Preview {
    pub(super) pin: Pin,
    pub(super) outlook: Outlook,
    picture: Picture,
    next: Placement,
}

impl Preview {
    /// Looks at the application, and what the planner would make of it with the rule.
    ///
    /// # Errors
    /// The store's; the rules in force make no sense.
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

    /// Puts the rule, if the rules are as they were looked at.
    ///
    /// # Errors
    /// The store's; somebody else changed the rules.
    pub(super) async fn put(&self, store: &dyn LeaseStore) -> anyhow::Result<()> {
        let put = placing::put(store, &self.picture.stored, &self.next).await;
        put.with_context(|| format!("the rules in {}", self.picture.store))
    }
}
