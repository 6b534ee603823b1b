//! Changes one placement rule for other parts of the command: the dashboard and the screen of `kcl
//! leases watch` offer to pin a shard to a worker.
//!
//! [`Proposed::of`] computes the change, [`Proposed::shown`] gives its effect, and
//! [`Proposed::put`] writes it. A caller asks the user between the last two.

use anyhow::Context;
use kcl_core::{assignment::placement::Placement, change, env::Clock, placing, store::LeaseStore};
use serde_json::Value;

use super::{show, verdict::Verdict};
use crate::{config::Config, edit, outlook, picture::Picture};

/// A change of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Sets a rule: `shard:worker`; a question mark behind it means that the worker is preferred,
    /// and not required.
    Set(String),
    /// Removes the rule of this shard.
    Unset(String),
}

/// A change that is not written yet.
#[derive(Debug)]
pub(crate) struct Proposed {
    /// The application as it was read.
    picture: Picture,
    /// The document after the change.
    placement: Placement,
}

impl Proposed {
    /// Computes a change of the present rules. It takes about a heartbeat interval, until it is
    /// known which workers live. It writes nothing. `by` names the command, for the document.
    ///
    /// # Errors
    /// The store fails, the present rules cannot be decoded, the stream is unknown, or the edit is
    /// invalid.
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

    /// The effect as JSON: the moves, the leases that no worker would read, and the findings.
    ///
    /// # Errors
    /// The rules are too large for a document.
    pub(crate) fn shown(&self, what: &str) -> anyhow::Result<Value> {
        let Self { picture, placement } = self;
        let verdict = Verdict::of(picture, &placement.rules, &outlook::document(placement)?);
        show::json(what, picture, Some(placement), &placement.rules, &verdict)
    }

    /// Writes the change by compare-and-set, and wakes the planner.
    ///
    /// # Errors
    /// The store fails, or another command changed the document since it was read.
    pub(crate) async fn put(&self, store: &dyn LeaseStore) -> anyhow::Result<()> {
        let put = placing::put(store, &self.picture.stored, &self.placement).await;
        put.with_context(|| format!("the placement rules in {}", self.picture.store))
    }
}
