//! A change of the rules, for another part of the command that offers one: what it would do, and
//! doing it.

use anyhow::Context;
use kcl_core::{assignment::placement::Placement, change, env::Clock, placing, store::LeaseStore};
use serde_json::Value;

use super::{show, verdict::Verdict};
use crate::{config::Config, edit, outlook, picture::Picture};

/// A change of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// `shard:worker`, with a question mark behind if the worker is only preferred.
    Set(String),
    /// The rule of this shard is taken back.
    Unset(String),
}

/// A change, with what it would do.
#[derive(Debug)]
pub(crate) struct Proposed {
    picture: Picture,
    placement: Placement,
}

impl Proposed {
    /// What this edit would make of the rules that are there. Takes as long as a heartbeat, to see
    /// who is alive; changes nothing.
    ///
    /// # Errors
    /// The store's; the edit makes no sense.
    pub(crate) async fn of(
        edit: &Edit,
        by: &str,
        store: &dyn LeaseStore,
        config: &Config,
        clock: &dyn Clock,
    ) -> anyhow::Result<Self> {
        let picture = Picture::take(store, config, clock).await?;
        let before = picture.readable()?;
        let stream = picture.stream_name()?;
        let rules = match edit {
            Edit::Set(pair) => {
                let asked = edit::asked(std::slice::from_ref(pair), &[], stream)?;
                edit::with(&before.rules, asked, None, stream)?
            }
            Edit::Unset(shard) => {
                let named = edit::named(std::slice::from_ref(shard), &[])?;
                edit::without(&before.rules, &named, stream)?
            }
        };
        let placement = before.commanded(rules, &change::caller(by), clock.wall());
        Ok(Self { picture, placement })
    }

    /// What would move, what would be read by nobody, and what is wrong with it.
    ///
    /// # Errors
    /// The rules make no document.
    pub(crate) fn shown(&self, what: &str) -> anyhow::Result<Value> {
        let Self { picture, placement } = self;
        let verdict = Verdict::of(picture, &placement.rules, &outlook::document(placement)?);
        show::json(what, picture, Some(placement), &placement.rules, &verdict)
    }

    /// Makes the change.
    ///
    /// # Errors
    /// The store's; somebody else was faster.
    pub(crate) async fn put(&self, store: &dyn LeaseStore) -> anyhow::Result<()> {
        let put = placing::put(store, &self.picture.stored, &self.placement).await;
        put.with_context(|| format!("the placement rules in {}", self.picture.store))
    }
}
